"""Numbers, arrays and cases in a form for human readers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

DIGITS = {"float64": 17}
"""Digits that distinguish any two values: 17 for float64, 9 for float32."""
ITEMS = 24
"""The most items of an array that is shown whole; a larger one is shown by its corners."""


def ratio(value: float | None) -> str:
    """Return an error / bound in at most four characters, most often three: .41, 1.3, 120, 3e4, ∞."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "∞"
    if value < 0.995:
        return "0" if value == 0 else f"{value:.2f}"[1:]
    if value < 999.5:
        return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def times(value: float) -> str:
    """Return a factor in words: "3.2 times", "4.1e+07 times"."""
    return f"{value:.1f} times" if value < 1e3 else f"{value:.1e} times"


def count(number: int, what: str) -> str:
    """Return a number of things: "1 clause", "12,480 examples"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def listed(names: Iterable[str]) -> str:
    """Return names in prose: "jax, torch and numpy", or "none"."""
    *most, last = list(names) or ["none"]
    return f"{', '.join(most)} and {last}" if most else last


def duration(seconds: float) -> str:
    """Return seconds in words: "3.1 s", "94 s", "12 min 3 s"."""
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def show(value: Any, width: int = 72, digits: int = 9) -> str:
    """Return a value of a case: numbers to `digits`, arrays as NumPy prints them, large ones abridged."""
    if isinstance(value, bool | str) or value is None:
        return repr(value)
    if isinstance(value, int | float):
        return f"{value:.{digits}g}" if isinstance(value, float) else str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {show(item, width, digits)}" for name, item in value.items()) + "}"
    array = _as_array(value)
    return (
        ", ".join(show(item, width, digits) for item in value)
        if array is None
        else _show_array(array, width, digits)
    )


def show_case(case: Mapping[str, Any], width: int = 72, digits: int = 9) -> str:
    """Return a case: its short values after one another, as `name=value`, its long ones on own lines."""
    nested = [
        f"{name}: {show_case(value, width, digits)}"
        for name, value in case.items()
        if isinstance(value, Mapping)
    ]
    flat = [
        f"{name}={show(value, width, digits)}"
        for name, value in case.items()
        if not isinstance(value, Mapping)
    ]
    short = [text for text in flat if "\n" not in text and len(text) <= width // 2]
    long = [text for text in flat if text not in short]
    return "\n".join([*nested, *([", ".join(short)] if short else []), *long])


def _as_array(value: Any) -> np.ndarray[Any, np.dtype[Any]] | None:
    try:
        array = np.asarray(value)
    except ValueError:  # ragged: a list of arrays, such as the states of a cell
        return None
    return array if array.dtype.kind in "bif" else None


def _show_array(array: np.ndarray[Any, np.dtype[Any]], width: int, digits: int) -> str:
    text = np.array2string(
        array,
        max_line_width=width,
        separator=", ",
        threshold=ITEMS,
        edgeitems=2,
        formatter={"float_kind": lambda item: f"{item:.{digits}g}"},
    )
    if array.size > ITEMS:
        return f"{text}  shape {array.shape}"
    line = " ".join(part.strip() for part in text.splitlines())
    return line if len(line) <= width // 2 else text
