"""Keeps Keras on the CPU, where the promised arithmetic is."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def stay_on_cpu() -> None:
    """Let Keras's torch backend leave a GPU alone, which it would take.

    An Apple's has no float64. Older Keras (3.8, not 3.14) has no variable of the environment for that, and
    `keras.device` holds for one thread.
    """
    core: Any = import_module("keras.src.backend.torch.core")
    core.DEFAULT_DEVICE = "cpu"
