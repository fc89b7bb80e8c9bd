"""Files that a run writes: the report names those that cannot be written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from conformance.verdict import Report


def write_or_note(report: Report, path: Path | None, write: Callable[[Report, Path], None]) -> Report:
    """Write the report to a file if one is given; return it, with the error if it could not be written."""
    try:
        if path:
            write(report, path)
    except OSError as fault:
        note = f"{_unwritten(path)}: {fault.strerror}"
        return replace(report, complete=False, notes=[*report.notes, note])
    return report


def is_written(report: Report, path: Path) -> bool:
    """Tell whether a requested file was written by this run."""
    return path.exists() and not any(note.startswith(_unwritten(path)) for note in report.notes)


def _unwritten(path: Path | None) -> str:
    return f"{path} cannot be written"
