"""Spaces of the Hub, made from SPECs: one with everything, and one a method. A new method has its Space for nothing.

Front matter: https://huggingface.co/docs/hub/spaces-config-reference
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version

from facezoo.types import MethodSpec

__all__ = ["space_files"]

_PYTHON = "3.12"
_LONGEST = 60  # letters of a short description
_APP = '''"""A Space of the Hub: {title}."""

from facezoo.ui.app import build, launch

if __name__ == "__main__":
    launch(build({methods}), host="0.0.0.0")
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
    files = _files("hub", "facezoo", _ALL, "See what AI does to a face", specs, "")
    for spec in specs:
        short = f"{spec.title} ({spec.year}) on your photo"
        files |= _files(
            spec.id, f"facezoo: {spec.title}", f"{spec.summary} {spec.limits}", short, [spec], json.dumps([spec.id])
        )
    return files


def _files(
    folder: str, title: str, words: str, short: str, specs: Sequence[MethodSpec], methods: str
) -> dict[str, str]:
    made = {
        "app.py": _APP.format(title=title, methods=methods),
        "README.md": f"---\n{_front_matter(title, short, specs)}---\n\n{_TEXT.format(title=title, words=words)}",
        "requirements.txt": f"facezoo[hub,speech]=={version('facezoo')}\n",
        "packages.txt": "espeak-ng\n",
    }
    return {f"{folder}/{name}": text for name, text in made.items()}


def _front_matter(title: str, short: str, specs: Sequence[MethodSpec]) -> str:
    from huggingface_hub import SpaceCardData

    pinned = [spec.weights for spec in specs if spec.weights.repo]
    data = SpaceCardData(
        title=title,
        sdk="gradio",
        sdk_version=version("gradio"),
        python_version=_PYTHON,
        app_file="app.py",
        license="apache-2.0",
        short_description=short[:_LONGEST],
        tags=["facezoo", "face", *sorted({spec.family for spec in specs})],
        models=[each.repo for each in pinned] or None,
        preload_from_hub=[f"{each.repo} config.json,metrics.json {each.revision}" for each in pinned] or None,
        emoji="🎭",
        colorFrom="gray",
        colorTo="blue",
    )
    return f"{data.to_yaml()}\n"
