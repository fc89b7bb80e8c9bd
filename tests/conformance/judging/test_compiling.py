"""Which examples are compiled on a backend that compiles."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.judging.compiling import COMPILED, EAGER, EAGER_SIZES, runs_eagerly
from conformance.judging.subject import Subject
from tests.conformance.search import test_trial as fakes

ONE_SIZE = {"inputs": np.zeros(EAGER_SIZES)}
CLAUSES = [f"a.clause.{number}" for number in range(200)]


def eager(
    backend: str, method: str = "step", params: dict[str, object] = ONE_SIZE, *, quick: bool = False
) -> list[int]:
    """Return which of the first examples run eagerly."""
    numbers = range(2 * EAGER)
    return [number for number in numbers if runs_eagerly(backend, number, method, params, quick=quick)]


def test_on_tensorflow_the_first_example_and_each_fourth_is_compiled() -> None:
    compiled = sorted({*range(2 * EAGER)} - set(eager("tensorflow", "sequence")))
    assert compiled == [0, COMPILED, 2 * COMPILED] and eager("tensorflow") == eager("tensorflow", "sequence")


def test_on_jax_few_steps_run_eagerly_and_at_one_size() -> None:
    assert eager("jax") == [EAGER - 1, 2 * EAGER - 1]
    assert eager("jax", params={"inputs": np.zeros((3, 3))}) == eager("jax", "sequence") == []
    assert eager("jax", quick=True) == []


@pytest.mark.parametrize("backend", ["numpy", "torch", "javascript"])
def test_elsewhere_nothing_is_said(backend: str) -> None:
    assert eager(backend) == []


@pytest.mark.parametrize("said", [True, False])
def test_what_a_request_says_stands(said: bool) -> None:
    assert eager("tensorflow", params={**ONE_SIZE, "eager": said}) == eager("tensorflow", "train") == []


def test_in_a_quick_look_clauses_begin_at_different_numbers() -> None:
    whole, quick = (Subject(fakes.Fake(fakes.right), fakes.CELL, quick=quick) for quick in (False, True))
    assert {whole.number(clause) for clause in CLAUSES} == {0}
    assert {quick.number(clause) % COMPILED for clause in CLAUSES} == set(range(COMPILED))
