"""A pipeline that is kept may be used by several threads, from its first moment on."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from facezoo import registry
from facezoo.face.find import find_faces, realign
from facezoo.media.read import read_photo
from facezoo.method.pipeline import FacePipeline
from facezoo.types import Image
from facezoo.zoo.embedded import personas


def at_once(work):
    """What two threads get that begin at the same moment."""
    ready = Barrier(2)

    def begin(_: int):
        ready.wait(timeout=60)
        return work()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(begin, range(2)))


def test_two_threads_start_one_pipeline(method_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both get the pixels of one thread alone; what is made at first is made once."""
    from facezoo.nn import fast

    pipeline = registry.load(method_id)
    if not isinstance(pipeline, FacePipeline):
        pytest.skip("it makes no faces")
    faces = {each.id: find_faces(read_photo(each.portrait), thorough=False)[0] for each in personas()}
    who = (pipeline.spec.inputs.people or tuple(faces))[0]
    identity = replace(faces.pop(who), persona=who)
    target = realign(next(iter(faces.values())), pipeline.spec.inputs.crop_size or 128)
    made: list[object] = []
    hasten = fast.hasten

    def slowly(network):
        made.append(network)
        time.sleep(0.1)
        return hasten(network)

    monkeypatch.setattr(fast, "hasten", slowly)

    def picture(of: FacePipeline) -> Image:
        (crop,) = of(iter([target]), identity=identity, params=of.spec.swapping(), seed=3)
        return crop

    expected = picture(type(pipeline)(pipeline.networks))
    alone = len(made)
    fresh = type(pipeline)(pipeline.networks)
    for found in at_once(lambda: picture(fresh)):
        assert np.array_equal(found, expected)
    assert len(made) == 2 * alone


def test_two_threads_load_weights_once(swap_method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.forget()
    made = [registry.load(swap_method)]
    registry.forget()
    made += at_once(lambda: registry.load(swap_method))
    assert made[0] is not made[1] and made[1] is made[2]


def test_load_faces_is_for_methods_that_make_faces(method_id: str, portrait: Path) -> None:
    from facezoo.errors import UsageError

    if "animate" in registry.load_spec(method_id).tasks:
        with pytest.raises(UsageError, match="moves them"):
            registry.load_faces(method_id)
    else:
        assert registry.load_faces(method_id) is registry.load(method_id)
