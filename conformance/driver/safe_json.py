"""Reads JSON from an untrusted writer as plain values that can be processed and written again."""

from __future__ import annotations

import json
import math
from typing import Any

from conformance.driver.implementation import printable
from conformance.harness import wire

MOST_DIGITS = 1000
"""The most digits of a number; Python itself refuses to read 4300."""


class NotJson(ValueError):
    """not JSON: {why}"""

    def __init__(self, why: str) -> None:
        super().__init__(f"not JSON: {why[:160]}")


def parse(text: bytes) -> Any:
    """Return the value in `text`: finite numbers, text that can be written, nested no deeper than messages.

    Raises:
        NotJson: it holds no such value. NaN and numbers that overflow are no JSON.
    """
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_number, parse_int=_number)
        wire.check_depth(value)
    except (ValueError, RecursionError) as wrong:  # no UTF-8, no JSON, or nested without end
        raise NotJson(str(wrong)) from None
    return printable(value)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number in JSON")


def _number(text: str) -> int | float:
    if len(text) > MOST_DIGITS or not math.isfinite(number := float(text)):
        raise ValueError(f"the number {text[:20]}… is too large")
    return int(text) if text.lstrip("-").isdigit() else number
