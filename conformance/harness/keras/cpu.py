"""Keeps Keras on the CPU, which has the promised arithmetic."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def stay_on_cpu() -> None:
    """Keep Keras's torch backend from using a GPU.

    An Apple GPU has no float64. Older Keras (3.8, not 3.14) has no environment variable for that, and
    `keras.device` holds for one thread.
    """
    core: Any = import_module("keras.src.backend.torch.core")
    core.DEFAULT_DEVICE = "cpu"
