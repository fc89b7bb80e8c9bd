"""Initial values are judged by bounds that hold, and right ones pass."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest

from conformance import initialization
from conformance.checks import CHECKS
from conformance.families.initial import Orthogonal
from conformance.initialization import GRID, RATE, distance, distance_allowed, gap_allowed
from conformance.mutants import ReferenceCells
from conformance.subject import Subject
from conformance.suite import test_initialization as suite
from conformance.trial import Plan, judge_clause

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


@pytest.mark.parametrize("cell", CELLS)
def test_two_hundred_times_twelve_cells_of_the_reference_pass(cell: str) -> None:
    subject = Subject(ReferenceCells(), CELLS[cell], "float32")
    verdict = judge_clause(CHECK, subject, Plan(200 // len(CELLS), seed=3, explain=False))
    assert verdict.outcome == "pass", verdict.failure


def test_values_of_an_adapter_are_not_judged() -> None:
    subject = Subject(ReferenceCells(), {**CELLS["CfCCell"], "draws": False}, "float32")
    assert judge_clause(CHECK, subject, Plan(1, seed=1)).outcome == "not applicable"
