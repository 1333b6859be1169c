"""cyclegan: one kind of picture turned into another, learned without pairs."""

from .spec import SPEC, Params

__all__ = ["SPEC", "Params"]
