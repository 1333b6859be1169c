"""`python -m facezoo.ui`: starts the hub."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from facezoo.errors import FacezooError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, starts the server, returns the exit code when it stops."""
    parser = argparse.ArgumentParser(prog="facezoo demo", description="Start the facezoo hub.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for every network")
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--methods", default="", help="ids to offer, separated by commas; all when empty")
    parser.add_argument("--weights", default="", help="a folder or OWNER/NAME@REVISION, in place of facezoo's own")
    parser.add_argument("--classroom", action="store_true", help="opens on Learn; nothing can be uploaded")
    parser.add_argument("--public", action="store_true", help="for everybody: rates, probes, figures, a log as JSON")
    parser.add_argument("--rate", default="", help="in public, how often one client may start work")
    parser.add_argument("--replicas", type=int, default=0, help="work on Ray, this many at a time")
    parser.add_argument("--address", default="", help="of a Ray cluster, with --replicas")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    try:
        _start(given)
    except FacezooError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"The hub cannot start: {error}\nChoose another port with --port.", file=sys.stderr)
        return 1
    return 0


def _start(given: argparse.Namespace) -> None:
    from facezoo.registry import prefer

    prefer(given.weights)
    if not given.replicas:
        _serve(given)
        return
    from facezoo.runner.replicas import replicas

    with replicas(given.replicas, given.address):
        signal.signal(signal.SIGTERM, _leave)  # Ray has set its own
        _serve(given)


def _serve(given: argparse.Namespace) -> None:
    methods = [each.strip() for each in given.methods.split(",") if each.strip()] or None
    if given.public:
        from facezoo.ui.public.serve import RUNS, serve

        serve(methods, host=given.host, port=given.port, rate=given.rate or RUNS, at_once=given.replicas)
        return
    from facezoo.ui.app import build, launch

    hub = build(methods, at_once=given.replicas or 1, classroom=given.classroom)
    launch(hub, host=given.host, port=given.port, uploads=not given.classroom)


def _leave(number: int, frame: object) -> None:
    """Exits as after Ctrl-C, so that the folder of uploads is removed when the process is told to end."""
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
