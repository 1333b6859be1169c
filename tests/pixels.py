"""Print the sha256 of all that goes into a seal, for every method: commits that print the same make the same pixels.

    python tests/pixels.py > after.txt    # PYTHONPATH=elsewhere/hub runs another checkout

Three pictures, a group and a clip for methods that swap or restyle; three pictures by a clip, a motion and sliders
for those that animate. Hashes depend on the processor: compare on one machine.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import facezoo.safety.seal as sealing

_seal = sealing.seal
_seen = hashlib.sha256()


def _watched(frames: Iterator[Any], *arguments: Any, **named: Any) -> Any:
    def through() -> Iterator[Any]:
        for frame in frames:
            _seen.update(np.ascontiguousarray(frame.image).tobytes())
            yield frame

    return _seal(through(), *arguments, **named)


sealing.seal = _watched  # before the runner takes it

import facezoo  # noqa: E402
from facezoo import registry  # noqa: E402
from facezoo.errors import FacezooError  # noqa: E402
from facezoo.zoo import embedded  # noqa: E402

_PICTURES = ("laughing", "castiglione", "glasses")


def main() -> None:
    """Run everything; a line a result."""
    global _seen  # noqa: PLW0603
    shown = {each.path.stem: each.path for each in embedded.examples()}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        portraits = [Image.open(shown[name]).convert("RGB").resize((320, 400)) for name in _PICTURES]
        group, clip = folder / "group.png", folder / "clip.gif"
        wide = Image.new("RGB", (960, 400))
        for place, portrait in enumerate(portraits):
            wide.paste(portrait, (320 * place, 0))
        wide.save(group)
        frames = [portraits[0].rotate(2 * turn, resample=Image.Resampling.BICUBIC) for turn in range(6)]
        frames[0].save(clip, save_all=True, append_images=frames[1:], duration=80)
        inputs = [*(shown[name] for name in _PICTURES), group, clip]
        for spec in registry.list_methods():
            for path in inputs if spec.tasks != ("animate",) else inputs[:3]:
                for task, more in _calls(spec, path, clip):
                    _seen = hashlib.sha256()
                    try:
                        facezoo.run(
                            spec.id, path, consent=True, seed=3, output=folder / ("o" + _suffix(path, more)), **more
                        )
                        told = _seen.hexdigest()
                    except FacezooError as error:
                        told = str(error)
                    print(spec.id, path.name, task, told, flush=True)


def _calls(spec: Any, path: Path, clip: Path) -> list[tuple[str, dict[str, Any]]]:
    everyone: dict[str, Any] = {"face": "all"}
    if spec.tasks == ("animate",):
        return [("clip", {"driving": clip}), ("smile", {"driving": "smile"}), ("turned", {"params": {"yaw": 15}})]
    calls: list[tuple[str, dict[str, Any]]] = []
    if "swap" in spec.tasks and spec.id != "cyclegan":
        calls += [(id, everyone | {"persona": id}) for id in ("tarek", "orla")]
    if spec.id == "cyclegan":
        calls += [
            (f"{task} {style}", {"params": {"task": task, "style": style}})
            for task in ("photo_to_painting", "painting_to_photo")
            for style in ("van_gogh", "old_masters")
        ]
        calls += [("persona", everyone | {"params": {"task": "persona"}})]
    return calls


def _suffix(path: Path, more: dict[str, Any]) -> str:
    return ".mp4" if path.suffix == ".gif" or (isinstance(more.get("driving"), (str, Path))) else ".png"


if __name__ == "__main__":
    sys.exit(main())
