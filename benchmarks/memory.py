"""What a long run holds: resident memory of driver and harness, sampled as the examples go by."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conformance import start
from conformance.driver.implementation import Implementation
from conformance.judging.registry import CHECKS, FORMULA, Check, Draw
from conformance.judging.subject import Subject
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.suite import test_step  # noqa: F401  fills CHECKS

PAGE = 4096
MEBIBYTE = 1 << 20


def resident(pid: int | str) -> float:
    """Return the resident memory of a process, in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / MEBIBYTE


def sampled(check: Check, every: int, sample: Callable[[int], None]) -> Check:
    """Return the same check, which samples every so many examples."""
    count = 0

    def body(subject: Subject, draw: Draw) -> None:
        nonlocal count
        check.body(subject, draw)
        count += 1
        if count % every == 0:
            sample(count)

    return Check(check.clause, body, check.examples, check.smoke, check.tiers)


def table(backend: str, clause: str, examples: int, rows: int) -> tuple[list[str], Iterator[list[str]]]:
    """Return head and rows: after how many examples, seconds, MiB of the driver and of the harness."""
    found: list[tuple[int, float, float, float]] = []
    with start("ncps", backend, regime="x64", threads=1) as implementation:
        began = time.perf_counter()
        harness = pid_of(implementation)

        def sample(count: int) -> None:
            found.append((count, time.perf_counter() - began, resident("self"), resident(harness)))

        cell = implementation.describe()["cells"][0]
        check = sampled(CHECKS[clause], examples // rows, sample)
        verdict = judge_clause(check, Subject(implementation, cell, FORMULA), Plan(examples, seed=1))
        assert verdict.outcome == "pass", verdict
    head = ["examples", "seconds", "driver, MiB", "harness, MiB"]
    return head, ([f"{n:,}", f"{s:.0f}", f"{d:.0f}", f"{h:.0f}"] for n, s, d, h in found)


def pid_of(implementation: Implementation) -> Any:
    """Return the harness's process."""
    return implementation._connection._process.pid  # type: ignore[union-attr]
