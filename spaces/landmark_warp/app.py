"""A Space of the Hub: facezoo: Landmark warp."""

from facezoo.ui.public.serve import serve

if __name__ == "__main__":
    serve(["landmark_warp"], host="0.0.0.0")
