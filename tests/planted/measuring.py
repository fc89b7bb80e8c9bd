"""Counts the examples after which a fault is found, and the clauses that find it."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from functools import cache
from multiprocessing import get_context
from typing import Any

from conformance.judging import registry as checks
from conformance.spec import clauses
from tests.planted.bench import Bench
from tests.planted.catalogue import Planted, planted


@dataclass(frozen=True)
class Measurement:
    """The measurement of one fault."""

    kind: str
    name: str
    what: str
    clause: str
    family: str
    examples: list[int | None]
    """For each seed, the example at which its clause found it; None where it did not."""
    finders: list[str] = field(default_factory=list)
    """Every clause that finds it, by seed 0; [] where that was not asked for."""
    said: str = ""
    """The verdict on it, where it was not found."""

    @property
    def key(self) -> str:
        """Return the key of its `Planted`."""
        return f"{self.kind}:{self.name}"

    @property
    def found(self) -> bool:
        """Return whether every seed found it."""
        return bool(self.examples) and None not in self.examples

    @property
    def median(self) -> float:
        """Return the median of the examples; infinite where most seeds did not find it."""
        return statistics.median(float("inf") if count is None else count for count in self.examples)

    @property
    def most(self) -> float:
        """Return the examples that the slowest seed took."""
        return max(float("inf") if count is None else count for count in self.examples)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def measure(keys: Sequence[str], seeds: int, *, matrix: bool, jobs: int) -> Iterator[Measurement]:
    """Yield each fault's measurement when it is done, by `jobs` processes; the end cancels the rest."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        asked = [pool.submit(_measured, key, seeds, matrix) for key in keys]
        try:
            for done in as_completed(asked):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


@cache
def _bench() -> Bench:
    """Return the bench of this process, whose harnesses end with it."""
    return Bench()


def _measured(key: str, seeds: int, matrix: bool) -> Measurement:
    fault = planted()[key]
    try:
        tried = [attempt(_bench(), fault, seed) for seed in range(seeds)]
        finders = finders_of(_bench(), fault) if matrix and fault.kind != "generated" else []
    except Exception as raised:  # one that cannot be planted ends no measure
        tried, finders = [(None, f"{type(raised).__name__}: {raised}")], []
    missed = [said for count, said in tried if count is None]
    return Measurement(
        fault.kind,
        fault.name,
        fault.what,
        fault.clause,
        fault.family,
        examples=[count for count, _ in tried],
        finders=finders,
        said=missed[0] if missed else "",
    )


def attempt(bench: Bench, fault: Planted, seed: int) -> tuple[int | None, str]:
    """Return the example at which its clause finds the fault, or None; and the verdict in words."""
    verdict = bench.judge(fault, fault.clause, seed)
    said = verdict.failure.summary if verdict.failure else verdict.reason
    found = verdict.outcome == "fail" and re.search(fault.says, said, re.DOTALL)
    if fault.kind != "cell" and " raises " in said:
        found = None  # a wrong formula computes something, if something wrong
    return (verdict.examples + 1 if found else None), f"{verdict.outcome}: {said}"


def finders_of(bench: Bench, fault: Planted) -> list[str]:
    """Return every clause about the fault's family that fails, each at its default budget."""
    about = clauses.load().clauses
    asked = [id for id in about if fault.family in about[id].families and id in checks.every()]
    return [id for id in asked if bench.judge(fault, id, 0).outcome == "fail"]
