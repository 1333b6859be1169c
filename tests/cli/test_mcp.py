"""facezoo as tools of an assistant: the command in a process of its own, spoken to by the protocol's client."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="needs the extra facezoo[mcp]")

import facezoo
from facezoo.cli.app import execute
from facezoo.cli.mcp import server
from facezoo.errors import UsageError


def _finished(work: Coroutine[Any, Any, Any]) -> Any:
    """What it gives. In a thread of its own: the loop of a browser's tests may be running in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


@pytest.mark.slow
def test_an_assistant_runs_a_method_and_verifies_it(portrait: Path, tmp_path: Path) -> None:
    shutil.copy(portrait, tmp_path / "me.jpg")

    async def talk() -> dict[str, Any]:
        from mcp import ClientSession, StdioServerParameters
        from mcp.client.stdio import stdio_client

        words = ["-m", "facezoo", "mcp", "--folder", str(tmp_path)]
        command = StdioServerParameters(command=sys.executable, args=words, env={**os.environ})
        async with stdio_client(command) as (read, write), ClientSession(read, write) as session:
            hello = await session.initialize()
            tools = {tool.name for tool in (await session.list_tools()).tools}
            call = {"method": "landmark_warp", "picture": "me.jpg", "output": "new.png", "persona": "orla"}
            made = await session.call_tool("run", call)
            again = await session.call_tool("run", call)
            outside = await session.call_tool("verify", {"file": "/etc/hostname"})
            found = await session.call_tool("verify", {"file": "new.png"})
            return {"hello": hello, "tools": tools, "made": made, "again": again, "outside": outside, "found": found}

    told = _finished(asyncio.wait_for(talk(), 120))
    assert told["hello"].server_info.version == facezoo.__version__
    assert told["tools"] == {"methods", "personas", "run", "verify"}
    assert not told["made"].is_error
    assert told["made"].structured_content["facezoo"] == facezoo.__version__
    assert told["made"].structured_content["persona"] == "orla"
    assert told["again"].is_error and "already" in told["again"].content[0].text
    assert told["outside"].is_error and "not below" in told["outside"].content[0].text
    assert (told["found"].structured_content["c2pa"], told["found"].structured_content["watermark"]) == (
        "trusted",
        True,
    )
    assert facezoo.verify(tmp_path / "new.png").c2pa == "trusted"


def test_consent_is_asked_for(portrait: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.open(portrait).save(tmp_path / "stranger.png")
    call = {"method": "landmark_warp", "picture": "stranger.png", "output": "new.png"}
    with pytest.raises(Exception, match="consent"):
        _finished(server(tmp_path).call_tool("run", call))
    assert not (tmp_path / "new.png").exists()


def test_all_methods_are_told_with_their_parameters(tmp_path: Path) -> None:
    told = _finished(server(tmp_path).call_tool("methods", {}))
    ids = {each["id"] for each in told.structured_content["result"]}
    assert ids == {spec.id for spec in facezoo.list_methods()}


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    assert execute(["mcp", "--folder", str(tmp_path / "none")]) == UsageError.exit_code
