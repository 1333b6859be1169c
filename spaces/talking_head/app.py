"""A Space of the Hub: facezoo: Talking head."""

from facezoo.ui.public.serve import serve

if __name__ == "__main__":
    serve(["talking_head"], host="0.0.0.0")
