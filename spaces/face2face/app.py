"""A Space of the Hub: facezoo: Face2Face."""

from facezoo.ui.public.serve import serve

if __name__ == "__main__":
    serve(["face2face"], host="0.0.0.0")
