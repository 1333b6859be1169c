"""Fixtures shared by all tests. No test touches the user's own facezoo folder, and none needs a particular method."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """A facezoo folder for this run alone, inherited by every process that a test starts."""
    home = tempfile.mkdtemp(prefix="facezoo-tests-")
    os.environ["FACEZOO_HOME"] = home
    for name in ("FACEZOO_CERTIFICATE", "FACEZOO_PRIVATE_KEY"):
        os.environ.pop(name, None)
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, so that no process is left alone with one at the end."""
    slow = {each.path for each in items if each.get_closest_marker("slow") or each.get_closest_marker("browser")}
    items.sort(key=lambda each: each.path not in slow)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `method_id` runs once for each method there is."""
    if "method_id" in metafunc.fixturenames:
        from facezoo.registry import list_methods

        nothing = pytest.param("", marks=pytest.mark.skip(reason="no method is installed"))
        metafunc.parametrize("method_id", [spec.id for spec in list_methods()] or [nothing])


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared test data: $FACEZOO_SHARED, or `shared` beside the repository."""
    folder = Path(os.environ.get("FACEZOO_SHARED") or REPOSITORY.parent / "shared")
    if not folder.is_dir():
        pytest.skip("no shared test data: set FACEZOO_SHARED to the folder that has data/ and hostile/")
    return folder


@pytest.fixture(scope="session")
def portrait() -> Path:
    """The portrait of a synthetic person that ships with facezoo."""
    from facezoo.zoo.embedded import personas

    return personas()[0].portrait


@pytest.fixture(scope="session")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture without any face."""
    import numpy as np
    from PIL import Image

    rows = np.linspace(40, 220, 240, dtype=np.uint8)[:, None, None]
    path = tmp_path_factory.mktemp("landscape") / "landscape.png"
    Image.fromarray(np.broadcast_to(rows, (240, 320, 3)).copy()).save(path)
    return path


@pytest.fixture
def swap_method() -> str:
    """The oldest method that swaps faces on photos without a driving clip."""
    from facezoo.registry import list_methods

    for spec in list_methods():
        if "swap" in spec.tasks and "photo" in spec.inputs.media and not spec.inputs.driving:
            return spec.id
    pytest.skip("no face-swapping method is installed")


@pytest.fixture
def empty_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of this test's own, for this process and those it starts, that must be empty at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert [path.name for path in folder.rglob("*")] == [], "left in the temporary folder"
