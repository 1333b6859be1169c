"""Spaces of the Hub, made from SPECs: one with everything, and one a method. A new method has its Space for nothing.

Front matter: https://huggingface.co/docs/hub/spaces-config-reference
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files as resources
from pathlib import Path

from facezoo.types import MethodSpec
from facezoo.zoo.manifest import WEIGHTS, read_manifest

__all__ = ["HUB", "space_files", "space_to_push"]

HUB = "hub"
"""Name of the Space with everything; the others have the ids of their methods."""
_PYTHON = "3.12"
_LONGEST = 60  # letters of a short description
_THUMBNAIL = "thumbnail.jpg"
_APP = '''"""A Space of the Hub: {title}."""

from facezoo.ui.public.serve import serve

if __name__ == "__main__":
    serve({methods}host="0.0.0.0")
'''
_TEXT = """# {title}

{words}

Pictures stay on this Space and are deleted within the hour. Every result says that AI made it: a visible mark, an
invisible watermark, and a signed record. The same runs on your own machine: `pip install facezoo[hub]`, then
`facezoo demo`.
"""
_ALL = "One photo through every generation of face-translation methods, side by side, with measured quality."


def space_files(specs: Sequence[MethodSpec]) -> dict[str, str]:
    """Path -> text: hub/ and a folder a method, each with app.py, README.md, requirements.txt and packages.txt."""
    made = {HUB: _texts(specs, None)} | {spec.id: _texts(specs, spec) for spec in specs}
    return {f"{folder}/{name}": text for folder, texts in made.items() for name, text in texts.items()}


def space_to_push(specs: Sequence[MethodSpec], method: str, url: str) -> dict[str, Path | bytes]:
    """What goes into the repository of a Space: its files, and a picture for links to it.

    specs: of all methods. method: whose Space, or `HUB`. url: the repository's address, where the picture will lie."""
    spec = next((each for each in specs if each.id == method), None)
    package = Path(str(resources("facezoo")))
    everything = package / "ui" / "compare" / "compare.jpg"
    own = package / "methods" / method / "example.jpg"
    picture = own if own.is_file() else everything
    texts = _texts(specs, spec, thumbnail=f"{url}/resolve/main/{_THUMBNAIL}")
    return {_THUMBNAIL: picture} | {name: text.encode() for name, text in texts.items()}


def _texts(specs: Sequence[MethodSpec], spec: MethodSpec | None, thumbnail: str = "") -> dict[str, str]:
    """Name -> text of the Space of one method, or of all when None."""
    title = f"facezoo: {spec.title}" if spec else "facezoo"
    words = f"{spec.summary} {spec.limits}" if spec else _ALL
    short = f"{spec.title} ({spec.year}) on your photo" if spec else "See what AI does to a face"
    front = _front_matter(title, short, [spec] if spec else specs, thumbnail)
    return {
        "app.py": _APP.format(title=title, methods=f'["{spec.id}"], ' if spec else ""),
        "README.md": f"---\n{front}---\n\n{_TEXT.format(title=title, words=words)}",
        "requirements.txt": f"facezoo[hub,public,speech]=={version('facezoo')}\n",
        "packages.txt": "espeak-ng\n",
    }


def _front_matter(title: str, short: str, specs: Sequence[MethodSpec], thumbnail: str) -> str:
    from huggingface_hub import SpaceCardData

    pinned = [spec for spec in specs if spec.weights.repo]
    data = SpaceCardData(
        title=title,
        sdk="gradio",
        sdk_version=version("gradio"),
        python_version=_PYTHON,
        app_file="app.py",
        license="apache-2.0",
        short_description=short[:_LONGEST],
        tags=["facezoo", "face", *sorted({spec.family for spec in specs})],
        models=[spec.weights.repo for spec in pinned] or None,
        preload_from_hub=[_preloaded(spec) for spec in pinned] or None,
        thumbnail=thumbnail or None,
        emoji="🎭",
        colorFrom="gray",
        colorTo="blue",
    )
    return f"{data.to_yaml()}\n"


def _preloaded(spec: MethodSpec) -> str:
    """The files of its weights at the pinned commit: they are in the Space's cache before it starts."""
    names = ",".join(each.path for each in read_manifest(WEIGHTS / spec.id).files)
    return f"{spec.weights.repo} {names} {spec.weights.revision}"
