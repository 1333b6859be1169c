"""Animations and videos: all frames, at their times, upright, at constant memory, inside the limits."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import PIL.Image
import psutil
import pytest

from facezoo.errors import TooLarge, Unreadable, UnsupportedFormat
from facezoo.media.read import LIMITS, open_clip, read_photo
from facezoo.media.sound import read_sound
from facezoo.media.write import write_clip
from facezoo.types import Frame, Image

Film = Callable[..., Path]
Moving = Callable[..., list[Frame]]


def apart(one: Image, other: Image) -> float:
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize(
    ("suffix", "settings"),
    [("gif", {}), ("webp", {"lossless": True, "minimize_size": False}), ("avif", {"quality": 95})],
)
def test_animation(tmp_path: Path, moving: Moving, suffix: str, settings: dict[str, object]) -> None:
    frames = moving(6)
    pictures = [PIL.Image.fromarray(frame.image) for frame in frames]
    durations = [40, 80, 40, 200, 40, 100]
    path = tmp_path / f"moving.{suffix}"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0, **settings)
    clip = open_clip(path)
    assert (clip.kind, clip.width, clip.height, clip.count) == ("animation", 128, 96, 6)
    assert abs(float(clip.rate) - (12 if suffix != "avif" else 25)) < 0.1
    decoded = list(clip.frames())
    assert [round(frame.time, 3) for frame in decoded] == [0, 0.04, 0.12, 0.16, 0.36, 0.4]
    for frame, made in zip(decoded, frames, strict=True):
        assert apart(frame.image, made.image) < (6 if suffix == "gif" else 4)
    assert apart(read_photo(path), frames[0].image) < 6
    assert len(list(clip.frames())) == 6, "frames() decodes anew"


def test_gif_that_asks_for_no_delay_runs_as_in_a_browser(tmp_path: Path, moving: Moving) -> None:
    pictures = [PIL.Image.fromarray(frame.image) for frame in moving(3)]
    pictures[0].save(tmp_path / "fast.gif", save_all=True, append_images=pictures[1:], duration=0)
    clip = open_clip(tmp_path / "fast.gif")
    assert [round(frame.time, 3) for frame in clip.frames()] == [0, 0.1, 0.2]
    assert clip.rate == 10


def test_see_through_animation_is_over_white(tmp_path: Path, chart: Image) -> None:
    frames = []
    for number in range(2):
        alpha = np.full((96, 128, 1), 255, np.uint8)
        alpha[:, 32 * number : 32 * number + 32] = 0
        frames.append(PIL.Image.fromarray(np.concatenate([chart, alpha], 2)))
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=100, lossless=True)
    first, second = open_clip(tmp_path / "a.webp").frames()
    assert (first.image[:, :32] == 255).all()
    assert (second.image[:, 32:64] == 255).all()
    assert np.array_equal(second.image[:, :32], chart[:, :32])


def test_animation_limits(tmp_path: Path) -> None:
    blank = [PIL.Image.new("L", (64, 64), number % 2 * 255) for number in range(LIMITS.frames_max + 1)]
    blank[0].save(tmp_path / "many.gif", save_all=True, append_images=blank[1:], duration=20)
    blank[0].save(tmp_path / "long.gif", save_all=True, append_images=blank[1:4], duration=30_000)
    for name in ("many.gif", "long.gif"):
        with pytest.raises(TooLarge):
            open_clip(tmp_path / name)
        assert read_photo(tmp_path / name).shape == (64, 64, 3), "the first frame alone is fine"


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("a.mp4", "libx264", "mov"),
        ("a.mov", "libx264", "mov"),
        ("a.mp4", "libx265", "mov"),
        ("a.mkv", "libx264", "matroska"),
        ("a.webm", "libvpx", "matroska"),
        ("a.webm", "libvpx-vp9", "matroska"),
        ("a.webm", "libsvtav1", "matroska"),
    ],
)
def test_video(tmp_path: Path, film: Film, moving: Moving, name: str, codec: str, container: str) -> None:
    clip = open_clip(film(tmp_path / name, 10, codec=codec))
    assert (clip.kind, clip.width, clip.height, clip.container) == ("video", 128, 96, container)
    assert (clip.rate, clip.has_audio) == (25, False)
    decoded = list(clip.frames())
    assert [round(frame.time * 25, 1) for frame in decoded] == list(range(10))
    worst = max(apart(frame.image, made.image) for frame, made in zip(decoded, moving(10), strict=True))
    assert worst < 12
    assert np.array_equal(read_photo(tmp_path / name), decoded[0].image)


def test_ten_bit_and_full_chroma(tmp_path: Path, film: Film, moving: Moving) -> None:
    path = film(tmp_path / "deep.mkv", 3, pixels="yuv444p10le")
    decoded = list(open_clip(path).frames())
    assert max(apart(frame.image, made.image) for frame, made in zip(decoded, moving(3), strict=True)) < 2


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((0, 1, -1, 0), lambda picture: np.rot90(picture, -1)),
        ((-1, 0, 0, -1), lambda picture: picture[::-1, ::-1]),
        ((0, -1, 1, 0), np.rot90),
        ((-1, 0, 0, 1), lambda picture: picture[:, ::-1]),
        ((1, 0, 0, -1), lambda picture: picture[::-1]),
        ((0, 1, 1, 0), lambda picture: picture.transpose(1, 0, 2)),
    ],
)
def test_display_matrix(tmp_path: Path, film: Film, matrix: tuple[int, ...], shown: Callable[[Image], Image]) -> None:
    path = film(tmp_path / "turned.mp4", 4)
    plain = next(open_clip(path).frames()).image
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 4 + 20 + 8 + 8  # ISO 14496-12, 8.3.2, version 0
    a, b, c, d = (value * 65536 for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    path.write_bytes(data)
    clip = open_clip(path)
    expected = shown(plain)
    assert (clip.height, clip.width) == expected.shape[:2]
    assert np.array_equal(next(clip.frames()).image, expected)


def test_pixels_that_are_not_square(tmp_path: Path, film: Film) -> None:
    clip = open_clip(film(tmp_path / "wide.mp4", 2, aspect=Fraction(3, 2)))
    assert (clip.width, clip.height) == (192, 96)
    assert next(clip.frames()).image.shape == (96, 192, 3)


def test_hdr_video_is_shown_as_sdr(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "hlg.mp4"), "w") as container:
        stream = container.add_stream("libx265", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p10le"
        stream.codec_context.color_trc, stream.codec_context.color_primaries = 18, 9
        stream.codec_context.options = {"crf": "4", "x265-params": "colorprim=bt2020:transfer=arib-std-b67"}
        grey = np.full((64, 64, 3), 191, np.uint8)  # 75 %: paper white (BT.2408)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode(None))
    picture = read_photo(tmp_path / "hlg.mp4")
    assert np.abs(picture.astype(int) - 246).max() <= 4


def test_times_start_at_the_first_picture(shared: Path) -> None:
    clip = open_clip(shared / "hostile" / "v_edit_list.mp4")
    times = [frame.time for frame in clip.frames()]
    assert times[0] == 0
    assert all(0.039 < after - before < 0.041 for before, after in pairwise(times))


def test_video_limits_hold_before_and_while_decoding(tmp_path: Path, film: Film) -> None:
    with pytest.raises(TooLarge, match="4K"):
        open_clip(film(tmp_path / "wide.mp4", 1, size=(2306, 4098)))
    with pytest.raises(TooLarge, match="frames"):  # said before the work begins
        open_clip(film(tmp_path / "many.mp4", LIMITS.frames_max + 1, rate=60, size=(64, 64)))
    with pytest.raises(TooLarge, match="60 s"):
        open_clip(film(tmp_path / "long.mp4", 61, rate=1, size=(64, 64)))
    silent = film(tmp_path / "silent.mkv", 63, rate=1, size=(64, 64), options={"live": "1"})
    clip = open_clip(silent)  # a live file states no length: it is counted
    with pytest.raises(TooLarge):
        list(clip.frames())


def test_codec_and_container_outside_the_list(tmp_path: Path, film: Film) -> None:
    with pytest.raises(UnsupportedFormat, match="ffv1"):
        open_clip(film(tmp_path / "old.mkv", 2, codec="ffv1"))
    with pytest.raises(UnsupportedFormat):
        open_clip(film(tmp_path / "old.avi", 2, codec="mpeg4"))


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("opencv.mp4", "mpeg4", "yuv420p"),
        ("camera.mov", "mjpeg", "yuvj420p"),
        ("studio.mov", "prores_ks", "yuv422p10le"),
    ],
)
def test_what_cameras_and_opencv_write(tmp_path: Path, film: Film, name: str, codec: str, pixels: str) -> None:
    clip = open_clip(film(tmp_path / name, 5, codec=codec, pixels=pixels))
    assert (clip.width, clip.height) == (128, 96)
    assert len(list(clip.frames())) == 5


def test_larger_films_are_reduced(tmp_path: Path, film: Film) -> None:
    clip = open_clip(film(tmp_path / "uhd.mp4", 2, size=(1440, 2560)))
    assert (clip.width, clip.height) == (LIMITS.moving_side_max, 1080)
    assert [frame.image.shape for frame in clip.frames()] == [(1080, 1920, 3)] * 2


def test_last_picture_is_shown_to_its_end(tmp_path: Path, moving: Moving) -> None:
    path = tmp_path / "held.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "0"})
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        for number, frame in enumerate(moving(25)):
            picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            for packet in stream.encode(picture):
                container.mux(packet)
        for packet in stream.encode(None):
            if packet.pts is not None and packet.pts * packet.time_base >= Fraction(24, 25):
                packet.duration = round(3 / packet.time_base)
            container.mux(packet)
    *_, last = open_clip(path).frames()
    assert last.time == pytest.approx(24 / 25 + 3, abs=0.7)


@pytest.mark.parametrize(
    ("name", "seconds", "sound"),
    [
        ("a8_alaw.mov", 3.0, 3.0), ("b7_mpeg4.mp4", 3.0, 3.0), ("cover_first.mp4", 3.0, 3.0), ("eac3.mkv", 3.0, 3.0),
        ("unknown_sound_first.mov", 3.0, 3.0), ("last_frame_held.mp4", 7.0, None), ("c1_alpha_vp9.webm", 1.2, None),
    ],
)  # fmt: skip
def test_films_that_went_wrong_once(shared: Path, name: str, seconds: float, sound: float | None) -> None:
    clip = open_clip(shared / "regressions" / name)
    *_, last = clip.frames()
    assert last.time == pytest.approx(seconds, abs=0.15)
    assert clip.has_audio == (sound is not None)
    if sound is not None:
        assert read_sound(clip.source).seconds == pytest.approx(sound, abs=0.05)


def test_see_through_film_is_over_white(shared: Path) -> None:
    image = read_photo(shared / "regressions" / "c1_alpha_vp9.webm")
    corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.min() > 245


def test_hdr_png_is_tone_mapped(shared: Path) -> None:
    """The same picture, taken for sRGB, is grey and flat."""
    image = read_photo(shared / "regressions" / "d7_cicp_pq.png")
    raw = np.asarray(PIL.Image.open(shared / "regressions" / "d7_cicp_pq.png").convert("RGB"))
    assert image.std() > 1.15 * raw.std()


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mkv", "pcm_s32le"), ("a.mov", "pcm_alaw"), ("a.mov", "pcm_mulaw"), ("a.mov", "adpcm_ima_qt"),
     ("a.mkv", "mp2"), ("a.mkv", "eac3")],
)  # fmt: skip
def test_sounds_that_mp4_does_not_take_become_aac(tmp_path: Path, film: Film, name: str, codec: str) -> None:
    path = film(tmp_path / name, 30, audio=codec)
    made = tmp_path / "made.mp4"
    write_clip(made, open_clip(path).frames(), rate=Fraction(25), audio_from=path)
    with av.open(str(made)) as container:
        (sound,) = container.streams.audio
        assert sound.codec_context.name == "aac"
        assert float(sound.duration * sound.time_base) == pytest.approx(1.2, abs=0.08)


def test_cut_video_says_so(tmp_path: Path, film: Film) -> None:
    path = film(tmp_path / "cut.mp4", 50)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(Unreadable, match="damaged or cut off"):
        open_clip(path)


def test_file_that_changes_in_between(tmp_path: Path, film: Film) -> None:
    path = film(tmp_path / "a.mp4", 3)
    clip = open_clip(path)
    film(path, 4)
    with pytest.raises(Unreadable, match="changed"):
        next(clip.frames())


def test_long_clip_at_constant_memory(tmp_path: Path, film: Film) -> None:
    clip = open_clip(film(tmp_path / "long.mp4", 700, size=(240, 426), rate=30))
    me = psutil.Process()
    used: list[int] = []
    for number, frame in enumerate(clip.frames()):
        assert frame.image.shape == (240, 426, 3)
        if number in (200, 690):
            used.append(sum(process.memory_info().rss for process in (me, *me.children())))
    assert used[1] - used[0] < 20 * 1024**2, f"grew by {(used[1] - used[0]) >> 20} MB"


def test_leaving_early_ends_the_decoder(tmp_path: Path, film: Film) -> None:
    clip = open_clip(film(tmp_path / "a.mp4", 100))
    frames = clip.frames()
    next(frames)
    during = psutil.Process().children()
    frames.close()
    assert len(psutil.Process().children()) == len(during) - 1


def test_decoder_is_used_again(tmp_path: Path, film: Film) -> None:
    clip = open_clip(film(tmp_path / "a.mp4", 5))
    before = {process.pid for process in psutil.Process().children()}
    for _ in range(3):
        assert len(list(clip.frames())) == 5
    assert {process.pid for process in psutil.Process().children()} == before


def test_two_walks_at_once(tmp_path: Path, film: Film) -> None:
    clip = open_clip(film(tmp_path / "a.mp4", 8))
    for one, other in zip(clip.frames(), clip.frames(), strict=True):
        assert np.array_equal(one.image, other.image)
