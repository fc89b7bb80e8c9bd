"""Files that a run was asked for: what cannot be written is said in the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from conformance.verdict import Report


def written(report: Report, path: Path | None, write: Callable[[Report, Path], None]) -> Report:
    """The report, after it was written to a file if one is asked for; or with why it was not."""
    try:
        if path:
            write(report, path)
    except OSError as fault:
        note = f"{_unwritten(path)}: {fault.strerror}"
        return replace(report, complete=False, notes=[*report.notes, note])
    return report


def is_written(report: Report, path: Path) -> bool:
    """Whether a file that was asked for is there, by this run."""
    return path.exists() and not any(note.startswith(_unwritten(path)) for note in report.notes)


def _unwritten(path: Path | None) -> str:
    return f"{path} cannot be written"
