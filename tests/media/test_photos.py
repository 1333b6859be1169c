"""Photos: every format, mode and orientation comes out as the same upright sRGB picture."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import pillow_heif
import pytest

from facezoo.errors import BadInput, TooLarge, Unreadable, UnsupportedFormat
from facezoo.media.read import LIMITS, open_clip, read_photo
from facezoo.types import Image

pillow_heif.register_heif_opener()


def apart(one: Image, other: Image) -> float:
    """Mean absolute difference in levels."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize(
    ("suffix", "settings", "tolerance"),
    [
        ("png", {}, 0),
        ("jpg", {"quality": 95, "subsampling": 0}, 1.5),
        ("jpg", {"quality": 95, "subsampling": 0, "progressive": True}, 1.5),
        ("webp", {"lossless": True}, 0),
        ("avif", {"quality": 95, "subsampling": "4:4:4"}, 2),
        ("gif", {}, 0),
        ("heic", {"quality": 95, "chroma": 444}, 2),
    ],
)
def test_formats(tmp_path: Path, chart: Image, suffix: str, settings: dict[str, object], tolerance: float) -> None:
    path = tmp_path / f"picture.{suffix}"
    PIL.Image.fromarray(chart).save(path, **settings)
    photo = read_photo(path)
    assert photo.dtype == np.uint8
    assert photo.flags.c_contiguous
    assert photo.flags.writeable
    assert apart(photo, chart) <= tolerance
    clip = open_clip(path)
    assert (clip.kind, clip.width, clip.height, clip.count, clip.has_audio) == ("photo", 128, 96, 1, False)
    first, second = next(clip.frames()), next(clip.frames())
    first.image[:] = 0
    assert np.array_equal(second.image, photo), "frames() hands out copies"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif"])
def test_orientation(tmp_path: Path, chart: Image, suffix: str, orientation: int) -> None:
    stored = {
        1: chart,
        2: chart[:, ::-1],
        3: chart[::-1, ::-1],
        4: chart[::-1],
        5: chart.transpose(1, 0, 2),
        6: np.rot90(chart),
        7: chart.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(chart, -1),
    }[orientation]
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{suffix}"
    settings = {"quality": 95} if suffix != "png" else {}
    PIL.Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, **settings)
    assert apart(read_photo(path), chart) < 6


def test_heic_orientation(tmp_path: Path, chart: Image) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.heic"
    PIL.Image.fromarray(np.ascontiguousarray(np.rot90(chart))).save(path, exif=exif.tobytes(), quality=95)
    assert apart(read_photo(path), chart) < 6


def test_modes(tmp_path: Path, chart: Image) -> None:
    picture = PIL.Image.fromarray(chart)
    grey = np.asarray(picture.convert("L"))
    wide = grey.astype(np.uint16) * 257
    cases: dict[str, tuple[PIL.Image.Image, Image]] = {
        "grey16.png": (PIL.Image.fromarray(wide), np.repeat(grey[..., None], 3, 2)),
        "palette.png": (picture.quantize(8), chart),
        "grey.png": (picture.convert("L"), np.repeat(grey[..., None], 3, 2)),
        "bilevel.png": (
            picture.convert("1", dither=PIL.Image.Dither.NONE),
            np.repeat(np.where(grey[..., None] > 127, 255, 0), 3, 2).astype(np.uint8),
        ),
    }
    for name, (made, expected) in cases.items():
        made.save(tmp_path / name)
        assert apart(read_photo(tmp_path / name), expected) == 0, name


def test_cmyk(tmp_path: Path, chart: Image) -> None:
    picture = PIL.Image.fromarray(chart)
    picture.convert("CMYK").save(tmp_path / "print.jpg", quality=98, subsampling=0)
    assert apart(read_photo(tmp_path / "print.jpg"), chart) < 2


def test_color16_png(tmp_path: Path, chart: Image) -> None:
    (tmp_path / "deep.png").write_bytes(png16(chart.astype(np.uint16) * 257))
    assert apart(read_photo(tmp_path / "deep.png"), chart) == 0


@pytest.mark.parametrize("suffix", ["png", "webp", "avif", "heic"])
def test_alpha_over_white(tmp_path: Path, chart: Image, suffix: str) -> None:
    alpha = np.zeros((96, 128, 1), np.uint8)
    alpha[:, :64] = 255
    alpha[:, 64:96] = 128
    settings = {"png": {}, "webp": {"lossless": True, "exact": True}}.get(suffix, {"quality": 98})
    PIL.Image.fromarray(np.concatenate([chart, alpha], 2)).save(tmp_path / f"a.{suffix}", **settings)
    weight = alpha / 255
    expected = (chart * weight + 255 * (1 - weight) + 0.5).astype(np.uint8)
    photo = read_photo(tmp_path / f"a.{suffix}")
    assert apart(photo, expected) < 3
    assert (photo[:, 100:] >= 252).all(), "what is see-through is white"


def test_grey_alpha_and_see_through_palette(tmp_path: Path, chart: Image) -> None:
    grey = PIL.Image.fromarray(chart).convert("LA")
    grey.putalpha(0)
    grey.save(tmp_path / "la.png")
    assert (read_photo(tmp_path / "la.png") == 255).all()
    palette = PIL.Image.fromarray(chart).quantize(8)
    palette.save(tmp_path / "p.png", transparency=palette.getpixel((120, 90)))
    photo = read_photo(tmp_path / "p.png")
    assert (photo[90, 120] == 255).all()
    assert np.array_equal(photo[0, 0], chart[0, 0])


def test_wide_gamut_becomes_srgb(tmp_path: Path) -> None:
    colors = np.array([[200, 120, 100], [90, 140, 110], [100, 110, 160], [128, 128, 128]], np.uint8)
    picture = np.repeat(np.repeat(colors[None], 64, 0), 32, 1)
    PIL.Image.fromarray(picture).save(tmp_path / "p3.png", icc_profile=p3_profile())
    linear = (colors / 255.0) ** 2.2 @ P3_D50 @ np.linalg.inv(SRGB_D50)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.clip(linear, 0, 1) ** (1 / 2.4) - 0.055)
    expected = np.clip(encoded * 255, 0, 255)
    photo = read_photo(tmp_path / "p3.png")[10, 16::32]
    assert np.abs(photo - expected).max() <= 2
    assert np.abs(colors.astype(float) - expected).max() > 8, "the profile makes a difference"


def test_broken_profile_is_ignored(tmp_path: Path, chart: Image) -> None:
    profile = bytearray(p3_profile())
    profile[128:200] = bytes(range(72))
    PIL.Image.fromarray(chart).save(tmp_path / "odd.png", icc_profile=bytes(profile))
    assert apart(read_photo(tmp_path / "odd.png"), chart) == 0


def test_broken_exif_is_ignored(tmp_path: Path, chart: Image) -> None:
    PIL.Image.fromarray(chart).save(tmp_path / "odd.jpg", quality=95, exif=b"Exif\0\0MM\0*\0\0\xff\xff" + b"\xff" * 40)
    assert apart(read_photo(tmp_path / "odd.jpg"), chart) < 3


def test_large_photo_is_reduced_by_area(tmp_path: Path) -> None:
    stripes = np.zeros((1024, 8192, 3), np.uint8)
    stripes[:, ::2] = 200
    PIL.Image.fromarray(stripes).save(tmp_path / "wide.png", compress_level=1)
    photo = read_photo(tmp_path / "wide.png")
    assert photo.shape == (512, 4096, 3)
    assert (photo == 100).all(), "each pixel is the mean of those it replaces"


def test_largest_photos_of_phones(tmp_path: Path) -> None:
    PIL.Image.new("RGB", (8160, 6144), (120, 60, 30)).save(tmp_path / "phone.jpg", progressive=True)
    assert read_photo(tmp_path / "phone.jpg").shape == (3084, 4096, 3)


def test_gamma_of_a_png(tmp_path: Path, chart: Image) -> None:
    """What says that it holds linear light is not shown as dark as it is stored; sRGB's own gamma changes nothing."""
    for gamma, better, changed in ((1.0, None, True), (1.0, b"sRGB", False), (0.45455, None, False)):
        info = PIL.PngImagePlugin.PngInfo()
        info.add(b"gAMA", round(gamma * 100_000).to_bytes(4, "big"))
        if better:
            info.add(better, b"\0")
        PIL.Image.fromarray(chart).save(tmp_path / "gamma.png", pnginfo=info)
        light = chart / 255
        encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
        assert apart(read_photo(tmp_path / "gamma.png"), np.rint(encoded) if changed else chart) <= 1


@pytest.mark.parametrize(("width", "height"), [(63, 200), (8193, 64 * 20), (2000, 200), (8000, 6400)])
def test_sizes_refused(tmp_path: Path, width: int, height: int) -> None:
    PIL.Image.new("RGB", (width, height)).save(tmp_path / "size.png", compress_level=1)
    with pytest.raises(TooLarge) as caught:
        read_photo(tmp_path / "size.png")
    assert caught.value.advice


def test_too_many_bytes(tmp_path: Path, chart: Image) -> None:
    path = tmp_path / "heavy.png"
    PIL.Image.fromarray(chart).save(path)
    with path.open("ab") as file:
        file.truncate(LIMITS.image_bytes + 1)
    with pytest.raises(TooLarge, match="20 MB"):
        open_clip(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "avif", "gif", "heic"])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.9])
def test_cut_off(tmp_path: Path, suffix: str, part: float) -> None:
    whole = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (128, 128, 3), np.uint8)
    PIL.Image.fromarray(noise).save(whole, {"jpg": "JPEG", "heic": "HEIF"}.get(suffix, suffix.upper()))
    data = whole.getvalue()
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(Unreadable, match=r"cut off|damaged"):
        open_clip(path)


def test_content_decides_within_a_family_but_not_across(tmp_path: Path, chart: Image, film) -> None:
    picture = tmp_path / "really-png.jpg"
    PIL.Image.fromarray(chart).save(picture, "PNG")
    assert open_clip(picture).container == "png"
    picture.rename(tmp_path / "png.mp4")
    with pytest.raises(Unreadable, match="named as a video"):
        read_photo(tmp_path / "png.mp4")
    film(tmp_path / "film.mp4", 3).rename(tmp_path / "film.jpg")
    with pytest.raises(Unreadable, match="named as a picture"):
        read_photo(tmp_path / "film.jpg")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", Unreadable),
        (b"#EXTM3U\nfile:///etc/passwd", UnsupportedFormat),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1", UnsupportedFormat),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedFormat),
        (b"push graphic-context\nimage over 0,0 0,0 'x'", UnsupportedFormat),
        (b"II*\0" + bytes(99), UnsupportedFormat),
        (b"PK\3\4" + bytes(99), UnsupportedFormat),
    ],
)
def test_other_files_are_refused_by_their_first_bytes(tmp_path: Path, data: bytes, kind: type[BadInput]) -> None:
    for suffix in (".png", ".mp4", ".gif", ""):
        path = tmp_path / f"file{suffix}"
        path.write_bytes(data)
        with pytest.raises(kind) as caught:
            open_clip(path)
        assert caught.value.advice


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(Unreadable) as caught:
            open_clip(path)
        assert caught.value.advice


@pytest.mark.parametrize(
    ("primaries", "transfer", "code", "expected"),
    [
        (9, 16, (105, 105, 105), (118, 118, 118)),  # PQ, 18 % grey under paper white of 203 nits
        (9, 16, (148, 148, 148), (246, 246, 246)),  # PQ, paper white, rolled off
        (1, 18, (191, 191, 191), (246, 246, 246)),  # HLG, paper white at 75 %
        (12, 13, (200, 120, 100), (212, 118, 95)),  # Display P3 by code points
        (1, 13, (200, 120, 100), (200, 120, 100)),
    ],
)
def test_code_points_of_avif(
    tmp_path: Path, primaries: int, transfer: int, code: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    path = tmp_path / "deep.avif"
    PIL.Image.new("RGB", (64, 64), code).save(path, quality=100, subsampling="4:4:4")
    data = bytearray(path.read_bytes())
    at = data.index(b"colrnclx") + 8
    data[at : at + 4] = struct.pack(">HH", primaries, transfer)
    path.write_bytes(data)
    assert np.abs(read_photo(path)[32, 32].astype(int) - expected).max() <= 3


def png16(picture: np.ndarray) -> bytes:
    """A 16-bit RGB PNG, which Pillow cannot write."""
    import zlib

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = picture.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in picture)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


P3_D50 = np.array([[0.51512, 0.24120, -0.00105], [0.29198, 0.69225, 0.04189], [0.15710, 0.06657, 0.78407]])
"""Rows: XYZ (D50) of Display P3's red, green and blue."""
SRGB_D50 = np.array([[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]])


def p3_profile() -> bytes:
    """A matrix profile with Display P3's primaries and gamma 2.2 (ICC.1:2001, clause 6)."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(values: np.ndarray) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(fixed(value) for value in values)

    text = b"Wide gamut\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz(np.array([0.9642, 1.0, 0.8249])),
        **{name: xyz(row) for name, row in zip((b"rXYZ", b"gXYZ", b"bXYZ"), P3_D50, strict=True)},
        **{name: b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", 563) for name in (b"rTRC", b"gTRC", b"bTRC")},
    }
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        data = content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    size = at + len(body)
    header = struct.pack(">I4sI4s4s4s12s4s4sIIIIII", size, b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ", bytes(12),
                         b"acsp", b"APPL", 0, 0, 0, 0, 0, 0)  # fmt: skip
    header += fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    return header + bytes(128 - len(header)) + struct.pack(">I", len(tags)) + table + body
