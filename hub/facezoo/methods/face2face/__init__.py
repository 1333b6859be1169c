"""face2face: what a face does, drawn, and a network that paints a person over the drawing."""

from .spec import SPEC, Params

__all__ = ["SPEC", "Params"]
