"""Keeps float64 where Keras itself loses it."""

from __future__ import annotations

from importlib import import_module


def keep_float64() -> None:
    """Make Keras's type promotion give float64 for float64.

    Newer Keras (3.15, not 3.8) gives float32 there on every backend but tensorflow: `keras.ops.tanh` of a
    float64 array is float32 on jax and numpy, `keras.ops.matmul` on torch. No cell written with `keras.ops`
    could be judged in float64. A cell's own casts are unchanged.
    """
    table = getattr(import_module("keras.src.backend.common.dtypes"), "BIT64_TO_BIT32_DTYPE", {})
    if "float64" in table:
        table["float64"] = "float64"
