"""An exhibit of a judge: a PatchGAN that learns to tell true frames of a persona from those that the painter paints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from facezoo import registry
from facezoo.face.find import find_faces, move
from facezoo.method.drawn_people import DrawnPeoplePipeline
from facezoo.motion.eyes import read_eyes
from facezoo.nn.patch import PatchDiscriminator
from facezoo.types import Image
from facezoo.ui.learn.make.frames import batch_of, rendered
from facezoo.ui.learn.make.row import Row, persona_face

__all__ = ["verdicts"]

_WHO = "tarek"
_KNOWN, _UNSEEN, _SHOWN = 160, 24, 5
_WIDTH, _STEPS, _BATCH, _RATE = 16, 300, 4, 1e-3
_MADE, _TRUE = np.array([214.0, 96, 32]), np.array([36.0, 112, 214])  # colours of a patch
_COVER = 0.55  # how much of a picture the verdicts cover


@dataclass(frozen=True, eq=False)
class _Pair:
    """A frame (S, S, 3), its drawing, and what the painter makes of the drawing."""

    true: Image
    drawing: Image
    made: Image


def verdicts() -> Iterator[Row]:
    """True frames, painted ones, and what a judge that has seen neither says of each patch of them."""
    pipeline = cast("DrawnPeoplePipeline", registry.load_faces("face2face"))
    pairs = _pairs(pipeline, _UNSEEN + _KNOWN)
    unseen, known = pairs[:_UNSEEN], pairs[_UNSEEN:]
    judge = _judge(known)
    told = [_told(judge, [each.true for each in unseen], unseen), _told(judge, [each.made for each in unseen], unseen)]
    shown = unseen[:_SHOWN]
    tiles = [each.true for each in shown] + [each.made for each in shown]
    tiles += [_covered(tile, map) for tile, map in zip(tiles, [*told[0][:_SHOWN], *told[1][:_SHOWN]], strict=True)]
    facts = {
        "shown": _SHOWN, "steps": _STEPS, "frames": len(known), "unseen": len(unseen),
        "parameters": sum(each.numel() for each in judge.parameters()),
        "right": [round(float((told[0] > 0.5).mean()), 3), round(float((told[1] < 0.5).mean()), 3)],
    }  # fmt: skip
    yield Row("face2face-verdicts", tiles, "face2face", (_WHO,), persona=_WHO, side=224, others=("motion_transfer",),
              facts=facts)  # fmt: skip


def _pairs(pipeline: DrawnPeoplePipeline, count: int) -> list[_Pair]:
    """Of frames in which a face is found, in their order."""
    true: list[Image] = []
    heads: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    for frame in rendered(persona_face(_WHO), count):
        faces = find_faces(frame, crop_size=pipeline.side)
        if not faces:
            continue
        face = faces[0]
        true.append(face.crop)
        heads.append((move(face.landmarks.mesh, face.affine), read_eyes(frame, face.landmarks.mesh).gaze))
    found: list[_Pair] = []
    for at in range(0, len(heads), 4):
        painted = pipeline.paint(heads[at : at + 4], _WHO)
        found += [_Pair(one, each.drawing.picture, each.picture) for one, each in zip(true[at:], painted, strict=False)]
    return found


def _judge(known: Sequence[_Pair]) -> PatchDiscriminator:
    """Taught as in pix2pix: it sees drawing and picture, and answers 1 for a true one, 0 for a painted one."""
    torch.manual_seed(0)
    judge = PatchDiscriminator(6, _WIDTH, norm_layer="batch")
    drawings, true, made = (batch_of([getattr(each, name) for each in known]) for name in ("drawing", "true", "made"))
    optimizer = torch.optim.Adam(judge.parameters(), _RATE, betas=(0.5, 0.99))
    slower = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, _STEPS)
    for _ in range(_STEPS):
        drawn = torch.randint(0, len(known), (_BATCH,))
        seen = torch.cat([torch.cat([drawings[drawn], each[drawn]], dim=1) for each in (true, made)])
        said = judge(seen)
        answer = (torch.arange(len(seen)) < _BATCH).to(said.dtype)[:, None, None, None].expand_as(said)
        loss = functional.binary_cross_entropy_with_logits(said, answer)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        slower.step()
    return judge.eval()


def _told(judge: PatchDiscriminator, pictures: Sequence[Image], pairs: Sequence[_Pair]) -> NDArray[np.float32]:
    """(N, P, P) in [0, 1]: how surely each patch is called true."""
    with torch.inference_mode():
        seen = torch.cat([batch_of([each.drawing for each in pairs]), batch_of(pictures)], dim=1)
        return torch.cat([torch.sigmoid(judge(part)[:, 0]) for part in seen.split(8)]).numpy()


def _covered(picture: Image, verdicts: NDArray[np.float32]) -> Image:
    """The picture in grey under its verdicts, patch by patch: blue is called true, orange painted."""
    side = picture.shape[0]
    grey = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    sure = cv2.resize(verdicts, (side, side), interpolation=cv2.INTER_NEAREST)[..., None]
    return ((1 - _COVER) * grey + _COVER * (sure * _TRUE + (1 - sure) * _MADE)).round().astype(np.uint8)
