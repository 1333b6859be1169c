"""A Space of the Hub: facezoo: DeepFakes."""

from facezoo.ui.public.serve import serve

if __name__ == "__main__":
    serve(["deepfakes"], host="0.0.0.0")
