"""talking_head: a head that speaks, from a few photos, by few-shot learning."""

from .spec import SPEC, Params

__all__ = ["SPEC", "Params"]
