"""The suite inside your own tests: `check` judges a target, `each_clause` makes a test of every clause."""

from __future__ import annotations

import atexit
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

import pytest

from conformance.judging.registry import Check, every
from conformance.options import OPTIONS, RunOptions, UsageError, run_options, selected, specification, unknown
from conformance.options.describing import CannotBeJudged
from conformance.report import exit_code, terminal
from conformance.report.status import targets
from conformance.run import finish
from conformance.run.session import Session, TestKey, begin
from conformance.verdict import EXIT_CODES, Report

ELSEWHERE = ("jobs", "junit", "markdown", "shard", "time-limit")
"""Options of `conformance run` that pytest or its plugins have in a test suite."""

WHOLE = ("json", "examples", "write-known-failures", "min-judged")
"""Options about the whole run, which does not exist if each clause is a test."""

REQUIRED = "time.zero"
"""A clause that takes a step and nothing else: a target to which it does not apply cannot be judged."""

TAKEN = tuple(option.field for option in OPTIONS if option.name not in ELSEWHERE)

Test = Callable[..., None]


@dataclass(frozen=True)
class CheckReport(Report):
    """The report of a run, with its verdict, for a test."""

    @classmethod
    def of(cls, report: Report) -> CheckReport:
        """Return the report as this class."""
        return cls(**vars(report))

    @property
    def conforms(self) -> bool:
        """Tell whether the target conforms, with or without known failures."""
        return exit_code(self) == EXIT_CODES["conforms"]

    def __str__(self) -> str:
        """Return the verdict in a line, for short summaries, then the output of `conformance run`."""
        return "\n".join(
            [*(terminal.headline(self, target) for target in targets(self)), terminal.text(self)]
        )


def check(target: str, **options: Any) -> CheckReport:
    """Judge a target, one clause after the other, in this process and the harnesses that it starts.

    Args:
        target: `"ncps"`, `"module:Class"` or `"exec:COMMAND"`. Judging executes its code.
        **options: those of `conformance run`, by name: `backend="torch"`, `clause="time.*"`, `smoke=True`,
            `seed=1`, `max_examples=20`, `python=...`, `path=...`, `known_failures="known.toml"`, `json=...`
            and the others that `conformance run --help` shows, but for `jobs`, `junit`, `markdown`, `shard`
            and `time_limit`.

    Returns:
        The report. `report.conforms` is the verdict, `str(report)` is it in a line, and then what
        `conformance run` prints.

    Raises:
        UsageError: a target, backend, clause or option that cannot be (a ValueError).
        CannotBeJudged: the target cannot be imported, or is no cell of a family that is known.

    Example:

    >>> import conformance
    >>> report = conformance.check("ncps:CfCCell", backend="numpy", clause="time.*", smoke=True, seed=1)
    >>> report.conforms
    True
    """
    run = begin(_asked(target, options))
    work = [(clause_check, key) for clause_check in every().values() for key in run.keys(clause_check)]
    try:
        _judge(run, sorted(work, key=lambda pair: pair[1].place.rank))
    finally:
        run.pool.close()
    return CheckReport.of(finish.finish_run(run))


def each_clause(target: str, **options: Any) -> Callable[[Test], Test]:
    """Decorate a test, which pytest then runs once for each clause of the specification.

    The test takes `report`, what was found of one clause on every cell, backend and precision. It is skipped
    where a clause is not applicable; that of `time.zero`, which takes but a step, fails then: such a target
    cannot be judged. Harnesses start with the first test and are kept until pytest ends, so `-k`, `-x`,
    `--lf` and `-n` work as everywhere.

    Args:
        target, **options: as of `check`, but for `json`, `examples`, `write_known_failures` and `min_judged`,
            which are about a whole run.

    Raises:
        UsageError: an option or clause that cannot be, when the test is collected.

    Example:

        import conformance

        @conformance.each_clause("my_cells:MyCell", backend="torch", seed=1)
        def test_my_cell(report):
            assert report.conforms, str(report)
    """
    for name in options:
        if name.replace("_", "-") in WHOLE:
            raise UsageError(f"each_clause({name}=...): is about a whole run; conformance.check takes it")
    asked = _asked(target, options)
    spec = specification(asked)
    known = every()
    ids = [id for id in selected(asked, spec.clauses) if known[id].smoke or not asked.smoke]

    def decorate(test: Test) -> Test:
        @pytest.mark.parametrize("clause", ids)
        @wraps(test)
        def of_clause(clause: str, **fixtures: Any) -> None:
            __tracebackhide__ = True
            test(report=_report(asked, clause), **fixtures)

        parameters = inspect.signature(test).parameters
        if "report" not in parameters:
            raise UsageError(f"{test.__name__}: a test of each clause takes an argument named report")
        wanted = [p.replace(name="clause") if p.name == "report" else p for p in parameters.values()]
        of_clause.__signature__ = inspect.Signature(wanted)
        del of_clause.__wrapped__  # pytest would ask it for its arguments
        decorated: Test = of_clause
        return decorated

    return decorate


def _asked(target: str, options: dict[str, Any]) -> RunOptions:
    for name in options:
        if name.replace("_", "-") in ELSEWHERE:
            raise UsageError(
                f"{name}=...: an option of `conformance run` alone; these are: {', '.join(ELSEWHERE)}"
            )
        if name not in TAKEN:
            raise UsageError(unknown("option", name, TAKEN, see="conformance run --help"))
    return run_options({"target": target, **options})


def _judge(run: Session, work: list[tuple[Check, TestKey]]) -> None:
    """Judge each check at its place, for the run's report."""
    ids = [f"{clause_check.clause}[{key.id}]" for clause_check, key in work]
    run.expect(ids)
    for id, (clause_check, key) in zip(ids, work, strict=True):
        run.add(*run.judge(clause_check, key))
        run.seen.add(id)


def _report(asked: RunOptions, clause: str) -> CheckReport:
    """Return the report on one clause; skip the test if it is about no cell."""
    run = _begun(asked)
    if isinstance(run, str):
        pytest.fail(run, pytrace=False)
    run = run.for_clause(clause)
    clause_check = every()[clause]
    _judge(run, [(clause_check, key) for key in run.keys(clause_check)])
    report = CheckReport.of(finish.report_of(run))
    if all(verdict.outcome in ("host", "not applicable") for verdict in report.verdicts):
        reasons = "; ".join(dict.fromkeys(verdict.reason for verdict in report.verdicts))
        if clause == REQUIRED and any(verdict.outcome == "not applicable" for verdict in report.verdicts):
            pytest.fail(f"{asked.targets[0]} cannot be judged: {reasons}", pytrace=False)
        pytest.skip(reasons or "about no cell of this target")
    return report


@cache
def _begun(asked: RunOptions) -> Session | str:
    """Return the run that all clauses of a test share, with its harnesses, or the error."""
    try:
        run = begin(asked, keeps_harnesses=True)
    except (UsageError, CannotBeJudged) as wrong:
        return str(wrong)
    atexit.register(run.pool.close)
    return run
