"""A Space of the Hub: facezoo."""

from facezoo.ui.app import build, launch

if __name__ == "__main__":
    launch(build(), host="0.0.0.0")
