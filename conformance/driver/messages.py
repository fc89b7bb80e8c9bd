"""Shortens the messages of exceptions that a harness reports."""

from __future__ import annotations

import re
import textwrap


def one_line(message: str) -> str:
    """Return one line of an exception's message: the original error without Keras's additions."""
    plain = re.sub(r"\x1b\[\d*m", "", message)
    called = re.search(r"Exception encountered when calling .*?\n\n(.*)\n\nArguments received", plain, re.S)
    original = plain[: called.start()] + called[1] if called else plain
    return textwrap.shorten(original.rpartition("Exception encountered: ")[2], 300, placeholder=" …")
