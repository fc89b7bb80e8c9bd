"""Where a report is shown: on a terminal, or as plain text in a file or pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import IO

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
    try:
        click.echo(stripped(file.getvalue()), nl=False)
    except BrokenPipeError:  # who reads no further, as `head`, has read enough
        silence(sys.stdout)


def tell(line: str) -> None:
    """A line on standard error; none where that cannot be written, as on a full disk."""
    try:
        click.echo(line, err=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: IO[str]) -> None:
    """Sends what else comes nowhere: Python would fail at its end over what it could not write."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def stripped(text: str) -> str:
    """The text without blanks at the ends of its lines."""
    return "\n".join(line.rstrip(" ") for line in text.split("\n"))
