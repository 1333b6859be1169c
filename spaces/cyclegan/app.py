"""A Space of the Hub: facezoo: CycleGAN."""

from facezoo.ui.app import build, launch

if __name__ == "__main__":
    launch(build(["cyclegan"]), host="0.0.0.0")
