"""Reads reports and writes files, with a one-line error where that fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema

from conformance.cli.refusal import Refusal
from conformance.driver.safe_json import NotJson
from conformance.report import jsonfile
from conformance.report.screen import tell
from conformance.verdict import Report


def read_reports(paths: Iterable[Path]) -> list[tuple[Path, Report]]:
    """Return the reports in these files, in their order. Raises Refusal for any other file."""
    return [(path, _read(path)) for path in paths]


def _read(path: Path) -> Report:
    try:
        return jsonfile.read(path)
    except OSError as error:
        raise Refusal(f"{path}: cannot be read ({error.strerror})") from error
    except NotJson as error:
        raise Refusal(f"{path}: {error}") from error
    except jsonschema.ValidationError as error:
        where = "/".join(map(str, error.absolute_path)) or "the document"
        raise Refusal(
            f"{path}: not a report of `conformance run --json`: at {where}, {_short(error)}"
        ) from error


def _short(error: jsonschema.ValidationError) -> str:
    text = str(error.message)
    return text if len(text) <= 120 else f"{text[:117]}..."


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Report that `path` was written in this context, or raise Refusal if it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise Refusal(f"{path}: cannot be written ({error.strerror})") from error
    tell(f"written: {path}")
