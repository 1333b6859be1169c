"""`pictures.py` is a plain module beside the tests; importlib mode does not put this folder on the path."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of each test's own: the common one may have a hub's key for the watermark."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("FACEZOO_HOME", str(home))
    return home
