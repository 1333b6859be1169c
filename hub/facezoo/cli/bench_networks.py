"""How much less time networks need on a processor as facezoo runs them, with the same weights.

The baseline is the same network's plain forward pass, in turns with the quick one, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from facezoo import registry
from facezoo.errors import FacezooError

__all__ = ["time_networks"]


def time_networks(runs: int) -> list[dict[str, Any]]:
    """For each network: "plain" and "quick", processor milliseconds of the fastest run, their "ratio", and the largest
    "difference" of the pictures, of 2 from black to white.

    The papers' networks have untrained weights, which changes no time; facezoo's own are those that ship."""
    import torch

    from facezoo.nn.fast import hasten

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    try:
        for name, network, inputs in _networks():
            quick = hasten(network)
            with torch.inference_mode():
                pictures = [_last(each(*inputs)) for each in (network, quick)]
                best = [float("inf")] * 2
                for _ in range(runs):
                    for place, each in enumerate((network, quick)):
                        best[place] = min(best[place], _milliseconds(each, inputs))
            difference = float((pictures[0] - pictures[1]).abs().max())
            rows.append(
                {
                    "network": name,
                    "plain": best[0],
                    "quick": best[1],
                    "ratio": best[0] / best[1],
                    "difference": difference,
                }
            )
    finally:
        torch.set_num_threads(threads)
    return rows


def _networks() -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Name, network and inputs."""
    import torch

    from facezoo.methods.cyclegan.model import ResnetGenerator
    from facezoo.methods.face2face.model import UnetGenerator

    torch.manual_seed(0)
    yield "CycleGAN's ResNet-9, 256 px", ResnetGenerator().eval(), (torch.rand(1, 3, 256, 256) * 2 - 1,)
    yield "pix2pix' U-Net, 256 px", UnetGenerator().eval(), (torch.rand(1, 3, 256, 256) * 2 - 1,)
    for method, name in (("cyclegan", "painting"), ("face2face", "painter"), ("pix2pixhd", "painter")):
        try:
            network = registry.load(method).networks[name]
        except FacezooError:
            continue
        for side in (256, 512) if method == "cyclegan" else (network.side,):
            inputs: tuple[Any, ...] = (torch.rand(1, 3, side, side) * 2 - 1,)
            if method != "cyclegan":
                inputs += torch.rand(1, side, side, 2) * 2 - 1, torch.zeros(1, dtype=torch.long)
            yield f"{method}'s {name}, {side} px", network, inputs


def _last(made: Any) -> Any:
    return made if hasattr(made, "abs") else made[-1]


def _milliseconds(network: Callable[..., Any], inputs: tuple[Any, ...]) -> float:
    began = time.process_time()
    network(*inputs)
    return 1000 * (time.process_time() - began)
