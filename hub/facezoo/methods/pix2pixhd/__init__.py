"""pix2pixhd: pictures from drawings at high resolution, from coarse to fine."""

from .spec import SPEC, Params

__all__ = ["SPEC", "Params"]
