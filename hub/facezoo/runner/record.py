"""What is said of a result: in its seal, and in the record that `facezoo run --json` prints."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Literal

from facezoo.media.stopwatch import Stopwatch
from facezoo.safety.seal import Claim
from facezoo.types import MethodSpec, Sealed

__all__ = ["Label", "claim_of", "recorded"]

Label = Literal["small", "medium", "large"]


def _weights(spec: MethodSpec) -> dict[str, str]:
    return {"repo": spec.weights.repo, "revision": spec.weights.revision, "sha256": spec.weights.sha256}


def claim_of(spec: MethodSpec, persona: str | None, params: Any, seed: int, sources: tuple[str, ...]) -> Claim:
    """What the seal says. sources: sha256 of the files that went in."""
    return Claim(spec.id, spec.title, spec.year, _weights(spec), persona, asdict(params), seed, sources, spec.tasks[0])


def recorded(sealed: Sealed, spec: MethodSpec, persona: str | None, faces: int, clock: Stopwatch) -> Sealed:
    """The result record of `facezoo run --json`."""
    seconds = {name: round(value, 4) for name, value in clock.seconds.items()}
    record = sealed.record | {
        "method": spec.id,
        "persona": persona,
        "weights": _weights(spec),
        "faces": faces,
        "seconds": seconds | {"total": round(sum(clock.seconds.values()), 4)},
    }
    return replace(sealed, record=record)
