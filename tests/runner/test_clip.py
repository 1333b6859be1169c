"""Clips on their way through the threads: in order, at their own times, with their sound, and stopped at once."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import cv2
import numpy as np
import pytest

import facezoo
from facezoo.errors import BadInput, Cancelled, ContentRefused, NoFace, UsageError
from facezoo.face.find import find_faces
from facezoo.face.follow import Follower
from facezoo.face.turn import Turns
from facezoo.media.read import open_clip, read_photo
from facezoo.media.write import write_clip, write_photo
from facezoo.method.pipeline import FacePipeline
from facezoo.runner import clip as translate
from facezoo.runner import road
from facezoo.runner.admit import Cast
from facezoo.runner.clip import Translator
from facezoo.runner.prefetch import Crew
from facezoo.runner.record import Stopwatch
from facezoo.safety import admission
from facezoo.types import Face, Frame, Image, MethodSpec, Weights
from facezoo.zoo.embedded import personas


@dataclass(frozen=True)
class Params:
    color: Literal["none"] = "none"
    blend: Literal["feather"] = "feather"


SPEC = MethodSpec(
    "paint",
    "Paint",
    2020,
    "",
    "Paints faces.",
    "translation",
    ("swap",),
    "Apache-2.0",
    "paint:Paint",
    Params,
    "Paint only.",
    "Nothing.",
)
COLORS = {"": (250, 20, 20), "imani": (20, 250, 20), "orla": (20, 20, 250)}


class Paint(FacePipeline):
    """Makes each face one colour, the identity's."""

    spec = SPEC

    def __init__(self, fail_at: int = -1) -> None:
        super().__init__()
        self.weights = Weights(sha256="5" * 64)
        self.batches: list[tuple[str, int]] = []
        self._fail_at = fail_at

    def __call__(
        self, targets: Iterator[Face], *, identity: Face | None, params: Any, seed: int = 0
    ) -> Iterator[Image]:
        who = identity.persona if identity else ""
        self.batches.append((who, 0))
        for face in targets:
            if sum(count for _, count in self.batches) == self._fail_at:
                raise ZeroDivisionError("in the network")
            self.batches[-1] = (who, self.batches[-1][1] + 1)
            yield np.broadcast_to(np.array(COLORS.get(who, (9, 9, 9)), np.uint8), face.crop.shape)


@pytest.fixture(scope="module")
def portraits() -> list[Image]:
    size = (200, 200)
    return [np.asarray(cv2.resize(read_photo(p.portrait), size, interpolation=cv2.INTER_AREA)) for p in personas()[:3]]


def frames_of(portrait: Image, count: int, *, away: range = range(0)) -> Iterator[Frame]:
    """A face that moves, and is blurred away in some frames; ten a second, every third frame late."""
    for index in range(count):
        canvas = np.full((224, 320, 3), 110, np.uint8)
        canvas[12:212, 20 + 2 * index % 60 : 220 + 2 * index % 60] = portrait
        if index in away:
            canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), 30))
        yield Frame(canvas, (index + 0.3 * (index % 3 == 2)) / 10)


@pytest.fixture(scope="module")
def clip(portraits: list[Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_clip(path, frames_of(portraits[0], 30), rate=Fraction(10))
    return path


def stages() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "facezoo-stage"]


def painted(image: Image, color: tuple[int, int, int]) -> int:
    """How many pixels have about this colour."""
    return int((np.abs(image.astype(int) - color).max(axis=2) < 60).sum())


def run(path: Path, output: Path, pipeline: Paint | None = None, **arguments: Any) -> facezoo.types.Sealed:
    return facezoo.run("paint", path, consent=True, pipeline=pipeline or Paint(), output=output, **arguments)


class TestOwnWeights:
    def test_they_are_used_and_named(self, clip: Path, tmp_path: Path) -> None:
        sealed = run(clip, tmp_path / "out.mp4")
        assert sealed.record["persona"] is None and sealed.record["weights"]["sha256"] == "5" * 64
        assert facezoo.verify(sealed.path).c2pa == "trusted"
        assert all(painted(frame.image, COLORS[""]) > 2000 for frame in open_clip(sealed.path).frames())

    def test_what_does_not_go_together(self, clip: Path, tmp_path: Path) -> None:
        for more in ({"persona": "imani"}, {"personas": {1: "imani"}}, {"source": clip}, {"smoothing": 2}):
            with pytest.raises(UsageError):
                run(clip, tmp_path / "out.mp4", **more)
        with pytest.raises(UsageError, match="paint"):
            facezoo.run("landmark_warp", clip, consent=True, pipeline=Paint(), output=tmp_path / "out.mp4")
        assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def group(portraits: list[Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people side by side, 200 px each."""
    path = tmp_path_factory.mktemp("group") / "group.png"
    write_photo(path, np.hstack(portraits))
    return path


@pytest.fixture(scope="module")
def order(group: Path) -> list[int]:
    """In which third of the group each face is, the largest first."""
    return [int(face.box.left // 200) for face in find_faces(read_photo(group))]


class TestPersonas:
    """Each face becomes its own persona; the others stay."""

    @pytest.fixture(autouse=True)
    def installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(road.registry, "load_spec", lambda _: SPEC)
        monkeypatch.setattr(road.registry, "load", lambda *_: Paint())

    def swap(self, path: Path, output: Path, people: dict[int, str], **more: Any) -> facezoo.types.Sealed:
        return facezoo.run("paint", path, consent=True, personas=people, output=output, **more)

    def shown(self, image: Image) -> list[str]:
        """Whom each third of a picture shows, "" where nobody was painted."""
        thirds = np.array_split(image, 3, axis=1)
        return [max((id for id in COLORS if painted(third, COLORS[id]) > 800), default="") for third in thirds]

    def test_photo(self, group: Path, order: list[int], tmp_path: Path) -> None:
        sealed = self.swap(group, tmp_path / "out.png", {3: "orla", 1: "imani"})
        assert [self.shown(read_photo(sealed.path))[third] for third in order] == ["imani", "", "orla"]
        untouched = slice(200 * order[1], 200 * order[1] + 200)
        difference = read_photo(sealed.path)[:, untouched].astype(int) - read_photo(group)[:, untouched]
        assert np.abs(difference).mean() < 4, "nobody asked for this one"
        assert sealed.record["personas"] == {"1": "imani", "3": "orla"}
        assert sealed.record["persona"] is None and sealed.record["faces"] == 2
        said = next(a["data"] for a in sealed.manifest["assertions"] if a["label"] == "org.facezoo.result")
        assert said["personas"] == {"1": "imani", "3": "orla"} and said["persona"] is None

    def test_the_same_for_all_is_named(self, group: Path, tmp_path: Path) -> None:
        record = self.swap(group, tmp_path / "out.png", {1: "orla", 2: "orla"}).record
        assert record["persona"] == "orla" and record["personas"] == {"1": "orla", "2": "orla"}

    def test_clip(self, group: Path, order: list[int], tmp_path: Path) -> None:
        picture = read_photo(group)
        moving = (Frame(np.roll(picture, index, axis=1), index / 10) for index in range(12))
        write_clip(tmp_path / "in.mp4", moving, rate=Fraction(10))
        sealed = self.swap(tmp_path / "in.mp4", tmp_path / "out.mp4", {2: "imani", 3: "orla"})
        for frame in open_clip(sealed.path).frames():
            assert [self.shown(frame.image)[third] for third in order] == ["", "imani", "orla"]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"people": {}},
            {"people": {1: "nobody"}},
            {"people": {1: "imani"}, "face": 1},
            {"people": {1: "imani"}, "persona": "imani"},
            {"people": {1: "imani"}, "source": "x.png"},
        ],
    )
    def test_usage_errors(self, group: Path, tmp_path: Path, wrong: dict[str, Any]) -> None:
        people = wrong.pop("people")
        with pytest.raises(UsageError) as caught:
            self.swap(group, tmp_path / "out.png", people, **wrong)
        assert caught.value.advice
        assert not (tmp_path / "out.png").exists()

    def test_a_face_that_is_not_there(self, group: Path, clip: Path, tmp_path: Path) -> None:
        for path, output in ((group, "out.png"), (clip, "out.mp4")):
            with pytest.raises(NoFace, match="There is no face 4"):
                self.swap(path, tmp_path / output, {1: "imani", 4: "orla"})
        assert stages() == []


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp"])
def test_in_order_and_at_their_own_times(clip: Path, tmp_path: Path, suffix: str) -> None:
    sealed = run(clip, tmp_path / f"out{suffix}")
    before, after = (list(open_clip(path).frames()) for path in (clip, sealed.path))
    assert [f.time for f in after] == pytest.approx([f.time for f in before], abs=0.011)
    painted = [np.abs(f.image.astype(int) - COLORS[""]).max(axis=2) < 90 for f in after]
    lefts = [int(np.flatnonzero(each.sum(axis=0) >= 5)[0]) for each in painted]  # a GIF's dither has single dots of it
    assert np.all(np.diff(lefts) >= 0) and lefts[-1] > lefts[0] + 30, "the paint moves with the face"
    assert set(sealed.record["seconds"]) == {"read", "detect", "method", "blend", "seal", "total"}


def test_threads_change_nothing(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Alone(Crew):
        def ahead(self, items: Any, most: int, **_: Any) -> Any:
            return items

    run(clip, tmp_path / "threads.mp4")
    monkeypatch.setattr(road, "Crew", Alone)
    run(clip, tmp_path / "alone.mp4")
    one, other = (list(open_clip(tmp_path / name).frames()) for name in ("threads.mp4", "alone.mp4"))
    for a, b in zip(one, other, strict=True):
        apart = np.abs(a.image.astype(int) - b.image)
        assert apart.mean() < 0.01 and apart.max() < 8  # the encoder is not always the same in a film's last block


def test_faces_go_through_the_method_together(clip: Path, tmp_path: Path) -> None:
    pipeline = Paint()
    run(clip, tmp_path / "out.mp4", pipeline)
    assert [count for _, count in pipeline.batches] == [8, 8, 8, 6]


def test_a_loss_is_bridged_or_left_alone(portraits: list[Image], tmp_path: Path) -> None:
    for away, expected in ((range(10, 13), 20), (range(8, 16), 12)):
        path = tmp_path / "in.mp4"
        write_clip(path, frames_of(portraits[0], 20, away=away), rate=Fraction(10))
        sealed = run(path, tmp_path / "out.mp4")
        changed = [painted(frame.image, COLORS[""]) > 500 for frame in open_clip(sealed.path).frames()]
        assert sum(changed) == expected, away


def test_no_face_at_all(landscape: Path, tmp_path: Path) -> None:
    frames = [Frame(read_photo(landscape), index / 10) for index in range(12)]
    write_clip(tmp_path / "in.mp4", iter(frames), rate=Fraction(10))
    with pytest.raises(NoFace):
        run(tmp_path / "in.mp4", tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"] and stages() == []


@pytest.mark.usefixtures("empty_temp")
class TestStopped:
    """Whatever ends the work: the error itself comes out, no thread and no file stays."""

    def check(
        self, clip: Path, folder: Path, error: type[BaseException], pipeline: Paint | None = None, **more: Any
    ) -> None:
        output = folder / "out.mp4"
        with pytest.raises(error):
            run(clip, output, pipeline, **more)
        assert stages() == [] and not output.exists()

    @pytest.mark.parametrize("after", [0.0, 0.3, 0.9])
    def test_cancelled(self, clip: Path, tmp_path: Path, after: float) -> None:
        caller = threading.current_thread()
        at = 0.0

        def stop(stage: str, fraction: float) -> None:
            nonlocal at
            assert threading.current_thread() is caller
            if stage == "method" and fraction >= after:
                at = time.perf_counter()
                raise Cancelled("Stopped.")

        self.check(clip, tmp_path, Cancelled, progress=stop)
        assert time.perf_counter() - at < 2

    def test_cancelled_while_a_stage_takes_long(self, clip: Path, tmp_path: Path) -> None:
        asked = 0

        def stop(_stage: str, _fraction: float) -> None:
            nonlocal asked
            asked += 1
            if asked > 4:
                raise Cancelled("Stopped.")

        class Slow(Paint):
            def __call__(self, targets: Iterator[Face], **more: Any) -> Iterator[Image]:
                time.sleep(1.0)
                yield from super().__call__(targets, **more)

        self.check(clip, tmp_path, Cancelled, Slow(), progress=stop)

    @pytest.mark.parametrize("fail_at", [0, 5, 20])
    def test_method(self, clip: Path, tmp_path: Path, fail_at: int) -> None:
        self.check(clip, tmp_path, ZeroDivisionError, Paint(fail_at))

    @pytest.mark.parametrize("what", ["paste", "Steady.see", "Follower.__call__"])
    def test_detection_and_blending(
        self, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise ZeroDivisionError("somewhere")

        holder: Any = translate
        *path, name = what.split(".")
        for each in path:
            holder = getattr(holder, each)
        monkeypatch.setattr(holder, name, fail)
        self.check(clip, tmp_path, ZeroDivisionError)

    def test_content(self, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[Image] = []

        def refuse(image: Image) -> None:
            calls.append(image)
            if len(calls) == 2:
                raise ContentRefused("No.")

        monkeypatch.setattr(admission, "check_content", refuse)
        self.check(clip, tmp_path, ContentRefused)

    def test_damaged_in_the_middle(self, clip: Path, tmp_path: Path) -> None:
        data = bytearray(clip.read_bytes())
        at = data.index(b"mdat") + 4
        data[at + (len(data) - at) // 2 :] = bytes(len(data) - at - (len(data) - at) // 2)
        damaged = tmp_path / "damaged.mp4"
        damaged.write_bytes(data)
        self.check(damaged, tmp_path, BadInput)


def test_memory_does_not_grow_with_the_clip(portraits: list[Image]) -> None:
    alive, most = 0, 0

    def gone() -> None:
        nonlocal alive
        alive -= 1

    def frames(count: int) -> Iterator[Frame]:
        nonlocal alive, most
        for frame in frames_of(portraits[0], count):
            alive, most = alive + 1, max(most, alive + 1)
            weakref.finalize(frame, gone)
            yield replace(frame, time=frame.time / 3)

    translator = Translator(Paint(), Cast(1), Params(), 0, 0.3, Stopwatch(None))
    with Crew() as crew:
        count = sum(1 for _ in translator.clip(crew, frames(150), Follower(1, 16), Turns()))
    gc.collect()
    assert count == 150 and most < 60 and stages() == []


def test_sound_is_copied_packet_by_packet(portraits: list[Image], tmp_path: Path) -> None:
    silent, source = tmp_path / "silent.mp4", tmp_path / "in.mp4"
    write_clip(silent, frames_of(portraits[0], 12), rate=Fraction(10))
    with av.open(str(silent)) as pictures, av.open(str(source), "w") as container:
        video = container.add_stream_from_template(pictures.streams.video[0])
        audio: Any = container.add_stream("aac", rate=44100, layout="mono")
        for packet in pictures.demux(video=0):
            if packet.size:
                packet.stream = video
                container.mux(packet)
        random = np.random.default_rng(0)
        for start in range(0, 48 * 1024, 1024):
            noise = random.normal(0, 0.1, (1, 1024)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, start
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    sealed = run(source, tmp_path / "out.mp4")
    assert packets(source) == packets(sealed.path) != []


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_a_crew_hands_on_in_order_and_reports_after_what_was_made() -> None:
    def numbers() -> Iterator[int]:
        yield from range(20)
        raise ZeroDivisionError

    taken: list[int] = []
    with pytest.raises(ZeroDivisionError), Crew() as crew:
        double: Callable[[Iterator[int]], Any] = lambda items: (2 * each for each in items)  # noqa: E731
        for each in crew.ahead(double(crew.ahead(numbers(), 3)), 2):  # type: ignore[arg-type]
            taken.append(each)
    assert taken == [2 * each for each in range(20)] and stages() == []
