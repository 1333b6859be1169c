"""A covered face: refused with a reason by the roads, never torn open by an animation."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import facezoo
from facezoo.errors import NoFace, UsageError
from facezoo.face.find import find_faces
from facezoo.face.mesh import FACE_OVAL
from facezoo.media.read import read_photo
from facezoo.media.write import write_photo
from facezoo.zoo.embedded import personas


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic person with a blue mask over nose, mouth and chin."""
    image = read_photo(personas()[0].portrait)
    points = find_faces(image, thorough=False)[0].landmarks.mesh[:, :2]
    lower = [each for each in FACE_OVAL if points[each, 1] > points[234, 1]]
    corners = np.concatenate([points[[227, 117, 118, 197, 347, 346, 447]], points[lower]]).astype(np.int32)
    cv2.fillPoly(image, [cv2.convexHull(corners)], (150, 190, 215), cv2.LINE_AA)
    path = tmp_path_factory.mktemp("masked") / "masked.png"
    write_photo(path, image)
    return path


def test_an_animation_does_not_cut_a_mouth_into_a_mask(masked: Path, tmp_path: Path) -> None:
    with pytest.raises((UsageError, NoFace)) as told:
        facezoo.run("motion_transfer", masked, driving="smile", consent=True, output=tmp_path / "o.mp4")
    assert "mouth" in str(told.value) or isinstance(told.value, NoFace)
    assert list(tmp_path.iterdir()) == []


def test_a_mask_stays_or_the_picture_is_refused(masked: Path, tmp_path: Path) -> None:
    try:
        sealed = facezoo.run("landmark_warp", masked, persona="tarek", consent=True, output=tmp_path / "o.png")
    except NoFace:
        return
    before, after = read_photo(masked).astype(int), read_photo(sealed.path).astype(int)
    blue = np.abs(before - (150, 190, 215)).max(axis=2) < 3
    assert (np.abs(after - before).max(axis=2)[blue] > 24).mean() < 0.05


def test_the_mask_that_went_wrong(shared: Path, tmp_path: Path) -> None:
    path = shared / "regressions" / "surgical_mask.jpg"
    if not path.is_file():
        pytest.skip("no such picture here")
    sealed = facezoo.run("landmark_warp", path, persona="tarek", consent=True, output=tmp_path / "o.png")
    before, after = read_photo(path).astype(int), read_photo(sealed.path).astype(int)
    mesh = find_faces(before.astype(np.uint8))[0].landmarks.mesh[:, :2].astype(int)
    for point in (13, 14, 17, 152, 200):  # mouth and chin, behind the mask
        x, y = mesh[point]
        assert np.abs(after[y, x] - before[y, x]).max() < 16
