"""A Space of the Hub: facezoo: CycleGAN."""

from facezoo.ui.public.serve import serve

if __name__ == "__main__":
    serve(["cyclegan"], host="0.0.0.0")
