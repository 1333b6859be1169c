"""An exhibit of CycleGAN's rules: the same small translators trained with all of them, without the identity loss, and
without the ring as well."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from facezoo.methods.cyclegan.model import PatchDiscriminator, ResnetGenerator
from facezoo.types import Face, Image
from facezoo.ui.learn.make.frames import batch_of, rendered, upright
from facezoo.ui.learn.make.row import Row, face_of, persona_face

__all__ = ["rings"]

_ANYONE, _WHO = ("curls", "denim", "evening", "glasses", "headwrap", "laughing"), "tarek"
_SIDE, _EACH, _PERSONAS = 64, 30, 150  # px; frames of each of anyone, of the persona
_RULES = ((5.0, 1.5), (5.0, 0.0), (0.0, 0.0))  # weights of the ring and of the identity loss
_STEPS, _BATCH, _RATE = 400, 4, 3e-4


def rings() -> Iterator[Row]:
    """Faces that were not learned from, what each pair of translators makes of them, and what it gets back."""
    anyone = [list(_faces(face_of(id, 512), _EACH + 2, number)) for number, id in enumerate(_ANYONE)]
    personas = list(_faces(persona_face(_WHO), _PERSONAS + 12, len(_ANYONE)))
    unseen = batch_of([each for faces in anyone for each in faces[:2]])
    own = batch_of(personas[:12])
    known = batch_of([each for faces in anyone for each in faces[2:]]), batch_of(personas[12:])
    given, there, back = list[Image](), list[Image](), list[Image]()
    lost, drifted = list[float](), list[float]()
    for ring, identity in _RULES:
        forth, home = _trained(*known, ring=ring, identity=identity)
        with torch.inference_mode():
            made = forth(unseen)
            returned = home(made)
            lost.append(_apart(returned, unseen))
            drifted.append(_apart(forth(own), own))
        for row, pictures in ((given, unseen), (there, made), (back, returned)):
            row.append(_four(pictures))
    facts = {"steps": _STEPS, "lost": lost, "drifted": drifted, "frames": [len(each) for each in known]}
    made_of = (*_ANYONE, _WHO)
    yield Row("cyclegan-rules", [*given, *there, *back], "", made_of, persona=_WHO, side=256,
              others=("motion_transfer",), facts=facts)  # fmt: skip


def _faces(face: Face, count: int, seed: int) -> Iterator[Image]:
    """(_SIDE, _SIDE, 3): the inner face in many moods."""
    edge = face.crop.shape[0] // 6
    for frame in rendered(face, count, seed):
        inner = upright(face, frame)[edge:-edge, edge:-edge]
        yield np.asarray(cv2.resize(inner, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _trained(anyone: Tensor, persona: Tensor, *, ring: float, identity: float) -> tuple[nn.Module, nn.Module]:
    """Anyone to the persona, and the persona to anyone; all begin alike and see the same faces in the same order."""
    torch.manual_seed(0)
    forth, home = (ResnetGenerator(ngf=16, n_blocks=3, norm_layer="none", skip=True) for _ in range(2))
    judges = [PatchDiscriminator(3, 16, n_layers=2, norm_layer="instance") for _ in range(2)]
    turns = torch.optim.Adam([*forth.parameters(), *home.parameters()], _RATE, betas=(0.5, 0.999))
    learns = torch.optim.Adam([each for judge in judges for each in judge.parameters()], _RATE, betas=(0.5, 0.999))
    for _ in range(_STEPS):
        a, b = (each[torch.randint(0, len(each), (_BATCH,))] for each in (anyone, persona))
        to_b, to_a = forth(a), home(b)
        loss = sum(
            (_against(judge(made), 1.0) for judge, made in zip(judges, (to_a, to_b), strict=True)), torch.zeros(())
        )
        if ring:
            loss = loss + ring * ((home(to_b) - a).abs().mean() + (forth(to_a) - b).abs().mean())
        if identity:
            loss = loss + identity * ((home(a) - a).abs().mean() + (forth(b) - b).abs().mean())
        turns.zero_grad()
        loss.backward()
        turns.step()
        wrong = torch.zeros(())
        for judge, true, made in zip(judges, (a, b), (to_a, to_b), strict=True):
            wrong = wrong + (_against(judge(true), 1.0) + _against(judge(made.detach()), 0.0)) / 2
        learns.zero_grad()
        wrong.backward()
        learns.step()
    return forth.eval(), home.eval()


def _against(verdicts: Tensor, answer: float) -> Tensor:
    """Least squares, as in the paper."""
    return functional.mse_loss(verdicts, torch.full_like(verdicts, answer))


def _apart(one: Tensor, other: Tensor) -> float:
    """Mean difference in grey levels."""
    return round(float((one - other).abs().mean()) * 127.5, 1)


def _four(pictures: Tensor) -> Image:
    """Four of them, two by two."""
    chosen = pictures[[0, 4, 8, 10]]
    plain = list(((chosen.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy())
    return np.vstack([np.hstack(plain[at : at + 2]) for at in (0, 2)])
