"""The hub's folder: only its own files are opened, old ones go."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from facezoo.errors import BadInput
from facezoo.ui import workspace


def test_only_our_own_files_are_opened(tmp_path: Path) -> None:
    inside = workspace.new_folder() / "a.png"
    inside.write_bytes(b"x")
    assert workspace.owned(inside) == inside
    outside = tmp_path / "b.png"
    outside.write_bytes(b"x")
    link = workspace.new_folder() / "c.png"
    link.symlink_to(outside)
    for path in (outside, link, inside.parent / ".." / ".." / "etc" / "hostname", inside.parent):
        with pytest.raises(BadInput):
            workspace.owned(path)


def test_old_files_are_swept() -> None:
    old, new = workspace.new_folder() / "old.png", workspace.new_folder() / "new.png"
    for path in (old, new):
        path.write_bytes(b"x")
    long_ago = time.time() - 2 * workspace.LIFETIME
    os.utime(old, (long_ago, long_ago))
    os.utime(old.parent, (long_ago, long_ago))
    workspace.sweep(workspace.root(), workspace.LIFETIME)
    assert not old.exists()
    assert new.exists()


def test_what_goes_meanwhile_does_not_end_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work makes folders and takes them away at any time, also between two looks of the sweeper."""
    folders = [workspace.new_folder() for _ in range(4)]
    long_ago = time.time() - 2 * workspace.LIFETIME
    for folder in folders:
        (folder / "old.png").write_bytes(b"x")
        os.utime(folder / "old.png", (long_ago, long_ago))
    look = os.scandir

    def late(path: Any) -> Any:
        if not isinstance(path, int) and Path(path) == folders[2]:
            shutil.rmtree(folders[2])
        return look(path)

    monkeypatch.setattr(os, "scandir", late)
    workspace.sweep(workspace.root(), workspace.LIFETIME)
    assert not [folder for folder in folders if (folder / "old.png").exists()]


def test_files_are_counted_while_others_work(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(b"x" * 10)
    (tmp_path / "two").write_bytes(b"x" * 5)
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    assert 15 <= workspace.size_of(tmp_path) < 500
    assert workspace.size_of(tmp_path / "never") == 0


def test_what_is_the_same_for_all_is_made_once() -> None:
    made: list[Path] = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_bytes(b"x")

    first, second = (workspace.made_once("some/file.zip", make) for _ in range(2))
    assert first == second
    assert len(made) == 1
    first.unlink()
    assert workspace.made_once("some/file.zip", make).is_file()
