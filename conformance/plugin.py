"""The pytest plugin: which clause is judged on what, in which process, and what becomes of the verdicts.

Load it by name, `pytest -p conformance.plugin --pyargs conformance.suite`; nothing loads it by itself.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis.configuration import storage_directory

from conformance import __version__, clauses, examples, known_failures, options
from conformance.checks import every
from conformance.families.base import Variant
from conformance.interrupts import CutShort, Leash, follow
from conformance.options import RunOptions, UsageError
from conformance.pool import CannotBeJudged, Place, Pool, described
from conformance.report import jsonfile
from conformance.report.status import untrue
from conformance.subject import Subject
from conformance.trial import FORMULA, TIERS, Check, Plan, judge_clause
from conformance.verdict import Report, Verdict, verdict_from

FULL_BUDGET = 50
"""Examples of a numerical clause by default; --max-examples scales every other budget with it."""


class Listener(Protocol):
    """Follows a run."""

    def expect(self, totals: Mapping[str, int]) -> None:
        """How many verdicts there will be for each target and backend."""

    def __call__(self, verdict: Verdict) -> None:
        """A clause was judged."""


@dataclass
class Session:
    """One run, in the process that reports it or in a worker."""

    options: RunOptions
    seed: int
    described: dict[str, dict[str, Any]]
    """What each target offers, by target: the answers to `describe`, one a backend that could be asked."""
    pool: Pool
    spec: clauses.Spec = field(default_factory=clauses.load)
    listed: tuple[known_failures.Entry, ...] = ()
    """What is known to fail."""
    listener: Listener | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    implementations: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    variants: dict[tuple[str, ...], Variant] = field(default_factory=dict)
    expected: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    leash: Leash | None = None
    """What holds the workers to the run."""
    began: float = field(default_factory=time.monotonic)
    report: Report | None = None

    def expect(self, nodeids: Iterable[str]) -> None:
        """Verdicts of these tests are to come."""
        self.expected |= set(nodeids)
        if self.listener:
            self.listener.expect(Counter(map(_progress_group, self.expected)))


SESSION = pytest.StashKey[Session]()
PREPARED = pytest.StashKey[dict[str, Any]]()
VERDICT = pytest.StashKey[Verdict]()
DESCRIBED = pytest.StashKey[dict[str, Any]]()


@dataclass(frozen=True)
class Key:
    """What one test item judges."""

    cell: dict[str, Any]
    place: Place
    tier: str | None

    @property
    def where(self) -> dict[str, str | None]:
        """The same as an entry of known failures names it."""
        place = self.place
        return {
            "target": place.target,
            "cell": self.cell["name"],
            "backend": place.backend,
            "tier": self.tier,
        }

    @property
    def id(self) -> str:
        """CELL-BACKEND[-TIER]@GROUP, from which a process that has only a test's id reads its group."""
        parts = (self.cell["name"], self.place.backend, self.tier)
        return "-".join(part for part in parts if part) + f"@{self.place.group}"


def _group(nodeid: str) -> str:
    """The tests that share a harness with this one."""
    return nodeid.rpartition("@")[2].rstrip("]")


def _progress_group(nodeid: str) -> str:
    """The line of progress that a test belongs to."""
    backend = nodeid.rpartition("[")[2].split("@")[0].split("-")[1]
    return f"{Place.target_of(_group(nodeid))} on {backend}"


# Start


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_to_pytest(parser)


def pytest_configure(config: pytest.Config) -> None:
    handed = getattr(config, "workerinput", {}).get("conformance")
    try:
        asked = options.from_pytest(config)
        spec = options.specification(asked)
        asked = options.resolve(asked, spec.clauses)
        given = json.loads(handed) if handed else config.stash.get(PREPARED, None) or prepare(asked)
        asked = options.settled(asked, given["described"])
        listed = known_failures.listed(asked)
    except (UsageError, CannotBeJudged) as wrong:
        raise pytest.UsageError(str(wrong)) from None
    if handed:
        follow(given["leash"])
    config.stash[SESSION] = Session(asked, given["seed"], given["described"], Pool(asked), spec, listed)


def prepare(asked: RunOptions) -> dict[str, Any]:
    """What every worker has to know alike. Raises UsageError or CannotBeJudged."""
    seed = asked.seed if asked.seed is not None else secrets.randbits(32)
    return {"seed": seed, "described": {target: described(asked, target) for target in asked.targets}}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    session = node.config.stash[SESSION]
    session.leash = session.leash or Leash()
    given = {"seed": session.seed, "described": session.described, "leash": str(session.leash.path)}
    node.workerinput["conformance"] = json.dumps(given)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of one harness to one worker; pytest-xdist 3.8 loses its own groups under pytest 9.2."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByHarness(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return ByHarness(config, log)


# Collection


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    check = getattr(metafunc.function, "check", None)
    if check is None:
        return
    keys = _keys(check, metafunc.config.stash[SESSION])
    parameters = [pytest.param(key, id=key.id) for key in keys]
    metafunc.parametrize("trial", parameters, indirect=True)


def _keys(check: Check, session: Session) -> list[Key]:
    """Every cell that the clause is about, on every backend, at every tier, if it is asked for."""
    wanted = check.clause in options.selected(session.options, session.spec.clauses)
    if not wanted or (session.options.smoke and not check.smoke):
        return []
    families = set(session.spec.clauses[check.clause].families) & set(session.spec.families)
    return [
        Key(cell, Place.of(target, backend, tier, exchange=check.backends > 1), tier)
        for target, description in session.described.items()
        for cell in description["cells"]
        if cell["family"] in families
        for backend in options.backends_of(session.options, description)
        for tier in _tiers(check, description, alone=session.options.in_process)
    ]


def _tiers(check: Check, description: dict[str, Any], *, alone: bool) -> list[str | None]:
    """The precisions at which a target is asked: those that it offers; `alone`, the first of them."""
    offered = _offered(description)
    found = [tier for tier in check.tiers if tier is None or tier in offered]
    return found[:1] if alone else found


def _offered(description: dict[str, Any]) -> list[str]:
    """The dtypes that a target computes in, as it says; a target that does not say has both."""
    return [dtype for dtype in TIERS if dtype in description.get("dtypes", TIERS)]


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Tests of one harness stand together, the slowest harness first; what is not asked for goes."""
    keys = {item: item.callspec.params["trial"] for item in items if hasattr(item, "callspec")}
    items[:] = sorted(
        (item for item in items if isinstance(keys.get(item), Key)), key=lambda i: keys[i].place.rank
    )
    run = session.config.stash[SESSION]
    if run.options.shard:
        items[:] = run.options.shard.part(
            items,
            group=lambda item: _group(item.nodeid),
            cost=lambda item: _check_of(item).examples,
            name=lambda item: item.nodeid,
        )
    run.expect(item.nodeid for item in items)


def _check_of(item: pytest.Item) -> Check:
    """What a test of the suite checks."""
    found: Check = item.function.check  # type: ignore[attr-defined]
    return found


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    node.config.stash[SESSION].expect(ids)


# Each test


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Callable[[Check], None]:
    """Judges a check on the cell, backend and tier of this test."""
    session, key = request.config.stash[SESSION], request.param

    def run(check: Check) -> None:
        __tracebackhide__ = True
        subject = _subject(session, key)
        verdict = _judged(session, key, check, subject)
        request.node.stash[VERDICT] = verdict
        request.node.stash[DESCRIBED] = subject.implementation.describe()
        conclude(verdict, strict=session.options.strict)

    return run


def _judged(session: Session, key: Key, check: Check, subject: Subject) -> Verdict:
    plan = _plan(session, key, check)
    if session.listed:
        about = subject.implementation.describe()
        for entry in session.listed:
            if entry.covers(check.clause, key.where, about):
                return known_failures.judge_listed(check, subject, plan, entry)
    return judge_clause(check, subject, plan)


def _subject(session: Session, key: Key) -> Subject:
    implementation = session.pool.at(key.place)
    description = session.described[key.place.target]
    dtype = key.tier or _offered(description)[-1]
    backends = options.backends_of(session.options, description)
    others = tuple(backend for backend in backends if backend != key.place.backend)
    return Subject(
        implementation,
        key.cell,
        dtype,
        pool=session.pool,
        other_backends=others,
        variants=session.variants,
    )


def _plan(session: Session, key: Key, check: Check) -> Plan:
    asked = session.options
    examples = check.smoke if asked.smoke else check.examples
    if asked.max_examples is not None:
        examples = max(1, check.examples * asked.max_examples // FULL_BUDGET)
    name = f"{check.clause}/{key.place.group}/{key.id}"
    seed = int.from_bytes(hashlib.sha256(f"{session.seed}/{name}".encode()).digest()[:8])
    database = str(storage_directory("conformance", session.spec.version, _folder(name)).path)
    return Plan(examples, seed, None if asked.seed is not None else database, asked.variant, session.spec)


def _folder(name: str) -> str:
    """A path for a test's examples; a part longer than a file's name may be is told by its digest."""
    parts = (name.replace(":", "-")).split("/")
    return "/".join(p if len(p) < 200 else hashlib.sha256(p.encode()).hexdigest() for p in parts)


def conclude(verdict: Verdict, *, strict: bool = False) -> None:
    """Tell pytest what the verdict means to it; `strict`: a known failure has to be one."""
    __tracebackhide__ = True
    if strict and verdict.known.get("stale"):
        pytest.fail(
            f"{verdict.clause}: listed as a known failure, but {verdict.known['stale']}", pytrace=False
        )
    summary = verdict.failure.summary if verdict.failure else verdict.reason
    line = f"{verdict.clause} ({verdict.level}) {verdict.outcome}: {summary}"
    if verdict.outcome in ("host", "not applicable"):
        pytest.skip(line)
    if verdict.outcome != "pass":
        if verdict.level == "SHOULD" or verdict.outcome == "known failure":
            pytest.xfail(line)
        pytest.fail(line, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    verdict = item.stash.get(VERDICT, None)
    if report.when == "call" and verdict is not None:
        report.conformance = json.dumps(asdict(verdict))  # type: ignore[attr-defined]
        report.described = json.dumps(item.stash[DESCRIBED])  # type: ignore[attr-defined]
    return report


# The end


class Collector:
    """Gathers the verdicts where the run is reported: not in a worker."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.session.notes.append(f"a part of the suite cannot be read: {report.longreprtext}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        why = excinfo.value.why if isinstance(excinfo.value, CutShort) else "ended by SIGINT"
        done, of = len(self.session.seen), len(self.session.expected)
        self.session.notes.append(f"the run was {why}, after {done} of {of or 'an unknown number of'} tests")
        if self.session.leash:
            self.session.leash.cut()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        carried = getattr(report, "conformance", None)
        if carried is None:
            return
        verdict = verdict_from(json.loads(carried))
        self.session.seen.add(report.nodeid)
        self.session.verdicts.append(verdict)
        self.session.implementations[verdict.target, verdict.backend] = json.loads(report.described)
        if self.session.listener:
            self.session.listener(verdict)


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Collector(session.config.stash[SESSION]))


def pytest_sessionfinish(session: pytest.Session) -> None:
    run = session.config.stash[SESSION]
    run.pool.close()
    if hasattr(session.config, "workerinput"):
        return
    run.report = _report(run)
    if run.leash:
        run.leash.close()
    if run.options.json:
        try:
            jsonfile.write(run.report, run.options.json)
        except OSError as fault:
            run.report = _unwritten(run.report, run.options.json, fault)
    try:
        _write_examples(run.report, run.options)
    except OSError as fault:
        run.report = _unwritten(run.report, Path(fault.filename or "an example"), fault)
    if any(untrue(run.report, target) for target in run.options.targets) and run.options.strict:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _write_examples(report: Report, asked: RunOptions) -> None:
    """The files that a run was asked for beside its report."""
    if asked.examples:
        found = [v.failure.example for v in report.verdicts if v.failure and v.outcome != "host"]
        examples.write(filter(None, found), asked.examples, by_target=len(asked.targets) > 1)
    if asked.write_known_failures:
        known_failures.write(report.verdicts, asked.write_known_failures)


def _list_of_failures(run: Session) -> dict[str, Any]:
    """What the report says of the file of known failures."""
    asked = run.options
    if not run.listed:
        return {}
    judged = [
        (check.clause, key.where, run.implementations.get((key.place.target, key.place.backend), {}))
        for check in every().values()
        for key in _keys(check, run)
    ]
    return {
        "file": str(asked.known_failures or asked.write_known_failures),
        "strict": asked.strict,
        "unmatched": known_failures.unmatched(run.listed, judged, clauses.load().clauses),
    }


def _unknown_cells(run: Session) -> list[str]:
    """The cells of families that the version of the specification does not know, a note for all."""
    cells = [cell for description in run.described.values() for cell in description["cells"]]
    names = [cell["name"] for cell in cells if cell["family"] not in run.spec.families]
    by = f"not judged, for specification {run.spec.version} does not know them"
    return [f"{by}: {', '.join(dict.fromkeys(names))}"] if names else []


MOST_NAMED = 5
"""Tests that a note names, of those that have no verdict."""


def _unjudged(missing: set[str]) -> list[str]:
    """Notes on the tests that have no verdict."""
    found = [f"not judged: {nodeid}" for nodeid in sorted(missing)[:MOST_NAMED]]
    return found + ([f"not judged: {len(missing) - MOST_NAMED} more"] if len(missing) > MOST_NAMED else [])


def _report(run: Session) -> Report:
    asked = run.options
    missing = run.expected - run.seen
    order = list(run.spec.clauses)
    return Report(
        spec=run.spec.version,
        suite=__version__,
        seed=run.seed,
        command=options.command_line(asked),
        budget={
            "examples": asked.max_examples,
            "smoke": asked.smoke,
            "clauses": list(asked.clauses),
            "targets": list(asked.targets),
            "backends": list(asked.backends),
            "shard": str(asked.shard) if asked.shard else None,
            "tiers": [FORMULA] if asked.in_process else list(TIERS),
        },
        implementations=[about for _, about in sorted(run.implementations.items())],
        verdicts=sorted(
            run.verdicts, key=lambda v: (order.index(v.clause), v.target, v.cell, v.backend, v.tier or "")
        ),
        seconds=time.monotonic() - run.began,
        complete=bool(run.expected) and not missing and not run.notes,
        notes=run.notes + _unjudged(missing) + _unknown_cells(run),
        known_failures=_list_of_failures(run),
    )


def _unwritten(report: Report, path: Path, fault: OSError) -> Report:
    """A report that is not what was asked for: its file is missing."""
    note = f"{path} cannot be written: {fault.strerror}"
    return replace(report, complete=False, notes=[*report.notes, note])


def run(asked: RunOptions, listener: Listener | None = None) -> Report | None:
    """Judge what was asked; None where pytest could not begin. Raises UsageError or CannotBeJudged."""
    known_failures.listed(asked)  # a file that cannot be read is refused before anything begins
    starter = Starter(prepare(asked), listener)
    pytest.main(options.pytest_arguments(options.settled(asked, starter.described)), plugins=[starter])
    return starter.session.report if starter.session else None


class Starter:
    """Hands what is prepared and a listener to the run, and the run to the caller."""

    def __init__(self, prepared: dict[str, Any], listener: Listener | None) -> None:
        self.prepared, self.listener = prepared, listener
        self.session: Session | None = None

    @property
    def described(self) -> dict[str, dict[str, Any]]:
        """What each target offers."""
        found: dict[str, dict[str, Any]] = self.prepared["described"]
        return found

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[PREPARED] = self.prepared

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self.session = session.config.stash[SESSION]
        self.session.listener = self.listener
