"""A Space of the Hub: facezoo: pix2pixHD."""

from facezoo.ui.public.serve import serve

if __name__ == "__main__":
    serve(["pix2pixhd"], host="0.0.0.0")
