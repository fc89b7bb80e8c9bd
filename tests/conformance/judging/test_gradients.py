"""Gradients of sequences as each kind of harness answers for them, and how they are judged."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conformance import start
from conformance.driver.implementation import NotSupported, RequestRefused
from conformance.harness.requests import OPTIONAL_PARAMS
from conformance.judging import gradients
from conformance.judging.registry import every
from conformance.judging.strategies import FEW, wired
from conformance.judging.subject import Nonconformance, Subject
from conformance.options import importable_backends
from conformance.oracle.reference_cells import ReferenceCells
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec.cases import array, sequence_case, step_case, with_state, with_times
from conformance.spec.families import FAMILIES, Sizes
from tests.conformance.harness.test_torch_modules import THIRD_PARTY

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "own_adapter"
MASKED = "gradient.sequence.mask"
CLAUSES = [id for id in every() if id.startswith("gradient.sequence.") and id != MASKED]
SIZES = Sizes(2, 3, 4, 5)
BACKENDS = [name for name in importable_backends() if name in ("jax", "torch")]


def judged(implementation, clause, dtype="float64", examples=4):
    (about, *_) = implementation.describe()["cells"]
    return judge_clause(every()[clause], Subject(implementation, about, dtype), Plan(examples, seed=0))


def a_sequence(subject, dtype="float64"):
    """Return a sequence with an initial state and elapsed times."""
    config = subject.config(SIZES)
    made = {"length": 3, "recipe": "normal", "seed": 0, "dtype": dtype}
    case = sequence_case(subject.family, config, SIZES, **made)
    return with_times(subject.family, with_state(subject.family, case, 0), 0)


def asked(subject, case, **more):
    """Return a request of `sequence_gradients`, with cotangents of ones for outputs and the last state."""
    ones = [np.ones_like(tensor) for tensor in subject.tensors(case)]
    about = {**subject.case_params(case), "initial_state": subject.tensors(case), "state_cotangent": ones}
    output = np.ones((*case.inputs.shape[:2], subject.outputs(case.config)), case.inputs.dtype)
    return {**about, "timespans": case.timespans, "cotangent": output, **more}


@pytest.mark.frameworks
@pytest.mark.skipif("torch" not in BACKENDS, reason="no torch")
def test_through_a_torch_module(tmp_path):
    (tmp_path / "tiny.py").write_text(textwrap.dedent(THIRD_PARTY))
    with start("tiny:TinyCfC", path=tmp_path, regime="x64", threads=1) as implementation:
        assert "sequence_gradients" in implementation.describe()["capabilities"]
        for clause in CLAUSES:
            verdict = judged(implementation, clause)
            assert verdict.outcome == "pass", verdict.failure or verdict.reason
        assert judged(implementation, MASKED).outcome == "not applicable"


@pytest.mark.frameworks
@pytest.mark.skipif("jax" not in BACKENDS, reason="no jax")
def test_through_a_loop_of_ones_own():
    with start("jax_cfc:Mine", path=EXAMPLES, regime="x64", threads=1) as implementation:
        assert "sequence_gradients" in implementation.describe()["capabilities"]
        for clause in CLAUSES:
            verdict = judged(implementation, clause)
            assert verdict.outcome == "pass", verdict.failure or verdict.reason
        assert judged(implementation, MASKED).outcome == "not applicable"


@pytest.mark.frameworks
@pytest.mark.skipif("torch" not in BACKENDS, reason="no torch")
def test_a_cell_without_a_loop_offers_none():
    with start("torch_cfc:Mine", path=EXAMPLES, regime="x64", threads=1) as implementation:
        assert "sequence_gradients" not in implementation.describe()["capabilities"]
        assert judged(implementation, CLAUSES[0]).outcome == "not applicable"


@pytest.mark.frameworks
@pytest.mark.skipif("torch" not in BACKENDS, reason="no torch")
def test_keras_layers_are_those_of_no_wrapper_and_their_own():
    with start("ncps", "torch", regime="x64", threads=1) as implementation:
        (about, *_) = implementation.describe()["cells"]
        subject = Subject(implementation, about, "float64")
        case = a_sequence(subject)
        own = implementation.request("sequence_gradients", **asked(subject, case, wrapper="layer"))
        assert own["timespans"].shape == case.timespans.shape and own["timespans"].any()
        untimed = replace(case, timespans=None)
        host = implementation.request("sequence_gradients", **asked(subject, untimed))
        assert host["timespans"] is None and host["inputs"].shape == case.inputs.shape
        with pytest.raises(RequestRefused, match="differentiated through None or 'layer'"):
            implementation.request("sequence_gradients", **asked(subject, case, wrapper="stacked"))


@pytest.mark.frameworks
@pytest.mark.skipif("torch" not in BACKENDS, reason="no torch")
def test_a_masked_sample_has_no_gradient():
    with start("ncps", "torch", regime="x64", threads=1) as implementation:
        (about, *_) = implementation.describe()["cells"]
        subject = Subject(implementation, about, "float64")
        mask = np.array([[True, False, True], [False, True, True]])
        for wrapper in (None, "layer"):
            case = replace(a_sequence(subject), mask=mask)
            case = case if wrapper else replace(case, timespans=None)
            given = {"wrapper": wrapper, "mask": mask, "options": {"go_backwards": True}}
            found = implementation.request("sequence_gradients", **asked(subject, case, **given))
            assert not found["inputs"][~mask].any() and found["inputs"][mask].all()


@pytest.mark.frameworks
def test_numpy_has_none():
    with start("ncps", "numpy", threads=1) as implementation:
        (about, *_) = implementation.describe()["cells"]
        subject = Subject(implementation, about, "float32")
        with pytest.raises(NotSupported, match="no gradients on the numpy backend"):
            subject.request("sequence_gradients", **asked(subject, a_sequence(subject, "float32")))


class BeforeMasks(ReferenceCells):
    """A harness of the same version of the protocol, written before its methods had more params."""

    def describe(self):
        return {name: said for name, said in super().describe().items() if name != "optional_params"}

    def request(self, method, **params):
        assert not set(OPTIONAL_PARAMS.get(method, ())) & set(params)
        return super().request(method, **params)


@pytest.mark.parametrize("clause", [MASKED, "layer.stateful.batch"])
def test_a_harness_is_not_sent_params_that_it_does_not_know(clause):
    verdict = judged(BeforeMasks(), clause)
    assert verdict.outcome == "not applicable" and "which the harness does not know" in verdict.reason


def test_without_gradients_of_masked_sequences_their_outputs_are_judged():
    verdict = judged(BeforeMasks(), "layer.mask.nan")
    assert verdict.outcome == "pass" and verdict.reason.startswith("no gradients: sequence_gradients with")


# What is judged


def of_reference(family="cfc", dtype="float64"):
    implementation = ReferenceCells()
    about = next(cell for cell in implementation.describe()["cells"] if cell["family"] == family)
    return Subject(implementation, about, dtype)


def test_a_gradient_of_another_shape_is_a_departure():
    subject = of_reference()
    case = a_sequence(subject)
    cotangents = np.ones((2, 3, 4)), np.ones((2, 4))
    with pytest.raises(
        Nonconformance, match=r"gradient by inputs has shape \(2, 3\), but should have \(2, 3, 3\)"
    ):
        gradients.derivatives(subject, case, {"inputs": np.ones((2, 3))}, cotangents, seed=0)
    gradient = subject.request("sequence_gradients", **asked(subject, case))["timespans"]
    gradients.derivatives(subject, case, {"timespans": gradient[..., None]}, cotangents, seed=0)


@pytest.mark.parametrize("wrong", [(np.inf,), (-np.inf,), (np.nan,), (1e300, -1e300)])
def test_a_gradient_that_is_not_finite_or_vast_is_a_departure(wrong):
    """Its own size is no measure of it, also where it cancels along the direction."""
    subject = of_reference("ltc")
    case, cotangents = a_sequence(subject), (np.ones((2, 3, 4)), np.ones((2, 4)))
    gradient = subject.request("sequence_gradients", **asked(subject, case))["inputs"]
    along = array(gradient.shape, "normal", 0, "inputs", "float64")
    gradient.flat[: len(wrong)] = np.array(wrong) / along.flat[: len(wrong)]
    with pytest.raises(Nonconformance, match="derivative by inputs along a direction is") as found:
        gradients.derivatives(subject, case, {"inputs": gradient}, cotangents, seed=0)
    assert np.isfinite(found.value.failure.bound)


ACROSS = {
    "forwards": {},
    "backwards": {"go_backwards": True, "zero_output_for_mask": True},
    "carried": {"masked_time": "carry"},
    "elapsed": {"go_backwards": True, "backward_timespans": "elapsed"},
    "elapsed and carried": {
        "go_backwards": True,
        "backward_timespans": "elapsed",
        "masked_time": "carry",
    },
}


@pytest.mark.parametrize("options", ACROSS.values(), ids=ACROSS)
def test_the_adjoint_of_a_masked_sequence_is_its_complex_step(options):
    """Compare the bound's adjoint with the complex step: a wrong adjoint would give a wrong bound."""
    subject = of_reference("ltc")
    mask = np.array([[True, False, True], [False, True, True]])
    case = replace(a_sequence(subject), mask=mask, options=options)
    cotangents = gradients.drawn(subject, case, 0)
    given = {"cotangent": cotangents[0], "state_cotangent": [cotangents[1]]}
    asked_ = asked(subject, case, mask=mask, options=options, **given)
    answer = subject.request("sequence_gradients", **asked_)
    found = {"state": answer["initial_state"][0], "kernel": answer["parameters"]["kernel"]}
    found |= {"inputs": answer["inputs"], "timespans": answer["timespans"]}
    wanted = gradients.adjoint(subject, case, cotangents)
    for name, gradient in found.items():
        off = np.abs(gradient - wanted[name].value)
        assert (off <= 1e-12 + wanted[name].error).all() and np.abs(gradient).max() > 1e-6, name


def test_a_gradient_that_is_missing_is_zero():
    subject = of_reference()
    with pytest.raises(Nonconformance, match="derivative by ff1_bias along a direction is 0, but should be"):
        gradients.derivatives(
            subject, a_sequence(subject), {"ff1_bias": None}, (np.ones((2, 3, 4)), np.ones((2, 4))), seed=0
        )


@pytest.mark.parametrize("off", [1e-4, 0.0])
def test_one_number_of_a_gradient_in_float32_is_enough(off):
    subject = of_reference("ltc", "float32")
    family = FAMILIES["ltc"]
    config = family.config(SIZES)
    made = {"recipe": "normal", "seed": 0, "time": "column", "dtype": "float32"}
    case = step_case(family, config, SIZES, **made)
    ones = np.ones((2, 4), "float32")
    given = {"state": [case.state], "timespans": case.timespans, "cotangent": ones, "state_cotangent": [ones]}
    found = subject.request("gradients", **subject.case_params(case), **given)
    slope = found["parameters"]["kernel"]
    slope.flat[np.argmax(np.abs(slope))] *= 1.0 + off
    if off:
        with pytest.raises(Nonconformance, match=r"gradient by kernel\[\d, \d\] is .* within"):
            gradients.precise(subject, case, found, found["state"][0], (ones, ones))
    else:
        gradients.precise(subject, case, found, found["state"][0], (ones, ones))


def of_a_saturated_step(implementation, seed, sizes):
    """Return a step by rk4 at weights of 10 to 100, where a sigmoid's slope is rounding, and gradients."""
    about = next(cell for cell in implementation.describe()["cells"] if cell["name"] == "WiredLTCCell")
    subject = Subject(implementation, about, "float64")
    config = subject.config(sizes, solver="rk4", **wired(subject, sizes))
    made = {"recipe": "saturated", "seed": seed, "time": "column", "dtype": "float64"}
    case = step_case(subject.family, config, sizes, **made)
    cotangents = gradients.drawn(subject, case, seed)
    given = {"state": subject.tensors(case), "timespans": case.timespans}
    given |= {"cotangent": cotangents[0], "state_cotangent": [cotangents[1]]}
    found = subject.request("gradients", **subject.case_params(case), **given)
    return subject, case, cotangents, found["parameters"]


@pytest.mark.frameworks
@pytest.mark.skipif("torch" not in BACKENDS, reason="no torch")
def test_a_slope_may_be_off_by_the_roundings_of_its_adjoint():
    """By half the digits alone a correct cell would be off by 93 times as much as it may be."""
    with start("ncps", "torch", regime="x64", threads=1) as implementation:
        subject, case, cotangents, found = of_a_saturated_step(implementation, 7189, FEW[1])
        gradients.derivatives(subject, case, {"sigma": found["sigma"]}, cotangents, 7189)
        assert subject.tally.values == 1 and subject.tally.undecided == 0
        with pytest.raises(Nonconformance, match="derivative by sigma along a direction is"):
            gradients.derivatives(subject, case, {"sigma": 1.1 * found["sigma"]}, cotangents, 7189)


@pytest.mark.frameworks
@pytest.mark.skipif("torch" not in BACKENDS, reason="no torch")
def test_a_slope_that_is_all_rounding_decides_nothing():
    with start("ncps", "torch", regime="x64", threads=1) as implementation:
        subject, case, cotangents, found = of_a_saturated_step(implementation, 2288, FEW[2])
        gradients.derivatives(subject, case, {"mu": found["mu"]}, cotangents, 2288)
        assert subject.tally.undecided == 1
