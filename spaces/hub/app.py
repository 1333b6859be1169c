"""A Space of the Hub: facezoo."""

from facezoo.ui.public.serve import serve

if __name__ == "__main__":
    serve(host="0.0.0.0")
