"""The Animate tab."""
