"""The pytest plugin: selects clauses and subjects, assigns tests to processes and gathers the verdicts.

Load it by name, `pytest -p conformance.run.plugin --pyargs conformance.suite`; nothing loads it by itself.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Generator
from dataclasses import asdict
from typing import Any

import pytest

from conformance import options
from conformance.driver.pool import Pool
from conformance.judging.registry import Check, every
from conformance.options import RunOptions, UsageError
from conformance.options.describing import CannotBeJudged
from conformance.report import junit, terminal
from conformance.report.files import write_or_note
from conformance.report.status import exit_code, meaning, targets
from conformance.run import finish, interrupts
from conformance.run.interrupts import CutShort, RunSentinel, follow
from conformance.run.session import (
    Listener,
    Session,
    TestKey,
    begin,
    clause_of,
    group_of,
    prepare,
    progress_group,
)
from conformance.stored import known_failures
from conformance.verdict import Report, Verdict, verdict_from

SESSION = pytest.StashKey[Session]()
PREPARED = pytest.StashKey[tuple[dict[str, Any], Pool]]()
VERDICT = pytest.StashKey[Verdict]()
DESCRIBED = pytest.StashKey[dict[str, Any]]()


# Start


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_to_pytest(parser)


def pytest_configure(config: pytest.Config) -> None:
    if config.option.help or config.option.version:
        return
    handed = getattr(config, "workerinput", {}).get("conformance")
    given: dict[str, Any] | None
    given, pool = (json.loads(handed), None) if handed else config.stash.get(PREPARED, (None, None))
    try:
        config.stash[SESSION] = begin(options.from_pytest(config), given, pool)
    except (UsageError, CannotBeJudged) as wrong:
        raise pytest.UsageError(str(wrong)) from None
    if handed and given:
        follow(given["sentinel"])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    session = node.config.stash[SESSION]
    session.sentinel = session.sentinel or RunSentinel()
    given = {"seed": session.seed, "described": session.described, "sentinel": str(session.sentinel.path)}
    node.workerinput["conformance"] = json.dumps(given)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give all tests of one harness to one worker; pytest-xdist 3.8 loses its own groups under pytest 9.2."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByHarness(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByHarness(config, log)


# Collection


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    check = getattr(metafunc.function, "check", None)
    if check is None:
        return
    keys = metafunc.config.stash[SESSION].keys(check)
    parameters = [pytest.param(key, id=key.id) for key in keys]
    metafunc.parametrize("trial", parameters, indirect=True)


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Order the tests by harness, the slowest first, by cell, and by the specification's own order.

    The specification puts first what other clauses depend on: if a step is wrong, its cause is known before
    sequences and gradients are judged. Tests that are not of the suite are removed.
    """
    run = session.config.stash[SESSION]
    rank = {clause: i for i, clause in enumerate(run.spec.clauses)}
    keys = {item: item.callspec.params["trial"] for item in items if hasattr(item, "callspec")}
    items[:] = sorted(
        (item for item in items if isinstance(keys.get(item), TestKey)),
        key=lambda item: (*keys[item].order, rank[_check_of(item).clause]),
    )
    run.left_out = sum(len(run.keys(check)) for check in every().values()) - len(items)
    if run.options.shard:
        items[:] = run.options.shard.part(
            items,
            group=lambda item: group_of(item.nodeid),
            cost=lambda item: _check_of(item).examples,
            name=lambda item: item.nodeid,
        )
    if run.options.judges_alone and not hasattr(session.config, "workerinput"):
        run.pool.order = tuple(dict.fromkeys(keys[item].place for item in items))
    run.expect(item.nodeid for item in items)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Remove the tests that pytest's own options deselect, such as `-k`, from the expected ones."""
    if items:
        run = items[0].config.stash[SESSION]
        run.left_out += len(items)
        run.expected -= {item.nodeid for item in items}
        run.expect(())


def _check_of(item: pytest.Item) -> Check:
    """Return the check of a test of the suite."""
    check: Check = item.function.check  # type: ignore[attr-defined]
    return check


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    node.config.stash[SESSION].expect(ids)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    run = node.config.stash[SESSION]
    run.left_out = max(run.left_out, getattr(node, "workeroutput", {}).get("left_out", 0))


# Each test


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Callable[[Check], None]:
    """Return a function that judges a check on the cell, backend and tier of this test."""
    session, key = request.config.stash[SESSION], request.param

    def run(check: Check) -> None:
        __tracebackhide__ = True
        verdict, about = session.judge(check, key)
        request.node.stash[VERDICT] = verdict
        request.node.stash[DESCRIBED] = about
        conclude(verdict, strict=session.options.strict)

    return run


def conclude(verdict: Verdict, *, strict: bool = False) -> None:
    """Report the verdict to pytest; `strict`: a known failure must fail as listed."""
    __tracebackhide__ = True
    result, said = meaning(verdict, strict=strict)
    if result == "is not judged":
        pytest.skip(said)
    if result == "may fail":
        pytest.xfail(said)
    if result == "fails":
        pytest.fail(said, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    verdict = item.stash.get(VERDICT, None)
    if report.when == "call" and verdict is not None:
        report.conformance = json.dumps(asdict(verdict))  # type: ignore[attr-defined]
        report.described = json.dumps(item.stash[DESCRIBED])  # type: ignore[attr-defined]
    return report


# The end


KEPT_EVERY = 30.0
"""Seconds between two reports that are written while the run goes on."""


class Collector:
    """Gathers the verdicts in the process that reports the run, not in a worker."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.kept = -math.inf

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.session.notes.append(f"a part of the suite cannot be read: {report.longreprtext}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        why = excinfo.value.why if isinstance(excinfo.value, CutShort) else "ended by SIGINT"
        done, of = len(self.session.seen), len(self.session.expected)
        self.session.notes.append(f"the run was {why}, after {done} of {of or 'an unknown number of'} tests")
        if self.session.sentinel:
            self.session.sentinel.cut()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self.session.listener:
            self.session.listener.begin(progress_group(nodeid), clause_of(nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        carried = getattr(report, "conformance", None)
        if carried is None:
            return
        self.session.seen.add(report.nodeid)
        self.session.add(verdict_from(json.loads(carried)), json.loads(report.described))
        if time.monotonic() - self.kept > KEPT_EVERY:
            finish.write_partial(self.session)
            self.kept = time.monotonic()
        interrupts.check()


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Collector(session.config.stash[SESSION]))


@pytest.hookimpl(tryfirst=True)  # whatever comes of the files of others
def pytest_sessionfinish(session: pytest.Session) -> None:
    run = session.config.stash[SESSION]
    if hasattr(session.config, "workerinput"):
        worker: Any = session.config
        worker.workeroutput["left_out"] = run.left_out
        return run.pool.close()
    if session.config.option.collectonly or session.config.option.setuponly:  # as --setup-plan sets too
        return run.pool.close()
    interrupts.ignore_signals()
    run.report = finish.finish_run(run)
    if session.exitstatus == pytest.ExitCode.OK and exit_code(run.report):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the notes of the run, and the verdict on each target."""
    report = config.stash[SESSION].report
    if report is not None:
        terminalreporter.section("conformance")
        notes = [f"note: {note}" for note in report.notes]
        for line in [*notes, *(terminal.headline(report, target) for target in targets(report))]:
            terminalreporter.write_line(line)


def run(asked: RunOptions, listener: Listener | None = None) -> Report | None:
    """Run the suite; return the report, None if pytest could not begin.

    Raises UsageError or CannotBeJudged.
    """
    known_failures.listed(asked)  # a file that cannot be read is refused before anything begins
    with Pool(asked) as pool:
        starter = Starter(prepare(asked, pool), pool, listener)
        arguments = options.pytest_arguments(options.settled(asked, starter.described))
        pytest.main(arguments, plugins=[starter])
    return starter.report and write_or_note(starter.report, asked.junit, junit.write)


class Starter:
    """Passes the prepared session and a listener to the run, and the session to the caller."""

    def __init__(self, prepared: dict[str, Any], pool: Pool, listener: Listener | None) -> None:
        self.prepared, self.pool, self.listener = prepared, pool, listener
        self.session: Session | None = None

    @property
    def described(self) -> dict[str, dict[str, Any]]:
        """Return the answers to `describe` by target."""
        answers: dict[str, dict[str, Any]] = self.prepared["described"]
        return answers

    @property
    def report(self) -> Report | None:
        """Return the report of the run."""
        return self.session.report if self.session else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[PREPARED] = self.prepared, self.pool

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self.session = session.config.stash[SESSION]
        self.session.listener = self.listener
