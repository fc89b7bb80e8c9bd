"""Judges what is planted: mutants of the reference in this process, wrong Keras cells in harnesses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from conformance.driver import implementation as driver
from conformance.driver.implementation import FIRST_FACTOR, ImplementationProtocol
from conformance.driver.pool import Pool
from conformance.driver.process import HarnessFault
from conformance.judging import registry as checks
from conformance.judging.registry import Check
from conformance.judging.subject import Subject
from conformance.mutants import mutants
from conformance.options import RunOptions
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.verdict import Verdict
from tests.planted import PLANTED
from tests.planted.catalogue import Planted

EVERY = "faults.every:Every"
LEARNING = (
    *("gradient.", "training.", "layer.training", "layer.mask.nan", "size.gradient"),
    *("wired_ltc.constraints", "wiring.training"),
)
"""Clauses that need a backend which differentiates: torch. Others are judged on numpy, which starts fast."""
COMPILED = ("layer.compiled",)
"""Clauses about XLA, which is on tensorflow."""
FAULTY = ("layer.mask.implicit",)
"""Clauses at which numpy's host has a fault in the oldest version that is judged: on torch too."""
HANGS, LEAKS = "Hangs", "Remembers"
PATIENCE, IMPATIENCE = 120.0, 0.25
"""Seconds for a request: of any cell, and of the one that hangs, where it must."""


def backends_for(check: Check) -> list[str]:
    """Return the backend on which a clause judges a Keras cell here, and a second one where it needs two."""
    first = "torch" if check.clause.startswith((*LEARNING, *FAULTY)) else "numpy"
    first = "tensorflow" if check.clause in COMPILED else first
    return [first, "numpy" if first == "torch" else "torch"][: check.backends]


class Lasting:
    """A harness that is started again only where it has ended or leaks on purpose: a start takes a second."""

    def __init__(self, backend: str) -> None:
        self.process = driver.start(EVERY, backend, path=PLANTED, regime="x64", timeout=PATIENCE, threads=1)
        self.target, self.backend = EVERY, backend
        self.options: Mapping[str, Any] = self.process.options
        self.ended = self.afresh = self.hangs = False

    def describe(self) -> dict[str, Any]:
        return self.process.describe()

    def request(self, method: str, **params: Any) -> Any:
        self.process.timeout = IMPATIENCE if self.hangs and _is_long(params) else PATIENCE
        try:
            return self.process.request(method, **params)
        except HarnessFault:
            self.ended = True
            raise
        finally:
            self.process.timeout = PATIENCE

    def restart(self) -> None:
        if self.ended or self.afresh:
            self.process.restart()
        self.ended = False

    def close(self) -> None:
        self.process.close()


def _is_long(params: Mapping[str, Any]) -> bool:
    """Return whether a cell that sleeps for the times that it is given cannot answer in time."""
    times = params.get("timespans")
    return times is not None and float(np.max(times, initial=0)) > FIRST_FACTOR * IMPATIENCE


class Bench:
    """Judges planted faults one after the other; what it started it ends when it is closed."""

    def __init__(self, backends: tuple[str, ...] = ("numpy", "torch")) -> None:
        self.backends = backends
        self.pool = Pool(RunOptions(path=PLANTED, backends=backends, jobs=1))
        self.running: dict[str, Lasting] = {}
        self.latest: tuple[str, ImplementationProtocol] | None = None

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End every process."""
        self.pool.close()
        for harness in self.running.values():
            harness.close()
        self.running.clear()

    def judge(self, fault: Planted, clause: str, seed: int, *, variant: str = "strict") -> Verdict:
        """Return the verdict of a clause on a fault at its default budget; no failure is made smaller."""
        check = checks.every()[clause]
        subject = self.cell(fault.name, check) if fault.kind == "cell" else self.formula(fault, check)
        plan = Plan(check.budget(subject.backend), seed, variant=variant, explain=False)
        verdict = judge_clause(check, subject, plan)
        return replace(verdict, cell=fault.name)

    def formula(self, fault: Planted, check: Check) -> Subject:
        """Return a mutant of the reference as a subject, at the formula tier."""
        if self.latest is None or self.latest[0] != fault.name:
            self.latest = fault.name, mutants()[fault.name].implementation()
        implementation = self.latest[1]
        about = {cell["family"]: cell for cell in implementation.describe()["cells"]}[fault.family]
        return Subject(implementation, about, check.tiers[0] or "float32")

    def cell(self, name: str, check: Check) -> Subject:
        """Return a faulty Keras cell in its harness as a subject, at the precision of its users."""
        backend = backends_for(check)[0]
        if name == HANGS and backend in self.running:  # or at the next seed it would be asked no more
            self.running.pop(backend).close()
        harness = self.harness(backend)
        about = {entry["name"]: entry for entry in harness.describe()["cells"]}[name]
        harness.afresh, harness.hangs = name == LEAKS, name == HANGS
        others = tuple(other for other in self.backends if other != backend)
        return Subject(harness, about, check.tiers[-1] or "float32", pool=self.pool, other_backends=others)

    def harness(self, backend: str) -> Lasting:
        """Return the harness of a backend, which is started at the first call."""
        if backend not in self.running:
            self.running[backend] = Lasting(backend)
        return self.running[backend]
