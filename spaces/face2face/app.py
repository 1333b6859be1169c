"""A Space of the Hub: facezoo: Face2Face."""

from facezoo.ui.app import build, launch

if __name__ == "__main__":
    launch(build(["face2face"]), host="0.0.0.0")
