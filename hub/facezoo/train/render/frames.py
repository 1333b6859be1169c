"""Many frames of one person from one portrait, and pairs of people who do the same, with exact labels.

Every frame is a portrait moved by `face.puppet`, cropped as all methods crop, and seen in another light. The landmarks
are those the picture was drawn with, not found in it. A frame is a function of (seed, index) alone, so that any number
of processes gives the same frames, and a data loader can ask for any of them in any order:

    subject = prepare(find_faces(read_photo(path))[0], FrameSettings())
    sample = persona_frame(subject, index, seed=0)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace, UsageError
from facezoo.face.embedding import Descriptor, check_embedder, describe
from facezoo.face.find import crop_affine, crop_image, find_faces, move
from facezoo.face.head import fit_head
from facezoo.face.mesh import BROWS, EYES, INNER_LIPS, OUTER_LIPS, inter_ocular, rasterise, sample, to_68, topology
from facezoo.face.occlusion import person_mask
from facezoo.motion.goal import Goal, draw_goal, motion_to
from facezoo.motion.motion import lip_opening
from facezoo.motion.photo import MovablePhoto, Moved
from facezoo.train.render.appearance import (
    Appearance,
    draw_appearance,
    fill_outside,
    guided,
    put_before,
    relight,
    spoil,
    whole_background,
)
from facezoo.train.sources import face_of
from facezoo.types import Face, Image, Landmarks, Mask, Points, Pose

__all__ = ["ANYONE", "LABELS", "PERSONA", "FrameSample", "FrameSettings", "PairSample", "Rules", "Subject",
           "check_face", "label_features", "pair", "persona_frame", "prepare",
           "render"]  # fmt: skip

LABELS = ("background", "person", "face", "brows", "left eye", "right eye", "lips", "mouth", "outside")
"""What the values 0 to 8 of `FrameSample.labels` mean. Left and right are the viewer's, mouth is its inside, outside is
where the portrait ended and was continued by a blur."""
TRIES = 12  # for a frame; from the fifth on ever less is asked for

_WINDOW = 1.35  # sides of the crop, of the photo that is kept around it
_FINEST = 1.8  # sides of the crop, of the resolution that is worked at
_TRUSTED = 0.8  # of the face that the person mask must cover before the background is replaced
_YAW_GAIN = 1.18  # the mesh network reports about 0.85 of a turn it is shown, of some people less
_HALF = np.array([0.5, 0.5, 0], np.float32)  # px from a pixel's centre to its corner


@dataclass(frozen=True)
class FrameSettings:
    """size: px, side of the crops. yaw: degrees, deviation of the heads' yaw (at most 35, and what looks right). light,
    compression: [0, 1], how much light, colour and picture quality change. background: [0, 1], share of replaced ones.
    identity: dlib distance to the portrait above which a frame is thrown away, 0 does not look (see
    `face.embedding`). yaw_error: degrees between the yaw drawn and the yaw found, above which it is."""

    size: int = 256
    yaw: float = 16.0
    light: float = 1.0
    compression: float = 1.0
    background: float = 0.4
    identity: float = 0.0
    yaw_error: float = 6.0


@dataclass(frozen=True)
class Rules:
    """What a portrait must be. yaw: degrees at most. height: px at least, of the face. opening: of the lips over their
    width at most: the engine cannot close a mouth that the photo shows open. reach: share of the aligned crop that the
    photo must fill."""

    yaw: float
    height: float
    opening: float = 0.06
    reach: float = 0.75


PERSONA = Rules(yaw=8, height=200)
ANYONE = Rules(yaw=15, height=100)


@dataclass(frozen=True, eq=False)
class Subject:
    """A portrait ready to be moved. puppet: of the part of the photo around the face. person: (H, W) uint8 of that
    part, 255 where somebody is; trusted: whether it covers the face. background: (H, W, 3), the part without the
    person. descriptor: (128,) of the portrait, (0,) when identities are not compared."""

    puppet: MovablePhoto
    person: NDArray[np.uint8]
    trusted: bool
    background: Image
    descriptor: Descriptor


@dataclass(frozen=True, eq=False)
class FrameSample:
    """One frame.

    image: (S, S, 3) RGB uint8, aligned crop. labels: (S, S) uint8, see LABELS. mesh: (468, 3) float32 px of the crop;
    points: (68, 2) float32 of it. pose: of the head in the uncropped picture, degrees. goal: what was asked for.
    gaze: (2,) float32 eye widths from the middle of the eyes. look: light, camera and backdrop. identity: dlib distance
    to the portrait, NaN when not compared. yaw_error: degrees, found in the frame (what the mesh network leaves out of
    a turn made good) minus drawn. mesh_error: mean distance of the mesh found in the frame, % of the inter-ocular
    distance. tries: frames drawn for it, itself included."""

    image: Image
    labels: NDArray[np.uint8]
    mesh: Points
    points: Points
    pose: Pose
    goal: Goal
    gaze: NDArray[np.float32]
    look: Appearance
    identity: float
    yaw_error: float
    mesh_error: float
    tries: int


@dataclass(frozen=True, eq=False)
class PairSample:
    """Two people doing the same: `first` is anyone, `second` the persona. Poses in the picture and expressions agree;
    faces do not."""

    first: FrameSample
    second: FrameSample


def check_face(face: Face, rules: Rules) -> None:
    """Raises UsageError when a portrait does not suit."""
    mesh = face.landmarks.mesh
    yaw = fit_head(mesh).pose.yaw
    height = float(np.ptp(mesh[:, 1]))
    opening, width = lip_opening(mesh)
    reach = _reach(face)
    if abs(yaw) > rules.yaw:
        raise UsageError(f"The face is turned: {abs(yaw):.0f} degrees.", f"At most {rules.yaw:.0f} are of use here.")
    if height < rules.height:
        raise UsageError(f"The face is small: {height:.0f} px high.", f"It must have at least {rules.height:.0f}.")
    if opening > rules.opening * width:
        raise UsageError("The mouth is open.", "Use a portrait with closed lips: an open mouth cannot be closed.")
    if reach < rules.reach:
        raise UsageError(f"The photo ends near the face: it fills {reach:.0%} of the crop.", "Use a wider portrait.")


def prepare(face: Face, settings: FrameSettings) -> Subject:
    """Everything of a portrait that its frames share. Raises WeightsUnavailable when identities are to be compared and
    the embedder is not installed."""
    if settings.identity:
        check_embedder()
    near = _around(face, settings.size)
    puppet, photo = MovablePhoto(near), near.frame
    person = guided(np.clip((person_mask(photo) - 0.2) / 0.6, 0, 1), photo, max(2, max(photo.shape) // 60))
    skin = rasterise(puppet.mesh, topology().triangles, photo.shape[1::-1]).covered
    trusted = float((person * skin).sum()) > _TRUSTED * float(skin.sum())
    own = describe(photo, puppet.mesh) if settings.identity else np.zeros(0, np.float32)
    return Subject(puppet, np.rint(person * 255).astype(np.uint8), trusted, whole_background(photo, person), own)


def persona_frame(subject: Subject, index: int, seed: int, settings: FrameSettings | None = None) -> FrameSample:
    """Frame `index` of a portrait, whichever were drawn before it. Raises NoFace when it cannot be drawn well."""
    settings = settings or FrameSettings()
    random = np.random.default_rng([seed, index])
    for tries in range(TRIES):
        goal = draw_goal(random, subject.puppet.placement.pose.pitch, settings.yaw, _strength(tries))
        look = draw_appearance(random, settings.light, settings.compression, settings.background)
        try:
            return render(subject, goal, look, settings, tries + 1)
        except NoFace:
            continue
    raise NoFace("No frame of this portrait is like it.", "Use a sharp portrait, seen from the front, without a hat.")


def pair(first: Subject, second: Subject, index: int, seed: int, settings: FrameSettings | None = None) -> PairSample:
    """Pair `index` of two portraits. Raises NoFace when it cannot be drawn well."""
    settings = settings or FrameSettings()
    random = np.random.default_rng([seed, index])
    pitch = (first.puppet.placement.pose.pitch + second.puppet.placement.pose.pitch) / 2
    for tries in range(TRIES):
        goal = draw_goal(random, pitch, settings.yaw, _strength(tries))
        look = draw_appearance(random, settings.light, settings.compression, settings.background)
        for subject in (first, second, first):  # neither turns further than the other can
            goal = replace(goal, pose=subject.puppet.turned(motion_to(subject.puppet, goal)))
        try:
            here = render(first, goal, look, settings, tries + 1)
            there = render(second, goal, Appearance(), settings, tries + 1)
        except NoFace:
            continue
        if _apart(here.pose, there.pose) < 0.5:
            return PairSample(here, there)
    raise NoFace("These two portraits cannot be turned alike.", "Use portraits that are seen from the front.")


def _strength(tries: int) -> float:
    return 1.0 if tries < 4 else 1.0 - (tries - 3) / 10


def _apart(first: Pose, second: Pose) -> float:
    """Degrees, the largest difference."""
    return max(abs(first.yaw - second.yaw), abs(first.pitch - second.pitch), abs(first.roll - second.roll))


def render(subject: Subject, goal: Goal, look: Appearance, settings: FrameSettings, tries: int) -> FrameSample:
    """One frame of a portrait. tries: which of the frames that were drawn for it this is. Raises NoFace when what was
    drawn is not to be used."""
    puppet, size = subject.puppet, settings.size
    motion = motion_to(puppet, goal)
    drawing = puppet.layers(motion)
    marks = Landmarks(to_68(drawing.mesh), drawing.mesh, 1.0, "mesh")
    affine, _ = crop_affine(marks, size)
    mesh = move(drawing.mesh, affine)
    raster = rasterise(mesh, topology().triangles, (size, size))
    labels = label_features(mesh, raster.covered)
    person, inside = _planes(subject, drawing, affine, size)
    crop, person = fill_outside(crop_image(drawing.image, affine, size), person, inside)
    person = np.maximum(person, labels > 1).astype(np.float32)
    labels[(labels == 0) & (person > 0.5)] = 1
    labels[(labels < 2) & (inside < 0.5)] = 8
    if not subject.trusted:
        look = replace(look, backdrop="own")
    pose = puppet.turned(motion)
    identity, yaw_error, mesh_error = _judge(crop, mesh, pose, subject, settings)
    behind = crop_image(subject.background, affine, size) if look.backdrop == "blurred" else crop
    seen = relight(put_before(crop, person, behind, look), mesh, raster, person, look)
    return FrameSample(spoil(seen, look), labels, mesh, to_68(mesh), pose, goal, puppet.gaze + motion.gaze, look,
                       identity, yaw_error, mesh_error, tries)  # fmt: skip


def _judge(
    crop: Image, mesh: Points, pose: Pose, subject: Subject, settings: FrameSettings
) -> tuple[float, float, float]:
    """Identity, yaw and mesh error of a frame, see FrameSample. Raises NoFace when one of them is too large."""
    found = find_faces(crop, crop_size=64, thorough=False)
    if not found:
        raise NoFace("The frame shows no face.")
    seen = found[0].landmarks
    start = subject.puppet.placement.pose.yaw
    yaw_error = start + _YAW_GAIN * (fit_head(seen.mesh).pose.yaw - start) - pose.yaw
    apart = float(np.linalg.norm((seen.mesh - mesh)[:, :2], axis=1).mean())
    mesh_error = 100 * apart / inter_ocular(Landmarks(to_68(mesh), mesh, 1.0, "mesh"))
    if abs(yaw_error) > settings.yaw_error:
        raise NoFace("The head looks turned otherwise than it was.")
    if not settings.identity:
        return float("nan"), yaw_error, mesh_error
    identity = float(np.linalg.norm(describe(crop, mesh) - subject.descriptor))
    if identity > settings.identity:
        raise NoFace("The frame shows somebody else.")
    return identity, yaw_error, mesh_error


def _reach(face: Face) -> float:
    """The share of the aligned crop that lies in the photo."""
    affine, side = crop_affine(face.landmarks, 64)
    return float(cv2.warpAffine(np.ones(face.frame.shape[:2], np.float32), affine, (side, side)).mean())


def _around(face: Face, size: int) -> Face:
    """The face in the part of its photo that frames of that size can show, at a resolution they can use."""
    affine, _ = crop_affine(face.landmarks, size)
    scale = float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))
    middle = np.linalg.solve(affine[:, :2].astype(np.float64), (size - 1) / 2 - affine[:, 2].astype(np.float64))
    reach = _WINDOW * size / scale / 2
    low = np.maximum(np.floor(middle - reach).astype(int), 0)
    high = np.minimum(np.ceil(middle + reach).astype(int) + 1, face.frame.shape[1::-1])
    photo = face.frame[low[1] : high[1], low[0] : high[0]]
    mesh = face.landmarks.mesh - np.array([*low, 0], np.float32)
    if (finer := 1 / (scale * _FINEST)) > 1:
        target = (round(photo.shape[1] / finer), round(photo.shape[0] / finer))
        ratio = np.array([target[0] / photo.shape[1], target[1] / photo.shape[0], 1 / finer], np.float32)
        photo = np.asarray(cv2.resize(photo, target, interpolation=cv2.INTER_AREA), np.uint8)
        mesh = ((mesh + _HALF) * ratio - _HALF).astype(np.float32)
    return face_of(np.ascontiguousarray(photo), mesh)


def _planes(subject: Subject, drawing: Moved, affine: NDArray[np.float32], size: int) -> tuple[Mask, Mask]:
    """Two (S, S) in [0, 1]: where the person is in the crop of what was drawn, and how far the photo reaches."""
    left, top, right, bottom = drawing.box
    person, warp = subject.person.copy(), drawing.warp
    person[top:bottom, left:right] = sample(subject.person, warp)
    inside = np.ones(person.shape, np.float32)
    across, down = warp[..., 0], warp[..., 1]
    known = (across > -0.5) & (across < person.shape[1] - 0.5) & (down > -0.5) & (down < person.shape[0] - 0.5)
    inside[top:bottom, left:right] = known
    reach = np.asarray(cv2.warpAffine(inside, affine, (size, size)), np.float32)
    return (crop_image(person, affine, size) / 255).astype(np.float32), reach


def label_features(mesh: Points, covered: Mask) -> NDArray[np.uint8]:
    """(S, S) uint8: LABELS from the mesh alone, without the person."""
    labels = 2 * (covered > 0).astype(np.uint8)
    rings = [(BROWS[0], 3), (BROWS[1], 3), (EYES[0], 4), (EYES[1], 5), (OUTER_LIPS, 6), (INNER_LIPS, 7)]
    for ring, value in rings:
        points = mesh[list(ring), :2]
        if value == 3:
            points = cv2.convexHull(points)[:, 0]
        part = np.zeros_like(labels)
        cv2.fillPoly(part, [np.round(points * 16).astype(np.int32)], 1, shift=4)
        labels[part > 0] = value
    return labels
