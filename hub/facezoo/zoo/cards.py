"""Model cards, rendered from SPEC: front matter the Hub understands, and what a reader should know."""

from __future__ import annotations

from collections.abc import Sequence

from facezoo.errors import UsageError
from facezoo.types import MethodSpec

__all__ = ["render"]

# The Hub takes any word here without a complaint, and then its filters do not find the model.
_LICENCES = {"Apache-2.0": "apache-2.0", "MIT": "mit", "BSD-3-Clause": "bsd-3-clause", "CC0-1.0": "cc0-1.0"}
_PIPELINE_TAGS = {"swap": "image-to-image", "restyle": "image-to-image", "animate": "image-to-video"}


def render(spec: MethodSpec, settings: Sequence[tuple[str, str, str]]) -> str:
    """The README.md of a method's weights: Markdown with YAML front matter.

    settings: (name, allowed values, default) of each parameter.
    Raises UsageError for a licence the Hub has no word for."""
    if spec.licence not in _LICENCES:
        raise UsageError(f"{spec.licence!r} is no licence that a card can name.", f"Known: {', '.join(_LICENCES)}.")
    rows = "\n".join(f"| `{name}` | {allowed.replace('|', 'or')} | {default} |" for name, allowed, default in settings)
    table = f"| parameter | allowed | default |\n|---|---|---|\n{rows}" if rows else "None."
    return f"""---
library_name: facezoo
license: {_LICENCES[spec.licence]}
pipeline_tag: {_PIPELINE_TAGS[spec.tasks[0]]}
tags: [{", ".join(["facezoo", "face", spec.family, *spec.tasks])}]
---

# {spec.title} ({spec.year})

{spec.summary}

- **Paper**: <{spec.paper}>
- **Weights**: {_weights(spec)}
- **Trained on**: {spec.trained_on}
- **Limits**: {spec.limits}

## Use

```bash
{_command(spec)}
```

```python
import facezoo

{_call(spec)}
```

The result carries a visible "AI" mark, an invisible watermark and a signed record (C2PA), which `facezoo verify` reads.
A face that is not one of facezoo's synthetic people needs its owner's consent: `--consent`, `consent=True`.

## Parameters

{table}
"""


def _weights(spec: MethodSpec) -> str:
    if not spec.weights.repo:
        return "none; there is nothing learned in this method"
    weights = spec.weights
    return f"`{weights.repo}` at `{weights.revision}`, {weights.parameters:,} parameters, {weights.bytes:,} bytes"


def _command(spec: MethodSpec) -> str:
    driving = " --driving clip.mp4" if spec.inputs.driving else ""
    return f"facezoo run {spec.id} me.jpg{driving} -o result.{'mp4' if spec.inputs.driving else 'png'} --consent"


def _call(spec: MethodSpec) -> str:
    driving = ', driving="clip.mp4"' if spec.inputs.driving else ""
    return f'sealed = facezoo.run("{spec.id}", "me.jpg"{driving}, consent=True)\nprint(sealed.path)'
