"""Who becomes whom: which faces are followed, and the identity that each of them gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from facezoo.errors import UsageError
from facezoo.face.follow import Wanted
from facezoo.runner.admit import check_knows, identity_of, persona_face
from facezoo.types import Face, MethodSpec

__all__ = ["Cast", "FaceChoice", "cast_of"]

FaceChoice = int | Literal["all"]


@dataclass(frozen=True, eq=False)
class Cast:
    """wanted: the faces that are changed. identity: what they become, None when the method puts on no other face. each:
    face number -> identity, for those that get one of their own. persona: the id when it is the same for all. personas:
    face number -> persona id, as it was asked for. sources: sha256 of a second photo."""

    wanted: Wanted
    identity: Face | None = None
    each: Mapping[int, Face] = field(default_factory=dict[int, Face])
    persona: str | None = None
    personas: Mapping[int, str] | None = None
    sources: tuple[str, ...] = ()

    def identity_of(self, number: int) -> Face | None:
        """What the face of this number becomes."""
        return self.each.get(number, self.identity)


def cast_of(
    spec: MethodSpec,
    face: FaceChoice | None,
    persona: str | None,
    personas: Mapping[int, str] | None,
    source: str | Path | None,
    consent: bool | None,
    *,
    own: bool = False,
) -> Cast:
    """What the arguments of `runner.run` of these names say. own: the weights are the user's own, and know themselves
    whom they put on. Raises UsageError for what does not go together, and as `admit.identity_of` does."""
    if own:
        if persona is not None or personas is not None or source is not None:
            raise UsageError("One's own weights know whom they put on.", "Leave persona, personas and source out.")
        return Cast(face or 1)
    if personas is None:
        identity, persona, sources = identity_of(spec, persona, source, consent)
        return Cast(face or 1, identity, persona=persona, sources=sources)
    if face is not None or persona is not None or source is not None:
        raise UsageError(
            "A persona for each face was given, and face, persona or source as well.", "Give personas alone."
        )
    if not spec.inputs.persona:
        raise UsageError(f"{spec.id} takes no persona.", "Leave it out.")
    if not personas:
        raise UsageError("No face was given a persona.", "Give at least one: {1: 'imani'}.")
    ids = set(personas.values())
    for id in ids:
        check_knows(spec, id)
    return Cast(
        frozenset(personas),
        each={number: persona_face(id) for number, id in personas.items()},
        persona=ids.pop() if len(ids) == 1 else None,
        personas=personas,
    )
