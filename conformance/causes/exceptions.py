"""Tells whether exceptions have one cause, by what they have in common."""

from __future__ import annotations

import re

from conformance.verdict import Failure

NUMBER = re.compile(
    r"[-+]?(\d+(\.\d*)?(e[-+]?\d+)?|\bnan\b|\binf(inity)?\b)|\.{3}|, dtype=[\w.]+", re.IGNORECASE
)
LISTED = re.compile(r"#([\s,]*#)+,?|(\barray|(?<!\w))[(\[]\s*#,?\s*[)\]]|(\barray)?[(\[][\s,#([]*(…|$)")
"""Numbers beside each other, or in brackets, which may be cut off at the end of a message."""


def common(failure: Failure) -> str:
    """Return what exceptions of one cause have in common: the type, and the line or else the message."""
    place = failure.raised.get("place") or without_numbers(failure.raised["message"])
    return f"{failure.raised['type']} at {place}"


def without_numbers(message: str) -> str:
    """Return a message with # for each number, array and shape in it."""
    shorter = NUMBER.sub("#", message)
    while (message := shorter) != (shorter := LISTED.sub("#", message)):
        pass
    return shorter
