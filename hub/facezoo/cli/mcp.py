"""`facezoo mcp`: facezoo as tools for an assistant, by the Model Context Protocol over standard input and output.

Files are read and written on this machine, by their paths; results go to new files alone, and are sealed as everywhere.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facezoo.errors import FacezooError, UsageError

if TYPE_CHECKING:
    from mcp.server import MCPServer

__all__ = ["mcp", "server"]

_INSTRUCTIONS = """facezoo changes and animates faces on pictures and films, and says where files come from. Every
result has a visible label, a watermark and a signed record. Set consent only when the user has said that every person
shown agreed, or that it is the user's own face; never assume it. Personas are synthetic people who never existed."""


def mcp(
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Read and write below this folder alone. [default: here]")
    ] = None,
) -> None:
    """Serve an assistant on this machine: facezoo's methods as tools of the Model Context Protocol."""
    if importlib.util.find_spec("mcp") is None:
        raise FacezooError("The tools need mcp, which is not installed.", "Install it: pip install 'facezoo[mcp]'")
    root = (folder or Path.cwd()).resolve()
    if not root.is_dir():
        raise UsageError(f"There is no folder {root}.", "Give the one with the pictures.")
    server(root).run()


def server(root: Path) -> MCPServer[Any]:
    """The tools, for files below `root`."""
    from mcp.server import MCPServer

    made: MCPServer[Any] = MCPServer("facezoo", instructions=_INSTRUCTIONS, version=version("facezoo"))

    @made.tool()
    def methods() -> list[dict[str, Any]]:  # pyright: ignore[reportUnusedFunction]  # the server keeps it
        """The methods: id, year, what they do and cannot do, and their parameters."""
        return _methods()

    @made.tool()
    def personas() -> list[dict[str, str]]:  # pyright: ignore[reportUnusedFunction]
        """The synthetic people whose faces can be put on."""
        from facezoo.zoo import embedded

        return [{"id": each.id, "name": each.name} for each in embedded.personas()]

    @made.tool()
    def run(  # pyright: ignore[reportUnusedFunction]
        method: str, picture: str, output: str, consent: bool = False, persona: str = "", driving: str = "",
        parameters: dict[str, Any] | None = None, seed: int = 0,
    ) -> dict[str, Any]:  # fmt: skip
        """One method on a picture or film. method: an id. picture, output: paths; output must not exist, its suffix
        decides the format. consent: the user said that all who are shown agreed. persona: an id. driving, for methods
        that animate: a path of a clip, or nod, talk, smile, look_around, surprise or wink. Gives the record of the
        result."""
        with _told():
            return _run(root, method, picture, output, consent, persona, driving, parameters or {}, seed)

    @made.tool()
    def verify(file: str) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """Where a picture or film comes from: its signed record and its watermark."""
        from facezoo.safety.seal import verify

        with _told():
            return asdict(verify(_below(root, file)))

    return made


@contextmanager
def _told() -> Generator[None]:
    """Errors for people reach the assistant as such."""
    from mcp.server.mcpserver.exceptions import ToolError

    try:
        yield
    except FacezooError as error:
        raise ToolError(str(error)) from error


def _methods() -> list[dict[str, Any]]:
    from facezoo import registry

    return [
        {
            "id": spec.id, "title": spec.title, "year": spec.year, "tasks": list(spec.tasks), "summary": spec.summary,
            "limits": spec.limits,
            "parameters": {
                each.name: {"allowed": each.allowed, "default": each.default} for each in registry.describe_params(spec)
            },
        }
        for spec in registry.list_methods()
    ]  # fmt: skip


def _run(
    root: Path, method: str, picture: str, output: str, consent: bool, persona: str, driving: str,
    parameters: dict[str, Any], seed: int,
) -> dict[str, Any]:  # fmt: skip
    from facezoo import runner
    from facezoo.motion.template import shipped_templates

    destination = _below(root, output)
    if destination.exists():
        raise UsageError(f"There is a file {output} already.", "Name one that does not exist.")
    motion = any(driving == each.name for each in shipped_templates())
    sealed = runner.run(
        method, _below(root, picture), output=destination, consent=consent, persona=persona or None,
        driving=driving if motion else _below(root, driving) if driving else None, params=parameters, seed=seed,
    )  # fmt: skip
    return sealed.record | {"facezoo": version("facezoo")}


def _below(root: Path, name: str) -> Path:
    """A path below root. Raises UsageError for any other."""
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise UsageError(f"{name} is not below {root}.", "Start `facezoo mcp --folder FOLDER` where the files are.")
    return path
