"""`facezoo doctor`: what this machine has, what is missing, what to do."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from facezoo.cli.shell import AsJson, print_json
from facezoo.errors import FacezooError

__all__ = ["Finding", "doctor"]

_ENOUGH_DISK = 2_000_000_000  # bytes: a few sets of weights and their results
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    "missing" is optional, "broken" stops facezoo from working; advice says what to do."""

    name: str
    state: Literal["ok", "missing", "broken"]
    found: str
    advice: str = ""


def doctor(as_json: AsJson = False) -> int:
    """Say what this machine has, what is missing, and what to do. Exit code 1 when something needed is broken."""
    findings = list(_examine())
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            print(f"{finding.state:<8} {finding.name:<{width}}  {finding.found}")
            if finding.advice:
                print(f"{'':<8} {'':<{width}}  -> {finding.advice}")
    return int(any(finding.state == "broken" for finding in findings))


def _examine() -> Iterator[Finding]:
    """Every check in turn. One that fails in a way nobody foresaw is a finding too, and the others still run."""
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("Python", _python),
        ("methods", _methods),
        ("pictures that ship", _pictures),
        ("face networks", _networks),
        ("picture decoding", _decoding),
        ("face finding", _face_finding),
        ("content check", _content_check),
        ("signing identity", _identity),
        ("video", _video),
        ("torch", _torch),
        ("hub (gradio)", _hub),
        ("fan landmarks", _fan),
        ("browser for tests", _browser),
        ("home folder", _home),
        ("temporary folder", _temporary),
    ]
    for name, check in checks:
        try:
            yield check()
        except FacezooError as error:
            yield Finding(name, "broken", error.message, error.advice)
        except Exception as error:  # a doctor who faints is no help
            advice = "Install facezoo again; if that does not help, report this line."
            yield Finding(name, "broken", f"{type(error).__name__}: {error}"[:200], advice)


def _python() -> Finding:
    found = f"{sys.version.split()[0]} in {sys.prefix}"
    if sys.version_info[:2] in ((3, 11), (3, 12)):
        return Finding("Python", "ok", found)
    return Finding("Python", "broken", found, "Use Python 3.11 or 3.12.")


def _methods() -> Finding:
    from facezoo import registry

    specs = registry.list_methods()
    for spec in specs:
        registry.describe_params(spec)
    if not specs:
        return Finding("methods", "missing", "none", "Put a method into facezoo/methods, or install facezoo again.")
    return Finding("methods", "ok", ", ".join(spec.id for spec in specs))


def _pictures() -> Finding:
    from facezoo.zoo import embedded

    people, examples = embedded.personas(), embedded.examples()
    return Finding(
        "pictures that ship", "ok", f"{len(people)} synthetic people, {len(examples)} examples, checksums right"
    )


def _networks() -> Finding:
    from facezoo.face.networks import checksums

    states = checksums()
    wrong = [name for name, intact in states.items() if not intact]
    if wrong:
        return Finding("face networks", "broken", f"changed or missing: {', '.join(wrong)}", "Install facezoo again.")
    return Finding("face networks", "ok", f"{len(states)} files, checksums right")


def _decoding() -> Finding:
    from facezoo.media.read import read_photo

    height, width = read_photo(_portrait()).shape[:2]
    return Finding("picture decoding", "ok", f"the decoding process opened a portrait of {width} x {height} px")


def _face_finding() -> Finding:
    from facezoo.face.find import find_faces
    from facezoo.media.read import read_photo

    count = len(find_faces(read_photo(_portrait())))
    if count:
        return Finding("face finding", "ok", "found the face of a persona")
    return Finding("face finding", "broken", "found no face in a persona's portrait", "Install facezoo again.")


def _content_check() -> Finding:
    from facezoo.media.read import read_photo
    from facezoo.safety import admission

    return Finding(
        "content check", "ok", f"works; a portrait scores {admission.check_content(read_photo(_portrait())):.2f}"
    )


def _identity() -> Finding:
    from facezoo.safety import c2pa

    c2pa.identity()
    own = bool(os.environ.get("FACEZOO_CERTIFICATE"))
    return Finding("signing identity", "ok", "from FACEZOO_CERTIFICATE" if own else "made by facezoo on this machine")


def _video() -> Finding:
    import av
    from av.codec import Codec

    Codec("libx264", "w")
    return Finding("video", "ok", f"PyAV {av.__version__} with H.264")


def _torch() -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("torch", "broken", "not installed", "Install facezoo again.")
    return Finding("torch", "ok", f"{version('torch')}, {os.cpu_count()} processor cores")


def _hub() -> Finding:
    if importlib.util.find_spec("gradio") is None:
        return Finding("hub (gradio)", "missing", "not installed", "For the web page: pip install 'facezoo[hub]'")
    return Finding("hub (gradio)", "ok", version("gradio"))


def _fan() -> Finding:
    if importlib.util.find_spec("face_alignment") is None:
        advice = "Optional, a second landmark engine: pip install 'facezoo[fan]'"
        return Finding("fan landmarks", "missing", "face-alignment is not installed", advice)
    return Finding(
        "fan landmarks", "ok", f"face-alignment {version('face-alignment')}; fetches its weights on first use"
    )


def _browser() -> Finding:
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found:
        return Finding("browser for tests", "ok", found)
    return Finding("browser for tests", "missing", "no Chromium", "Only for tests: apt-get install chromium")


def _home() -> Finding:
    from facezoo.safety import c2pa

    home = Path(c2pa.home())
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=home):
        pass
    return _room("home folder", home)


def _temporary() -> Finding:
    folder = Path(tempfile.gettempdir())
    with tempfile.TemporaryFile(dir=folder):
        pass
    return _room("temporary folder", folder)


def _room(name: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    found = f"{folder}, writable, {free / 1e9:.1f} GB free"
    if free < _ENOUGH_DISK:
        return Finding(name, "missing", found, f"Free some disk: {_ENOUGH_DISK / 1e9:.0f} GB are comfortable.")
    return Finding(name, "ok", found)


def _portrait() -> Path:
    from facezoo.zoo import embedded

    return embedded.personas()[0].portrait
