"""A Space of the Hub: facezoo: pix2pixHD."""

from facezoo.ui.app import build, launch

if __name__ == "__main__":
    launch(build(["pix2pixhd"]), host="0.0.0.0")
