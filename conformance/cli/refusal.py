"""The error of a command that cannot do its task."""

from __future__ import annotations

from typing import Any

import click

from conformance.report.screen import tell


class Refusal(click.ClickException):
    """The request cannot be met: one line, and exit status 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        tell(f"conformance: {self.message}")
