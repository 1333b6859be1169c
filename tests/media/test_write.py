"""Files that facezoo writes: right pixels and times, the sound untouched, and nothing left behind by a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import PIL.Image
import psutil
import pytest

from facezoo.errors import Cancelled, UnsupportedFormat, UsageError
from facezoo.media.read import open_clip, read_photo
from facezoo.media.write import write_clip, write_photo
from facezoo.types import Frame, Image

Film = Callable[..., Path]
Moving = Callable[..., list[Frame]]


def apart(one: Image, other: Image) -> float:
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other).mean())


def packets(path: Path) -> list[tuple[float, bytes]]:
    """Sound of a file: when each packet is due after the first picture, and its bytes."""
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        start = float(video.start_time * video.time_base)
        return [
            (float(packet.pts * packet.time_base) - start, bytes(packet))
            for packet in container.demux(audio)
            if packet.size
        ]


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [(".png", 0), (".jpg", 1.5), (".jpeg", 1.5), (".webp", 3), (".avif", 2)]
)
def test_photo(tmp_path: Path, chart: Image, suffix: str, tolerance: float) -> None:
    path = tmp_path / f"out{suffix}"
    write_photo(path, chart)
    assert apart(read_photo(path), chart) <= tolerance
    with PIL.Image.open(path) as written:
        assert not written.getexif()
        assert not {"exif", "icc_profile", "comment", "xmp"} & set(written.info)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_photo_quality_and_wrong_suffix(tmp_path: Path, portrait: Path) -> None:
    picture = read_photo(portrait)
    write_photo(tmp_path / "fine.jpg", picture)
    write_photo(tmp_path / "rough.jpg", picture, quality=40)
    assert (tmp_path / "rough.jpg").stat().st_size < (tmp_path / "fine.jpg").stat().st_size / 2
    for name in ("a.tif", "a.mp4", "a"):
        with pytest.raises(UsageError):
            write_photo(tmp_path / name, picture)
    assert len(list(tmp_path.iterdir())) == 2


def test_failed_photo_leaves_the_old_file(tmp_path: Path, chart: Image) -> None:
    path = tmp_path / "out.png"
    write_photo(path, chart)
    before = path.read_bytes()
    with pytest.raises((TypeError, ValueError)):
        write_photo(path, np.zeros((4, 4, 7), np.float64))  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(("suffix", "tolerance"), [(".mp4", 6), (".gif", 5), (".webp", 6)])
def test_clip(tmp_path: Path, moving: Moving, suffix: str, tolerance: float) -> None:
    frames = moving(12, size=(96, 128))
    path = tmp_path / f"out{suffix}"
    seen: list[tuple[str, float]] = []
    written = write_clip(path, iter(frames), rate=Fraction(25), count=12, progress=lambda *stage: seen.append(stage))
    assert written == 12
    assert seen[-1] == ("seal", 1.0)
    assert [fraction for _, fraction in seen] == sorted(fraction for _, fraction in seen)
    decoded = list(open_clip(path).frames())
    assert [round(frame.time, 2) for frame in decoded] == [round(frame.time, 2) for frame in frames]
    for frame, made in zip(decoded, frames, strict=True):
        assert apart(frame.image, made.image) < tolerance
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_variable_frame_rate_is_kept(tmp_path: Path, moving: Moving) -> None:
    times = [0, 0.02, 0.06, 0.5, 0.533, 0.54, 1.3]
    write_clip(tmp_path / "out.mp4", moving(7, times=times), rate=Fraction(10))
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        stamps = sorted(float(packet.pts * packet.time_base) for packet in container.demux(stream) if packet.size)
        assert np.allclose(np.subtract(stamps, stamps[0]), times, atol=2e-5)
        assert abs(float(stream.duration * stream.time_base) - 1.4) < 0.001, "the last is shown for 1 / rate"
    assert np.allclose([frame.time for frame in open_clip(tmp_path / "out.mp4").frames()], times, atol=2e-5)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("plays", [0, 1, 3])
def test_plays_as_often(tmp_path: Path, moving: Moving, suffix: str, plays: int) -> None:
    """As often as the animation it was made from, whose counts Pillow wrote."""
    source, path = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    first, *rest = [PIL.Image.fromarray(frame.image) for frame in moving(4)]
    loop = {} if (suffix, plays) == (".gif", 1) else {"loop": plays - 1 if suffix == ".gif" and plays else plays}
    first.save(source, save_all=True, append_images=rest, duration=80, **loop)
    clip = open_clip(source)
    assert clip.plays == plays
    write_clip(path, clip.frames(), rate=clip.rate, plays=clip.plays)
    assert open_clip(path).plays == plays


def test_mp4_is_what_players_expect(tmp_path: Path, moving: Moving) -> None:
    frames = moving(5, size=(97, 129))
    write_clip(tmp_path / "out.mp4", frames, rate=Fraction(30000, 1001))
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "index first: it plays while it loads"
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 130, 98)
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
    first = next(open_clip(tmp_path / "out.mp4").frames()).image
    assert apart(first[:97, :129], frames[0].image) < 6
    assert apart(first[97:], first[96:97]) < 6
    assert apart(first[:, 129:], first[:, 128:129]) < 6


@pytest.mark.parametrize(
    ("name", "audio", "video"),
    [
        ("a.mp4", "aac", "libx264"),
        ("a.mp4", "libmp3lame", "libx264"),
        ("a.webm", "libopus", "libvpx"),
        ("a.mkv", "flac", "libx264"),
    ],
)
def test_sound_is_copied_bit_by_bit(tmp_path: Path, film: Film, name: str, audio: str, video: str) -> None:
    source = open_clip(film(tmp_path / name, 75, audio=audio, codec=video))
    assert source.has_audio
    path = tmp_path / "out.mp4"
    write_clip(path, source.frames(), rate=source.rate, audio_from=source.source)
    before, after = packets(source.source), packets(path)
    assert len(before) > 30
    assert [data for _, data in after] == [data for _, data in before]
    late = [new - old for (new, _), (old, _) in zip(after, before, strict=True)]
    assert max(map(abs, late)) < 0.0015, "no drift against the picture"
    assert open_clip(path).has_audio


def test_sound_that_mp4_cannot_hold_becomes_aac(tmp_path: Path, film: Film) -> None:
    source = open_clip(film(tmp_path / "a.mkv", 50, audio="pcm_s16le"))
    write_clip(tmp_path / "out.mp4", source.frames(), rate=source.rate, audio_from=source.source)
    with av.open(str(tmp_path / "out.mp4")) as container:
        audio = container.streams.audio[0]
        assert audio.codec_context.name == "aac"
        heard = np.concatenate([frame.to_ndarray() for frame in container.decode(audio)], 1)
    assert abs(heard.shape[1] / 48_000 - 2) < 0.1
    assert 0.1 < np.abs(heard).max() < 0.5


def test_sound_starts_where_the_picture_does(tmp_path: Path, shared: Path) -> None:
    source = open_clip(shared / "hostile" / "v_audio.mp4")
    write_clip(tmp_path / "out.mp4", source.frames(), rate=source.rate, audio_from=source.source)
    before, after = packets(source.source), packets(tmp_path / "out.mp4")
    assert [data for _, data in before] == [data for _, data in after]
    assert max(abs(new - old) for (new, _), (old, _) in zip(after, before, strict=True)) < 0.001


def test_no_sound_in_the_source(tmp_path: Path, film: Film) -> None:
    source = open_clip(film(tmp_path / "a.mp4", 5))
    assert write_clip(tmp_path / "o.mp4", source.frames(), rate=source.rate, audio_from=source.source) == 5
    assert not open_clip(tmp_path / "o.mp4").has_audio


def test_sound_from_a_picture_is_refused(tmp_path: Path, moving: Moving, portrait: Path) -> None:
    with pytest.raises(UnsupportedFormat):
        write_clip(tmp_path / "out.mp4", moving(3), rate=Fraction(25), audio_from=portrait)
    assert not list(tmp_path.iterdir())


def test_gif_does_not_flicker(tmp_path: Path, portrait: Path) -> None:
    still = read_photo(portrait)[::4, ::4].copy()
    frames = []
    for number in range(6):
        picture = still.copy()
        picture[:20, number * 20 : number * 20 + 20] = (255, 0, 80)
        frames.append(Frame(picture, number / 10))
    write_clip(tmp_path / "out.gif", frames, rate=Fraction(10))
    decoded = [frame.image for frame in open_clip(tmp_path / "out.gif").frames()]
    assert apart(decoded[0], frames[0].image) < 8
    for picture in decoded[1:]:
        assert np.array_equal(picture[24:], decoded[0][24:]), "still parts stay still"


def test_gif_faster_than_gif_can_show_drops_frames(tmp_path: Path, moving: Moving) -> None:
    assert write_clip(tmp_path / "out.gif", moving(20, rate=100), rate=Fraction(100)) == 10
    times = [frame.time for frame in open_clip(tmp_path / "out.gif").frames()]
    assert np.allclose(times, np.arange(10) / 50, atol=0.001)


@pytest.mark.parametrize(("suffix", "when"), [(".mp4", 0.2), (".gif", 0.2), (".gif", 0.7), (".webp", 0.2)])
def test_cancelling_leaves_nothing(tmp_path: Path, empty_temp: Path, film: Film, suffix: str, when: float) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    source = open_clip(film(tmp_path / "a.mp4", 40, audio="aac"))
    closed: list[bool] = []

    def frames() -> Iterator[Frame]:
        try:
            yield from source.frames()
        finally:
            closed.append(True)

    def progress(stage: str, fraction: float) -> None:
        if fraction > when:
            raise Cancelled("Cancelled.")

    before = {process.pid for process in psutil.Process().children()}
    sound = source.source if suffix == ".mp4" else None
    with pytest.raises(Cancelled):
        write_clip(folder / f"out{suffix}", frames(), rate=source.rate, audio_from=sound, count=40, progress=progress)
    assert closed == [True]
    assert not list(folder.iterdir())
    assert {process.pid for process in psutil.Process().children()} <= before


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp"])
def test_bad_frames_leave_nothing(tmp_path: Path, moving: Moving, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with pytest.raises(UsageError, match="no frame"):
        write_clip(path, [], rate=Fraction(25))
    with pytest.raises(UsageError, match="same size"):
        write_clip(path, [*moving(2), Frame(np.zeros((64, 64, 3), np.uint8), 1.0)], rate=Fraction(25))
    with pytest.raises(UsageError, match="order"):
        write_clip(path, reversed(moving(3)), rate=Fraction(25))
    assert not list(tmp_path.iterdir())


def test_other_suffix(tmp_path: Path, moving: Moving) -> None:
    with pytest.raises(UsageError, match=r"\.mp4"):
        write_clip(tmp_path / "out.avi", moving(2), rate=Fraction(25))


def test_long_clip_is_written_at_constant_memory(tmp_path: Path, moving: Moving) -> None:
    loop = moving(25, size=(240, 426))
    me = psutil.Process()
    used: list[int] = []

    def frames() -> Iterator[Frame]:
        for number in range(500):
            if number in (150, 490):
                used.append(me.memory_info().rss)
            yield Frame(loop[number % 25].image.copy(), number / 25)

    assert write_clip(tmp_path / "out.mp4", frames(), rate=Fraction(25)) == 500
    assert used[1] - used[0] < 20 * 1024**2, f"grew by {(used[1] - used[0]) >> 20} MB"
