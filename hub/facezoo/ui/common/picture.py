"""The picture input: drop, paste, camera or a ready picture; the faces found in it, numbered and choosable; consent."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import gradio as gr

from facezoo.errors import BadInput, UsageError
from facezoo.media.limits import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from facezoo.safety.admission import STATEMENT, agreed
from facezoo.types import Face, Image, MethodSpec, Persona
from facezoo.ui.common.gallery import Place, places
from facezoo.ui.common.html import component, template
from facezoo.ui.jobs import LOOKING, Failure, explain
from facezoo.ui.workspace import new_folder, owned
from facezoo.zoo.embedded import Example, examples

__all__ = [
    "MOTION", "NEVER_EXISTED", "OWN", "Chosen", "Picker", "PictureInput", "Sample", "View", "chosen_face",
    "chosen_people", "consent_box", "driver_input", "face_view", "face_views", "first_example", "percent",
    "picture_input", "resolve_upload", "sent_by_page", "start_at", "subject", "turn", "write_preview",
]  # fmt: skip

OWN = "own"
"""The value that stands for "each face its own persona"."""
NEVER_EXISTED = "This person never existed"
MOTION = ".motion"
"""The suffix of a recorded motion, which may stand for a picture that moves another."""
_ROOM = 1.9  # sides of a face's box that a card shows
_FILLS = 0.85  # of the picture: more is all of it
_SEEN_BEFORE = 25  # percent of a face
_PREVIEW_SIDE = 1280
_NO_FACE = Failure(
    "refused",
    "No face was found in this picture.",
    "Choose one where a face looks more or less towards you and is at least a fortieth of the picture wide.",
)
_PICTURE = ("Drop a picture with a face", "Photo or painting: JPEG, PNG, WebP, AVIF, HEIC, GIF")
_ANY_PICTURE = ("Drop a picture", _PICTURE[1])
_STRIPS = (("portrait", "Ready pictures: people who never existed"), ("painting", "Ready pictures: old paintings"))
_MANY = 12  # faces: more would be a list too long to choose from
_HTML = template("common/picture.html", OWN=OWN, MANY=_MANY, NO_FACE=_NO_FACE)
_turns = itertools.count(1)


@dataclass(frozen=True)
class Chosen:
    """The picture a visitor chose. path: its untouched bytes. preview: what the page shows of it. boxes: (left, top,
    width, height) of each face in percent of the picture, the largest first. looked: faces were searched for."""

    path: Path
    preview: Path
    caption: str
    kind: str = "photo"  # "animation", "video"; "motion" for a recorded motion, which has no preview
    example: str = ""
    needs_consent: bool = False
    boxes: tuple[Place, ...] = ()
    looked: bool = False


@dataclass(frozen=True)
class View:
    """The part of a picture that a card shows, a square around a face. width: of the whole picture; left, top: where
    its corner lies; all in percent of the square's side."""

    width: float
    left: float
    top: float


def face_views(chosen: Chosen) -> tuple[View | None, ...]:
    """For each face of a photo the square around it, None where it fills the picture; () where all is meant."""
    from PIL import Image as Pillow

    if chosen.kind != "photo":
        return ()
    boxes = chosen.boxes if chosen.looked else _seen(chosen.path, chosen).boxes
    with Pillow.open(chosen.preview) as picture:
        width, height = picture.size
    return tuple(_view(box, width, height) for box in boxes)


def face_view(chosen: Chosen, face: int | str) -> View | None:
    """The square around a face of a photo, around the largest where all are meant; None where it fills the picture."""
    views, number = face_views(chosen), face if isinstance(face, int) else 1
    return views[number - 1] if number <= len(views) else None


def start_at(chosen: Chosen, face: int | str) -> int:
    """How much of the picture before is seen at first, in percent: a part of the face, so that its change shows."""
    boxes = chosen.boxes[face - 1 : face] if isinstance(face, int) else chosen.boxes[:1]
    if not boxes or face_view(chosen, face):
        return _SEEN_BEFORE
    left, _, width, _ = boxes[0]
    return round(left + width * _SEEN_BEFORE / 100)


def subject(chosen: Chosen, face: int | str) -> str:
    """What a result is of, in a few words."""
    known = {each.id: each.title for each in examples()}
    name = known.get(chosen.example, f"Your {chosen.kind}")
    if len(chosen.boxes) < 2:
        return name
    return f"{name}, face {face}" if isinstance(face, int) else f"{name}, {len(chosen.boxes)} faces"


def _view(box: Place, width: int, height: int) -> View | None:
    left, top, wide, high = (part * side / 100 for part, side in zip(box, (width, height) * 2, strict=True))
    side = min(_ROOM * max(wide, high), width, height)
    if side > _FILLS * max(width, height):
        return None
    x = min(max(left + (wide - side) / 2, 0), width - side)
    y = min(max(top + (high - side) / 2, 0), height - side)
    return View(100 * width / side, -100 * x / side, -100 * y / side)


@dataclass(frozen=True)
class Sample:
    """A ready clip of a synthetic person. still: a picture of it."""

    id: str
    title: str
    film: Path
    still: Path


@dataclass(frozen=True)
class Picker:
    """How a picture is asked for. prefix: of element ids. legend: its name for screen readers. single: one face is
    brought to life, not all. largest: always the largest face, as the page says instead of asking. own: the people to
    choose from when each of several faces becomes its own. invitation: what to drop, and which kinds. films: where one
    picture of a film is used, the methods that take all of it. samples: ready clips."""

    prefix: str
    suffixes: tuple[str, ...] = PHOTO_SUFFIXES
    legend: str = "Your picture"
    single: bool = False
    largest: bool = False
    own: tuple[Persona, ...] = ()
    invitation: tuple[str, str] = _PICTURE
    films: tuple[MethodSpec, ...] = ()
    samples: tuple[Sample, ...] = ()

    def markup(self, chosen: Chosen | None, failure: Failure | None = None, *, whole: bool = False) -> str:
        """The input as HTML. whole: all of the picture is changed, faces are not looked for."""
        picker = replace(self, invitation=_ANY_PICTURE) if whole else self
        shown = chosen and replace(chosen, boxes=(), looked=False) if whole else chosen
        views = face_views(shown) if shown and not failure and len(shown.boxes) > 1 else ()
        return _HTML.picture(picker, shown, failure, turn(), views)

    def look(self, value: Mapping[str, Any] | None) -> tuple[Chosen | None, Failure | None]:
        """Resolves what the browser sent, reads and checks the picture, finds its faces. Never raises: a refusal or
        failure comes back in words, together with the picture where it may be shown."""
        chosen: Chosen | None = None
        try:
            asked = sent_by_page(value).get("example")
            sample = next((each for each in self.samples if each.id == asked), None)
            if sample is not None:
                caption = f"{sample.title}. A computer made this film. {NEVER_EXISTED}."
                return replace(_seen(sample.film, None), caption=caption, example=sample.id, needs_consent=False), None
            known = next((each for each in examples() if each.id == asked), None)
            chosen = _from_example(known) if known else None
            path = known.path if known else resolve_upload(value)
            if path.suffix.lower() == MOTION and MOTION in self.suffixes:
                return _motion(path), None
            seen = chosen if chosen and chosen.looked else _seen(path, chosen)
        except Exception as error:
            return chosen, explain(error)
        if self.largest:  # in a clip without a face at first, one may come later: no reproach
            seen = replace(seen, boxes=seen.boxes[:1], looked=bool(seen.boxes) or MOTION not in self.suffixes)
        return seen, None


@dataclass(frozen=True)
class PictureInput:
    """A picture input's components. ready: its strips of ready pictures, if it has any."""

    picker: Picker
    zone: gr.HTML
    chosen: gr.State
    consent: gr.Checkbox
    ready: gr.HTML | None = None
    strips: tuple[tuple[str, str], ...] = _STRIPS

    @property
    def inputs(self) -> list[Any]:
        """What is sent of it: the zone's value, what was chosen, whether consent is given."""
        return [self.zone, self.chosen, self.consent]

    def wire(
        self,
        after: Callable[[Chosen | None, str], Any] | None = None,
        outputs: Sequence[Any] = (),
        *,
        settings: Sequence[Any] = (),
        whole: Callable[..., bool] = lambda *_: False,
    ) -> list[Any]:
        """A picked picture is looked at, and consent asked where it is needed; the events that do so.

        after(usable picture or None, session): what one of `outputs` becomes. settings: what `whole` is told to say
        whether all of the picture is changed."""
        strips = [self.ready] if self.ready else []

        def picked(request: gr.Request, value: Mapping[str, Any] | None, *setting: Any) -> list[Any]:
            found, failure = self.picker.look(value)
            usable = found if failure is None else None
            zone = gr.update(markup=self.picker.markup(found, failure, whole=whole(*setting)), value={"face": "1"})
            ask = gr.update(visible=bool(usable and usable.needs_consent), value=False)
            marked = [gr.update(markup=self._ready(usable)) for _ in strips]
            return [zone, usable, ask, *marked, *([after(usable, str(request.session_hash))] if after else [])]

        settings, shown = list(settings), [*self.inputs, *strips, *outputs]
        return [each.picked(picked, [each, *settings], shown, **LOOKING) for each in (self.zone, *strips)]

    def _ready(self, usable: Chosen | None) -> str:
        current = usable.example if usable else ""
        samples = self.picker.samples
        return _HTML.samples(samples, current) if samples else _HTML.ready(self.strips, examples(), current)


def picture_input(picker: Picker, *, start: Chosen | None = None, whole: bool = False, ready: str = "") -> PictureInput:
    """The input in the surrounding layout. Its value is {"example": id} or {"upload": path}, with "face": number, "all"
    or OWN; then also "personas": {number: id, or "" to leave the face alone}. Events: picked; faced, another face.

    start: what is chosen at first. ready: the kind of ready pictures that comes first, "" for none."""
    value = {"example": start.example, "face": "1"} if start else {"face": "1"}
    zone = component("common/picture.js", picker.markup(start, whole=whole), value, "picture-input")
    made = PictureInput(picker, zone, gr.State(start), consent_box())
    if picker.samples:
        shelf = component("common/ready.js", _HTML.samples(picker.samples, ""), {}, "sample-clips")
        return replace(made, ready=shelf)
    if not ready:
        return made
    strips = tuple(sorted(_STRIPS, key=lambda each: each[0] != ready))
    markup = _HTML.ready(strips, examples(), start.example if start else "")
    return replace(made, ready=component("common/ready.js", markup, {}, "ready-pictures"), strips=strips)


def driver_input(prefix: str, samples: tuple[Sample, ...] = ()) -> PictureInput:
    """The input for whose motion is taken: a clip, a GIF, a photo or a motion file; or one of the ready clips."""
    invitation = ("Drop a clip of a face", "Video, GIF or photo, up to 60 s; or a .motion file")
    legend = "The clip whose motion is taken; its largest face is used"
    suffixes = (*VIDEO_SUFFIXES, *PHOTO_SUFFIXES, MOTION)
    return picture_input(
        Picker(f"{prefix}-driver", suffixes, legend, single=True, largest=True, invitation=invitation, samples=samples)
    )


def consent_box(statement: str = STATEMENT) -> gr.Checkbox:
    """The line that a visitor ticks for what is not ours; unseen until it is chosen. Whoever sends anything but true or
    false, past the page, is refused."""
    box: Any = gr.Checkbox(label=statement, visible=False, container=False, elem_classes=["consent"])
    box.preprocess = _agreed  # a class of its own would make gradio write a stub file beside this one
    return box


def _agreed(payload: Any) -> bool:
    try:
        return agreed(payload)
    except UsageError as error:
        raise gr.Error(f"{error.message} {error.advice}", print_exception=False) from None


def first_example(id: str = "") -> Chosen | None:
    """The picture a page opens with: the example of this id, or the first one; not yet looked at for faces. None when
    no example is installed."""
    known = [each for each in examples() if each.id == id] or examples()
    return _from_example(known[0]) if known else None


def chosen_face(value: Mapping[str, Any] | None) -> str:
    """The face number ("1", "2", ...), "all" or OWN that is ticked below the picture."""
    face = sent_by_page(value).get("face", "1")
    if face in ("all", OWN) or (isinstance(face, str | int) and str(face).isdecimal() and int(face) > 0):
        return str(face)
    raise UsageError("There is no such face.", "Choose one of those that are numbered; 1 is the largest.")


def chosen_people(value: Mapping[str, Any] | None) -> dict[int, str]:
    """Face number -> persona id, for the faces that are not left alone."""
    given = sent_by_page(sent_by_page(value).get("personas")).items()
    if not all(number.isdecimal() and isinstance(id, str) for number, id in given):
        raise UsageError("There is no such person or face.", "Choose for each of the faces that are numbered.")
    return {int(number): id for number, id in given if id}


def sent_by_page(value: Any) -> Mapping[str, Any]:
    """What a component of the page tells, by name; empty when it tells nothing. Raises UsageError for anything else,
    which no page sends."""
    if isinstance(value, Mapping) or value is None:
        return cast("Mapping[str, Any]", value or {})
    raise UsageError("This is not what the page sends.", "Load it again.")


def turn() -> int:
    """A number that makes each rendering differ from the last, so that the page always leaves its busy state."""
    return next(_turns)


def resolve_upload(value: Mapping[str, Any] | None) -> Path:
    """The uploaded file a component's value names. Raises BadInput when there is none of ours."""
    value = sent_by_page(value)
    if value.get("problem"):
        raise BadInput("The file could not be uploaded.", "It may be larger than 50 MB. Choose a smaller one.")
    if upload := value.get("upload"):
        return owned(str(upload))
    raise BadInput("No picture is chosen yet.", "Drop one, paste one, or take one of the ready pictures.")


def _seen(path: Path, example: Chosen | None) -> Chosen:
    """The picture with its faces. Raises what `runner.inspect` raises."""
    from facezoo import runner

    seen = runner.inspect(path)
    height, width = seen.preview.shape[:2]
    kind = {"photo": "Photo", "animation": "Animation", "video": "Video"}[seen.clip.kind]
    known = example or Chosen(path, write_preview(seen.preview), f"{kind}, {seen.clip.width} × {seen.clip.height} px")
    boxes = tuple(percent(face, width, height) for face in seen.faces)
    return replace(known, kind=seen.clip.kind, needs_consent=seen.needs_consent, boxes=boxes, looked=True)


def _motion(path: Path) -> Chosen:
    from facezoo.motion.template import load_template

    template = load_template(path)
    seconds = float(len(template.motions) / template.rate)
    return Chosen(path, path, f"{template.title}, {seconds:.1f} s", kind="motion")


def _from_example(example: Example) -> Chosen:
    by = f"{example.title}, {example.artist}" if example.artist else example.title
    caption = f"{example.title}. {NEVER_EXISTED}." if example.kind == "portrait" else by
    boxes = places(example.id)
    return Chosen(example.path, example.path, caption, example=example.id, boxes=boxes, looked=bool(boxes))


def write_preview(image: Image) -> Path:
    """The visitor's own picture, decoded and checked, as a JPEG that any browser shows (HEIC would not)."""
    from PIL import Image as Pillow

    picture = Pillow.fromarray(image)
    picture.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
    path = new_folder() / "preview.jpg"
    picture.save(path, quality=90)
    return path


def percent(face: Face, width: int, height: int) -> Place:
    """Where a face is in a picture of this size."""
    left, top = max(0.0, face.box.left), max(0.0, face.box.top)
    right, bottom = min(float(width), face.box.right), min(float(height), face.box.bottom)
    return (100 * left / width, 100 * top / height, 100 * (right - left) / width, 100 * (bottom - top) / height)
