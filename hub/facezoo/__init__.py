"""facezoo: learn, compare and download AI face-translation methods.

    import facezoo

    facezoo.list_methods()                                   # what there is
    facezoo.run("landmark_warp", "me.jpg", persona="...", consent=True)   # -> Sealed: labelled, watermarked, signed
    facezoo.verify("result.png")                             # where did this picture come from?

Importing is free: the names below are imported on first use, so that `import facezoo` loads no torch, diffusers,
gradio, OpenCV, PyAV or ONNX Runtime.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facezoo import errors
    from facezoo.registry import list_methods, load_spec
    from facezoo.runner import compare, run
    from facezoo.safety.seal import verify
    from facezoo.zoo.embedded import examples, personas

__all__ = [
    "__version__",
    "compare",
    "errors",
    "examples",
    "list_methods",
    "load_spec",
    "personas",
    "run",
    "verify",
]

__version__ = "0.1.0"

# Nothing leaves this machine: ONNX Runtime and huggingface_hub report usage unless told not to before their import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Nothing is left behind: torch makes a folder of its own in the temporary one, for compiled code that is never made.
os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", tempfile.gettempdir())

_HOMES = {
    "compare": "facezoo.runner",
    "examples": "facezoo.zoo.embedded",
    "list_methods": "facezoo.registry",
    "load_spec": "facezoo.registry",
    "personas": "facezoo.zoo.embedded",
    "run": "facezoo.runner",
    "verify": "facezoo.safety.seal",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562) and keep it."""
    if name == "errors":
        return importlib.import_module("facezoo.errors")
    if name not in _HOMES:
        raise AttributeError(f"module 'facezoo' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
