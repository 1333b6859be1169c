"""A Space of the Hub: facezoo: Landmark warp."""

from facezoo.ui.app import build, launch

if __name__ == "__main__":
    launch(build(["landmark_warp"]), host="0.0.0.0")
