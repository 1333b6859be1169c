"""Files are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from facezoo.media.files import whole, write_whole


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "record.json"
    write_whole(target, "old")
    with pytest.raises(RuntimeError), whole(target) as partial:
        partial.write_text("half")
        assert target.read_text() == "old"
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]
    assert target.read_text() == "old"


def test_text_and_bytes_are_written_as_other_files_are(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    for content in ("né", b"n\xc3\xa9"):
        write_whole(tmp_path / "made", content)
        assert (tmp_path / "made").read_bytes() == b"n\xc3\xa9"
        assert (tmp_path / "made").stat().st_mode == plain.stat().st_mode
