"""Derivatives of many elements side by side are those of one element after the other."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from conformance.judging.subject import Subject
from conformance.oracle import cell as oracle
from conformance.oracle.layer import Layer
from conformance.oracle.perturbed import Perturbed
from conformance.oracle.reference_cells import ReferenceCells
from conformance.spec.cases import sequence_case, with_times
from conformance.spec.families import Sizes
from reference.activations import ACTIVATIONS

CELLS = {cell["name"]: cell for cell in ReferenceCells().describe()["cells"]}
OPTIONS = (
    {},
    {"masked_time": "carry"},
    {"go_backwards": True, "backward_timespans": "elapsed"},
    {"go_backwards": True, "zero_output_for_mask": True},
)


def one_by_one(
    run: oracle.Run, point: oracle.Given, name: str, cotangents: tuple[oracle.Array, oracle.Array]
) -> oracle.Array:
    """Return the slopes by an array, by the definition of the complex step."""
    slopes = np.zeros(point[name].shape)
    for index in np.ndindex(slopes.shape):
        moved = point[name].astype(complex)
        moved[index] += 1e-30j
        outputs, state = run({**point, name: moved})
        total = (outputs.imag * cotangents[0]).sum() + (state.imag * cotangents[1]).sum()
        slopes[index] = total / 1e-30
    return slopes


@pytest.fixture
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse that a formula is computed element by element."""

    def slopes_by(
        run: oracle.Run, point: oracle.Given, name: str, elements: Any, cotangents: tuple[Any, Any]
    ) -> Any:
        moved = oracle.perturbed_in_each(point[name], elements, 1j * oracle.COMPLEX_STEP)
        slopes = oracle.slope(run({**point, name: moved}), cotangents)
        return slopes.values if isinstance(slopes, Perturbed) else slopes

    monkeypatch.setattr(oracle, "slopes_by", slopes_by)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.usefixtures("side_by_side")
def test_every_form_is_differentiated_side_by_side(name: str, masked: bool) -> None:
    subject = Subject(ReferenceCells(), CELLS[name], "float64")
    family, sizes = subject.family, Sizes(2, 3, 4, 5)
    random = np.random.default_rng(7)
    for number, (form, options) in enumerate(product(subject.forms, OPTIONS)):
        config = subject.config(sizes, **{**family.shown, **form})
        drawn = {"length": 3, "recipe": "normal", "seed": number, "dtype": "float64"}
        case = with_times(family, sequence_case(family, config, sizes, **drawn), 1, pauses=False)
        mask = random.random((2, 3)) < 0.6 if masked else None
        cell = oracle.Cell(family, family.full(config), 3, "float64", "float64")
        state = random.normal(size=(2, sum(cell.sizes)))
        point = {"inputs": case.inputs, "timespans": case.timespans, "initial_state": state}
        point |= case.parameters
        layer = Layer([cell], [case.parameters], options)

        def run(point: oracle.Given, layer: Layer = layer, mask: Any = mask) -> Any:
            return layer.at(point, mask)

        outputs, last = run(point)
        cotangents = random.normal(size=outputs.shape), random.normal(size=last.shape)
        for by in point:
            want = one_by_one(run, point, by, cotangents)
            got = oracle.derivative(run, point, by, cotangents)
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-300, err_msg=f"{form} by {by}")


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.usefixtures("side_by_side")
def test_activations_are_differentiated_side_by_side(name: str) -> None:
    def run(point: oracle.Given) -> Any:
        a = ACTIVATIONS[name](point["a"])
        return a, a

    point = {"a": np.random.default_rng(1).normal(size=(3, oracle.MOST_COPIES))}
    ones = np.ones(point["a"].shape)
    want = one_by_one(run, point, "a", (ones, 0.0 * ones))
    np.testing.assert_array_equal(oracle.derivative(run, point, "a", (ones, 0.0 * ones)), want)


@pytest.mark.parametrize(
    "formula",
    [
        lambda w: np.asarray(w) * 2.0,
        lambda w: w * (2.0 if w[0].real > 0 else 3.0),
        lambda w: np.array([1.0, 2.0]) @ w[:, None] + w,
        np.cumsum,
    ],
    ids=["no single array", "no truth value", "a vector times a matrix", "another function of NumPy"],
)
def test_what_copies_do_not_support_is_differentiated_one_by_one(formula: Any) -> None:
    def run(point: oracle.Given) -> Any:
        answer = formula(point["w"])
        return answer, answer

    point, cotangents = {"w": np.array([0.5, -1.5])}, (np.array([1.0, 3.0]), np.zeros(2))
    want = one_by_one(run, point, "w", cotangents)
    assert want.any()
    np.testing.assert_array_equal(oracle.derivative(run, point, "w", cotangents), want)


def test_a_part_with_fewer_axes_is_set_in_each_version() -> None:
    def run(point: oracle.Given) -> Any:
        total = np.zeros_like(point["w"])
        total[:] = point["w"][0]
        return total, total

    point, cotangents = {"w": np.ones((6, 1))}, (np.arange(6.0)[:, None], np.zeros((6, 1)))
    want = one_by_one(run, point, "w", cotangents)
    assert want[0] == 15.0
    np.testing.assert_array_equal(oracle.derivative(run, point, "w", cotangents), want)


def test_an_error_of_a_formula_is_raised() -> None:
    def run(point: oracle.Given) -> Any:
        raise ValueError("no such mode")

    with pytest.raises(ValueError, match="no such mode"):
        oracle.derivative(run, {"w": np.ones(2)}, "w", (np.ones(2), np.ones(2)))
