"""Pictures that visitors move live: one a visitor, few at a time, and none for longer than it is used.

A visitor is named by the session of their page. What somebody put here, nobody else can reach.
"""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facezoo.errors import BadInput, Busy, UsageError
from facezoo.types import Image
from facezoo.ui.common.picture import Chosen
from facezoo.ui.shares import CLIENT
from facezoo.ui.workspace import new_folder

if TYPE_CHECKING:
    from facezoo.runner import Live, Puppet

__all__ = [
    "IDLE",
    "Subject",
    "address",
    "drawing",
    "follow",
    "hold",
    "pose",
    "record",
    "release",
    "restart",
    "subject",
    "sweep",
]

IDLE = 600
"""Seconds after which an unused picture is let go."""
_MOST, _MOST_OF_ONE = 8, 6  # pictures held at a time; of one client
_ACTIVE = 60  # seconds in which somebody who moved a picture is not put out for a newcomer
_FRAME_BYTES = 256 * 1024  # of one webcam picture as it is sent, base64
_PREFIX = "data:image/jpeg;base64,"
_SIDE = 960  # px: the longer side of a picture on the page


@dataclass(frozen=True)
class Subject:
    """Which picture is to move; or which persona, who needs none. consent: as for a run."""

    method: str
    picture: Path | None
    consent: bool
    face: int
    persona: str = ""


@dataclass(eq=False)
class _Held:
    live: Live | Puppet
    subject: Subject
    used: float
    client: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])  # of following
    turn: threading.Lock = field(default_factory=threading.Lock)  # one movement of a picture at a time


_held: dict[str, _Held] = {}
_door = threading.Lock()
_watching = threading.Lock()  # taken while a look for unused pictures is due


def subject(method: str, chosen: Chosen, consent: bool, face: int) -> Subject:
    """A chosen picture as it is held. Where it shows one face, its preview is moved: as good on a page, and quick."""
    small = len(chosen.boxes) == 1 and not chosen.example
    return Subject(method, chosen.preview if small else chosen.path, consent or not chosen.needs_consent, face)


def hold(owner: str, subject: Subject) -> None:
    """Makes the picture ready to move for this visitor, unless it is. Raises Busy, and what `runner.Live` and
    `runner.Puppet` raise."""
    now, client = time.monotonic(), CLIENT.get()
    with _door:
        held = _held.get(owner)
        if held and held.subject == subject:
            held.used = now
            return
        _held.pop(owner, None)
        _make_room(now, client)
    live = _made(subject)
    with _door:
        _make_room(now, client)
        _held[owner] = _Held(live, subject, now, client)
    _watch()


def _make_room(now: float, client: str) -> None:
    """The picture unused for longest goes; one that moves just now stays. Raises Busy when all do."""
    while True:
        own = [name for name, each in _held.items() if each.client == client]
        if len(_held) < _MOST and len(own) < _MOST_OF_ONE:
            return
        longest = min(own if len(own) >= _MOST_OF_ONE else _held, key=lambda name: _held[name].used)
        if now - _held[longest].used < _ACTIVE:
            raise Busy("All places for live pictures are taken.", "Try again in a minute, or make a film instead.")
        del _held[longest]


def release(owner: str) -> None:
    """Lets go of this visitor's picture, if there is one."""
    with _door:
        _held.pop(owner, None)


def sweep() -> bool:
    """Forgets what nobody used for IDLE seconds; whether anything is left."""
    now = time.monotonic()
    with _door:
        for name in [name for name, each in _held.items() if now - each.used > IDLE]:
            del _held[name]
        return bool(_held)


def pose(owner: str, params: Mapping[str, Any]) -> str:
    """The picture as parameters move it, as a data: address. Raises UsageError when nothing is held."""
    held = _of(owner)
    with held.turn:
        return address(held.live.pose(params))


def restart(owner: str, params: Mapping[str, Any] | None = None) -> None:
    """Forgets what was followed: the next webcam picture is a new beginning. params: as before when None. Raises as
    `pose`."""
    held = _of(owner)
    with held.turn:
        held.params = held.params if params is None else params
        held.live.restart(held.params)


def follow(owner: str, frame: str, seconds: float) -> str:
    """The picture as the webcam's face moves it, as a data: address. frame: a JPEG as a data: address.

    Raises BadInput for anything else, ContentRefused, and as `pose`."""
    held = _of(owner)
    image = _decoded(frame)
    with held.turn:
        return address(held.live.follow(image, seconds))


def drawing(owner: str) -> str:
    """What a persona who follows was painted from last, as a data: address; "" for pictures, which are not painted."""
    drawn = getattr(_of(owner).live, "drawing", None)
    return "" if drawn is None else address(drawn)


def record(owner: str) -> Path:
    """What was followed since `restart`, as a motion file. Raises NoFace when nothing was, and as `pose`."""
    from facezoo.motion.template import save_template

    held = _of(owner)
    with held.turn:
        return save_template(held.live.recorded(), new_folder())


def _made(subject: Subject) -> Live | Puppet:
    from facezoo.runner import Live, Puppet

    if subject.picture is None:
        return Puppet(subject.method, subject.persona)
    return Live(subject.method, subject.picture, consent=subject.consent, face=subject.face)


def _watch() -> None:
    """Looks again in a while, as long as anything is held."""

    def look() -> None:
        _watching.release()
        if sweep():
            _watch()

    if _watching.acquire(blocking=False):
        timer = threading.Timer(IDLE / 10, look)
        timer.daemon = True
        timer.start()


def _of(owner: str) -> _Held:
    with _door:
        held = _held.get(owner)
        if held is None:
            raise UsageError("The picture was put away.", "Start again.")
        held.used = time.monotonic()
        return held


def _decoded(frame: str) -> Image:
    """(H, W, 3) RGB uint8. The bytes touch the disk for the decoder alone, and are gone before this returns."""
    from facezoo.media.read import read_photo

    if not frame.startswith(_PREFIX) or len(frame) > _FRAME_BYTES:
        raise BadInput("This is no picture of a webcam.", "Start the camera again.")
    try:
        data = base64.b64decode(frame[len(_PREFIX) :], validate=True)
    except ValueError:
        raise BadInput("This is no picture of a webcam.", "Start the camera again.") from None
    folder = new_folder()
    path = folder / "frame.jpg"
    try:
        path.write_bytes(data)
        return read_photo(path)
    finally:
        path.unlink(missing_ok=True)
        folder.rmdir()


def address(image: Image) -> str:
    """A picture for the page, not stored anywhere: made by the runner, which labelled and watermarked it, or a mere
    drawing."""
    from PIL import Image as Pillow

    picture = Pillow.fromarray(image)
    picture.thumbnail((_SIDE, _SIDE))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=88)
    return _PREFIX + base64.b64encode(stream.getvalue()).decode("ascii")
