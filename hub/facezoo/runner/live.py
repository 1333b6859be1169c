"""A photo that follows a webcam or sliders, for a page that shows it at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from facezoo import registry
from facezoo.errors import UsageError
from facezoo.face.template import Template
from facezoo.method import AnimationPipeline
from facezoo.runner.admit import admit, portrait_of
from facezoo.safety import content
from facezoo.safety.label import draw
from facezoo.safety.watermark import mark
from facezoo.types import Image

__all__ = ["Live"]

_CHECKED_EVERY = 30  # frames of a webcam between two content checks


class Live:
    """One photo, found and made ready once, then moved as often as wanted. Every picture it gives is labelled and
    watermarked; to keep one, run the method on the recorded motion, which signs the file as well.

    method: an id. path: the photo. consent, face: as in `runner.run`. Raises what `runner.run` raises."""

    def __init__(
        self, method: str, path: str | Path, *, consent: bool | None = None, face: int | Literal["all"] = 1
    ) -> None:
        self.spec = registry.load_spec(method)
        pipeline = registry.load(method)
        if not isinstance(pipeline, AnimationPipeline):
            raise UsageError(f"{method} does not animate portraits.", "Choose a method that does.")
        self._pipeline = pipeline
        self._source, self._others = portrait_of(admit(Path(path), consent, "the picture"), face)
        self._frames = 0
        self.restart({})

    def restart(self, params: Mapping[str, Any]) -> None:
        """Forget what was followed; the next frame is a new beginning. params: by name."""
        chosen = registry.parse_params(self.spec, params)
        self._animation = self._pipeline.live(self._source, others=self._others, params=chosen)

    def follow(self, image: Image, time: float) -> Image:
        """The photo as the driver looks now. image: (H, W, 3) RGB uint8; time: seconds, growing."""
        if self._frames % _CHECKED_EVERY == 0:
            content.check(image)
        self._frames += 1
        return mark(draw(self._animation.follow(image, time), "small"))

    def pose(self, params: Mapping[str, Any]) -> Image:
        """The photo as the parameters alone move it."""
        return mark(draw(self._animation.pose(registry.parse_params(self.spec, params)), "small"))

    def recorded(self) -> Template:
        """The motion that was followed, without a picture of the driver."""
        return self._animation.recorded()
