"""A Space of the Hub: facezoo: Talking head."""

from facezoo.ui.app import build, launch

if __name__ == "__main__":
    launch(build(["talking_head"]), host="0.0.0.0")
