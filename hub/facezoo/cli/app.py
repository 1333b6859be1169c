"""Puts the commands together, and starts the one that was asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

import facezoo
from facezoo.cli import bench, doctor, evaluate, hub, show
from facezoo.cli import learn as learn_commands
from facezoo.cli import mcp as mcp_commands
from facezoo.cli import run as run_commands
from facezoo.cli import zoo as zoo_commands
from facezoo.cli.shell import conclude
from facezoo.errors import UsageError

__all__ = ["app", "execute", "main"]

app = typer.Typer(name="facezoo", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
zoo = typer.Typer(name="zoo", rich_markup_mode=None)

app.command("methods")(show.methods)
app.command("personas")(show.personas)
app.command("run")(run_commands.run)
app.command("animate")(run_commands.animate)
app.command("learn")(learn_commands.learn)
app.command("motion")(run_commands.motion)
app.command("compare")(run_commands.compare)
app.command("explain")(run_commands.explain)
app.command("verify")(show.verify)
app.add_typer(zoo, help="The weights: what there is, from the Hub and to it, whether it is intact, its card.")
zoo.command("list")(zoo_commands.list_weights)
zoo.command("pull")(zoo_commands.pull)
zoo.command("push")(zoo_commands.push)
zoo.command("check")(zoo_commands.check)
zoo.command("card")(zoo_commands.card)
zoo.command("bundle")(zoo_commands.bundle)
zoo.command("convert")(zoo_commands.convert)
zoo.command("pin")(zoo_commands.pin)
zoo.command("spaces")(zoo_commands.spaces)
app.command("evaluate")(evaluate.evaluate)
app.command("bench")(bench.bench)
app.command("demo")(hub.demo)
app.command("serve")(hub.serve)
app.command("mcp")(mcp_commands.mcp)
app.command("doctor")(doctor.doctor)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line (sys.argv when None) and leave with its exit code."""
    sys.exit(execute(sys.argv[1:] if arguments is None else arguments))


def execute(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code. `--debug` is understood anywhere in front of a `--`."""
    words = list(arguments)
    if words in ([], ["zoo"]):
        words.append("--help")
    options = words[: words.index("--")] if "--" in words else words
    debug = "--debug" in options
    if not debug:
        os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # its retries are no news for users
    words = [word for word in options if word != "--debug"] + words[len(options) :]

    def command() -> object:
        try:
            return app(args=words, prog_name="facezoo", standalone_mode=False)
        except typer.TyperException as problem:
            raise UsageError(" ".join(problem.format_message().split()), "See: facezoo COMMAND --help") from problem

    return conclude(command, debug=debug)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"facezoo {facezoo.__version__}")
        raise typer.Exit


@app.callback(epilog="--debug, anywhere on the line, shows tracebacks and the logs of the libraries.")
def _describe(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Learn, compare and download AI face-translation methods: one photo, every generation, side by side.

    Every result carries a visible mark, a watermark and a signed record of where it came from."""
