"""Failures as annotations of GitHub Actions: lines of a log that its page shows above everything else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from conformance.report.causes import CauseFound, causes_found
from conformance.report.failures import Finding, findings, places
from conformance.report.status import UNSETTLED, of_target, targets
from conformance.report.values import count, listed
from conformance.spec.clauses import Clause
from conformance.verdict import Report

MOST = 10
"""The most annotations of a kind that GitHub shows from one step."""
MOST_NAMED = 5
"""The most clauses that an annotation names."""
PLACE = re.compile(r"(?P<file>.+):(?P<line>\d+)( in .*)?$")


def annotated(report: Report, clauses: Mapping[str, Clause], folder: Path | None = None) -> Iterator[str]:
    """Yield a line for each cause of failures, and for each error; the last line counts those left out.

    `folder`: the root of the repository; a cause that lies in a file of it is shown there.
    """
    lines = [*_of_causes(report, clauses, folder), *_of_errors(report, clauses)]
    shown = lines if len(lines) <= MOST else lines[: MOST - 1]
    yield from shown
    if len(lines) > len(shown):
        yield command(
            "error", "conformance", f"{len(lines) - len(shown)} more; all stand in the job's summary"
        )
    if not report.complete:
        yield command(
            "error", "conformance: a partial report", "\n".join(report.notes) or "the run was cut short"
        )


def _of_causes(report: Report, clauses: Mapping[str, Clause], folder: Path | None) -> Iterator[str]:
    for target in targets(report):
        for cause in causes_found(of_target(report, target)):
            if cause.level == "MUST":
                file = None if folder is None else line_of(cause, report, folder)
                yield _of_cause(cause, clauses, file)


def _of_cause(cause: CauseFound, clauses: Mapping[str, Clause], file: tuple[str, int] | None) -> str:
    first, itself = cause.first, cause.kind == "clause"
    name = first.clause if itself else f"cause {cause.number}"
    also = [id for id in cause.clauses if id != first.clause] if itself else cause.clauses
    said = [cause.what if itself else f"{cause.title} ({cause.known_by})"]
    if also:
        verb = "fail for it too" if itself else "fails for it" if len(also) == 1 else "fail for it"
        said.append(f"{count(len(also), 'clause')} {verb}: {_some(also)}")
    if not itself and first.failure:
        said.append(f"The smallest case, of {first.clause}: {first.failure.summary}")
    demand = clauses[first.clause].demand if itself and first.clause in clauses else ""
    said += [f"The clause: {demand}"] if demand else []
    return command("error", _title(name, Finding(cause.verdicts)), "\n".join(said), file)


def _of_errors(report: Report, clauses: Mapping[str, Clause]) -> Iterator[str]:
    unsettled = [v for v in report.verdicts if v.outcome in UNSETTLED and v.level == "MUST"]
    for finding in findings(unsettled):
        id = finding.first.clause
        demand = f"The clause: {clauses[id].demand}" if id in clauses else ""
        said = "\n".join(filter(None, (finding.summary, demand)))
        yield command("error", _title(id, finding), said)


def _title(name: str, finding: Finding) -> str:
    first = finding.first
    target = first.target if first.target != first.cell else ""
    return " · ".join(filter(None, (name, target, listed(places(finding.verdicts)))))


def _some(names: list[str]) -> str:
    rest = len(names) - MOST_NAMED
    return listed(names) if rest <= 0 else listed([*names[:MOST_NAMED], f"{rest} more"])


def line_of(cause: CauseFound, report: Report, folder: Path) -> tuple[str, int] | None:
    """Return the file of a cause, relative to a folder that it lies in, and its line; None if unknown.

    A place that has no more than the name of its file is in the file that the harness reports, if that
    has the same name.
    """
    place = PLACE.match(cause.place)
    if place is None:
        return None
    files = [Path(str(entry.get("file"))) for entry in report.implementations if entry.get("file")]
    named = Path(place["file"])
    file = next((file for file in files if str(named) == file.name), named)
    if not file.is_absolute() or not file.is_relative_to(folder.absolute()):
        return None
    return file.relative_to(folder.absolute()).as_posix(), int(place["line"])


def command(kind: str, title: str, message: str, file: tuple[str, int] | None = None) -> str:
    """Return a workflow command, escaped by its rules: no character in it ends a line or a property."""
    where = "" if file is None else f"file={_property(file[0])},line={file[1]},"
    return f"::{kind} {where}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
