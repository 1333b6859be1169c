"""talking_head's own pieces: points and their drawing, the warp, layers, pasting, learning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facezoo.errors import BadInput, UsageError
from facezoo.face.find import find_faces, move
from facezoo.media.read import read_photo
from facezoo.types import Face
from facezoo.zoo.embedded import personas

torch = pytest.importorskip("torch")

from facezoo.methods.talking_head.bilayer import Bilayer, Layers, carry, thin_plate  # noqa: E402
from facezoo.methods.talking_head.content import Content  # noqa: E402
from facezoo.methods.talking_head.head import Head, photo_of  # noqa: E402
from facezoo.methods.talking_head.landmarks import COUNT, MIRROR, draw_points, points_of, window  # noqa: E402
from facezoo.methods.talking_head.learning import learn, videos_of  # noqa: E402
from facezoo.methods.talking_head.model import Embedder, Generator  # noqa: E402
from facezoo.methods.talking_head.pipeline import AnyGenerator, TalkingHead  # noqa: E402
from facezoo.methods.talking_head.spec import Params  # noqa: E402
from facezoo.methods.talking_head.videos import draw_batch, move_face, tensors_of  # noqa: E402

SIDE = 64


@pytest.fixture(scope="module")
def face() -> Face:
    return find_faces(read_photo(personas()[0].portrait))[0]


@pytest.fixture(scope="module")
def networks() -> dict[str, Any]:
    """Small ones, as they begin."""
    torch.manual_seed(0)
    embedder = Embedder(in_height=SIDE, inside=SIDE, channels=2)
    return {"embedder": embedder.eval(), "generator": Bilayer(SIDE, embedding=16, narrow=4, wide=4).eval()}


class TestPoints:
    def test_mirror_is_its_own_inverse(self) -> None:
        assert sorted(MIRROR.tolist()) == list(range(COUNT))
        assert (MIRROR[MIRROR] == np.arange(COUNT)).all()

    def test_irises_lie_in_the_eyes_and_follow_the_gaze(self, face: Face) -> None:
        marks = face.landmarks
        straight = points_of(marks.points, np.zeros(2, np.float32), marks.mesh)
        aside = points_of(marks.points, np.array([0.2, 0], np.float32), marks.mesh)
        for iris, eye in ((68, slice(36, 42)), (69, slice(42, 48))):
            low, high = straight[eye].min(axis=0), straight[eye].max(axis=0)
            assert (low < straight[iris]).all() and (straight[iris] < high).all()
            assert aside[iris, 0] > straight[iris, 0]
        near = points_of(marks.points, np.zeros(2, np.float32))
        assert np.abs(near - straight).max() < 0.1 * (high - low)[0] + 1

    def test_each_part_has_a_colour_of_its_own(self, face: Face) -> None:
        affine = window(face.landmarks, 256)
        drawn = draw_points(move(points_of(face.landmarks.points, np.zeros(2, np.float32)), affine), 256)
        colors, counts = np.unique(drawn.reshape(-1, 3), axis=0, return_counts=True)
        assert (counts > 15).sum() >= 10, "nine parts, irises and the ground"
        assert (colors[counts.argmax()] == 0).all()

    def test_window_holds_the_face(self, face: Face) -> None:
        inside = move(face.landmarks.points, window(face.landmarks, 100))
        assert inside.min() > 15
        assert inside.max() < 85


class TestWarp:
    def test_plate_goes_through_its_points_and_keeps_the_edge(self) -> None:
        torch.manual_seed(0)
        to = torch.rand(1, 12, 2) - 0.5
        at = to + 0.1 * torch.randn(1, 12, 2)
        plate = thin_plate(to, at, torch.tensor([True]), 64)[0]
        places = ((to[0] + 1) * 32 - 0.5).round().long()
        read = plate[places[:, 1], places[:, 0]]
        assert (read - (at - to)[0]).abs().mean() < 0.02
        assert plate[0].abs().max() < 0.02
        loose = thin_plate(to, to + 0.3, torch.tensor([False]), 16)[0]
        assert torch.allclose(loose, torch.full_like(loose, 0.3), atol=1e-3)

    def test_lips_that_meet_do_not_tear(self) -> None:
        to, at = torch.zeros(1, 2, 2), torch.tensor([[[0.0, -0.1], [0.0, 0.1]]])
        assert thin_plate(to, at, torch.tensor([True]), 16).abs().max() < 0.2

    def test_photos_are_carried_at_any_resolution(self) -> None:
        photos = torch.rand(1, 2, 3, 96, 96)
        line = (torch.arange(8) + 0.5) / 4 - 1
        y, x = torch.meshgrid(line, line, indexing="ij")
        own = torch.stack([x, y], dim=2).expand(1, 2, 8, 8, 2)
        shares = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1, 1).expand(1, 2, 1, 8, 8)
        inner = slice(8, 88)
        made = carry(photos, own, shares)
        assert torch.allclose(made[..., inner, inner], photos[:, 0][..., inner, inner], atol=1e-4)


class TestLayers:
    def test_untrained_network_carries_the_photo(self, face: Face, networks: dict[str, Any]) -> None:
        photo = photo_of(face, SIDE)
        head = Head([photo], networks["generator"], torch.zeros(1, 16, 1))
        made = head.layers(photo.points)
        assert isinstance(made, Layers)
        crop = torch.from_numpy(photo.crop).permute(2, 0, 1)[None] / 255
        assert (made.carried - crop).abs().mean() < 0.01
        assert 0.85 < made.mask.mean() < 0.9
        assert torch.allclose(made.picture, made.mask * made.carried + (1 - made.mask) * made.coarse)

    def test_photo_is_left_as_it_was_outside_the_window(self, face: Face, networks: dict[str, Any]) -> None:
        wide = np.pad(face.frame, ((60, 60), (60, 60), (0, 0)), mode="reflect")
        framed = find_faces(wide)[0]
        head = Head([photo_of(framed, SIDE)], networks["generator"], torch.zeros(1, 16, 1))
        drawn = head.draw(move(head.photos[0].points, np.linalg.pinv(_square(head.photos[0].affine))[:2]))
        changed = np.abs(drawn.astype(int) - wide).max(axis=2) > 0
        rows, columns = np.nonzero(changed)
        inside = move(np.stack([columns, rows], axis=1).astype(np.float32), head.photos[0].affine)
        assert inside.min() >= -0.5
        assert inside.max() <= SIDE - 0.5
        assert drawn.shape == wide.shape

    def test_fine_tuned_network_begins_as_the_embedding_says(self, face: Face, networks: dict[str, Any]) -> None:
        e = torch.randn(1, 16, 1)
        own = learn(networks["generator"], e, videos_of([face], SIDE), 0)
        assert torch.allclose(own.personal(torch.zeros(1, 16, 1)), networks["generator"].personal(e))

    def test_half_of_the_bytes_load_as_they_were(self, networks: dict[str, Any], tmp_path: Path) -> None:
        networks["generator"].save_pretrained(tmp_path / "generator")
        again = AnyGenerator.from_pretrained(tmp_path / "generator")
        assert isinstance(again, Bilayer)
        assert all(
            torch.equal(a, b) for a, b in zip(again.parameters(), networks["generator"].parameters(), strict=True)
        )


class TestLearning:
    def test_moved_frames_begin_with_the_photo(self, face: Face) -> None:
        video = move_face(face, 3, SIDE, seed=1)
        assert np.abs(video.pictures[0].astype(int) - photo_of(face, SIDE).crop).mean() < 4
        assert np.array_equal(move_face(face, 3, SIDE, seed=1).pictures, video.pictures)
        assert not np.array_equal(move_face(face, 3, SIDE, seed=2).pictures, video.pictures)
        marks = points_of(face.landmarks.points, np.zeros(2, np.float32), face.landmarks.mesh)
        assert np.abs(move(marks, window(face.landmarks, SIDE))[:68] - video.points[0, :68]).max() < 0.5

    def test_batches_are_drawn_from_torchs_random_numbers(self, face: Face) -> None:
        videos = [move_face(face, 5, SIDE, seed) for seed in (1, 2)]
        batches = []
        for _ in range(2):
            torch.manual_seed(3)
            batches.append(draw_batch(videos, 3, 3))
        assert all(torch.equal(a, b) for a, b in zip(vars(batches[0]).values(), vars(batches[1]).values(), strict=True))
        assert batches[0].photos.shape == (3, 3, 3, SIDE, SIDE)
        assert batches[0].truth.min() >= 0
        assert batches[0].truth.max() <= 1

    def test_window_and_points_of_varied_photos_move_together(self, face: Face) -> None:
        """Where a varied photo's nose is drawn, the photo shows what it showed there before."""
        video = move_face(face, 4, 128, seed=5)
        bright = np.zeros_like(video.pictures)
        for picture, points in zip(bright, video.points, strict=True):
            x, y = np.round(points[30]).astype(int)
            picture[y - 3 : y + 4, x - 3 : x + 4] = 255
        torch.manual_seed(0)
        batch = draw_batch([type(video)(bright, video.points)], 4, 3)
        for photos, seen in zip(batch.photos, batch.seen, strict=True):
            for photo, points in zip(photos, seen, strict=True):
                x, y = points[30].round().long().tolist()
                assert photo[:, y, x].max() > 0.5

    def test_a_few_steps_bring_a_face_nearer(self, face: Face, networks: dict[str, Any]) -> None:
        video = videos_of([face], SIDE)[0]
        pictures, points = tensors_of(video, [0, 5])
        told: list[int] = []

        def on_step(step: int, _: Bilayer) -> bool:
            told.append(step)
            return step < 6

        e = torch.zeros(1, 16, 1)
        own = learn(networks["generator"], e, [video], 50, on_step=on_step)
        assert told == [1, 2, 3, 4, 5, 6]

        def apart(generator: Bilayer) -> float:
            with torch.inference_mode():
                drawing = torch.from_numpy(draw_points(points[0, 1].numpy(), SIDE)).permute(2, 0, 1)[None] / 255
                made = generator(drawing, points[:, 1], pictures[:, :1], points[:, :1], e)
            return float((made.picture - pictures[:, 1]).abs().mean())

        assert apart(own) < apart(networks["generator"])
        assert all(not each.requires_grad for each in own.parameters())

    def test_content_of_the_same_is_nothing(self) -> None:
        pictures = torch.rand(2, 3, 32, 32)
        content = Content()
        assert content(pictures, pictures) == 0
        assert content(pictures, pictures.flip(3)) > 0.1


class TestPipeline:
    def test_sliders_move_the_photo(self, face: Face, networks: dict[str, Any]) -> None:
        pipeline = TalkingHead(networks)
        (frame,) = pipeline.animate(face, driving=None, params=Params(yaw=15, mouth=0.5))
        assert frame.image.shape == face.frame.shape
        assert np.abs(frame.image.astype(int) - face.frame).mean() > 1
        with pytest.raises(UsageError, match="Nothing was asked"):
            next(pipeline.animate(face, driving=None, params=Params()))

    def test_live_follows_sliders(self, face: Face, networks: dict[str, Any]) -> None:
        live = TalkingHead(networks).live(face, params=Params())
        assert live.pose(Params(yaw=10)).shape == face.frame.shape

    def test_several_photos_make_one_head(self, face: Face, networks: dict[str, Any]) -> None:
        other = find_faces(np.ascontiguousarray(face.frame[:, ::-1]))[0]
        (frame,) = TalkingHead(networks, others=[other]).animate(face, driving=None, params=Params(yaw=15))
        assert frame.image.shape == face.frame.shape
        with pytest.raises(UsageError, match="too many"):
            TalkingHead(networks, others=[other] * 8)

    def test_the_papers_network_runs_too(self, face: Face, tmp_path: Path) -> None:
        torch.manual_seed(0)
        paper = {"embedder": Embedder(64, channels=4, inside=64), "generator": Generator(64, channels=4, inside=64)}
        TalkingHead({name: each.eval() for name, each in paper.items()}).save_pretrained(tmp_path / "paper")
        pipeline = TalkingHead.from_pretrained(tmp_path / "paper")
        assert isinstance(pipeline.networks["generator"], Generator)
        (frame,) = pipeline.animate(face, driving=None, params=Params(yaw=10))
        assert frame.image.shape == face.frame.shape
        with pytest.raises(UsageError, match="cannot learn"):
            next(pipeline.animate(face, driving=None, params=Params(yaw=10, learn=10)))

    def test_explains_itself(self, face: Face, networks: dict[str, Any]) -> None:
        steps = TalkingHead(networks).explain(face, params=Params())
        assert [step.name for step in steps] == ["window", "points", "asked", "carried", "coarse", "mask", "result"]
        assert steps[-1].image.shape == face.frame.shape


def _square(affine: np.ndarray) -> np.ndarray:
    return np.vstack([affine, [0, 0, 1]])


def test_heads_that_are_none_are_refused(tmp_path: Path) -> None:
    from facezoo.runner import open_head

    with pytest.raises(BadInput, match="no head"):
        open_head(tmp_path)
