"""The visible label is there on any picture."""

import numpy as np
import pytest

from facezoo.safety.marks import LabelSize, draw


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("shape", [(64, 64), (512, 512), (1080, 1920), (2048, 1500)])
def test_it_can_be_seen_in_the_corner(value: int, shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), value, np.uint8)
    areas: list[int] = []
    for size in ("small", "medium", "large"):
        labelled = draw(image, size)
        changed = np.argwhere(np.abs(labelled.astype(int) - image).max(2) > 12)
        assert changed.min(0)[0] > shape[0] / 2
        assert changed.min(0)[1] > shape[1] / 4
        corner = labelled[changed.min(0)[0] : changed.max(0)[0] + 1, changed.min(0)[1] : changed.max(0)[1] + 1]
        assert corner.max() > 235, "letters are bright"
        assert np.median(corner) < 90, "on a dark ground"
        areas.append(corner.shape[0] * corner.shape[1])
    assert (image == value).all()
    assert areas == sorted(areas)


def test_a_picture_smaller_than_the_label() -> None:
    size: LabelSize = "large"
    for shape in ((1, 1), (9, 40), (40, 9)):
        assert draw(np.zeros((*shape, 3), np.uint8), size).shape == (*shape, 3)
