"""What pictures are told by the truth, and how a head learns one face.

Source: Zakharov et al. 2019, section 3.4: psi becomes a parameter of its own and is trained, with the generator, on the
few photos there are. Besides the photos themselves there are frames that the motion engine renders of them, and there
is no discriminator: it would have to be trained on a handful of pictures.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from facezoo.types import Face

from .bilayer import Bilayer, Layers
from .content import Content
from .videos import Batch, Video, draw_batch, judged_part, move_face

__all__ = ["compare", "learn", "videos_of"]

_FRAMES = 16  # rendered of each photo
_BATCH = 4
_RATE, _PSI_RATE = 2e-4, 1e-3
_CONTENT = 0.05
_ALONE = 10.0  # how much more a painted pixel counts where nothing is carried
_TRUST = 0.02  # of the photos' texture, over a blurred mixture that is on average as near


def compare(made: dict[str, Tensor], batch: Batch, content: Content, share: float = _CONTENT) -> dict[str, Tensor]:
    """What pictures are told by the truth: pixels of the result and of its layers, content of a part; and that
    the warp is mended and the photos painted over no more than needed. share: of the content loss."""
    weight = batch.weight / batch.weight.mean()
    terms = {"l1": (weight * (made["picture"] - batch.truth).abs()).mean()}
    part, true = judged_part(made["picture"], batch), judged_part(batch.truth, batch)
    terms["content"] = share * content(part, true)
    if "coarse" in made:
        alone = 1 + _ALONE * (1 - made["mask"].detach())
        terms["coarse"] = 0.3 * (weight * alone * (made["coarse"] - batch.truth).abs()).mean()
        terms["carried"] = 0.3 * (weight * (made["carried"] - batch.truth).abs()).mean()
        mends = made["mends"]
        terms["trust"] = _TRUST * (1 - made["mask"]).mean()
        terms["smooth"] = 0.5 * (mends.diff(dim=2).abs().mean() + mends.diff(dim=3).abs().mean())
    return terms


def videos_of(faces: Sequence[Face], side: int, seed: int = 0) -> list[Video]:
    """Frames that the motion engine renders of each photo of a person, the photo first."""
    return [move_face(face, _FRAMES, side, seed + number) for number, face in enumerate(faces)]


def learn(
    generator: Bilayer,
    e: Tensor,
    videos: Sequence[Video],
    steps: int,
    *,
    seed: int = 0,
    on_step: Callable[[int, Bilayer], bool] | None = None,
) -> Bilayer:
    """A copy of the generator that has learned one person, its psi a parameter of its own.

    e: (1, E, 1), the embedding to begin with. videos: of that person. on_step(step, generator) is called after each of
    the steps and ends the learning by giving False."""
    own = Bilayer(**{**_arguments(generator), "finetuning": True})
    own.load_state_dict(generator.state_dict())
    with torch.no_grad():
        own.psi.copy_(generator.personal(e)[0])
    content = Content()
    rest = [each for name, each in own.named_parameters() if name not in ("psi", "p", "rest")]
    optimizer = torch.optim.Adam([{"params": rest}, {"params": [own.psi], "lr": _PSI_RATE}], _RATE, betas=(0.5, 0.99))
    average = copy.deepcopy(own).requires_grad_(False)
    for step in range(steps):
        torch.manual_seed(seed * 100_003 + step)
        count = 1 if torch.rand(()) < 0.7 else 2
        batch = draw_batch(videos, _BATCH, count, vary=False)
        made: Layers = own(batch.drawing, batch.points, batch.photos, batch.seen, e.expand(_BATCH, -1, -1))
        loss = torch.stack(list(compare(vars(made), batch, content).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(own.parameters(), 5.0)
        optimizer.step()
        with torch.no_grad():
            for old, new in zip(average.parameters(), own.parameters(), strict=True):
                old.lerp_(new, 1 - min(0.95, (1 + step) / (5 + step)))
        if on_step is not None and not on_step(step + 1, average):
            break
    return average


def _arguments(generator: Bilayer) -> dict[str, Any]:
    return {name: value for name, value in generator.config.items() if not name.startswith("_")}
