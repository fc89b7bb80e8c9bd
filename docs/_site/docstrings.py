"""An extension of Griffe: docstrings in Keras's style, made to be read by the rules of Google's.

Keras's own docstrings have sections that Google's do not know (`Call arguments:`, `Input shape:`), and
examples that stand at the margin under `Example:`.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any

import griffe

ARGUMENTS = re.compile(r"^Call arguments:$", re.MULTILINE)
PROSE = re.compile(
    r"^(?P<title>Input shape|Output shape|References?|Examples?):\n(?P<body>(?:(?:[ ]{4}.*)?\n)*)",
    re.MULTILINE,
)
PROMPT = re.compile(r"^(?P<indent>[ ]*)>>> .*(?:\n(?P=indent)\S.*)*", re.MULTILINE)


class KerasStyle(griffe.Extension):
    """Rewrites each docstring as it is read."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = google(obj.docstring.value)


def google(text: str) -> str:
    """Return a docstring of Keras's style in Google's, its other sections as prose under a bold title."""
    text = ARGUMENTS.sub("Args: Call arguments:", text + "\n")
    text = PROSE.sub(_titled, text)
    return PROMPT.sub(_fenced, text).rstrip()


def _titled(section: re.Match[str]) -> str:
    """Return a section under a bold title; an indented example without a prompt stays indented."""
    program = section["title"].startswith("Example") and ">>>" not in section["body"]
    body = section["body"] if program else textwrap.dedent(section["body"])
    return f"**{section['title']}:**\n\n{body}\n"


def _fenced(example: re.Match[str]) -> str:
    indent = example["indent"]
    return f"{indent}```pycon\n{example[0]}\n{indent}```"
