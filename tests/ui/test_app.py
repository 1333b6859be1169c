"""What building the hub costs."""

from __future__ import annotations

import subprocess
import sys


def test_building_the_page_imports_nothing_heavy() -> None:
    code = (
        "import sys; from facezoo.ui.app import build; build();"
        "print([name for name in ('torch', 'diffusers', 'onnxruntime', 'ai_edge_litert', 'transformers')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
