"""Faces in still pictures: found, measured, aligned, and pasted back."""
