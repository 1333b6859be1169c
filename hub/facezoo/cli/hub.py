"""Commands that start the hub: demo, on this machine alone; serve, with its work on Ray."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Annotated

import typer

from facezoo.cli.shell import OwnWeights, named
from facezoo.errors import FacezooError, UsageError

__all__ = ["demo", "serve"]

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every network.")]
Port = Annotated[int, typer.Option(min=1, max=65535)]
Methods = Annotated[str, typer.Option(metavar="A,B", help="Only these methods.")]
Public = Annotated[
    bool, typer.Option("--public", help="For everybody: shares, rates, /healthz, /readyz, /metrics, a log as JSON.")
]
Rate = Annotated[
    str, typer.Option(metavar="RATE", help='With --public: runs of one client, such as "60/minute; 600/hour".')
]
Classroom = Annotated[bool, typer.Option("--classroom", help="For a class: opens on Learn, takes no uploads.")]
_EXTRAS = {"gradio": "hub", "limits": "hub,public", "prometheus_client": "hub,public", "ray": "hub,ray"}


def demo(
    host: Host = "127.0.0.1", port: Port = 7860, methods: Methods = "", weights: OwnWeights = "",
    public: Public = False, rate: Rate = "", classroom: Classroom = False,
) -> None:  # fmt: skip
    """Start the hub, the web page of facezoo, on this machine."""
    if classroom and public:
        raise UsageError("A hub is for a class or for everybody.", "Give --classroom or --public, not both.")
    more = ["--weights", weights, *(["--classroom"] if classroom else [])]
    _start(host, port, methods, more, public=public, rate=rate)


def serve(
    replicas: Annotated[
        int, typer.Option(min=0, metavar="N", help="How many work at a time, on Ray; 0: this process alone.")
    ] = 0,
    address: Annotated[
        str, typer.Option(metavar="CLUSTER", help="A Ray cluster: HOST:6379, or auto. Without it Ray starts here.")
    ] = "",
    host: Host = "127.0.0.1", port: Port = 7860, methods: Methods = "", public: Public = False, rate: Rate = "",
) -> None:  # fmt: skip
    """Start the hub as one front, with its work in replicas on this machine or on all of a Ray cluster."""
    if address and not replicas:
        raise UsageError("An address was given, and no replicas.", "Say how many: --replicas N")
    more = ["--replicas", str(replicas), "--address", address] if replicas else []
    _start(host, port, methods, more, public=public, rate=rate)


def _start(host: str, port: int, methods: str, more: list[str], *, public: bool, rate: str) -> None:
    """The hub takes the place of this process."""
    from facezoo import registry

    needed = [
        "gradio",
        *(["limits", "prometheus_client"] if public else []),
        *(["ray"] if "--replicas" in more else []),
    ]
    for package in needed:
        if importlib.util.find_spec(package) is None:
            advice = f"Install it: pip install 'facezoo[{_EXTRAS[package]}]'"
            raise FacezooError(f"The hub needs {package.replace('_', '-')}, which is not installed.", advice)
    for id in named(methods):
        registry.load_spec(id)
    words = ["-m", "facezoo.ui", "--host", host, "--port", str(port), "--methods", methods, *more]
    words += ["--public", "--rate", rate] if public else []
    os.dup2(sys.stderr.fileno(), 2)  # which is silenced while commands run
    os.execv(sys.executable, [sys.executable, *words])
