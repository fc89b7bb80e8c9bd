"""The screen of a report: a terminal, or plain text in a file or pipe."""

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
"""The number of columns without a terminal that has a width, unless COLUMNS is set."""


@contextmanager
def screen() -> Iterator[Console]:
    """Yield a console on standard output.

    Other than a terminal gets all at the end, without trailing blanks.
    """
    console = Console()
    if console.is_terminal:
        yield console
        return
    file = StringIO()
    yield Console(file=file, width=console.width if os.environ.get("COLUMNS") else WIDTH, color_system=None)
    try:
        click.echo(stripped(file.getvalue()), nl=False)
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        silence(sys.stdout)


def tell(line: str) -> None:
    """Print a line on standard error; print nothing if that cannot be written, as on a full disk."""
    try:
        click.echo(line, err=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: IO[str]) -> None:
    """Redirect a stream to nowhere: Python would fail at its end over output that it could not write."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def stripped(text: str) -> str:
    """Return the text without blanks at the ends of its lines."""
    return "\n".join(line.rstrip(" ") for line in text.split("\n"))
