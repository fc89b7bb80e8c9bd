"""Writes a failing example as Python that can be pasted."""

from __future__ import annotations

import os
import re
import textwrap
from typing import Any

import numpy as np

from conformance.judging.subject import Subject

TEMPLATE = """\
import numpy as np
from conformance import start

with start({target}) as implementation:
{requests}
    print(answer)
"""


def write(subject: Subject) -> str:
    """Return a script that makes the example's requests again and prints the last answer."""
    target = subject.implementation
    options = [f"{name}={_from_anywhere(name, value)!r}" for name, value in target.options.items()]
    arguments = [repr(target.target), repr(target.backend), *options]
    requests = "\n".join(_request(method, params) for method, params in subject.example.requests)
    return TEMPLATE.format(
        target=", ".join(arguments), requests=textwrap.indent(requests or "answer = None", "    ")
    )


def _from_anywhere(name: str, value: Any) -> Any:
    """Return the option so that it is valid in every folder, if it is the path of an interpreter."""
    return os.path.abspath(value) if name == "python" and os.path.dirname(value) else value


def _request(method: str, params: dict[str, Any]) -> str:
    arguments = "".join(f"    {name}={literal(value)},\n" for name, value in params.items())
    return f"answer = implementation.request(\n    {method!r},\n{arguments})"


def literal(value: Any) -> str:
    """Return `value` as a Python expression."""
    if isinstance(value, np.ndarray):
        numbers = re.sub(r"\b(nan|inf)\b", r"np.\1", repr(value.tolist()))
        return f"np.array({numbers}, {str(value.dtype)!r})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return repr(value)
