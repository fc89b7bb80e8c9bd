"""One run: its options, and the choice of clauses and subjects.

pytest uses it in the plugin, `conformance.check` in the caller's own process.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Protocol

from conformance import options
from conformance.causes.known import KnownCauses
from conformance.driver.implementation import HarnessFault, ImplementationRaised, NotSupported, RequestRefused
from conformance.driver.paths import storage
from conformance.driver.pool import HarnessKey, Pool
from conformance.judging.registry import COMPILING, TIERS, Check, every
from conformance.judging.subject import Subject
from conformance.options import RunOptions
from conformance.options.describing import described
from conformance.run.interrupts import RunSentinel
from conformance.search.plan import Plan
from conformance.search.seeding import derived
from conformance.search.trial import judge_clause, judge_start, judge_unasked
from conformance.spec import clauses
from conformance.spec.families.base import Variant
from conformance.stored import known_failures
from conformance.verdict import Report, Verdict

FULL_BUDGET = 50
"""Examples of a numerical clause by default; --max-examples scales every other budget with it."""


class Listener(Protocol):
    """Follows a run."""

    def expect(self, totals: Mapping[str, int]) -> None:
        """Receive the number of verdicts for each target and backend."""

    def begin(self, group: str, clause: str) -> None:
        """Receive the clause that is judged now on a target and backend."""

    def __call__(self, verdict: Verdict) -> None:
        """Receive the verdict on a clause."""


@dataclass(frozen=True)
class TestKey:
    """The subject of a test: a cell, a backend, and a precision if the clause is numerical."""

    __test__ = False  # for pytest, where a test imports it

    cell: dict[str, Any]
    place: HarnessKey
    tier: str | None

    @property
    def where(self) -> dict[str, str | None]:
        """Return the subject in the terms of an entry of known failures."""
        place = self.place
        return {
            "target": place.target,
            "cell": self.cell["name"],
            "backend": place.backend,
            "tier": self.tier,
        }

    @property
    def order(self) -> tuple[object, ...]:
        """Return the sort key of a test: by harness, then by cell: its compiled programs are kept a while."""
        return (self.place.rank, self.cell["name"])

    @property
    def id(self) -> str:
        """Return CELL-BACKEND[-TIER]@GROUP: a process that has only a test's id reads the group from it."""
        parts = (self.cell["name"], self.place.backend, self.tier)
        return "-".join(part for part in parts if part) + f"@{self.place.group}"


def group_of(nodeid: str) -> str:
    """Return the group of tests that share a harness with this one."""
    return nodeid.rpartition("@")[2].rstrip("]")


def progress_group(nodeid: str) -> str:
    """Return the line of progress that a test belongs to."""
    backend = nodeid.rpartition("[")[2].split("@")[0].split("-")[1]
    return f"{HarnessKey.target_of(group_of(nodeid))} on {backend}"


def clause_of(nodeid: str) -> str:
    """Return the clause that a test judges."""
    module, _, name = nodeid.rpartition("[")[0].rpartition("/")[2].partition(".py::")
    return _clauses().get(f"conformance.suite.{module}::{name}", name)


@cache
def _clauses() -> dict[str, str]:
    """Return the clauses by the module and name of their tests."""
    return {f"{check.body.__module__}::{check.body.__name__}": id for id, check in every().items()}


@dataclass
class Session:
    """One run, in the process that reports it or in a worker."""

    options: RunOptions
    seed: int
    described: dict[str, dict[str, Any]]
    """The answers to `describe` by target, one for each backend that answered."""
    pool: Pool
    spec: clauses.Spec = field(default_factory=clauses.load)
    listed: tuple[known_failures.Entry, ...] = ()
    """The known failures."""
    listener: Listener | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    implementations: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    variants: dict[tuple[str, ...], Variant] = field(default_factory=dict)
    causes: dict[tuple[str, ...], KnownCauses] = field(default_factory=dict)
    expected: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    left_out: int = 0
    """Tests that pytest's own options deselected."""
    sentinel: RunSentinel | None = None
    """The link that ends the workers with the run."""
    began: float = field(default_factory=time.monotonic)
    report: Report | None = None

    def expect(self, nodeids: Iterable[str]) -> None:
        """Expect verdicts of these tests."""
        self.expected |= set(nodeids)
        if self.listener:
            self.listener.expect(Counter(map(progress_group, self.expected)))

    def add(self, verdict: Verdict, about: dict[str, Any]) -> None:
        """Add the verdict on a clause; `about` is the harness's description."""
        self.verdicts.append(verdict)
        said = self.implementations.setdefault((verdict.target, verdict.backend), about)
        if about.get("regime", "") < said.get("regime", ""):  # the same whichever came first
            self.implementations[verdict.target, verdict.backend] = about
        if self.listener:
            self.listener(verdict)

    def for_clause(self, clause: str) -> Session:
        """Return the run of one clause alone, by the same harnesses."""
        asked = replace(self.options, clauses=(clause,))
        return Session(
            asked,
            self.seed,
            self.described,
            self.pool,
            self.spec,
            self.listed,
            variants=self.variants,
            causes=self.causes,
        )

    def keys(self, check: Check) -> list[TestKey]:
        """Return every requested cell that the clause is about, on every backend, at every tier."""
        wanted = check.clause in options.selected(self.options, self.spec.clauses)
        if not wanted or (self.options.smoke and not check.smoke):
            return []
        families = set(self.spec.clauses[check.clause].families) & set(self.spec.families)
        return [
            TestKey(cell, HarnessKey.of(target, backend, tier, exchange=check.backends > 1), tier)
            for target, description in self.described.items()
            for cell in description["cells"]
            if cell["family"] in families
            for backend in options.backends_of(self.options, description)
            for tier in tiers(check, description, alone=self.options.in_process)
        ]

    def judge(self, check: Check, key: TestKey) -> tuple[Verdict, dict[str, Any]]:
        """Return the verdict and the harness's description: the earlier one if the harness has died since."""
        subject, plan = self.subject(key), self.plan(check, key)
        said = self.described[key.place.target]
        said = said | {"target": key.place.target, "backend": key.place.backend}
        try:
            about = subject.implementation.describe()
        except HarnessFault as fault:
            return judge_start(check, subject, plan, fault), said
        except (ImplementationRaised, NotSupported, RequestRefused) as refused:  # on this backend alone
            return judge_unasked(
                check, subject, plan, f"not available on {key.place.backend}: {refused}"
            ), said
        before = self.pool.programs
        verdict = self._verdict(check, key, subject, plan, about)
        return replace(verdict, programs=self.pool.programs - before), about

    def _verdict(
        self, check: Check, key: TestKey, subject: Subject, plan: Plan, about: dict[str, Any]
    ) -> Verdict:
        """Return the verdict by a search, or as the file of known failures says."""
        here = [entry for entry in self.listed if entry.at(key.where, about)]
        causes = [entry for entry in here if entry.cause]
        covering = (e for e in here if not e.cause and e.covers(check.clause, key.where, about))
        try:
            if entry := next(covering, None):
                return known_failures.judge_listed(check, subject, plan, entry)
            if causes:
                return known_failures.judge_by_causes(check, subject, plan, causes)
            return judge_clause(check, subject, plan)
        finally:
            if (harness := self.pool.at(key.place)).closed:  # the next clause finds a live one
                with suppress(HarnessFault):
                    harness.restart()

    def subject(self, key: TestKey) -> Subject:
        """Return the subject for this key."""
        implementation = self.pool.at(key.place)
        description = self.described[key.place.target]
        backends = options.backends_of(self.options, description)
        return Subject(
            implementation,
            key.cell,
            key.tier or (offered(description) or TIERS)[-1],
            pool=self.pool,
            other_backends=tuple(backend for backend in backends if backend != key.place.backend),
            variants=self.variants,
            causes=self.causes,
            quick=self.options.smoke and key.place.backend in COMPILING,
        )

    def plan(self, check: Check, key: TestKey) -> Plan:
        """Return the number of examples to search for this key, and the seed."""
        asked = self.options
        budget = check.budget(key.place.backend)
        examples = check.smoke if asked.smoke else budget
        if asked.max_examples is not None:
            examples = max(1, budget * asked.max_examples // FULL_BUDGET)
        name = f"{check.clause}/{key.place.group}/{key.id}"
        seed = derived(self.seed, name)
        database = str(storage() / "conformance" / self.spec.version / folder(name))
        kept = None if asked.seed is not None else database
        return Plan(examples, seed, kept, asked.variant, spec=self.spec)


def tiers(check: Check, description: dict[str, Any], *, alone: bool) -> list[str | None]:
    """Return the precisions at which a target is judged: those that it offers.

    With `alone`, the first of them.
    """
    common = [tier for tier in check.tiers if tier is None or tier in offered(description)]
    return common[:1] if alone else common


def offered(description: dict[str, Any]) -> list[str]:
    """Return the dtypes that a target declares; both if it declares none.

    Keras's backends differ: each is judged at both tiers, and the requests show which dtypes it has.
    """
    if description.get("host") == "keras":
        return list(TIERS)
    return [dtype for dtype in TIERS if dtype in description.get("dtypes", TIERS)]


def folder(name: str) -> str:
    """Return a path for a test's examples.

    A part that is too long for a file name is replaced by its digest.
    """
    parts = name.replace(":", "-").split("/")
    return "/".join(p if len(p) < 200 else hashlib.sha256(p.encode()).hexdigest() for p in parts)


def prepare(asked: RunOptions, pool: Pool) -> dict[str, Any]:
    """Return the data that every process of a run shares. Raises UsageError or CannotBeJudged.

    The harnesses that describe the targets stay in the pool if this process judges by them.
    """
    seed = asked.seed if asked.seed is not None else secrets.randbits(32)
    alone = asked.judges_alone
    said = {target: described(asked, target, pool, both=alone) for target in asked.targets}
    if asked.workers:
        pool.close()
    return {"seed": seed, "described": said}


def begin(
    asked: RunOptions,
    prepared: dict[str, Any] | None = None,
    pool: Pool | None = None,
    *,
    keeps_harnesses: bool = False,
) -> Session:
    """Begin a run with these options and prepared data. Raises UsageError or CannotBeJudged."""
    spec = options.specification(asked)
    asked = options.resolve(asked, spec.clauses)
    listed = known_failures.listed(asked)
    pool = pool or Pool(asked, keeps=keeps_harnesses)
    try:
        given = prepared or prepare(asked, pool)
        asked = options.settled(asked, given["described"])
    except BaseException:
        pool.close()
        raise
    return Session(asked, given["seed"], given["described"], pool, spec, listed)
