"""The hub's folder: only its own files are opened, old ones go."""

from __future__ import annotations

import os
import time
from pathlib import Path

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
