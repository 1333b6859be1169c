"""A Hub and a toy method for each test; `hub_server.py` and `toy.py` are plain modules beside the tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from hub_server import HubServer
from toy import Toy


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def toy(hub: HubServer, tmp_path: Path) -> Toy:
    return Toy(hub, tmp_path / "toy")
