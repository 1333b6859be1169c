"""What ships: every method with weights has its manifest and record, and the wheel stays small."""

from __future__ import annotations

import json
from pathlib import Path

from facezoo import registry
from facezoo.zoo.manifest import WEIGHTS, describe, faults, read_manifest
from facezoo.zoo.record import read_record

ONE, ALL = 12_000_000, 90_000_000  # bytes


def test_every_method_with_weights_has_manifest_record_and_size(method_id: str) -> None:
    weights = registry.load_spec(method_id).weights
    folder = WEIGHTS / method_id
    if not weights.sha256:
        assert not folder.exists(), "weights that no SPEC knows"
        return
    assert read_record(folder, method_id).data
    assert read_manifest(folder).sha256 == weights.sha256
    if (folder / "config.json").exists():
        assert faults(folder, read_manifest(folder, "embedded")) == {}
        if read_manifest(folder, "embedded").sha256 == weights.sha256:
            found = describe(folder)
            assert (found.parameters, found.bytes) == (weights.parameters, weights.bytes)


def test_finished_examples_were_made_with_what_ships(method_id: str) -> None:
    example = Path(registry.__file__).parent / "methods" / method_id / "example.json"
    if example.is_file():
        weights = registry.load_spec(method_id).weights.sha256
        assert json.loads(example.read_text())["weights"] == weights, "stale: make examples"


def test_what_ships_is_small() -> None:
    assert {folder.name for folder in WEIGHTS.glob("*")} <= {spec.id for spec in registry.list_methods()}
    networks = {folder: size(folder) for folder in WEIGHTS.glob("*/*") if folder.is_dir()}
    assert all(each <= ONE for each in networks.values()), networks
    assert size(WEIGHTS) <= ALL


def size(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
