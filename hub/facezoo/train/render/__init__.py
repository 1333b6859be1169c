"""Rendered frames: synthetic people in poses, expressions and light."""
