"""The seal, through every format and every answer of `verify`."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from pictures import Image, attacks, with_short_side
from PIL import Image as Pillow

from facezoo.errors import BadInput, Cancelled, FacezooError, NoFace, Unreadable, UsageError
from facezoo.media.read import open_clip, read_photo
from facezoo.safety.seal import Claim, lighter, seal, verify
from facezoo.types import Clip, Frame

STILLS = (".png", ".jpg", ".jpeg", ".webp", ".avif")
MOVING = (".mp4", ".gif", ".webp")
WEIGHTS = {"repo": "facezoo/example", "revision": "0" * 40, "sha256": "ef" * 32}


@pytest.fixture
def photo(portrait: Path) -> Clip:
    return open_clip(portrait)


@pytest.fixture
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that takes 32 kB."""
    folder = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a disk of its own needs the right to mount one")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def face() -> Image:
    from facezoo.zoo.embedded import personas

    return with_short_side(read_photo(personas()[0].portrait), 512)


def _claim(clip: Clip, **changes: object) -> Claim:
    claim = Claim("example", "Example", 2001, WEIGHTS, "somebody", {"blend": "poisson"}, 7, (clip.sha256,), "swap")
    return replace(claim, **changes)


def _frames(image: Image, count: int) -> Iterator[Frame]:
    for index in range(count):
        yield Frame(np.roll(image, 4 * index, axis=1), index / 12)


def _moving(clip: Clip) -> Clip:
    return replace(clip, kind="video", count=10, rate=Fraction(12))


def _sealed(folder: Path, suffix: str, clip: Clip, image: Image, *, moving: bool) -> Path:
    destination = folder / f"result{suffix}"
    clip = _moving(clip) if moving else clip
    start = time.perf_counter()
    sealed = seal(_frames(image, 10 if moving else 1), destination, claim=_claim(clip), clip=clip)
    middle = time.perf_counter()
    assert sealed.path == destination
    assert sealed.record == {
        "output": str(destination),
        "frames": 10 if moving else 1,
        "provenance": {"c2pa": True, "watermark": True},
    }
    found = verify(destination)
    print(f"{suffix}: seal {1e3 * (middle - start):.0f} ms, verify {1e3 * (time.perf_counter() - middle):.0f} ms")
    assert (found.c2pa, found.watermark) == ("trusted", True)
    assert (found.method, found.weights) == ("example", f"facezoo/example@{'0' * 40} sha256:{'ef' * 32}")
    assert found.mark == "public"
    assert found.created
    assert [path.name for path in folder.iterdir()] == [destination.name]
    return destination


@pytest.mark.parametrize(("suffix", "moving"), [(s, False) for s in STILLS] + [(s, True) for s in MOVING])
def test_every_format(
    tmp_path: Path, photo: Clip, face: Image, suffix: str, moving: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trusted and marked; then another machine, a flipped byte, half of the file, and no manifest at all."""
    path = _sealed(tmp_path, suffix, photo, face, moving=moving)
    assert open_clip(path).kind == ("photo" if not moving else "video" if suffix == ".mp4" else "animation")
    data = path.read_bytes()
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("FACEZOO_HOME", str(tmp_path / "elsewhere"))
        found = verify(path)
        assert (found.c2pa, found.watermark, found.method) == ("unknown-signer", True, "example")

    changed = bytearray(data)
    changed[int(len(data) * 0.8)] ^= 0x55
    path.write_bytes(changed)
    found = verify(path)
    assert (found.c2pa, found.method, found.weights) == ("tampered", None, None)

    path.write_bytes(data[: len(data) * 2 // 3])
    if suffix == ".webp":  # its manifest is the last chunk: half a file holds none of it
        with pytest.raises(Unreadable):
            verify(path)
    else:
        assert verify(path).c2pa == "tampered"

    path.write_bytes(data + b"more")
    assert verify(path).c2pa == "tampered"


def test_a_stripped_copy_keeps_the_mark(tmp_path: Path, photo: Clip, face: Image) -> None:
    path = _sealed(tmp_path, ".png", photo, face, moving=False)
    copy = tmp_path / "copy.jpg"
    Pillow.open(path).convert("RGB").save(copy, quality=75)
    found = verify(copy)
    assert (found.c2pa, found.watermark, found.method, found.created) == ("none", True, None, None)
    assert verify(photo.source).watermark is False
    assert verify(photo.source).c2pa == "none"


@pytest.mark.parametrize("suffix", MOVING)
def test_frames_of_a_clip_survive_too(tmp_path: Path, photo: Clip, face: Image, suffix: str) -> None:
    from facezoo.safety.marks import detect

    path = _sealed(tmp_path, suffix, photo, face, moving=True)
    frame = read_photo(path)
    for name, attack in attacks().items():
        assert detect(attack(frame)).found, name


def test_the_manifest_tells_how_and_not_who(tmp_path: Path, photo: Clip, face: Image) -> None:
    destination = tmp_path / "holiday of jane.png"
    claim = _claim(photo)
    manifest = seal(_frames(face, 1), destination, claim=claim, clip=photo).manifest
    text = json.dumps(manifest)
    assert "jane" not in text
    assert photo.source.name not in text
    assert str(tmp_path) not in text
    assertions = {entry["label"]: entry["data"] for entry in manifest["assertions"]}
    result = assertions["org.facezoo.result"]
    assert result["weights"] == WEIGHTS
    assert result["source_sha256"] == [photo.sha256]
    assert (result["persona"], result["seed"], result["params"]) == ("somebody", 7, {"blend": "poisson"})
    actions = assertions["c2pa.actions.v2"]["actions"]
    assert [action["action"] for action in actions] == ["c2pa.opened", "c2pa.edited"]
    assert actions[1]["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    entries = assertions["cawg.training-mining"]["entries"]
    assert {entry["use"] for entry in entries.values()} == {"notAllowed"}
    assert "thumbnail" not in text


def test_rules_without_weights_and_pictures_without_a_source(tmp_path: Path, photo: Clip, face: Image) -> None:
    claim = _claim(photo, weights={"repo": "", "revision": "", "sha256": ""}, source_sha256=())
    sealed = seal(_frames(face, 1), tmp_path / "a.png", claim=claim, clip=photo)
    actions = next(a["data"]["actions"] for a in sealed.manifest["assertions"] if a["label"].startswith("c2pa.actions"))
    assert [action["action"] for action in actions] == ["c2pa.created"]
    assert actions[0]["digitalSourceType"].endswith("/compositeSynthetic")
    assert verify(sealed.path).weights is None


def test_the_label_is_in_the_file(tmp_path: Path, photo: Clip) -> None:
    grey = np.full((512, 512, 3), 128, np.uint8)
    for size in ("small", "medium", "large"):
        path = seal(_frames(grey, 1), tmp_path / f"{size}.png", claim=_claim(photo), clip=photo, label=size).path
        written = read_photo(path).astype(int)
        assert (written[-80:, -80:].max(), written[:400].max()) > (235, 0)
        assert abs(written[:400] - 128).max() < 6


@pytest.mark.parametrize("suffix", [".png", ".mp4", ".gif", ".webp"])
@pytest.mark.parametrize("error", [NoFace("no face", "another picture"), Cancelled("stopped"), RuntimeError("bug")])
def test_a_failure_leaves_nothing(
    tmp_path: Path, empty_temp: Path, photo: Clip, face: Image, suffix: str, error: Exception
) -> None:
    def broken() -> Iterator[Frame]:
        yield from _frames(face[:128, :128], 3)
        raise error

    folder = tmp_path / "results"
    folder.mkdir()
    kept = folder / f"result{suffix}"
    kept.write_bytes(b"an older result")
    clip = photo if suffix == ".png" else _moving(photo)
    with pytest.raises(type(error)):
        seal(broken(), kept, claim=_claim(clip), clip=clip)
    assert kept.read_bytes() == b"an older result"
    assert list(folder.iterdir()) == [kept]


def test_a_failed_signature_leaves_nothing(
    tmp_path: Path, photo: Clip, face: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEZOO_CERTIFICATE", str(tmp_path / "missing.pem"))
    with pytest.raises(UsageError):
        seal(_frames(face, 1), tmp_path / "a.png", claim=_claim(photo), clip=photo)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".png", ".mp4"])
def test_a_full_disk_is_told_and_nothing_is_left(
    tmp_path: Path, photo: Clip, face: Image, suffix: str, small_disk: Path
) -> None:
    moving = suffix == ".mp4"
    with pytest.raises(FacezooError, match="is full"):
        _sealed(small_disk, suffix, photo, face, moving=moving)
    assert list(small_disk.iterdir()) == []
    _sealed(tmp_path, suffix, photo, face, moving=moving)


def test_cancelling_from_progress(tmp_path: Path, photo: Clip, face: Image) -> None:
    def stop(stage: str, fraction: float) -> None:
        assert stage == "seal"
        if fraction >= 0.5:
            raise Cancelled("stopped")

    for name, clip, count in (("a.png", photo, 1), ("a.mp4", _moving(photo), 10)):
        with pytest.raises(Cancelled):
            seal(_frames(face, count), tmp_path / name, claim=_claim(clip), clip=clip, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_sealed(tmp_path: Path, photo: Clip, face: Image) -> None:
    with pytest.raises(UsageError, match=r"\.webm"):
        seal(_frames(face, 1), tmp_path / "a.webm", claim=_claim(photo), clip=photo)
    with pytest.raises(UsageError, match="does not exist"):
        seal(_frames(face, 1), tmp_path / "missing" / "a.png", claim=_claim(photo), clip=photo)
    for name, clip in (("a.png", photo), ("a.mp4", _moving(photo))):
        with pytest.raises((Unreadable, UsageError)):
            seal(iter(()), tmp_path / name, claim=_claim(clip), clip=clip)
    assert list(tmp_path.iterdir()) == []


def test_verify_says_what_it_cannot_open(tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("not a picture")
    for path in (text, tmp_path / "missing.png"):
        with pytest.raises(BadInput):
            verify(path)


def test_foreign_manifests_are_not_believed(tmp_path: Path) -> None:
    """Anybody may write our assertion with anything in it."""
    from facezoo.safety import c2pa

    path = tmp_path / "a.png"
    Pillow.new("RGB", (96, 96)).save(path)
    manifest = {
        "title": "x",
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": "x"}]}},
            {"label": "org.facezoo.result", "data": {"method": "m" * 900, "weights": [1], "created": {"a": 1}}},
        ],
    }
    c2pa.sign(path, manifest)
    found = verify(path)
    assert found.method == "m" * 200
    assert (found.weights, found.created) == (None, None)


@pytest.mark.parametrize("suffix", [".avif", ".webp"])
def test_a_lighter_copy_says_the_same(photo: Clip, face: Image, tmp_path: Path, suffix: str) -> None:
    first = seal(_frames(face, 1), tmp_path / "first.png", claim=_claim(photo), clip=photo)
    copy = lighter(first, tmp_path / f"copy{suffix}", quality=60)
    assert copy.path.stat().st_size < first.path.stat().st_size / 4
    told, again = verify(first.path), verify(copy.path)
    assert replace(again, created=told.created) == told
    assert (again.c2pa, again.watermark) == ("trusted", True)
    clip = seal(_frames(face, 10), tmp_path / "clip.mp4", claim=_claim(photo), clip=_moving(photo))
    with pytest.raises(UsageError):
        lighter(clip, tmp_path / "no.avif", quality=60)
    assert not (tmp_path / "no.avif").exists()
