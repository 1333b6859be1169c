"""A Space of the Hub: facezoo: Motion transfer."""

from facezoo.ui.app import build, launch

if __name__ == "__main__":
    launch(build(["motion_transfer"]), host="0.0.0.0")
