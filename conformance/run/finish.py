"""The end of a run: its report, and the files that the caller asked for."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from conformance import options
from conformance._version import __version__
from conformance.judging.registry import FORMULA, TIERS, every
from conformance.report import jsonfile
from conformance.report.files import write_or_note
from conformance.report.symptoms import joined
from conformance.run.session import Session, clause_of
from conformance.spec import clauses
from conformance.stored import examples, known_failures
from conformance.verdict import Report

MOST_NAMED = 5
"""The most tests without a verdict that a note names."""


def finish_run(run: Session) -> Report:
    """Return the final report, after its files are written.

    The report names each file that cannot be written.
    """
    run.pool.close()
    report = report_of(run)
    if run.sentinel:
        run.sentinel.close()
    asked = run.options
    report = write_or_note(report, asked.examples, partial(_write_examples, targets=len(asked.targets)))
    report = write_or_note(report, asked.write_known_failures, _write_known_failures)
    return write_or_note(report, asked.json, jsonfile.write)  # last, because it reports errors of the others


def write_partial(run: Session) -> None:
    """Write the results so far, so that a killed run, or a crashed machine, leaves a partial report."""
    when = f"after {len(run.seen)} of {len(run.expected)} tests, while the run went on"
    notes = [f"partial report, written {when}; the run did not finish", *run.notes]
    if run.options.json and jsonfile.replaceable(run.options.json):
        with suppress(OSError):  # the end of the run reports it
            jsonfile.write(report_of(replace(run, notes=notes)), run.options.json)


def report_of(run: Session) -> Report:
    """Return a report of the results so far."""
    asked = run.options
    missing = run.expected - run.seen
    untested = asked.shard is not None and not run.expected and not run.notes
    order = list(run.spec.clauses)
    verdicts = sorted(
        run.verdicts, key=lambda v: (order.index(v.clause), v.target, v.cell, v.backend, v.tier or "")
    )
    return Report(
        spec=run.spec.version,
        suite=__version__,
        seed=run.seed,
        command=options.command_line(asked),
        budget={
            "examples": asked.max_examples,
            "smoke": asked.smoke,
            "min_judged": asked.min_judged,
            "clauses": list(asked.clauses),
            "targets": list(asked.targets),
            "backends": list(asked.backends),
            "shard": str(asked.shard) if asked.shard else None,
            "left_out": run.left_out,
            "tiers": [FORMULA] if asked.in_process else list(TIERS),
        },
        implementations=[about for _, about in sorted(run.implementations.items())],
        verdicts=list(joined(verdicts)),
        seconds=time.monotonic() - run.began,
        complete=(bool(run.expected) or untested) and not missing and not run.notes,
        notes=_notes(run, missing, untested=untested) + _unknown_cells(run),
        known_failures=_list_of_failures(run),
    )


def _list_of_failures(run: Session) -> dict[str, Any]:
    """Return the part of the report about the file of known failures."""
    asked = run.options
    if not run.listed:
        return {}
    judged = [
        (check.clause, key.where, run.implementations.get((key.place.target, key.place.backend), {}))
        for check in every().values()
        for key in run.keys(check)
    ]
    return {
        "file": str(asked.known_failures or asked.write_known_failures),
        "strict": asked.strict,
        "matched": known_failures.matched(run.listed, judged),
        "unmatched": known_failures.unmatched(run.listed, judged, clauses.load().clauses),
    }


def _unknown_cells(run: Session) -> list[str]:
    """Return a note on the cells of families that the version of the specification does not know."""
    cells = [cell for description in run.described.values() for cell in description["cells"]]
    names = [cell["name"] for cell in cells if cell["family"] not in run.spec.families]
    by = f"cells not judged, because specification {run.spec.version} lacks their family"
    return [f"{by}: {', '.join(dict.fromkeys(names))}"] if names else []


def _notes(run: Session, missing: set[str], *, untested: bool) -> list[str]:
    """Return the reasons why not all was judged.

    Name the tests without a verdict if nothing else explains them.
    """
    if untested:
        return [f"shard {run.options.shard} has no test: there are fewer tests than shards"]
    if run.notes or not missing:
        return run.notes
    notes = [f"not judged: {missed(nodeid)}" for nodeid in sorted(missing)[:MOST_NAMED]]
    return notes + ([f"not judged: {len(missing) - MOST_NAMED} more"] if len(missing) > MOST_NAMED else [])


def missed(nodeid: str) -> str:
    """Return the subject of a test: "time.zero, CfCCell on jax in float64"."""
    cell, backend, *tier = nodeid.rpartition("[")[2].partition("@")[0].split("-")
    return f"{clause_of(nodeid)}, {cell} on {backend}" + "".join(f" in {dtype}" for dtype in tier)


def _write_examples(report: Report, folder: Path, *, targets: int) -> None:
    """Write each failing example to a file of its own."""
    documents = [v.failure.example for v in report.verdicts if v.failure and v.outcome != "host"]
    examples.write(filter(None, documents), folder, by_target=targets > 1)


def _write_known_failures(report: Report, path: Path) -> None:
    known_failures.write(report.verdicts, path)
