"""The time constants that a cell tells, and how long a step of an explicit solver may be."""

import math

import keras
import numpy as np
import pytest

from ncps import LTC, CfC, CfCCell, LTCCell, MixedMemoryCell, StackedCells, WiredCfCCell, WiredLTCCell
from ncps.wirings import AutoNCP, FullyConnected, Random
from reference.cfc import cfc_step
from reference.mixed_memory import gates
from reference.time_constants import cfc_time_constant, ltc_time_constant, wired_ltc_time_constant
from reference.wired_cfc import HEADS, TIME_HEADS, layer_masks, layer_parameters
from tests.ncps.helpers import array, weights

BATCH, FEATURES = 4, 3
_rng = np.random.default_rng(5)
X = _rng.normal(size=(BATCH, FEATURES)).astype("float32")
T = np.array([0.1, 2.0, 0.0, 0.7], "float32")


def ready(cell):
    """Return the cell, built, with weights in general position, and its parameters by path."""
    cell.build((None, FEATURES))
    for variable in cell.trainable_variables:
        noise = _rng.uniform(0.1, 0.6, size=variable.shape) * _rng.choice([-1, 1], size=variable.shape)
        variable.assign(array(variable) + (np.abs(noise) if variable.constraint else noise))
    return cell, {path: array(variable) for path, variable in weights(cell).items()}


def states_of(cell):
    return [_rng.normal(size=(BATCH, size)).astype("float32") for size in cell.state_sizes]


@pytest.mark.parametrize("mode", ["default", "no_gate", "pure"])
def test_cfc(mode):
    cell, parameters = ready(CfCCell(5, mode=mode, backbone_units=6, backbone_layers=2))
    (h,) = states_of(cell)
    want = cfc_time_constant(parameters, X, h, mode=mode, backbone_layers=2)
    np.testing.assert_allclose(array(cell.time_constant((X, T), [h])), want, rtol=1e-4)


def test_ltc():
    cell, parameters = ready(LTCCell(5, backbone_units=6, backbone_layers=1))
    (h,) = states_of(cell)
    want = ltc_time_constant(parameters, X, h, backbone_layers=1)
    np.testing.assert_allclose(array(cell.time_constant(X, h)), want, rtol=1e-4)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("wiring", [AutoNCP(8, 2), FullyConnected(20)], ids=["sparse", "dense"])
def test_wired_ltc(wiring, implicit):
    cell, parameters = ready(WiredLTCCell(wiring, implicit_param_constraints=implicit))
    (v,) = states_of(cell)
    graph = {
        "adjacency": cell.wiring.adjacency_matrix,
        "sensory_adjacency": cell.wiring.sensory_adjacency_matrix,
    }
    want = wired_ltc_time_constant(parameters, X, v, implicit_param_constraints=implicit, **graph)
    np.testing.assert_allclose(array(cell.time_constant(X, [v])), want, rtol=1e-4)


def test_wired_cfc_has_those_of_its_layers():
    cell, parameters = ready(WiredCfCCell(AutoNCP(8, 2)))
    (h,) = states_of(cell)
    wiring = cell.wiring
    layers = [list(wiring.get_neurons_of_layer(i)) for i in range(wiring.num_layers)]
    masks = layer_masks(layers, wiring.adjacency_matrix, wiring.sensory_adjacency_matrix, True)
    read, start, want = X, 0, []
    for i, mask in enumerate(masks):
        own = h[:, start : start + len(layers[i])]
        p = layer_parameters(parameters, i, HEADS + TIME_HEADS, mask)
        want.append(cfc_time_constant(p, read, own, backbone_layers=0))
        read = cfc_step(p, read, own, T[:, None], backbone_layers=0)
        start += len(layers[i])
    np.testing.assert_allclose(array(cell.time_constant((X, T), [h])), np.concatenate(want, 1), rtol=1e-3)


def test_mixed_memory_has_those_of_the_cell_behind():
    cell, parameters = ready(MixedMemoryCell(LTCCell(4)))
    h, c = states_of(cell)
    a, i, f, o = gates(parameters, X, h)
    sigmoid = lambda z: 1.0 / (1.0 + np.exp(-z))  # noqa: E731
    m = np.tanh(c * sigmoid(f) + np.tanh(a) * sigmoid(i)) * sigmoid(o)
    inner = {path.removeprefix("cell/"): value for path, value in parameters.items()}
    want = ltc_time_constant(inner, X, m)
    np.testing.assert_allclose(array(cell.time_constant(X, [h, c])), want, rtol=1e-4)


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: CfCCell(4, **k),
        lambda **k: LTCCell(4, **k),
        lambda **k: WiredCfCCell(AutoNCP(8, 2), **k),
        lambda **k: WiredLTCCell(AutoNCP(8, 2), **k),
        lambda **k: MixedMemoryCell(LTCCell(4, **k)),
    ],
)
def test_under_a_mixed_policy_they_are_those_of_float32(make):
    half, single = make(dtype="mixed_float16"), make()
    for cell in (half, single):
        cell.build((None, FEATURES))
    half.set_weights(single.get_weights())
    states = states_of(single)
    got, want = (array(cell.time_constant((X, T), states)) for cell in (half, single))
    fast = want < 100.0  # 1 / a for an a near 0 is all rounding
    np.testing.assert_allclose(got[fast], want[fast], rtol=0.1)


def test_what_cannot_be_told_is_refused():
    with pytest.raises(ValueError, match="must be built"):
        CfCCell(3).time_constant(X, [np.zeros((BATCH, 3), "float32")])
    stack = StackedCells([CfCCell(3), CfCCell(2)])
    stack.build((None, FEATURES))
    with pytest.raises(NotImplementedError, match="StackedCells has no time constants"):
        stack.time_constant(X, states_of(stack))
    cell, _ = ready(CfCCell(3))
    with pytest.raises(ValueError, match="features"):
        cell.time_constant(X[:, :2], states_of(cell))
    with pytest.raises(ValueError, match="finite and not negative"):
        cell.time_constant((X, -1.0), states_of(cell))


@pytest.mark.parametrize("solver", ["explicit", "rk4"])
@pytest.mark.parametrize("wiring", [lambda: FullyConnected(32), lambda: Random(12, sparsity_level=0.5)])
def test_a_step_within_the_stable_timespan_is_bounded(solver, wiring):
    """From large states, many times over."""
    cell = WiredLTCCell(wiring(), solver=solver, seed=3)
    cell.build((None, FEATURES))
    t, (v,) = cell.stable_timespan(), [10.0 * s for s in states_of(cell)]
    assert 0 < t < math.inf
    for _ in range(50):
        _, (v,) = cell((X, 0.999 * t), [v])
    assert np.abs(array(v)).max() < 30.0


def test_the_stable_timespan_is_sharp_for_open_synapses():
    """One neuron, whose synapses are all open: a little longer, and the explicit step grows without limit."""
    cell = WiredLTCCell(FullyConnected(1), solver="explicit", ode_unfolds=1, epsilon=0.0)
    cell.build((None, 1))
    for name, value in {"mu": -1e4, "sensory_mu": -1e4, "sigma": 1.0, "sensory_sigma": 1.0}.items():
        getattr(cell, name).assign(np.full(getattr(cell, name).shape, value, "float32"))
    for name, value in {"gleak": 0.5, "w": 1.0, "sensory_w": 0.25, "cm": 0.7}.items():
        getattr(cell, name).assign(np.full(getattr(cell, name).shape, value, "float32"))
    np.testing.assert_allclose(cell.stable_timespan(), 2 * 0.7 / 1.75, rtol=1e-6)
    x = np.zeros((1, 1), "float32")
    for factor, grows in ((0.98, False), (1.02, True)):
        v = np.full((1, 1), 100.0, "float32")
        for _ in range(100):
            _, (v,) = cell((x, factor * cell.stable_timespan()), [v])
        assert (np.abs(array(v)).max() > 101.0) == grows


def test_more_unfolds_make_a_longer_time_stable():
    short, long = (WiredLTCCell(FullyConnected(32), solver="rk4", ode_unfolds=n, seed=1) for n in (6, 12))
    for cell in (short, long):
        cell.build((None, FEATURES))
    assert short.stable_timespan() < 1.0  # the time that is read where none is given
    np.testing.assert_allclose(long.stable_timespan(), 2 * short.stable_timespan(), rtol=1e-6)
    semi = WiredLTCCell(FullyConnected(3))
    with pytest.raises(ValueError, match="must be built"):
        semi.stable_timespan()
    semi.build((None, FEATURES))
    assert semi.stable_timespan() == math.inf


def test_unfolds_by_the_formula_of_the_documentation_keep_a_layer_finite():
    x = keras.random.normal((2, 20, FEATURES), seed=1)
    probe = LTC(FullyConnected(32), solver="rk4", ode_unfolds=1, seed=1)
    probe(x)
    unfolds = math.ceil(1.0 / probe.cell.stable_timespan())
    layer = LTC(FullyConnected(32), solver="rk4", ode_unfolds=unfolds, seed=1)
    assert np.isfinite(array(layer(x))).all()
    assert isinstance(CfC(3).cell, CfCCell)
