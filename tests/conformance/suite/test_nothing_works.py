"""Implementations of which nothing works, or all but one thing: which clauses hold of them, which fail."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

import conformance.suite
from conformance.driver.implementation import ImplementationRaised
from conformance.judging.registry import CHECKS, Check
from conformance.judging.subject import Subject
from conformance.oracle.reference_cells import ReferenceCells
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec import clauses

pytestmark = pytest.mark.slow

for module in pkgutil.iter_modules(conformance.suite.__path__):
    importlib.import_module(f"conformance.suite.{module.name}")

BUILT = ("describe", "build", "parameters", "initial_state", "wiring")
"""What is answered rightly: a cell can be made, and no more."""
OF_A_BUILT_CELL = {
    *("state.sizes", "state.initial", "initialization.values", "shape.variables", "errors.arguments"),
    *("wiring.graph", "wiring.config", "wiring.idempotent"),
}
OF_SHAPES = {"shape.step", "shape.dynamic"}
"""Clauses that are about no number."""
OF_REFUSALS = {"errors.inputs", "errors.timespans", "layer.timespans.shape", "layer.empty"}
"""What is refused by a cell that answers NaN is refused all the same."""


class Raises(ReferenceCells):
    """Of everything but a built cell, the answer is an exception."""

    def request(self, method: str, **params: Any) -> Any:
        if method in BUILT:
            return super().request(method, **params)
        raise ImplementationRaised("ValueError", "nothing works")


class AnswersNaN(ReferenceCells):
    """Every number that is computed is NaN, in the right shape and dtype."""

    def request(self, method: str, **params: Any) -> Any:
        answer = super().request(method, **params)
        return answer if method in BUILT else spoiled(answer)


def spoiled(nest: Any) -> Any:
    """Return the same nest with NaN for each floating-point number of its arrays."""
    if isinstance(nest, Mapping):
        return {name: spoiled(item) for name, item in nest.items()}
    if isinstance(nest, list | tuple):
        return type(nest)(spoiled(item) for item in nest)
    return np.full_like(nest, np.nan) if isinstance(nest, np.ndarray) and nest.dtype.kind == "f" else nest


class NaNAtZero(ReferenceCells):
    """A step in which no time passes answers NaN."""

    def request(self, method: str, **params: Any) -> Any:
        answer = super().request(method, **params)
        times = params.get("timespans")
        still = method == "step" and times is not None and not np.any(times)
        return spoiled(answer) if still else answer


class RefusesScalars(ReferenceCells):
    """A step refuses an elapsed time that is one number."""

    def request(self, method: str, **params: Any) -> Any:
        times = params.get("timespans")
        if method == "step" and times is not None and np.ndim(times) == 0:
            raise ImplementationRaised("TypeError", "len() of unsized object")
        return super().request(method, **params)


def those(implementation: ReferenceCells, outcome: str) -> Iterator[str]:
    """Yield each clause with this outcome, of any cell that it is about."""
    about = clauses.load().clauses
    for check in CHECKS.values():
        for cell in implementation.describe()["cells"]:
            concerned = cell["family"] in about[check.clause].families
            if concerned and judged(implementation, cell, check) == outcome:
                yield check.clause


def judged(implementation: ReferenceCells, cell: dict[str, Any], check: Check) -> str:
    """Return the outcome of a clause by one example."""
    subject = Subject(implementation, cell, check.tiers[0] or "float32")
    return judge_clause(check, subject, Plan(1, 1, variant="strict", explain=False)).outcome


@pytest.mark.parametrize(
    ("kind", "without_a_step"),
    [(Raises, OF_A_BUILT_CELL), (AnswersNaN, OF_A_BUILT_CELL | OF_SHAPES | OF_REFUSALS)],
)
def test_no_clause_holds_because_nothing_works(
    kind: Callable[[], ReferenceCells], without_a_step: set[str]
) -> None:
    assert set(those(kind(), "pass")) <= without_a_step


@pytest.mark.parametrize(("kind", "clause"), [(NaNAtZero, "time.zero"), (RefusesScalars, "time.scalar")])
def test_one_fault_of_time_fails_the_clause_about_it(kind: Callable[[], ReferenceCells], clause: str) -> None:
    assert set(those(kind(), "fail")) == {clause}
