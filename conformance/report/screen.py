"""Where a report is shown: on a terminal, or as plain text in a file or pipe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import click
from rich.console import Console

WIDTH = 110
"""Columns where there is no terminal that has some, and COLUMNS does not say."""


@contextmanager
def screen() -> Iterator[Console]:
    """A console on standard output; what is no terminal gets all in the end, without trailing blanks."""
    console = Console()
    if console.is_terminal:
        yield console
        return
    file = StringIO()
    yield Console(file=file, width=console.width if os.environ.get("COLUMNS") else WIDTH, color_system=None)
    click.echo(stripped(file.getvalue()), nl=False)


def stripped(text: str) -> str:
    """The text without blanks at the ends of its lines."""
    return "\n".join(line.rstrip(" ") for line in text.split("\n"))
