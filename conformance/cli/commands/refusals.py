"""Turns errors of a request into refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from conformance.cli.refusal import Refusal
from conformance.options import UsageError
from conformance.options.describing import CannotBeJudged
from conformance.verdict import EXIT_CODES


class NotJudged(Refusal):
    """The run could not begin: one line, and exit status 3."""

    exit_code = EXIT_CODES["could not be judged"]


@contextmanager
def refusals() -> Iterator[None]:
    """Turn an error of the request into a line for the reader, and an exit status."""
    try:
        yield
    except UsageError as error:
        raise Refusal(str(error)) from error
    except CannotBeJudged as error:
        raise NotJudged(str(error)) from error
