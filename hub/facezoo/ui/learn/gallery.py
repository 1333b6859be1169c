"""What the pages show of the finished results that ship with Compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facezoo.types import MethodSpec
from facezoo.ui.common.gallery import finished, places
from facezoo.zoo.embedded import examples

__all__ = ["Result", "chain", "face_part", "result_of", "telling", "through_all"]

_PICTURE, _WHO = "curls", "tarek"
_TELLS = (
    ("landmark_warp", "headwrap", "orla", "The skin is new, the shape is not: who knows the person sees the old jaw "
     "and cheeks. Look at the edges of the face and at the brow: wrinkles stop where the mask stops."),
    ("face2face", "laughing", "joss", "A painter of drawings knows nothing between the lines: look at the teeth and "
     "at wrinkles around the laugh that the drawing never mentioned."),
    ("deepfakes", "denim", "tarek", "Decoded small and enlarged: the skin is smoother than the hair beside it, and "
     "teeth are one white band. Look for the change of sharpness at the edge."),
    ("cyclegan", "evening", "tarek", "Texture changed, shape did not: brows and beard are painted onto the old nose. "
     "Look for a fine grid in the smooth skin."),
)  # fmt: skip
"""Method, ready picture, persona, and what to look for."""
_AROUND = 1.7  # faces high


@dataclass(frozen=True)
class Result:
    """A result that ships, beside its picture. part: (width, left, top) in percent of a square around the face."""

    spec: MethodSpec
    before: Path
    after: Path
    subject: str
    part: tuple[float, float, float]
    words: str = ""


def face_part(picture: str, size: tuple[int, int], around: float = _AROUND) -> tuple[float, float, float]:
    """The square around the largest face: (width of the whole picture, its left, its top) in percent of the square's
    side. size: (width, height) of the picture."""
    left, top, across, down = places(picture)[0]
    wide, high = size
    side = min(around * down / 100 * high, wide, high)
    x = min(max((left + across / 2) / 100 * wide - side / 2, 0), wide - side)
    y = min(max((top + down / 2) / 100 * high - side / 2, 0), high - side)
    return (100 * wide / side, -100 * x / side, -100 * y / side)


def through_all(specs: Sequence[MethodSpec]) -> dict[str, Result]:
    """Method id -> its result of the one picture that goes through all."""
    return {spec.id: found for spec in specs if (found := result_of(spec, _PICTURE, _WHO))}


def telling(specs: Sequence[MethodSpec]) -> list[Result]:
    """One result of each method by which one sees its weakness."""
    offered = {spec.id: spec for spec in specs}
    found = [result_of(offered[id], picture, who, words) for id, picture, who, words in _TELLS if id in offered]
    return [each for each in found if each]


def chain() -> Mapping[str, Any]:
    """What the manifest of a result that ships says: who signed it, what was done, what it was made of."""
    from facezoo.registry import load_spec
    from facezoo.safety import c2pa

    result = result_of(load_spec("face2face"), _PICTURE, _WHO)
    if result is None:
        return {}
    status, manifest = c2pa.read(result.after)
    told = manifest or {}
    assertions = {each["label"]: each["data"] for each in told.get("assertions", [])}
    ours = assertions.get("org.facezoo.result", {})
    actions = assertions.get("c2pa.actions.v2", {}).get("actions", [])
    signed = told.get("signature_info", {})
    return {
        "status": status,
        "file": result.after.name,
        "source": next(iter(ours.get("source_sha256", [])), ""),
        "actions": [str(each.get("action", "")) for each in actions],
        "method": f"{ours.get('title', '')} {ours.get('year', '')}",
        "weights": ours.get("weights", {}).get("sha256", ""),
        "created": ours.get("created", ""),
        "issuer": signed.get("common_name") or signed.get("issuer", ""),
        "algorithm": signed.get("alg", ""),
    }


def result_of(spec: MethodSpec, picture: str, who: str, words: str = "", *, around: float = _AROUND) -> Result | None:
    """A result that ships, None when it does not. around: how many faces high the part is that is shown."""
    sealed = finished(picture, who, [spec]).get(spec.id)
    example = next((each for each in examples() if each.id == picture), None)
    if sealed is None or example is None:
        return None
    size = sealed.sealed.record["size"]
    part = face_part(picture, (size[0], size[1]), around)
    return Result(spec, example.path, sealed.sealed.path, example.title, part, words)
