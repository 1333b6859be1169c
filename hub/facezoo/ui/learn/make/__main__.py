"""Makes the exhibits of the Learn tab: `python -m facezoo.ui.learn.make [GROUP...]`.

Without groups all of them; `rings` alone, which trains, takes more than ten minutes of processor time. They are signed
by a key that is made for this run and thrown away; its root certificate goes into safety/anchors_learn.pem, beside
those of the groups that stay.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from facezoo.safety.c2pa import identity
from facezoo.ui.learn.exhibits import FOLDER, MANIFEST, shipped_rows
from facezoo.ui.learn.make.counts import counts
from facezoo.ui.learn.make.hardship import HARDSHIPS, hardship
from facezoo.ui.learn.make.movement import head, moved
from facezoo.ui.learn.make.noise import diffusion
from facezoo.ui.learn.make.people import deepfakes
from facezoo.ui.learn.make.rings import rings
from facezoo.ui.learn.make.row import Row, write
from facezoo.ui.learn.make.traces import traces
from facezoo.ui.learn.make.translation import cyclegan, drawings
from facezoo.ui.learn.make.verdicts import verdicts

__all__ = ["GROUPS", "main"]

GROUPS: Mapping[str, tuple[tuple[str, ...], Callable[[], Iterator[Row]]]] = {
    "cyclegan": (("cyclegan-ring", "cyclegan-difference", "cyclegan-styles", "cyclegan-loose"), cyclegan),
    "rings": (("cyclegan-rules",), rings),
    "drawings": (("face2face-drawing", "face2face-picture", "face2face-skips", "pix2pixhd-"), drawings),
    "verdicts": (("face2face-verdicts",), verdicts),
    "deepfakes": (("deepfakes-",), deepfakes),
    "counts": (("counts-",), counts),
    "moved": (("motion_transfer-",), moved),
    "head": (("talking_head-",), head),
    "diffusion": (("diffusion-",), diffusion),
    "traces": (("traces-",), traces),
    **{f"lab-{name}": ((f"lab-{name}",), partial(hardship, name)) for name in HARDSHIPS},
}
"""Name of a group -> how the names of its rows begin, and what makes them."""
_ANCHORS = Path(str(files("facezoo"))) / "safety" / "anchors_learn.pem"
_END = "-----END CERTIFICATE-----\n"


def main() -> None:
    """Makes the groups that are asked for anew, and prints where each row is."""
    parser = argparse.ArgumentParser(prog="python -m facezoo.ui.learn.make", description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help="all when none is named")
    chosen = parser.parse_args().groups or list(GROUPS)
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["FACEZOO_HOME"] = home
        for number, name in enumerate(chosen):
            begins, rows = GROUPS[name]
            kept = _kept(begins if number or len(chosen) < len(GROUPS) else ("",))
            made: dict[str, Any] = {}
            for row in rows():
                made[row.name] = write(row)
                print(FOLDER / f"{row.name}.avif")
            _record(kept | made, identity().certificates.split(_END)[-2].lstrip() + _END, alone=not kept)


def _record(told: Mapping[str, Any], root: str, *, alone: bool) -> None:
    """Writes the manifest and whom to trust, and removes what is in neither. alone: nothing older stays."""
    known = _ANCHORS.read_text(encoding="ascii") if _ANCHORS.is_file() and not alone else ""
    _ANCHORS.write_text(known if root in known else known + root, encoding="ascii")
    lines = ",\n".join(f' "{name}": {json.dumps(told[name])}' for name in sorted(told))
    MANIFEST.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    for old in shipped_rows():
        if old.stem not in told:
            old.unlink()


def _kept(anew: tuple[str, ...]) -> dict[str, Any]:
    """The entries of rows that are not made anew."""
    if not MANIFEST.is_file():
        return {}
    known: dict[str, Any] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return {name: facts for name, facts in known.items() if not name.startswith(anew)}


if __name__ == "__main__":
    main()
