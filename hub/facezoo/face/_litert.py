"""The embedded networks: four small LiteRT files of MediaPipe (Apache-2.0, see models/NOTICE)."""

from __future__ import annotations

import hashlib
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import WeightsUnavailable

MODELS = Path(__file__).parent / "models"
SHA256 = {
    "face_detection_short_range.tflite": "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    "face_detection_full_range_sparse.tflite": "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    "face_landmark.tflite": "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    "iris_landmark.tflite": "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    "selfie_segmentation.tflite": "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
}


class Network:
    """One network, loaded and checked on first use, safe to call from several threads.

    Raises WeightsUnavailable when the file is missing or is not the one facezoo was built with."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._interpreter: Any = None

    def __call__(self, tensor: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """tensor: (1, S, S, 3) float32 in the range the network was trained on. Returns its outputs in file order."""
        with self._lock:
            if self._interpreter is None:
                self._interpreter = _load(self._name)
            interpreter = self._interpreter
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], tensor)
            interpreter.invoke()
            return [interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()]


@cache
def network(name: str) -> Network:
    """The one shared instance of a network, by file name."""
    return Network(name)


def checksums() -> dict[str, bool]:
    """For each embedded network: is the file there and unchanged."""
    return {name: _digest(name) == expected for name, expected in SHA256.items()}


def _digest(name: str) -> str:
    path = MODELS / name
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _load(name: str) -> Any:
    if _digest(name) != SHA256[name]:
        raise WeightsUnavailable(
            f"The embedded network {name} is missing or changed.",
            "Install facezoo again: pip install --force-reinstall facezoo",
        )
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(MODELS / name), num_threads=2)
    interpreter.allocate_tensors()
    return interpreter
