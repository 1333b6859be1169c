"""Makes the finished results that the hub opens with: `python -m facezoo.ui.examples`.

Each method that has an example.json, {"input": example id, "persona": persona id}, gets an example.jpg beside it. They
are signed by a key that is made for this run and thrown away; its root certificate goes into safety/anchors.pem, so
that every facezoo verifies them as trusted.
"""

from __future__ import annotations

import json
import os
import tempfile
from importlib.resources import files
from pathlib import Path

from facezoo import registry, runner
from facezoo.safety.identity import identity
from facezoo.zoo.embedded import examples

__all__ = ["main"]

_END = "-----END CERTIFICATE-----\n"


def main() -> None:
    """Make all examples anew and print where they are."""
    pictures = {example.id: example.path for example in examples()}
    package = Path(str(files("facezoo")))
    with tempfile.TemporaryDirectory() as home:
        os.environ["FACEZOO_HOME"] = home
        for spec in registry.list_methods():
            folder = package / "methods" / spec.id
            if not (folder / "example.json").is_file():
                continue
            chosen = json.loads((folder / "example.json").read_text(encoding="utf-8"))
            sealed = runner.run(
                spec.id, pictures[chosen["input"]], persona=chosen["persona"], output=folder / "example.jpg"
            )
            print(sealed.path)
        root = identity().certificates.split(_END)[-2].lstrip() + _END
        (package / "safety" / "anchors.pem").write_text(root, encoding="ascii")


if __name__ == "__main__":
    main()
