"""Initial values are judged by bounds that hold, and right ones pass."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest

from conformance.harness.requests import InitialParameters
from conformance.judging import initialization
from conformance.judging.initialization import GRID, RATE, distance, distance_allowed, gap_allowed
from conformance.judging.registry import CHECKS
from conformance.judging.subject import Subject
from conformance.oracle.reference_cells import ReferenceCells
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec.families.initial import Orthogonal
from conformance.suite import test_initialization as suite

CHECK = CHECKS["initialization.values"]
CELLS = {cell["name"]: cell for cell in ReferenceCells().describe()["cells"]}


@pytest.mark.parametrize("n", [1, 26, 768, 61440])
@pytest.mark.parametrize("p", [0.05, 1e-9, RATE / 30])
def test_what_is_allowed_is_the_bound_solved_for_it(n: int, p: float) -> None:
    e, g = distance_allowed(n, p) - GRID, gap_allowed(n, p) - GRID
    assert 2.0 * math.exp(-2.0 * n * e**2) == pytest.approx(p)
    assert g == pytest.approx(1.0 - p ** (1.0 / n))


@pytest.mark.parametrize("n", [3, 40])
def test_right_numbers_exceed_it_no_more_often_than_allowed(n: int) -> None:
    rng, p, trials = np.random.default_rng(0), 0.05, 4000
    numbers = rng.uniform(size=(trials, n))
    far = sum(distance(row) > distance_allowed(n, p) for row in numbers) / trials
    free = float(np.mean(numbers.min(axis=1) > gap_allowed(n, p)))
    noise = 4.0 * math.sqrt(p / trials)
    assert 0.0 < far < p + noise
    assert abs(free - p) < noise


def test_the_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    for numbers in (np.array([0.5]), np.random.default_rng(1).uniform(size=100) ** 2):
        assert distance(numbers) == pytest.approx(kstest(numbers, "uniform").statistic)


def test_the_smallest_that_is_drawn_shows_a_range_that_is_a_tenth_narrower() -> None:
    most = initialization.COMPARISONS * 20
    assert gap_allowed(suite.SEEDS * suite.SIZES.units, RATE / most) < 0.05


def test_an_orthogonal_kernel_is_drawn_as_one() -> None:
    kernel = Orthogonal().draw((3, 12), np.random.default_rng(0))
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(3), atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_two_hundred_times_twelve_cells_of_the_reference_pass(cell: str) -> None:
    subject = Subject(ReferenceCells(), CELLS[cell], "float32")
    verdict = judge_clause(CHECK, subject, Plan(200 // len(CELLS), seed=3, explain=False))
    assert verdict.outcome == "pass", verdict.failure


def test_values_of_an_adapter_are_not_judged() -> None:
    subject = Subject(ReferenceCells(), {**CELLS["CfCCell"], "draws": False}, "float32")
    assert judge_clause(CHECK, subject, Plan(1, seed=1)).outcome == "not applicable"


class Begins(ReferenceCells):
    """Cells of which parameters begin with other values: `change(values, seed)`, by the path's last word."""

    def __init__(self, **changes: Callable[[Any, int], Any]) -> None:
        super().__init__()
        self.changes = changes

    def parameters(self, request: InitialParameters) -> dict[str, Any]:
        found = super().parameters(request)["parameters"]
        for path, values in found.items():
            change = self.changes.get(path.rpartition("/")[2])
            found[path] = change(values, request.model["seed"]).astype("float32") if change else values
        return {"parameters": found}


def uniform(low: float, high: float) -> Callable[[Any, int], Any]:
    return lambda values, seed: np.random.default_rng(seed).uniform(low, high, values.shape)


def by_inputs(values: Any, seed: int) -> Any:
    limit = math.sqrt(3.0 / len(values))
    return np.random.default_rng(seed).uniform(-limit, limit, values.shape)


def crowded(values: Any, seed: int) -> Any:
    return 0.001 + 0.999 * ((values - 0.001) / 0.999) ** 1.2


def forget(values: Any, seed: int) -> Any:
    return np.repeat([0.0, 0.0, 1.0, 0.0], len(values) // 4)


WRONG = [
    ("LTCCell", {"kernel": by_inputs}, "kernel.* is in .* but should be of the uniform"),
    ("CfCCell", {"w_tau": uniform(-0.3, 0.3)}, "initial w_tau.* but should be exactly 0"),
    ("CfCCell", {"A": lambda values, seed: 0.0 * values}, "initial A.* but should be exactly 1"),
    ("LTCCell", {"kernel": lambda values, seed: values + np.nan}, "initial .*kernel is not finite"),
    ("WiredLTCCell", {"sensory_erev": lambda values, seed: abs(values)}, "initial sensory_erev.* be exactly"),
    ("WiredLTCCell", {"cm": uniform(0.41, 0.59)}, "initial cm, .*: the ends stay free"),
    ("WiredLTCCell", {"gleak": uniform(0.1, 1.0)}, "initial gleak, .*: the ends stay free"),
    ("WiredLTCCell", {"sensory_mu": uniform(3.0, 8.0)}, "initial sensory_mu is in .* be of the uniform"),
    ("WiredLTCCell", {"w": crowded}, "initial w, .* its distribution is off by"),
    ("MixedMemoryCell", {"bias": forget}, "initial bias.* but should be exactly 0"),
    ("MixedMemoryCell", {"recurrent_kernel": lambda values, seed: 1.001 * values}, "should be orthogonal"),
    ("WiredCfCCell", {"ff1_kernel": lambda values, seed: 0.0 * values}, "layer_0/ff1_kernel, .* free"),
]
"""Cell, what begins otherwise, and what must be said of it."""


@pytest.mark.parametrize(("cell", "changes", "says"), WRONG)
@pytest.mark.parametrize("seed", range(3))
def test_values_that_are_not_those_of_the_table_are_found(
    cell: str, changes: dict[str, Any], says: str, seed: int
) -> None:
    subject = Subject(Begins(**changes), CELLS[cell], "float32")
    verdict = judge_clause(CHECK, subject, Plan(CHECK.examples, seed=seed, explain=False))
    assert verdict.failure, verdict.outcome
    assert re.search(says, verdict.failure.summary)


@pytest.mark.parametrize("same", ["seeds", "heads"])
def test_numbers_that_come_twice_are_found(same: str) -> None:
    class Alike(ReferenceCells):
        """Cells that draw the same by each seed, or for both heads."""

        def parameters(self, request: InitialParameters) -> dict[str, Any]:
            model = {**request.model, "seed": 0} if same == "seeds" else request.model
            found = super().parameters(InitialParameters(model=model))["parameters"]
            if same == "heads" and "ff2_kernel" in found:
                found["ff2_kernel"] = found["ff1_kernel"]
            return {"parameters": found}

    subject = Subject(Alike(), CELLS["CfCCell"], "float32")
    verdict = judge_clause(CHECK, subject, Plan(CHECK.examples, seed=1, explain=False))
    assert verdict.failure and "has the very numbers of" in verdict.failure.summary
