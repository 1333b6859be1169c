"""A Space of the Hub: facezoo: Motion transfer."""

from facezoo.ui.public.serve import serve

if __name__ == "__main__":
    serve(["motion_transfer"], host="0.0.0.0")
