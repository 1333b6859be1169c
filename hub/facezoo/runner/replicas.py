"""Replicas of the roads on Ray Serve: on this machine, or on all of a cluster. One front, as many workers as wanted.

Files travel as bytes, machines share nothing. A replica takes one road at a time; one that dies has its work done anew
by another, once. Ray's pickles travel between machines that trust one another alone.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from facezoo.errors import FacezooError
from facezoo.media.files import write_whole
from facezoo.media.limits import LIMITS
from facezoo.runner.admit import folder_for, folder_of
from facezoo.runner.place import Call, Event, Finished, Made, Reached, elsewhere, take
from facezoo.runner.record import write_down
from facezoo.speech.perform import Speech
from facezoo.types import Sealed

__all__ = ["AGAIN", "cluster", "replicas"]

AGAIN = "starting_again"
"""The stage that is told when a replica was lost and another one begins anew."""
_NAME = "facezoo"
_FILES = ("inputs", "image", "source", "driving")
_log = logging.getLogger("facezoo.runner")


@dataclass(frozen=True)
class _Held:
    """A file on its way: its name, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class _Failed:
    """What the road raised."""

    error: FacezooError


class Replica:
    """One worker. Ray makes it, in a process of its own."""

    def __init__(self) -> None:
        importlib.import_module("facezoo.runner.road")

    async def take(self, call: Call) -> AsyncGenerator[Event | _Failed]:
        """Takes a road and tells of it. Cancelling stops the work."""
        with tempfile.TemporaryDirectory(prefix="facezoo-") as name:
            events = take(_unpacked(call, Path(name)))
            step: asyncio.Future[Event | None] | None = None
            try:
                while True:
                    step = asyncio.ensure_future(asyncio.to_thread(next, events, None))
                    event = await asyncio.shield(step)
                    if event is None:
                        return
                    yield _sent(event, Path(name))
            except FacezooError as error:
                yield _Failed(error)
            finally:
                if step is not None:
                    await asyncio.wait([step])
                await asyncio.to_thread(events.close)


@contextmanager
def cluster(address: str = "") -> Generator[Any]:
    """Ray, while the block lasts. address: of a cluster; "" starts Ray here.

    Raises FacezooError when it is not installed or not reached."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise FacezooError("Replicas need Ray, which is not installed.", "pip install 'facezoo[ray]'") from None
    try:
        ray.init(address=address or None, include_dashboard=False, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError, RuntimeError) as problem:
        raise FacezooError(f"Ray is not reached: {problem}", "Check --address; `ray status` shows a cluster.") from None
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def replicas(count: int, address: str = "") -> Generator[None]:
    """While the block lasts, roads are taken by this many replicas. address and errors: as of `cluster`."""
    with cluster(address):
        serve: Any = importlib.import_module("ray.serve")
        try:
            serve.start(proxy_location="Disabled")
            threads = {"runtime_env": {"env_vars": {"OMP_NUM_THREADS": "1"}}}
            deployment = serve.deployment(
                Replica,
                name=_NAME,
                num_replicas=count,
                max_ongoing_requests=1,
                ray_actor_options={"num_cpus": 1, **threads},
            )
            handle = serve.run(deployment.bind(), name=_NAME, route_prefix=None)
            with elsewhere(lambda call: _taken(handle, call)):
                yield
        finally:
            serve.shutdown()


def _taken(handle: Any, call: Call) -> Generator[Event]:
    """The road, taken by a replica; by another one when that is lost."""
    lost: type[Exception] = importlib.import_module("ray.exceptions").RayError
    packed, output = _packed(call), call.arguments.get("output")
    with folder_of(None if output is None else output if call.road == "compare" else folder_for(output)) as folder:
        for tries_left in (1, 0):
            answer = handle.options(stream=True).take.remote(packed)
            try:
                for event in answer:
                    yield _settled(event, folder)
                return
            except lost as problem:
                _log.warning("a replica was lost", extra={"facts": {"error": type(problem).__name__}})
                if not tries_left:
                    raise FacezooError("The machine that worked on this was lost.", "Try again.") from None
                yield Reached(AGAIN, 0.0)
            finally:
                answer.cancel()


def _packed(call: Call) -> Call:
    """With files in the place of their paths, and the name of the output alone."""
    arguments = dict(call.arguments)
    for name in _FILES:
        if name in arguments:
            arguments[name] = _held(arguments[name])
    if arguments.get("output") is not None:
        arguments["output"] = Path(arguments["output"]).name
    return replace(call, arguments=arguments)


def _held(value: Any) -> Any:
    if isinstance(value, str | Path):
        path = Path(value)
        return _Held(path.name, _bytes(path)) if path.is_file() else value
    if isinstance(value, list | tuple):
        return [_held(each) for each in value]
    return replace(value, sound=_held(value.sound)) if isinstance(value, Speech) else value


def _bytes(path: Path) -> bytes:
    """Of a file that is too large, enough for that to be seen."""
    with path.open("rb") as file:
        return file.read(LIMITS.video_bytes + 1)


def _unpacked(call: Call, folder: Path) -> Call:
    """With the paths of files in `folder`, and an output there."""
    arguments = {name: _written(value, folder / name) for name, value in call.arguments.items()}
    if call.road == "compare":
        arguments["output"] = folder / "results"
    elif arguments.get("output") is not None:
        arguments["output"] = folder / arguments["output"]
    return replace(call, arguments=arguments)


def _written(value: Any, folder: Path) -> Any:
    if isinstance(value, _Held):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / Path(value.name).name
        path.write_bytes(value.content)
        return path
    if isinstance(value, list):
        return [_written(each, folder / str(number)) for number, each in enumerate(value)]
    return replace(value, sound=_written(value.sound, folder)) if isinstance(value, Speech) else value


def _sent(event: Event, folder: Path) -> Event:
    """With the results' bytes in the place of their paths."""
    return _each_sealed(event, lambda sealed: replace(sealed, path=_whole(sealed.path, folder)))


def _settled(event: Event | _Failed, folder: Path) -> Event:
    """With the results' paths in `folder`, and each written down here as well: a replica's log stays on its machine.
    Raises what the road raised."""
    if isinstance(event, _Failed):
        raise event.error
    settled = _each_sealed(event, lambda sealed: _kept(sealed, folder))
    made = settled.sealed if isinstance(settled, Made) else getattr(settled, "value", None)
    if isinstance(made, Sealed):
        write_down(made.record)
    return settled


def _each_sealed(event: Event, change: Callable[[Sealed], Sealed]) -> Event:
    if isinstance(event, Made):
        return replace(event, sealed=change(event.sealed))
    if not isinstance(event, Finished):
        return event
    if isinstance(event.value, Sealed):
        return Finished(change(event.value))
    results = {name: change(sealed) for name, sealed in event.value.results.items()}
    return Finished(replace(event.value, results=results, grid=change(event.value.grid)))


def _whole(path: Path, folder: Path) -> Any:
    """A result; the temporary folder that a road made for it goes away."""
    held = _Held(path.name, path.read_bytes())
    if not path.is_relative_to(folder):
        shutil.rmtree(path.parent)
    return held


def _kept(sealed: Sealed, folder: Path) -> Sealed:
    held: Any = sealed.path
    path = folder / held.name
    write_whole(path, held.content)
    return replace(sealed, path=path, record=sealed.record | {"output": str(path)})
