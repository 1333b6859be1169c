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
from facezoo.types import Image

__all__ = ["Finding", "doctor"]

_ENOUGH_DISK = 2_000_000_000  # bytes: a few sets of weights and their results
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


State = Literal["ok", "missing", "broken"]
Found = tuple[State, str] | tuple[State, str, str]
"""State, what was found, and what to do about it."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    "missing" is optional, "broken" stops facezoo from working; advice says what to do."""

    name: str
    state: State
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
    checks: dict[str, Callable[[], Found]] = {
        "Python": _python,
        "methods": _methods,
        "pictures that ship": _pictures,
        "face networks": _networks,
        "picture decoding": _decoding,
        "face finding": _face_finding,
        "content check": _content_check,
        "signing identity": _identity,
        "video": _video,
        "torch": _torch,
        "hub (gradio)": lambda: _package("gradio", "gradio", "For the web page: pip install 'facezoo[hub]'"),
        "fan landmarks": lambda: _package(
            "face_alignment",
            "face-alignment",
            "Optional, a second landmark engine: pip install 'facezoo[fan]'",
            "; fetches its weights on first use",
        ),
        "spoken sentences": _voices,
        "spoken recordings": lambda: _package(
            "pocketsphinx", "pocketsphinx", "Optional, for --sound: pip install 'facezoo[speech]'"
        ),
        "browser for tests": _browser,
        "home folder": _home,
        "temporary folder": lambda: _room(Path(tempfile.gettempdir())),
    }
    for name, check in checks.items():
        try:
            state, found, *advice = check()
            yield Finding(name, state, found, *advice)
        except FacezooError as error:
            yield Finding(name, "broken", error.message, error.advice)
        except Exception as error:  # a doctor who faints is no help
            advice = "Install facezoo again; if that does not help, report this line."
            yield Finding(name, "broken", f"{type(error).__name__}: {error}"[:200], advice)


def _python() -> Found:
    found = f"{sys.version.split()[0]} in {sys.prefix}"
    if sys.version_info[:2] in ((3, 11), (3, 12)):
        return "ok", found
    return "broken", found, "Use Python 3.11 or 3.12."


def _methods() -> Found:
    from facezoo import registry

    specs = registry.list_methods()
    for spec in specs:
        registry.describe_params(spec)
    if not specs:
        return "missing", "none", "Put a method into facezoo/methods, or install facezoo again."
    return "ok", ", ".join(spec.id for spec in specs)


def _pictures() -> Found:
    from facezoo.zoo import embedded

    people, examples = embedded.personas(), embedded.examples()
    return "ok", f"{len(people)} synthetic people, {len(examples)} examples, checksums right"


def _networks() -> Found:
    from facezoo.face.networks import checksums

    states = checksums()
    wrong = [name for name, intact in states.items() if not intact]
    if wrong:
        return "broken", f"changed or missing: {', '.join(wrong)}", "Install facezoo again."
    return "ok", f"{len(states)} files, checksums right"


def _decoding() -> Found:
    height, width = _portrait().shape[:2]
    return "ok", f"the decoding process opened a portrait of {width} x {height} px"


def _face_finding() -> Found:
    from facezoo.face.find import find_faces

    if find_faces(_portrait()):
        return "ok", "found the face of a persona"
    return "broken", "found no face in a persona's portrait", "Install facezoo again."


def _content_check() -> Found:
    from facezoo.safety import admission

    return "ok", f"works; a portrait scores {admission.check_content(_portrait()):.2f}"


def _identity() -> Found:
    from facezoo.safety import c2pa

    c2pa.identity()
    own = bool(os.environ.get("FACEZOO_CERTIFICATE"))
    return "ok", "from FACEZOO_CERTIFICATE" if own else "made by facezoo on this machine"


def _video() -> Found:
    import av
    from av.codec import Codec

    Codec("libx264", "w")
    return "ok", f"PyAV {av.__version__} with H.264"


def _torch() -> Found:
    if importlib.util.find_spec("torch") is None:
        return "broken", "not installed", "Install facezoo again."
    return "ok", f"{version('torch')}, {os.cpu_count()} processor cores"


def _voices() -> Found:
    from facezoo.speech.say import voices

    if not voices():
        return "missing", "no espeak-ng", "Optional, for --say: apt-get install espeak-ng"
    return "ok", f"espeak-ng with {len(voices())} voices"


def _browser() -> Found:
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    return ("ok", found) if found else ("missing", "no Chromium", "Only for tests: apt-get install chromium")


def _home() -> Found:
    from facezoo.safety import c2pa

    home = Path(c2pa.home())
    home.mkdir(parents=True, exist_ok=True)
    return _room(home)


def _room(folder: Path) -> Found:
    with tempfile.TemporaryFile(dir=folder):
        pass
    free = shutil.disk_usage(folder).free
    found = f"{folder}, writable, {free / 1e9:.1f} GB free"
    if free < _ENOUGH_DISK:
        return "missing", found, f"Free some disk: {_ENOUGH_DISK / 1e9:.0f} GB are comfortable."
    return "ok", found


def _package(module: str, name: str, advice: str, note: str = "") -> Found:
    """An optional package."""
    if importlib.util.find_spec(module) is None:
        return "missing", f"{name} is not installed", advice
    return "ok", f"{name} {version(name)}{note}"


def _portrait() -> Image:
    from facezoo.media.read import read_photo
    from facezoo.zoo import embedded

    return read_photo(embedded.personas()[0].portrait)
