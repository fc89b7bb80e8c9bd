"""One step by hand: values known from the equations' limits, elapsed time, shapes and their refusal."""

import doctest

import keras
import numpy as np
import pytest

import ncps
from ncps import BaseCell, CfCCell, LTCCell
from tests.ncps.helpers import LN2, LN3, array, built, step

X = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
H = [[1.0, 1.0], [1.0, 1.0]]


def plain_cfc(mode="default", head_activation="linear", **values):
    cell = CfCCell(2, mode=mode, backbone_layers=0, head_activation=head_activation)
    return built(cell, 3, **values)


def plain_ltc(solver="semi_implicit", **values):
    return built(LTCCell(2, activation="linear", solver=solver), 3, **values)


# sigmoid(-ln 3) is 1/4, and sigmoid(-2 ln 3) is 1/10
def test_cfc_mixes_the_heads_by_the_time_gate():
    cell = plain_cfc(ff1_bias=1.0, ff2_bias=5.0, time_a__bias=LN3)
    np.testing.assert_allclose(step(cell, X, H), np.full((2, 2), 2.0), rtol=1e-6)
    np.testing.assert_allclose(step(cell, X, H, 2.0), np.full((2, 2), 1.4), rtol=1e-6)
    np.testing.assert_allclose(step(cell, X, H, 0.0), np.full((2, 2), 3.0), rtol=1e-6)


def test_cfc_gate_opens_with_time_b():
    cell = plain_cfc(ff1_bias=1.0, ff2_bias=5.0, time_b__bias=LN3)
    np.testing.assert_allclose(step(cell, X, H, 7.0), np.full((2, 2), 4.0), rtol=1e-6)


def test_cfc_no_gate_adds_the_gated_head():
    cell = plain_cfc(mode="no_gate", ff1_bias=1.0, ff2_bias=5.0, time_a__bias=LN3)
    np.testing.assert_allclose(step(cell, X, H), np.full((2, 2), 2.25), rtol=1e-6)


def test_cfc_head_activation_applies_to_both_heads():
    cell = plain_cfc(head_activation="relu", ff1_bias=-1.0, ff2_bias=-5.0)
    np.testing.assert_array_equal(step(cell, X, H), np.zeros((2, 2)))


@pytest.mark.parametrize("f1", [LN2, -LN2])
def test_cfc_pure_decays_with_both_rates(f1):
    cell = plain_cfc(mode="pure", ff1_bias=f1, A=3.0)
    np.testing.assert_allclose(step(cell, X, H), np.full((2, 2), 3 - 3 * f1 / 2), rtol=1e-6)
    cell = plain_cfc(mode="pure", ff1_bias=f1, A=3.0, w_tau=-LN2)
    np.testing.assert_allclose(step(cell, X, H), np.full((2, 2), 3 - 3 * f1 / 4), rtol=1e-6)
    np.testing.assert_allclose(step(cell, X, H, 2.0), np.full((2, 2), 3 - 3 * f1 / 16), rtol=1e-6)


def test_the_input_comes_before_the_state():
    rows = np.array([[1.0], [10.0], [100.0], [1000.0], [10000.0]])
    cell = plain_cfc(ff1_kernel=rows, ff2_kernel=rows)
    output = step(cell, [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], [[4.0, 5.0], [0.0, 1.0]])
    np.testing.assert_allclose(output, [[54321.0] * 2, [10000.0] * 2], rtol=1e-6)


def test_the_backbone_runs_in_front_of_the_heads():
    cell = CfCCell(
        2,
        activation="relu",
        backbone_units=4,
        backbone_layers=2,
        backbone_dropout=0,
        head_activation="linear",
    )
    built(cell, 3, backbone_0__bias=[1, -1, 2, -2], backbone_1__kernel=np.eye(4), ff1_kernel=1, ff2_kernel=1)
    np.testing.assert_allclose(step(cell, X, H), np.full((2, 2), 3.0), rtol=1e-6)


def test_ltc_moves_half_way_in_one_time_constant():
    cell = plain_ltc(bias=3.0)
    np.testing.assert_allclose(step(cell, X, H), np.full((2, 2), 2.0), rtol=1e-6)
    np.testing.assert_allclose(step(cell, X, H, 3.0), np.full((2, 2), 2.5), rtol=1e-6)


def test_ltc_explicit_moves_in_proportion_to_time():
    cell = plain_ltc(solver="explicit", bias=3.0, tau_kernel__bias=LN2)
    np.testing.assert_allclose(step(cell, X, H), np.full((2, 2), 2.0), rtol=1e-6)
    np.testing.assert_allclose(step(cell, X, H, 0.5), np.full((2, 2), 1.5), rtol=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_ltc_time_constant_is_held_between_exp_minus_9_and_exp_9(sign):
    cell = plain_ltc(solver="explicit", bias=3.0, tau_kernel__bias=sign * 100.0)
    np.testing.assert_allclose(step(cell, X, H, float(np.exp(sign * 9))), np.full((2, 2), 3.0), rtol=1e-5)


@pytest.mark.parametrize("solver", ["semi_implicit", "explicit"])
def test_ltc_stays_where_it_is_at_time_zero(solver):
    cell = LTCCell(2, activation="linear", solver=solver)
    np.testing.assert_array_equal(
        step(cell, X, [[0.3, -7.0], [2.0, 0.0]], 0.0), np.float32([[0.3, -7.0], [2.0, 0.0]])
    )


def test_ltc_activation_applies_to_the_relaxed_value():
    cell = built(LTCCell(2, activation="relu"), 3, bias=-3.0)
    np.testing.assert_array_equal(step(cell, X, H), np.zeros((2, 2)))


@pytest.fixture(params=[CfCCell, LTCCell], ids=["cfc", "ltc"], scope="module")
def cell(request):
    keras.utils.set_random_seed(1)
    made = request.param(2, backbone_units=4, backbone_layers=1)
    made.build((None, 3))
    return made


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).normal(size=(2, 3)).astype("float32")


H0 = np.float32([[0.2, -0.4], [0.1, 0.3]])


@pytest.mark.parametrize(
    "t",
    [0.5, np.float64(0.5), np.full((2,), 0.5), np.full((2, 1), 0.5, "float32"), [0.5] * 2],
    ids=["number", "numpy scalar", "batch", "column", "tensor"],
)
def test_time_has_three_forms(cell, x, t):
    t = keras.ops.convert_to_tensor(t) if isinstance(t, list) else t
    np.testing.assert_allclose(step(cell, x, H0, t), step(cell, x, H0, np.full((2, 1), 0.5)), rtol=1e-6)


def test_time_given_as_an_integer_is_a_time(cell, x):
    np.testing.assert_allclose(step(cell, x, H0, np.array([2, 2])), step(cell, x, H0, 2), rtol=1e-6)
    np.testing.assert_allclose(step(cell, x, H0, 2), step(cell, x, H0, 2.0), rtol=1e-6)


def test_no_time_is_time_one(cell, x):
    np.testing.assert_allclose(step(cell, x, H0), step(cell, x, H0, 1.0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_time_runs_along_the_batch_where_batch_equals_units(cell, x, shape):
    together = step(cell, x, H0, np.array([0.1, 3.0]).reshape(shape))
    np.testing.assert_allclose(together[0], step(cell, x, H0, 0.1)[0], rtol=1e-6)
    np.testing.assert_allclose(together[1], step(cell, x, H0, 3.0)[1], rtol=1e-6)


@pytest.mark.parametrize("shape", [(1,), (3,), (1, 2), (2, 2), (1, 1), (2, 1, 1), (3, 1)])
def test_any_other_shape_of_time_is_refused(cell, x, shape):
    with pytest.raises(
        ValueError, match=r"t must be a scalar, or a tensor of shape \(batch,\) or \(batch, 1\)"
    ):
        cell((x, np.ones(shape)), [H0])


@pytest.mark.parametrize("bad", [-1e-3, float("nan"), float("inf")])
def test_a_time_known_to_be_impossible_is_refused(cell, x, bad):
    for t in (bad, np.array([1.0, bad]), keras.ops.convert_to_tensor([[1.0], [bad]])):
        with pytest.raises(ValueError, match="finite and not negative"):
            cell((x, t), [H0])


@pytest.mark.parametrize("t", [None, "1", True, [1.0, 1.0]])
def test_what_is_no_time_is_refused(cell, x, t):
    with pytest.raises(TypeError, match="t must be a scalar"):
        cell((x, t), [H0])


def compiled(function):
    """Return `function` as its backend compiles it, which hides the values of its arguments."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return jax.jit(function)
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if backend == "torch":
        import torch

        return torch.compile(function, backend="eager", fullgraph=False)
    pytest.skip(f"the {backend} backend compiles nothing")


def test_a_compiled_step_agrees_and_looks_at_no_values(cell, x):
    run = compiled(lambda t: cell((keras.ops.convert_to_tensor(x), t), [keras.ops.convert_to_tensor(H0)])[0])
    t = keras.ops.convert_to_tensor(np.float32([0.1, 3.0]))
    np.testing.assert_allclose(array(run(t)), step(cell, x, H0, t), rtol=1e-5, atol=1e-6)
    assert run(-t).shape == (2, 2)


def test_a_bare_state_is_given_back_bare(cell, x):
    output, state = cell(x, H0)
    np.testing.assert_array_equal(array(output), array(state))


@pytest.mark.parametrize(
    ("x_shape", "states"),
    [
        ((2, 4), [(2, 2)]),
        ((2,), [(2, 2)]),
        ((2, 5, 3), [(2, 2)]),
        ((2, 3), []),
        ((2, 3), [(2, 2), (2, 2)]),
        ((2, 3), [(2, 3)]),
        ((2, 3), [(1, 2)]),
        ((2, 3), [(2,)]),
    ],
)
def test_wrong_shapes_are_refused(cell, x_shape, states):
    with pytest.raises(ValueError, match=f"{type(cell).__name__}.* must "):
        cell(np.ones(x_shape, "float32"), [np.ones(shape, "float32") for shape in states])


def test_more_than_a_pair_is_refused(cell, x):
    with pytest.raises(ValueError, match=r"pair \(x, t\)"):
        cell((x, 1.0, 1.0), [H0])


def test_symbolic_calls_know_their_shapes_and_refuse_wrong_ones(cell):
    x, h = keras.Input((3,)), keras.Input((2,))
    for t in (keras.Input(()), keras.Input((1,)), 0.5):
        output, (state,) = cell((x, t), [h])
        assert (output.shape, state.shape) == ((None, 2), (None, 2))
    with pytest.raises(ValueError, match="t must be a scalar"):
        cell((x, keras.Input((2,))), [h])
    with pytest.raises(ValueError, match="must have 3 features"):
        cell(keras.Input((4,)), [h])


def test_compute_output_shape_is_that_of_the_call(cell):
    assert cell.compute_output_shape((5, 3)) == ((5, 2), [(5, 2)])
    assert cell.compute_output_shape(((None, 3), (None, 1)), [(None, 2)]) == ((None, 2), [(None, 2)])


@pytest.mark.usefixtures("exact_backend")
def test_a_functional_model_of_one_step_predicts_as_the_step(cell, x):
    inputs, t, h = keras.Input((3,)), keras.Input(()), keras.Input((2,))
    model = keras.Model([inputs, t, h], cell((inputs, t), [h])[0])
    times = np.float32([0.1, 3.0])
    np.testing.assert_allclose(
        model.predict_on_batch([x, times, H0]), step(cell, x, H0, times), rtol=1e-5, atol=1e-6
    )


def test_a_step_leaves_its_arguments_alone(cell, x):
    before = x.copy(), H0.copy()
    step(cell, x, H0, 0.7)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(H0, before[1])


@pytest.mark.parametrize(
    "thing", [BaseCell, CfCCell, LTCCell, ncps.lecun_tanh], ids=lambda thing: thing.__name__
)
def test_the_example_of_the_docstring_runs(thing):
    examples = doctest.DocTestParser().get_examples(thing.__doc__)
    assert examples
    exec("".join(example.source for example in examples), {"keras": keras, "BaseCell": BaseCell})
