"""What is said of a result: in its seal, and in the record that `facezoo run --json` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Literal

from facezoo.media.stopwatch import Stopwatch
from facezoo.safety.seal import Claim
from facezoo.types import MethodSpec, Sealed

__all__ = ["Label", "claim_of", "recorded"]

Label = Literal["small", "medium", "large"]


def _weights(spec: MethodSpec) -> dict[str, str]:
    return {"repo": spec.weights.repo, "revision": spec.weights.revision, "sha256": spec.weights.sha256}


def claim_of(
    spec: MethodSpec,
    persona: str | None,
    params: Any,
    seed: int,
    sources: tuple[str, ...],
    personas: Mapping[int, str] | None = None,
) -> Claim:
    """What the seal says. sources: sha256 of the files that went in. personas: face number -> id."""
    weights, named = _weights(spec), _named(personas)
    task = spec.task(params)
    return Claim(spec.id, spec.title, spec.year, weights, persona, asdict(params), seed, sources, task, named)


def recorded(
    sealed: Sealed,
    spec: MethodSpec,
    persona: str | None,
    faces: int,
    clock: Stopwatch,
    personas: Mapping[int, str] | None = None,
) -> Sealed:
    """The result record of `facezoo run --json`; it has "personas" only when each face was given its own."""
    seconds = {name: round(value, 4) for name, value in clock.seconds.items()}
    record = sealed.record | {
        "method": spec.id,
        "persona": persona,
        "weights": _weights(spec),
        "faces": faces,
        "seconds": seconds | {"total": round(clock.total, 4)},
    }
    named = _named(personas)
    return replace(sealed, record=record if named is None else record | {"personas": named})


def _named(personas: Mapping[int, str] | None) -> dict[str, str] | None:
    """As JSON has it, where keys are text."""
    return None if personas is None else {str(number): id for number, id in sorted(personas.items())}
