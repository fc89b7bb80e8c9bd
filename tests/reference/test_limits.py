"""What each step becomes where one term decides: no time, much time, saturated gates, zero weights."""

from __future__ import annotations

import numpy as np
import pytest

from reference import activations, cfc_step, ltc_step
from reference.ltc import explicit, semi_implicit
from tests.reference import draws

MODES = ["default", "no_gate", "pure"]
SOLVERS = ["semi_implicit", "explicit"]


def cfc_case(mode: str, seed: int = 0) -> draws.Case:
    return draws.case(draws.cfc_shapes, "normal", seed, mode=mode, layers=0)


def ltc_case(seed: int = 0) -> draws.Case:
    return draws.case(draws.ltc_shapes, "normal", seed, layers=0)


def with_gate(case: draws.Case, level: float) -> dict[str, np.ndarray]:
    """Return the parameters of `case` with time gates that depend on nothing but a bias."""
    zero = {name: 0.0 * case.p[name] for name in ("time_a/kernel", "time_a/bias", "time_b/kernel")}
    return case.p | zero | {"time_b/bias": np.full(3, level)}


def first_heads(case: draws.Case, which: str) -> np.ndarray:
    """Return tanh of one head, by a loop over units."""
    z = np.hstack([case.x, case.h])
    kernel, bias = case.p[f"{which}_kernel"], case.p[f"{which}_bias"]
    return np.stack([np.tanh((z * kernel[:, j]).sum(axis=1) + bias[j]) for j in range(3)], axis=1)


@pytest.mark.parametrize(("level", "head"), [(-1e3, "ff1"), (1e3, "ff2")])
def test_a_saturated_gate_lets_one_head_through(level: float, head: str) -> None:
    case = cfc_case("default")
    got = cfc_step(with_gate(case, level), case.x, case.h, case.t, backbone_layers=0)
    np.testing.assert_allclose(got, first_heads(case, head), rtol=1e-13)


@pytest.mark.parametrize(("level", "share"), [(-1e3, 0.0), (0.0, 0.5), (1e3, 1.0)])
def test_no_gate_adds_the_gated_second_head(level: float, share: float) -> None:
    case = cfc_case("no_gate")
    got = cfc_step(with_gate(case, level), case.x, case.h, case.t, mode="no_gate", backbone_layers=0)
    want = first_heads(case, "ff1") + share * first_heads(case, "ff2")
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize(("slope", "head"), [(2.0, "ff1"), (-2.0, "ff2")])
def test_a_gate_of_positive_slope_closes_as_time_passes(slope: float, head: str) -> None:
    case = cfc_case("default")
    p = with_gate(case, 0.3) | {"time_a/bias": np.full(3, slope)}
    got = cfc_step(p, case.x, case.h, 1e6, backbone_layers=0)
    np.testing.assert_allclose(got, first_heads(case, head), rtol=1e-13)


@pytest.mark.parametrize("mode", ["default", "no_gate"])
def test_without_time_the_slope_of_the_gate_is_nothing(mode: str) -> None:
    case = cfc_case(mode)
    flat = case.p | {name: 0.0 * case.p[name] for name in ("time_a/kernel", "time_a/bias")}
    got = cfc_step(case.p, case.x, case.h, 0.0, mode=mode, backbone_layers=0)
    want = cfc_step(flat, case.x, case.h, 17.0, mode=mode, backbone_layers=0)
    np.testing.assert_array_equal(got, want)


def test_pure_without_time_is_a_less_a_f1() -> None:
    case = cfc_case("pure")
    f1 = np.hstack([case.x, case.h]) @ case.p["ff1_kernel"] + case.p["ff1_bias"]
    got = cfc_step(case.p, case.x, case.h, 0.0, mode="pure", backbone_layers=0)
    np.testing.assert_allclose(got, case.p["A"] * (1.0 - f1), rtol=1e-13, atol=1e-15)


def test_pure_after_much_time_is_a() -> None:
    case = cfc_case("pure")
    got = cfc_step(case.p, case.x, case.h, 1e6, mode="pure", backbone_layers=0)
    np.testing.assert_array_equal(got, np.broadcast_to(case.p["A"], (3, 3)))


def test_pure_decays_whatever_the_signs() -> None:
    case = cfc_case("pure")
    flipped = case.p | {"w_tau": -case.p["w_tau"]}
    got = cfc_step(flipped, case.x, case.h, case.t, mode="pure", backbone_layers=0)
    want = cfc_step(case.p, case.x, case.h, case.t, mode="pure", backbone_layers=0)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("mode", "want"), [("default", 0.0), ("no_gate", 0.0), ("pure", 0.0)])
def test_zero_weights_of_a_cfc_give_zero(mode: str, want: float) -> None:
    case = draws.case(draws.cfc_shapes, "zero", 0, mode=mode, layers=1)
    got = cfc_step(case.p, case.x, case.h, case.t, mode=mode)
    np.testing.assert_array_equal(got, np.full((3, 3), want))


def test_zero_heads_of_a_pure_cfc_leave_a() -> None:
    case = draws.case(draws.cfc_shapes, "zero", 0, mode="pure", layers=1)
    p = case.p | {"A": np.array([[1.0, -2.0, 3.0]])}
    got = cfc_step(p, case.x, case.h, case.t, mode="pure")
    np.testing.assert_array_equal(got, [[1.0, -2.0, 3.0]] * 3)


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_ltc_without_time_keeps_its_state(solver: str) -> None:
    case = ltc_case()
    got = ltc_step(case.p, case.x, case.h, 0.0, solver=solver, activation="linear")
    np.testing.assert_array_equal(got, case.h)
    got = ltc_step(case.p, case.x, case.h, 0.0, solver=solver)
    np.testing.assert_array_equal(got, np.tanh(case.h))


@pytest.mark.parametrize(("solver", "left"), [("semi_implicit", 0.25), ("explicit", -2.0)])
def test_zero_weights_of_an_ltc_decay_by_one_time_constant(solver: str, left: float) -> None:
    """d = 0 and tau = 1: of the state, 1 / (1 + t) is left by the one solver, 1 - t by the other."""
    case = draws.case(draws.ltc_shapes, "zero", 0, layers=0)
    got = ltc_step(case.p, case.x, case.h, 3.0, solver=solver, activation="linear")
    np.testing.assert_allclose(got, left * case.h, rtol=1e-14)


@pytest.mark.parametrize("t", [0.0, 1e-30, 1e-3, 1.0, 50.0, 1e6, 1e15, 1e300])
def test_the_semi_implicit_step_lies_between_state_and_target(t: float) -> None:
    rng = np.random.default_rng(3)
    h, d = rng.normal(size=(2, 400)) * 10.0 ** rng.uniform(-3, 3, 400)
    v = semi_implicit(h, d, np.exp(rng.uniform(-9, 9, 400)), t)
    ulp = np.spacing(np.maximum(np.abs(h), np.abs(d)))
    assert (np.minimum(h, d) - ulp <= v).all()
    assert (v <= np.maximum(h, d) + ulp).all()


def test_the_semi_implicit_step_ends_at_the_target() -> None:
    h, d = np.array([5.0, -2.0]), np.array([-1.0, 7.0])
    np.testing.assert_allclose(semi_implicit(h, d, np.exp([9.0, -9.0]), 1e15), d, rtol=1e-10)


def test_the_explicit_step_reaches_the_target_at_tau_and_mirrors_at_two_tau() -> None:
    h, d, tau = np.array([5.0, -2.0]), np.array([-1.0, 7.0]), np.array([0.5, 8.0])
    np.testing.assert_array_equal(explicit(h, d, tau, tau), d)
    np.testing.assert_array_equal(explicit(h, d, tau, 2 * tau), [-7.0, 16.0])


@pytest.mark.parametrize(
    ("log_tau", "held"), [(9.5, 9.0), (1e3, 9.0), (8.9, 8.9), (-9.5, -9.0), (-1e3, -9.0)]
)
def test_the_logarithm_of_tau_is_held_within_nine(log_tau: float, held: float) -> None:
    """The explicit step from 0 to a target of 1 moves by t / tau."""
    p = {"kernel": np.zeros((2, 1)), "bias": np.ones(1)}
    p |= {"tau_kernel/kernel": np.zeros((2, 1)), "tau_kernel/bias": np.full(1, log_tau)}
    got = ltc_step(p, np.ones((1, 1)), np.zeros((1, 1)), 2.0, solver="explicit", activation="linear")
    np.testing.assert_allclose(np.log(2.0 / got), [[held]], rtol=1e-14)


def test_the_input_comes_before_the_state() -> None:
    p = {"ff1_kernel": np.array([[0.0], [0.0], [1.0]]), "ff1_bias": np.zeros(1)}
    p |= {"w_tau": np.zeros((1, 1)), "A": np.ones((1, 1))}
    got = cfc_step(p, np.array([[0.5, 0.25]]), np.array([[0.125]]), 0.0, mode="pure", backbone_layers=0)
    np.testing.assert_array_equal(got, [[1.0 - 0.125]])


@pytest.mark.parametrize("mode", MODES)
def test_each_sample_has_its_own_time(mode: str) -> None:
    case = cfc_case(mode)
    t = np.array([[0.1], [2.0], [30.0]])
    got = cfc_step(case.p, case.x, case.h, t, mode=mode, backbone_layers=0)
    for i in range(3):
        alone = cfc_step(
            case.p, case.x[i : i + 1], case.h[i : i + 1], float(t[i, 0]), mode=mode, backbone_layers=0
        )
        np.testing.assert_allclose(got[i], alone[0], rtol=1e-13)


def test_an_activation_outside_the_specification_is_refused_with_those_that_are_in_it() -> None:
    with pytest.raises(KeyError, match=r"activation 'mish' is outside the specification; it covers .*tanh, "):
        activations.get("mish")
