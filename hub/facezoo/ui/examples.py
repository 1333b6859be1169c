"""Makes the finished results that the hub opens with: `python -m facezoo.ui.examples`.

Each method that has an example.json, {"input": example id, "persona": persona id}, gets an example.jpg beside it; one
that animates, {"input": example id, "driving": template name}, an example.mp4; or {"input": example id, "say": text,
"voice": language, "speaker": "man" or "woman"}, for which espeak-ng must be installed. Every shipped motion gets a
small film and a still in ui/animate/motions, and every ready picture through every method that swaps, as every persona,
a place in ui/gallery: two and a half minutes of processor time. All are signed by a key that is made for this run
and thrown away; its root certificate goes into safety/anchors.pem, so that every facezoo verifies them as trusted.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import numpy as np

from facezoo import registry, runner
from facezoo.face.find import find_faces
from facezoo.media.read import read_photo
from facezoo.motion.motion import Motion
from facezoo.motion.template import save_template, shipped, shipped_names, template_from
from facezoo.safety.c2pa import identity
from facezoo.types import MethodSpec, Sealed
from facezoo.ui.animate.motions import FOLDER, previews
from facezoo.ui.common.results import shipped_example
from facezoo.ui.finished import make_gallery
from facezoo.zoo.embedded import examples, persona

__all__ = ["main"]

_MODEL = "tarek"  # the synthetic person who shows the motions
_SIDE = 192  # px
_AROUND, _SPEAKER_SIDE = 2.4, 384  # faces high, and px: the part of a painting that speaks
_OPEN = 0.85  # of an eye at rest; a still of a blink says nothing
_END = "-----END CERTIFICATE-----\n"


def main() -> None:
    """Make all examples anew and print where they are."""
    pictures = {example.id: example.path for example in examples()}
    package = Path(str(files("facezoo")))
    with tempfile.TemporaryDirectory() as home:
        os.environ["FACEZOO_HOME"] = home
        for spec in registry.list_methods():
            folder = package / "methods" / spec.id
            if not (folder / "example.json").is_file():
                continue
            chosen = json.loads((folder / "example.json").read_text(encoding="utf-8"))
            if "say" in chosen:
                sealed = _speaking(spec, chosen, pictures[chosen["input"]], Path(home))
            else:
                sealed = runner.run(
                    spec.id,
                    pictures[chosen["input"]],
                    persona=chosen.get("persona"),
                    driving=chosen.get("driving"),
                    output=shipped_example(spec),
                )
            facts = json.dumps(chosen | {"weights": spec.weights.sha256})
            (folder / "example.json").write_text(facts + "\n", encoding="utf-8")
            print(sealed.path)
        _make_motions(Path(home))
        make_gallery()
        root = identity().certificates.split(_END)[-2].lstrip() + _END
        (package / "safety" / "anchors.pem").write_text(root, encoding="ascii")


def _speaking(spec: MethodSpec, chosen: Mapping[str, str], picture: Path, scratch: Path) -> Sealed:
    """The face of a painting says a sentence."""
    from PIL import Image

    face = find_faces(read_photo(picture))[0].box
    with Image.open(picture) as painting:
        side = min(_AROUND * (face.bottom - face.top), *painting.size)
        left = min(max((face.left + face.right - side) / 2, 0), painting.width - side)
        top = min(max((face.top + face.bottom - side) / 2, 0), painting.height - side)
        detail = painting.convert("RGB").resize(
            (_SPEAKER_SIDE, _SPEAKER_SIDE), Image.Resampling.LANCZOS, (left, top, left + side, top + side)
        )
        detail.save(scratch / "detail.png")
    manner = runner.Manner(voice=chosen["voice"], speaker=cast("Any", chosen["speaker"]), speed=140)
    with runner.spoken(chosen["say"], manner=manner) as speech:
        return runner.run(
            spec.id,
            scratch / "detail.png",
            driving=speech,
            consent=True,  # a painting that ships
            output=shipped_example(spec),
        )


def _make_motions(scratch: Path) -> None:
    """NAME.mp4, the motion on a synthetic person, and NAME.webp, its most expressive moment."""
    from PIL import Image

    with Image.open(persona(_MODEL).portrait) as portrait:
        portrait.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS).save(scratch / "model.png")
    FOLDER.mkdir(exist_ok=True)
    for old in previews():
        old.unlink()
    for name in shipped_names():
        motion = shipped(name)
        seeing = [each for each in motion.motions if each.eyes.max() > _OPEN] or motion.motions
        peak = template_from([max(seeing, key=_expressive)], motion.rate, name)
        for file, shown in {f"{name}.mp4": motion, f"{name}.webp": peak}.items():
            sealed = runner.run(
                "motion_transfer",
                scratch / "model.png",
                driving=save_template(shown, scratch / f"{name}.motion"),
                consent=True,  # nobody's face
                output=FOLDER / file,
            )
            print(sealed.path)


def _expressive(motion: Motion) -> float:
    """How far from a resting face: the turn in radians, the points in head units, eyes and gaze."""
    turned = float(np.linalg.norm(motion.rotation - np.eye(3)))
    moved = float(np.linalg.norm(motion.expression, axis=1).max())
    return turned + 4 * moved + float(np.abs(motion.eyes - 1).max()) * 0.2 + float(np.abs(motion.gaze).max())


if __name__ == "__main__":
    main()
