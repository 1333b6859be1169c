"""A Space of the Hub: facezoo: DeepFakes."""

from facezoo.ui.app import build, launch

if __name__ == "__main__":
    launch(build(["deepfakes"]), host="0.0.0.0")
