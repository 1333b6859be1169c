"""Accelerate, as every training of facezoo uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["new_accelerator"]


def new_accelerator(**settings: Any) -> Accelerator:
    """An Accelerator for whatever this machine has. settings: further arguments of its own.

    Without a GPU it has to be told so, or the processes of `torch.distributed.run` train without each other. Schedules
    move on by one a step, however many processes there are."""
    import torch
    from accelerate import Accelerator

    return Accelerator(cpu=not torch.accelerator.is_available(), step_scheduler_with_optimizer=False, **settings)
