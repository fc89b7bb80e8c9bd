"""One run: what it was asked for, and which clause it judges on what.

pytest goes through it in the plugin, `conformance.check` in the caller's own process.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from conformance import options
from conformance.driver.implementation import HarnessFault, ImplementationRaised, NotSupported, RequestRefused
from conformance.driver.paths import storage
from conformance.driver.pool import Place, Pool
from conformance.judging.registry import TIERS, Check
from conformance.judging.subject import Subject
from conformance.options import RunOptions
from conformance.options.describing import described
from conformance.run.interrupts import Leash
from conformance.search.diagnosis import Diagnosis
from conformance.search.seeding import derived
from conformance.search.trial import Plan, judge_clause, judge_start, judge_unasked
from conformance.spec import clauses
from conformance.spec.families.base import Variant
from conformance.stored import known_failures
from conformance.verdict import Report, Verdict

FULL_BUDGET = 50
"""Examples of a numerical clause by default; --max-examples scales every other budget with it."""


class Listener(Protocol):
    """Follows a run."""

    def expect(self, totals: Mapping[str, int]) -> None:
        """How many verdicts there will be for each target and backend."""

    def __call__(self, verdict: Verdict) -> None:
        """A clause was judged."""


@dataclass(frozen=True)
class Key:
    """Where a clause is judged: a cell, a backend, and a precision where it is numerical."""

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
    def order(self) -> tuple[object, ...]:
        """Of the tests of a run: by harness, and there by cell, whose compiled programs are kept a while."""
        return (self.place.rank, self.cell["name"])

    @property
    def id(self) -> str:
        """CELL-BACKEND[-TIER]@GROUP, from which a process that has only a test's id reads its group."""
        parts = (self.cell["name"], self.place.backend, self.tier)
        return "-".join(part for part in parts if part) + f"@{self.place.group}"


def group_of(nodeid: str) -> str:
    """The tests that share a harness with this one."""
    return nodeid.rpartition("@")[2].rstrip("]")


def progress_group(nodeid: str) -> str:
    """The line of progress that a test belongs to."""
    backend = nodeid.rpartition("[")[2].split("@")[0].split("-")[1]
    return f"{Place.target_of(group_of(nodeid))} on {backend}"


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
    diagnoses: dict[tuple[Any, ...], Diagnosis] = field(default_factory=dict)
    expected: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    left_out: int = 0
    """Tests that pytest's own options left out."""
    leash: Leash | None = None
    """What holds the workers to the run."""
    began: float = field(default_factory=time.monotonic)
    report: Report | None = None

    def expect(self, nodeids: Iterable[str]) -> None:
        """Verdicts of these tests are to come."""
        self.expected |= set(nodeids)
        if self.listener:
            self.listener.expect(Counter(map(progress_group, self.expected)))

    def add(self, verdict: Verdict, about: dict[str, Any]) -> None:
        """A clause was judged; `about` is what the harness says of itself."""
        self.verdicts.append(verdict)
        said = self.implementations.setdefault((verdict.target, verdict.backend), about)
        if about.get("regime", "") < said.get("regime", ""):  # the same whichever came first
            self.implementations[verdict.target, verdict.backend] = about
        if self.listener:
            self.listener(verdict)

    def about(self, clause: str) -> Session:
        """The run of one clause alone, by the same harnesses."""
        asked = replace(self.options, clauses=(clause,))
        return Session(
            asked,
            self.seed,
            self.described,
            self.pool,
            self.spec,
            self.listed,
            variants=self.variants,
            diagnoses=self.diagnoses,
        )

    def keys(self, check: Check) -> list[Key]:
        """Every cell that the clause is about, on every backend, at every tier, if it is asked for."""
        wanted = check.clause in options.selected(self.options, self.spec.clauses)
        if not wanted or (self.options.smoke and not check.smoke):
            return []
        families = set(self.spec.clauses[check.clause].families) & set(self.spec.families)
        return [
            Key(cell, Place.of(target, backend, tier, exchange=check.backends > 1), tier)
            for target, description in self.described.items()
            for cell in description["cells"]
            if cell["family"] in families
            for backend in options.backends_of(self.options, description)
            for tier in tiers(check, description, alone=self.options.in_process)
        ]

    def judge(self, check: Check, key: Key) -> tuple[Verdict, dict[str, Any]]:
        """The verdict, and what the harness says of itself; if it died since, what it said before the run."""
        subject, plan = self.subject(key), self.plan(check, key)
        said = self.described[key.place.target]
        said = said | {"target": key.place.target, "backend": key.place.backend}
        try:
            about = subject.implementation.describe()
        except HarnessFault as fault:
            return judge_start(check, subject, plan, fault), said
        except (ImplementationRaised, NotSupported, RequestRefused) as refused:  # on this backend alone
            return judge_unasked(
                check, subject, plan, f"not to be had on {key.place.backend}: {refused}"
            ), said
        covering = (entry for entry in self.listed if entry.covers(check.clause, key.where, about))
        try:
            if entry := next(covering, None):
                return known_failures.judge_listed(check, subject, plan, entry), about
            return judge_clause(check, subject, plan), about
        finally:
            if (harness := self.pool.at(key.place)).closed:  # the next clause finds a live one
                with suppress(HarnessFault):
                    harness.restart()

    def subject(self, key: Key) -> Subject:
        """What is judged there."""
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
            diagnoses=self.diagnoses,
        )

    def plan(self, check: Check, key: Key) -> Plan:
        """How many examples are searched there, and from which seed."""
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
    """The precisions at which a target is asked: those that it offers; `alone`, the first of them."""
    found = [tier for tier in check.tiers if tier is None or tier in offered(description)]
    return found[:1] if alone else found


def offered(description: dict[str, Any]) -> list[str]:
    """The dtypes that a target computes in, as it says; a target that does not say has both.

    Keras's backends differ, so each of them is asked at both, and tells by use.
    """
    if description.get("host") == "keras":
        return list(TIERS)
    return [dtype for dtype in TIERS if dtype in description.get("dtypes", TIERS)]


def folder(name: str) -> str:
    """A path for a test's examples; a part longer than a file's name may be is told by its digest."""
    parts = name.replace(":", "-").split("/")
    return "/".join(p if len(p) < 200 else hashlib.sha256(p.encode()).hexdigest() for p in parts)


def prepare(asked: RunOptions) -> dict[str, Any]:
    """What every process of a run has to know alike. Raises UsageError or CannotBeJudged."""
    seed = asked.seed if asked.seed is not None else secrets.randbits(32)
    return {"seed": seed, "described": {target: described(asked, target) for target in asked.targets}}


def begin(
    asked: RunOptions, prepared: dict[str, Any] | None = None, *, keeps_harnesses: bool = False
) -> Session:
    """A run of what was asked, by what was prepared for it. Raises UsageError or CannotBeJudged."""
    spec = options.specification(asked)
    asked = options.resolve(asked, spec.clauses)
    given = prepared or prepare(asked)
    asked = options.settled(asked, given["described"])
    listed = known_failures.listed(asked)
    pool = Pool(asked, keeps=keeps_harnesses)
    return Session(asked, given["seed"], given["described"], pool, spec, listed)
