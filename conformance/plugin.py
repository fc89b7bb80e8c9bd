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
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import pytest

from conformance import __version__, clauses, options
from conformance.families.base import Variant
from conformance.options import RunOptions, UsageError
from conformance.pool import CannotBeJudged, Place, Pool, described
from conformance.report import jsonfile
from conformance.subject import Subject
from conformance.trial import FORMULA, PRECISION, Check, Plan, judge_clause
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
    listener: Listener | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    implementations: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    variants: dict[tuple[str, ...], Variant] = field(default_factory=dict)
    expected: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
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
        asked = options.resolve(options.from_pytest(config), clauses.load().clauses)
        given = json.loads(handed) if handed else config.stash.get(PREPARED, None) or prepare(asked)
        asked = options.settled(asked, given["described"])
    except (UsageError, CannotBeJudged) as wrong:
        raise pytest.UsageError(str(wrong)) from None
    config.stash[SESSION] = Session(asked, given["seed"], given["described"], Pool(asked))


def prepare(asked: RunOptions) -> dict[str, Any]:
    """What every worker has to know alike. Raises UsageError or CannotBeJudged."""
    seed = asked.seed if asked.seed is not None else secrets.randbits(32)
    return {"seed": seed, "described": {target: described(asked, target) for target in asked.targets}}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    session = node.config.stash[SESSION]
    node.workerinput["conformance"] = json.dumps({"seed": session.seed, "described": session.described})


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
    session = metafunc.config.stash[SESSION]
    wanted = check.clause in options.selected(session.options, clauses.load().clauses)
    wanted = wanted and bool(check.smoke or not session.options.smoke)
    keys = _keys(check, session) if wanted else []
    parameters = [pytest.param(key, id=key.id) for key in keys]
    metafunc.parametrize("trial", parameters, indirect=True)


def _keys(check: Check, session: Session) -> list[Key]:
    """Every cell that the clause is about, on every backend, at every tier."""
    families = clauses.load().clauses[check.clause].families
    tiers = [FORMULA] if session.options.in_process and check.tiers != (None,) else check.tiers
    return [
        Key(cell, Place.of(target, backend, tier, exchange=check.backends > 1), tier)
        for target, description in session.described.items()
        for cell in description["cells"]
        if cell["family"] in families
        for backend in options.backends_of(session.options, description)
        for tier in tiers
    ]


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Tests of one harness stand together, the slowest harness first; what is not asked for goes."""
    keys = {item: item.callspec.params["trial"] for item in items if hasattr(item, "callspec")}
    items[:] = sorted(
        (item for item in items if isinstance(keys.get(item), Key)), key=lambda i: keys[i].place.rank
    )
    session.config.stash[SESSION].expect(item.nodeid for item in items)


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
        verdict = judge_clause(check, subject, _plan(session, key, check))
        request.node.stash[VERDICT] = verdict
        request.node.stash[DESCRIBED] = subject.implementation.describe()
        conclude(verdict)

    return run


def _subject(session: Session, key: Key) -> Subject:
    implementation = session.pool.at(key.place)
    dtype = key.tier or PRECISION
    backends = options.backends_of(session.options, session.described[key.place.target])
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
    database = f".hypothesis/conformance/{clauses.load().version}/{_folder(name)}"
    return Plan(examples, seed, None if asked.seed is not None else database, asked.variant)


def _folder(name: str) -> str:
    """A path for a test's examples; a part longer than a file's name may be is told by its digest."""
    parts = (name.replace(":", "-")).split("/")
    return "/".join(p if len(p) < 200 else hashlib.sha256(p.encode()).hexdigest() for p in parts)


def conclude(verdict: Verdict) -> None:
    """Tell pytest what the verdict means to it."""
    __tracebackhide__ = True
    summary = verdict.failure.summary if verdict.failure else verdict.reason
    line = f"{verdict.clause} ({verdict.level}) {verdict.outcome}: {summary}"
    if verdict.outcome in ("host", "not applicable"):
        pytest.skip(line)
    if verdict.outcome != "pass":
        if verdict.level == "SHOULD":
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
    if run.options.json:
        jsonfile.write(run.report, run.options.json)


def _report(run: Session) -> Report:
    asked = run.options
    missing = run.expected - run.seen
    order = list(clauses.load().clauses)
    return Report(
        spec=clauses.load().version,
        suite=__version__,
        seed=run.seed,
        command=options.command_line(asked),
        budget={
            "examples": asked.max_examples,
            "smoke": asked.smoke,
            "clauses": list(asked.clauses),
            "tiers": [FORMULA] if asked.in_process else [FORMULA, PRECISION],
        },
        implementations=[about for _, about in sorted(run.implementations.items())],
        verdicts=sorted(
            run.verdicts, key=lambda v: (order.index(v.clause), v.target, v.cell, v.backend, v.tier or "")
        ),
        seconds=time.monotonic() - run.began,
        complete=bool(run.expected) and not missing and not run.notes,
        notes=run.notes + [f"not judged: {nodeid}" for nodeid in sorted(missing)],
    )


def run(asked: RunOptions, listener: Listener | None = None) -> Report | None:
    """Judge what was asked; None where pytest could not begin. Raises UsageError or CannotBeJudged."""
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
