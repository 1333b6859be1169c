"""A visitor's own weights as one file to keep, with a card that says what they are."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from facezoo.errors import WeightsUnavailable
from facezoo.registry import load_spec
from facezoo.ui.workspace import new_folder
from facezoo.zoo.cards import FORBIDDEN, INTENDED

if TYPE_CHECKING:
    from facezoo.train.project.project import Project

__all__ = ["archive", "card"]

_FOLDER = "my-deepfakes"


def archive(project: Project) -> Path:
    """A ZIP of the trained weights and their card. Raises WeightsUnavailable before the training is finished."""
    files = sorted(path for path in project.weights.rglob("*") if path.is_file())
    if not files:
        raise WeightsUnavailable("There are no finished weights yet.", "Finish the training first.")
    path = new_folder() / f"{_FOLDER}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as packed:
        for file in files:
            packed.write(file, f"{_FOLDER}/{file.relative_to(project.weights)}")
        packed.writestr(f"{_FOLDER}/README.md", card(project))
    return path


def card(project: Project) -> str:
    """What the weights are, how to use them, and what they must not be used for; Markdown."""
    state, verdict, spec = project.state(), project.verdict(), load_spec("deepfakes")
    whose = (
        "two synthetic people who never existed"
        if project.synthetic
        else "pictures that a visitor of the hub chose; the visitor stated for both people that their faces may be used"
    )
    return f"""# A face swap of two people

{spec.summary}

- **Weights**: made with facezoo's Train page, by {state.step:,} steps in {state.seconds / 60:.0f} minutes
- **Trained on**: {verdict.a.count:,} faces of A and {verdict.b.count:,} of B, {whose}
- **Licence**: the weights are yours as far as the pictures are; the program is under {spec.licence}
- **Limits**: it knows these two people only. {spec.limits}

## Use

```python
import facezoo
from facezoo.methods.deepfakes.pipeline import DeepFakes

pipeline = DeepFakes.from_pretrained("{_FOLDER}")
pipeline.person = "b"
sealed = facezoo.run("deepfakes", "picture-of-a.jpg", pipeline=pipeline, consent=True)
print(sealed.path)
```

The result carries a visible "AI" mark, an invisible watermark and a signed record (C2PA), which `facezoo verify` reads.

## Intended use

{INTENDED}

## Forbidden use

{FORBIDDEN}
"""
