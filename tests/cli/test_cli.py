"""The command line: what comes out on stdout and stderr, with which exit code, and what is left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from facezoo import registry
from facezoo.cli import run as run_commands
from facezoo.cli.app import execute
from facezoo.cli.shell import ProgressLine, choose_outputs, staged
from facezoo.errors import UsageError
from facezoo.zoo.embedded import consent_free, personas


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def facezoo(capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run a command line in this process."""

    def call(*words: object) -> Result:
        capfd.readouterr()
        code = execute([str(word) for word in words])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return call


def in_a_process(*words: object, **environment: str) -> Result:
    command = [sys.executable, "-m", "facezoo", *[str(word) for word in words]]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=180
    )
    return Result(done.returncode, done.stdout, done.stderr)


def said(result: Result, code: int) -> str:
    """An error as the contract wants it: its code, nothing on stdout, one or two lines on stderr."""
    assert result.code == code, result.err
    assert result.out == ""
    assert 1 <= len(result.err.splitlines()) <= 2, result.err
    assert result.err.startswith("facezoo: ")
    return result.err


@pytest.fixture
def stranger(portrait: Path, tmp_path: Path) -> Path:
    """The portrait of a persona as other bytes, so that it counts as anybody's face."""
    from PIL import Image

    path = tmp_path / "stranger.jpg"
    Image.open(portrait).save(path, quality=92)
    return path


# --- looking


def test_help_lists_every_command(facezoo: Callable[..., Result]) -> None:
    result = facezoo()
    assert result.code == 0
    for command in (
        "methods",
        "personas",
        "run",
        "animate",
        "compare",
        "explain",
        "verify",
        "zoo",
        "evaluate",
        "bench",
        "demo",
        "serve",
        "mcp",
        "doctor",
    ):
        assert re.search(rf"^  {command} ", result.out, re.MULTILINE)
        assert facezoo(command, "--help").code == 0
    assert facezoo("--version").out.startswith("facezoo ")


def test_methods(facezoo: Callable[..., Result]) -> None:
    listed = facezoo("methods", "--json").json
    assert [each["id"] for each in listed] == [spec.id for spec in registry.list_methods()]
    for each in listed:
        wanted = {"id", "title", "year", "family", "tasks", "weights", "parameters", "bytes", "licence"}
        assert wanted <= set(each)
        assert {"repo", "revision", "sha256"} == set(each["weights"])
        assert each["id"] in facezoo("methods").out


def test_personas(facezoo: Callable[..., Result]) -> None:
    listed = facezoo("personas", "--json").json
    assert [each["id"] for each in listed] == [person.id for person in personas()]
    for each in listed:
        assert {"id", "name", "portrait"} <= set(each)
        assert Path(each["portrait"]).is_file()
        assert each["sha256"] in consent_free()
    assert "None of these people ever existed." in facezoo("personas").out


def test_zoo(facezoo: Callable[..., Result], method_id: str) -> None:
    rows = {row["method"]: row for row in facezoo("zoo", "list", "--json").json}
    assert {"repo", "revision", "bytes", "here"} <= set(rows[method_id])
    card = facezoo("zoo", "card", method_id).out
    front_matter = card.split("---")[1]
    for line in ("library_name: facezoo", "license: ", "pipeline_tag: image-to-"):
        assert line in front_matter
    spec = registry.load_spec(method_id)
    for text in (spec.title, spec.limits, spec.trained_on, spec.summary):
        assert text in card
    for each in registry.describe_params(spec):
        assert f"`{each.name}`" in card


def test_zoo_check(facezoo: Callable[..., Result]) -> None:
    states = facezoo("zoo", "check", "--json").json
    assert {"personas", "examples"} <= {each["name"] for each in states}
    assert "changed" not in {each["state"] for each in states}


def test_a_changed_picture_is_found(tmp_path: Path) -> None:
    """A byte more in a persona's portrait, in a copy of the package: exit code 6, and it is named."""
    package = Path(shutil.copytree(Path(registry.__file__).parent, tmp_path / "facezoo"))
    with (package / "zoo" / "personas" / personas()[0].portrait.name).open("ab") as stream:
        stream.write(b"\0")
    result = in_a_process("zoo", "check", PYTHONPATH=str(tmp_path))
    assert result.code == 6
    assert "personas" in result.err
    listing = in_a_process("personas", PYTHONPATH=str(tmp_path))
    assert personas()[0].portrait.name in said(listing, 6)


def test_doctor(facezoo: Callable[..., Result]) -> None:
    result = facezoo("doctor", "--json")
    assert {each["name"]: each for each in result.json if each["state"] == "broken"} == {}
    assert result.code == 0
    for each in result.json:
        assert each["found"]
        assert each["advice"] or each["state"] == "ok"
    assert "Python" in facezoo("doctor").out


def test_a_reader_who_leaves_early_is_no_error() -> None:
    """`facezoo methods --json | true`: the pipe has no reader when the first byte comes."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "facezoo", "methods", "--json"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


# --- mistakes


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["run"],
        ["run", "no_such_method", "x.jpg", "-o", "y.png"],
        ["methods", "--nonsense"],
        ["zoo", "nonsense"],
        ["zoo", "card", "no_such_method"],
        ["demo", "--port", "70000"],
        ["demo", "--methods", "no_such_method"],
        ["bench", "--baseline", "no_such_method"],
        ["bench", "--runs", "0"],
        ["compare", "x.jpg", "-o", "y", "--methods", "no_such_method"],
    ],
    ids=" ".join,
)
def test_usage(facezoo: Callable[..., Result], words: list[str]) -> None:
    said(facezoo(*words), 2)


@pytest.mark.parametrize(
    "options",
    [
        ["--face", "0"],
        ["--face", "both"],
        ["--set", "novalue"],
        ["--set", "no_such_parameter=1"],
        ["--label", "huge"],
        ["--persona", "nobody"],
        ["--persona", "1=nobody"],
        ["--persona", "first=imani"],
        ["--persona", "1=imani", "--face", "1"],
        ["--seed", "x"],
    ],
    ids=" ".join,
)
def test_options_that_are_wrong(
    facezoo: Callable[..., Result], swap_method: str, portrait: Path, tmp_path: Path, options: list[str]
) -> None:
    said(facezoo("run", swap_method, portrait, "-o", tmp_path / "out.png", *options), 2)
    assert list(tmp_path.iterdir()) == []


def test_animate_needs_a_method_that_can(
    facezoo: Callable[..., Result], swap_method: str, portrait: Path, tmp_path: Path
) -> None:
    if "animate" in registry.load_spec(swap_method).tasks:
        pytest.skip("every method here can animate")
    words = ("animate", portrait, "--driving", portrait, "-o", tmp_path / "out.mp4", "--method", swap_method)
    assert swap_method in said(facezoo(*words), 2)


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", b"\xff\xd8\xff\xe0" + bytes(40)], ids=["empty", "text", "cut"]
)
def test_bad_input(
    facezoo: Callable[..., Result], swap_method: str, tmp_path: Path, empty_temp: Path, content: bytes
) -> None:
    source = tmp_path / "bad.jpg"
    source.write_bytes(content)
    said(facezoo("run", swap_method, source, "-o", tmp_path / "out.png", "--consent"), 3)
    said(facezoo("compare", source, "-o", tmp_path / "out", "--consent"), 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.jpg", "temporary"]


def test_missing_input(facezoo: Callable[..., Result], swap_method: str, tmp_path: Path) -> None:
    said(facezoo("run", swap_method, tmp_path / "none.jpg", "-o", tmp_path / "out.png", "--consent"), 3)
    said(facezoo("verify", tmp_path / "none.jpg"), 3)


def test_no_face(
    facezoo: Callable[..., Result], swap_method: str, landscape: Path, tmp_path: Path, empty_temp: Path
) -> None:
    said(facezoo("run", swap_method, landscape, "-o", tmp_path / "out.png", "--consent"), 4)
    said(facezoo("compare", landscape, "-o", tmp_path / "out", "--consent"), 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["temporary"]


def test_no_such_face(facezoo: Callable[..., Result], swap_method: str, portrait: Path, tmp_path: Path) -> None:
    said(facezoo("run", swap_method, portrait, "-o", tmp_path / "out.png", "--face", "9"), 4)
    assert list(tmp_path.iterdir()) == []


def test_consent(facezoo: Callable[..., Result], swap_method: str, stranger: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.png"
    assert "--consent" in said(facezoo("run", swap_method, stranger, "-o", output), 5)
    assert "--consent" in said(facezoo("compare", stranger, "-o", tmp_path / "out"), 5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stranger.jpg"]
    assert facezoo("run", swap_method, stranger, "-o", output, "--consent").code == 0


def test_the_input_is_never_replaced(facezoo: Callable[..., Result], swap_method: str, stranger: Path) -> None:
    before = stranger.read_bytes()
    said(facezoo("run", swap_method, stranger, "-o", stranger, "--consent"), 2)
    said(facezoo("run", swap_method, stranger, "-o", stranger.parent, "--consent"), 2)
    assert stranger.read_bytes() == before


def test_the_unexpected_is_short_without_debug_and_long_with_it(
    facezoo: Callable[..., Result], swap_method: str, portrait: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("the moon is full\nand a second line")

    monkeypatch.setattr(run_commands, "_run_all", fail)
    words = ("run", swap_method, portrait, "-o", tmp_path / "out.png")
    text = said(facezoo(*words), 1)
    assert "the moon is full" in text
    assert "--debug" in text
    for debug in (("--debug", *words), (*words, "--debug")):
        result = facezoo(*debug)
        assert result.code == 1
        assert "Traceback" in result.err


# --- making


def test_run_and_verify_in_processes(method_id: str, portrait: Path, tmp_path: Path, empty_temp: Path) -> None:
    """The whole way as a script would go it: the record, the file, and what verify reads back from it."""
    spec = registry.load_spec(method_id)
    if "photo" not in spec.inputs.media or spec.inputs.driving:
        pytest.skip(f"{method_id} does not work on a photo alone")
    output = tmp_path / "out.png"
    result = in_a_process("run", method_id, portrait, "-o", output, "--json")
    assert (result.code, result.err) == (0, "")
    record = result.json
    assert record["output"] == str(output)
    assert record["method"] == method_id
    assert record["persona"] in {person.id for person in personas()} | {None}
    assert set(record["weights"]) == {"repo", "revision", "sha256"}
    assert (record["faces"], record["frames"]) == (1, 1)
    assert set(record["seconds"]) == {"read", "detect", "method", "blend", "seal", "total"}
    assert record["provenance"] == {"c2pa": True, "watermark": True}
    verified = in_a_process("verify", output, "--json")
    assert (verified.code, verified.err) == (0, "")
    assert set(verified.json) == {"c2pa", "watermark", "method", "weights", "created", "mark"}
    assert verified.json["c2pa"] == "trusted"
    assert verified.json["watermark"] is True
    assert verified.json["method"] == method_id


def test_verify_in_words(facezoo: Callable[..., Result], portrait: Path) -> None:
    result = facezoo("verify", portrait)
    assert result.code == 0
    assert "record:    none" in result.out
    assert "watermark: not found" in result.out


def test_same_seed_same_pixels(
    facezoo: Callable[..., Result], swap_method: str, portrait: Path, tmp_path: Path
) -> None:
    import numpy as np
    from PIL import Image

    for name in ("one.png", "two.png"):
        assert facezoo("run", swap_method, portrait, "-o", tmp_path / name, "--seed", 3).code == 0
    one, two = (np.asarray(Image.open(tmp_path / name)) for name in ("one.png", "two.png"))
    assert one.shape == np.asarray(Image.open(portrait)).shape
    assert np.array_equal(one, two)


def test_several_inputs(facezoo: Callable[..., Result], swap_method: str, tmp_path: Path, landscape: Path) -> None:
    portraits = [person.portrait for person in personas()[:2]]
    folder = tmp_path / "results"
    result = facezoo("run", swap_method, *portraits, "-o", folder, "--json")
    assert result.code == 0
    outputs = [Path(record["output"]) for record in result.json]
    assert outputs == [folder / path.name for path in portraits]
    assert sorted(folder.iterdir()) == sorted(outputs)
    shutil.rmtree(folder)

    words = ("run", swap_method, portraits[0], landscape, "-o", folder, "--consent")
    assert str(landscape) in said(facezoo(*words), 4)
    assert list(tmp_path.iterdir()) == []
    kept = facezoo(*words, "--keep-going")
    assert kept.code == 4
    assert [path.name for path in folder.iterdir()] == [portraits[0].name]
    assert str(landscape) in kept.err


def test_compare(facezoo: Callable[..., Result], swap_method: str, portrait: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "comparison"
    result = facezoo("compare", portrait, "-o", folder, "--methods", swap_method, "--json")
    assert result.code == 0, result.err
    table = result.json
    assert json.loads((folder / "metrics.json").read_text()) == table
    assert sorted(path.name for path in folder.iterdir()) == sorted(["grid.png", "metrics.json", f"{swap_method}.png"])
    assert table["results"][swap_method]["output"] == str(folder / f"{swap_method}.png")
    assert table["results"][swap_method]["measures"]["landmark_error"] >= 0
    for name in ("grid.png", f"{swap_method}.png"):
        assert facezoo("verify", folder / name, "--json").json["c2pa"] == "trusted"


def test_explain(facezoo: Callable[..., Result], swap_method: str, portrait: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "steps"
    steps = facezoo("explain", swap_method, portrait, "-o", output, "--json").json
    assert [Path(step["path"]) for step in steps] == sorted(output.iterdir())
    assert Path(steps[0]["path"]).name == "1-original.png"
    assert {"number", "name", "title", "text", "path", "made"} <= steps[0].keys()
    assert facezoo("verify", steps[-1]["path"]).code == 0
    said = facezoo("explain", swap_method, portrait, "-o", tmp_path / "again", "--set", "color=none")
    assert len(said.out.splitlines()) == len(steps)


def test_explain_leaves_nothing_behind(
    facezoo: Callable[..., Result], swap_method: str, portrait: Path, stranger: Path, tmp_path: Path
) -> None:
    output = tmp_path / "steps"
    said(facezoo("explain", swap_method, stranger, "-o", output), 5)
    said(facezoo("explain", swap_method, portrait, "-o", output, "--face", "9"), 4)
    unable = [spec.id for spec in registry.list_methods() if "explain" not in vars(type(registry.load(spec.id)))]
    for method in unable:
        assert "no steps" in said(facezoo("explain", method, portrait, "-o", output), 2)
    assert not output.exists()


def test_a_persona_for_each_face(facezoo: Callable[..., Result], swap_method: str, tmp_path: Path) -> None:
    from PIL import Image

    pair = Image.new("RGB", (960, 480))
    for left, person in zip((0, 480), personas()[:2], strict=True):
        pair.paste(Image.open(person.portrait).convert("RGB").resize((480, 480)), (left, 0))
    pair.save(tmp_path / "pair.png")
    last = personas()[-1].id
    words = ("run", swap_method, tmp_path / "pair.png", "-o", tmp_path / "out.png", "--consent", "--json")
    record = facezoo(*words, "--persona", f"1={personas()[0].id}", "--persona", f"2={last}").json
    assert record["personas"] == {"1": personas()[0].id, "2": last}
    assert (record["faces"], record["persona"]) == (2, None)
    said(facezoo(*words, "--persona", f"7={last}"), 4)


def test_bench(facezoo: Callable[..., Result], swap_method: str, empty_temp: Path) -> None:
    report = facezoo("bench", "--runs", 1, "--methods", swap_method, "--json").json
    (row,) = report["methods"]
    assert row["method"] == swap_method
    assert 0 < row["untouched"] < row["seconds"]["total"]
    assert row["ratio"] == pytest.approx(row["seconds"]["total"] / row["untouched"])


def test_bench_of_networks(facezoo: Callable[..., Result]) -> None:
    rows = facezoo("bench", "--networks", "--methods", "pix2pixhd", "--runs", 1, "--json").json["networks"]
    assert len(rows) == 1
    for row in rows:
        assert row["ratio"] == pytest.approx(row["plain"] / row["quick"])
        assert row["difference"] <= 1e-3


def test_ctrl_c_leaves_nothing(swap_method: str, tmp_path: Path, empty_temp: Path) -> None:
    """Interrupted in the middle of many inputs: Cancelled, two lines, no output, empty temporary folder."""
    inputs = []
    for index in range(60):
        inputs.append(tmp_path / f"portrait{index}.jpg")
        shutil.copy(personas()[0].portrait, inputs[-1])
    folder = tmp_path / "results"
    command = [sys.executable, "-m", "facezoo", "run", swap_method, *map(str, inputs), "-o", str(folder)]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    staging: list[Path] = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        staging = list(tmp_path.glob(".facezoo-*/*.jpg"))
        if len(staging) >= 2:
            break
        time.sleep(0.05)
    assert staging, "it never started"
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: every process of the group gets it
    out, err = running.communicate(timeout=30)
    assert running.returncode == 1
    assert out == ""
    assert err.splitlines() == ["facezoo: Stopped.", "Nothing was left behind."]
    assert {path.name for path in tmp_path.iterdir()} == {"temporary", *(path.name for path in inputs)}


# --- parts


def test_outputs() -> None:
    assert choose_outputs([Path("a.jpg")], Path("b.png")) == [Path("b.png")]
    moving = [Path("a.jpg"), Path("b.HEIC"), Path("c.MOV"), Path("d.gif")]
    expected = [Path("r/a.jpg"), Path("r/b.png"), Path("r/c.mp4"), Path("r/d.gif")]
    assert choose_outputs(moving, Path("r")) == expected
    for inputs, output in ((["a.jpg", "b.jpg"], "c.png"), (["x/a.jpg", "y/a.jpg"], "r"), (["a.jpg"], "a.jpg")):
        with pytest.raises(UsageError):
            choose_outputs([Path(each) for each in inputs], Path(output))


def test_staged(tmp_path: Path) -> None:
    with staged(tmp_path / "a" / "b") as folder:
        (folder / "one").write_text("1")
        assert not (tmp_path / "a").exists()
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == ["a", "a/b", "a/b/one"]
    with pytest.raises(RuntimeError), staged(tmp_path / "c") as folder:
        (folder / "two").write_text("2")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_progress_is_silent_without_a_terminal(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream, ProgressLine(stream) as progress:
        progress("read", 0.5)
    assert (tmp_path / "log").read_text() == ""


def _everything(terminal: int) -> str:
    """All that was written to a terminal whose other end is closed; one read may give a part of it."""
    shown = b""
    with suppress(OSError):  # Linux says so at the end
        while part := os.read(terminal, 1000):
            shown += part
    os.close(terminal)
    return shown.decode()


def test_progress_in_a_terminal() -> None:
    import pty

    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream, ProgressLine(stream) as progress:
        progress("some_method:detect", 0.5)
        progress("seal", 0.6)  # at most ten a second: not shown
    shown = _everything(controller)
    assert "some_method: Finding faces 50%" in shown
    assert "60%" not in shown
    assert shown.endswith("\r\x1b[K")


def test_animate_takes_the_newest(
    monkeypatch: pytest.MonkeyPatch, facezoo: Callable[..., Result], tmp_path: Path
) -> None:
    """With methods that animate: the newest is run, with the clip that was given."""
    specs = registry.list_methods()
    if not specs:
        pytest.skip("no method is installed")
    old = replace(specs[0], id="old", tasks=("animate",), year=2018)
    new = replace(specs[0], id="new", tasks=("animate",), year=2024)
    called: dict[str, Any] = {}
    monkeypatch.setattr(registry, "list_methods", lambda: [old, new])
    monkeypatch.setattr(
        run_commands, "run", lambda method, _inputs, _output, **options: called.update(options, method=method)
    )
    assert facezoo("animate", "p.jpg", "--driving", "c.mp4", "-o", tmp_path / "o.mp4").code == 0
    assert called["method"] == "new"
    assert called["driving"] == Path("c.mp4")
