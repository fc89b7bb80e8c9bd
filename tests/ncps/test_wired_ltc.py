"""The wired LTC: its equations, its synapses, its solvers, and what training keeps."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from ncps import LTC, CfC, MixedMemoryCell, WiredCfCCell, WiredLTCCell, wirings
from reference.wired_ltc import wired_ltc_step
from tests.ncps.helpers import array, check_examples, check_reloaded, trained, weights

FEATURES, BATCH = 3, 4
WIRINGS = {
    "sparse": lambda: wirings.AutoNCP(8, 2),
    "dense": lambda: wirings.FullyConnected(20, 5),
    "no self connections": lambda: wirings.FullyConnected(18, 5, self_connections=False),
}


def drawn(cell, seed=0):
    """Build `cell`, with its parameters in general position; return both, these by name in float64."""
    cell.build((None, FEATURES))
    rng = np.random.default_rng(seed)
    for name, variable in weights(cell).items():
        low, high = (0.3, 1.5) if name in ("gleak", "cm", "w", "sensory_w") else (-1.5, 1.5)
        variable.assign(rng.uniform(low, high, variable.shape))
    return {name: ops.convert_to_numpy(v.value).astype("float64") for name, v in weights(cell).items()}


def samples(units, dtype="float32", seed=1):
    rng = np.random.default_rng(seed)
    t = rng.uniform(0.0, 2.0, (BATCH, 1))
    return [a.astype(dtype) for a in (rng.normal(size=(BATCH, FEATURES)), rng.normal(size=(BATCH, units)), t)]


def judged(cell, x, v, t, **options):
    return wired_ltc_step(
        {name: ops.convert_to_numpy(w.value).astype("float64") for name, w in weights(cell).items()},
        x.astype("float64"),
        v.astype("float64"),
        1.0 if t is None else t.astype("float64"),
        adjacency=cell.wiring.adjacency_matrix,
        sensory_adjacency=cell.wiring.sensory_adjacency_matrix,
        output_dim=cell.wiring.output_dim,
        **options,
    )


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("wiring", WIRINGS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"solver": "explicit", "input_mapping": "linear", "output_mapping": None},
        {"solver": "rk4", "input_mapping": None, "output_mapping": "linear", "ode_unfolds": 2},
        {"implicit_param_constraints": True, "epsilon": 0.1},
    ],
    ids=["semi_implicit", "explicit", "rk4", "softplus"],
)
def test_a_step_is_that_of_the_reference(options, wiring, timed):
    cell = WiredLTCCell(WIRINGS[wiring](), **options)
    drawn(cell)
    x, v, t = samples(cell.wiring.units)
    output, (state,) = cell((x, t) if timed else x, [v])
    want_output, want_state = judged(cell, x, v, t if timed else None, **options)
    np.testing.assert_allclose(array(output), want_output, rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(array(state), want_state, rtol=2e-5, atol=2e-5)


FLOAT64 = """
import keras, numpy as np
keras.config.set_floatx("float64")
from tests.ncps.test_wired_ltc import WIRINGS, WiredLTCCell, drawn, judged, samples
for options in ({}, {"solver": "rk4"}, {"solver": "explicit", "implicit_param_constraints": True}):
    for wiring in WIRINGS.values():
        cell = WiredLTCCell(wiring(), **options)
        drawn(cell)
        x, v, t = samples(cell.wiring.units, "float64")
        output, (state,) = cell((x, t), [v])
        assert keras.backend.standardize_dtype(output.dtype) == "float64"
        wanted = judged(cell, x, v, t, **options)
        for got, want in zip((output, state), wanted):
            np.testing.assert_allclose(keras.ops.convert_to_numpy(got), want, rtol=1e-11, atol=1e-11)
"""


def test_float64_is_float64_throughout(exact_backend):
    environment = {**os.environ, "JAX_ENABLE_X64": "1"}
    subprocess.run([sys.executable, "-c", FLOAT64], env=environment, check=True)


@pytest.mark.parametrize("solver", ["semi_implicit", "explicit", "rk4"])
def test_no_time_changes_no_potential(solver):
    cell = WiredLTCCell(wirings.AutoNCP(8, 2), solver=solver)
    drawn(cell)
    x, v, _ = samples(8)
    _, (state,) = cell((x, 0.0), [v])
    np.testing.assert_allclose(array(state), v, rtol=1e-6)


@pytest.mark.parametrize("wiring", WIRINGS)
def test_what_no_synapse_joins_has_no_influence(wiring):
    cell = WiredLTCCell(WIRINGS[wiring]())
    drawn(cell)
    x, v, t = samples(cell.wiring.units)
    before = array(cell((x, t), [v])[1][0])
    masks = {"": cell.wiring.adjacency_matrix != 0, "sensory_": cell.wiring.sensory_adjacency_matrix != 0}
    for name, variable in weights(cell).items():
        kind = "sensory_" if name.startswith("sensory_") else ""
        if name.removeprefix(kind) in ("w", "mu", "sigma", "erev"):
            variable.assign(np.where(masks[kind], array(variable), 50.0))
    np.testing.assert_array_equal(array(cell((x, t), [v])[1][0]), before)


@pytest.mark.parametrize("wiring", ["sparse", "no self connections"])
def test_training_moves_synapses_and_leaves_alone_what_is_none(trainable_backend, wiring):
    cell = WiredLTCCell(WIRINGS[wiring](), seed=1)
    drawn(cell)
    before, after = trained(cell, FEATURES)
    for kind, matrix in (
        ("", cell.wiring.adjacency_matrix),
        ("sensory_", cell.wiring.sensory_adjacency_matrix),
    ):
        for name in ("w", "mu", "sigma", "erev"):
            moved = before[kind + name] != after[kind + name]
            assert not moved[matrix == 0].any(), kind + name
            assert moved[matrix != 0].any(), kind + name


def test_training_keeps_the_constraints(trainable_backend):
    cell = WiredLTCCell(wirings.AutoNCP(8, 2), seed=1)
    cell.build((None, FEATURES))
    _, after = trained(cell, FEATURES, learning_rate=100.0)
    assert after["cm"].min() >= np.float32(1e-3)
    assert min(after[name].min() for name in ("gleak", "w", "sensory_w")) >= 0.0
    assert any((after[name] == 0.0).any() for name in ("gleak", "w", "sensory_w"))  # they were needed


def test_softplus_needs_no_constraint():
    cell = WiredLTCCell(wirings.AutoNCP(8, 2), implicit_param_constraints=True)
    cell.build((None, FEATURES))
    assert all(v.constraint is None for v in cell.trainable_variables)


LAYERS = {
    "Keras's": lambda cell: keras.layers.RNN(cell, return_sequences=True),
    "ours": lambda cell: (LTC if isinstance(cell, WiredLTCCell) else CfC)(cell, return_sequences=True),
    "mixed memory": lambda cell: keras.layers.RNN(MixedMemoryCell(cell), return_sequences=True),
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("kind", [WiredCfCCell, WiredLTCCell])
def test_a_wiring_may_be_changed_until_the_cell_is_built(kind, layer):
    wiring, x = wirings.FullyConnected(6, output_dim=4), np.ones((2, 5, FEATURES), "float32")
    layer = LAYERS[layer](kind(wiring))
    wiring.set_output_dim(2)
    wiring.add_synapse(1, 0, -wiring.adjacency_matrix[1, 0])
    assert layer.compute_output_shape(x.shape) == layer(x).shape == (2, 5, 2)
    reversed_sign = wiring.adjacency_matrix[1, 0]
    wiring.set_output_dim(1)
    wiring.add_synapse(1, 0, -reversed_sign)
    assert layer.compute_output_shape(x.shape) == layer(x).shape == (2, 5, 2)
    assert getattr(layer.cell, "cell", layer.cell).wiring.adjacency_matrix[1, 0] == reversed_sign


def test_renumbered_neurons_compute_the_same():
    """A hand-made wiring whose neurons change places, parameters and state with them."""
    rng = np.random.default_rng(5)
    order = np.array([1, 0, 4, 2, 3])  # the two motor neurons stay in front
    matrix, sensory = rng.integers(-1, 2, (5, 5)), rng.integers(-1, 2, (FEATURES, 5))
    cells = []
    for places in (np.arange(5), order):
        wiring = wirings.Wiring(5)
        wiring.set_output_dim(2)
        wiring.build(FEATURES)
        for (source, target), polarity in np.ndenumerate(matrix[np.ix_(places, places)]):
            if polarity:
                wiring.add_synapse(source, target, int(polarity))
        for (source, target), polarity in np.ndenumerate(sensory[:, places]):
            if polarity:
                wiring.add_sensory_synapse(source, target, int(polarity))
        cells.append(WiredLTCCell(wiring, output_mapping=None))
    drawn(cells[0])
    cells[1].build((None, FEATURES))
    for name, variable in weights(cells[1]).items():
        value = array(weights(cells[0])[name])
        if not name.startswith("input"):
            value = (
                value[..., order] if value.shape[0] != 5 or value.ndim == 1 else value[np.ix_(order, order)]
            )
        variable.assign(value)
    x, v, t = samples(5)
    output, (state,) = cells[0]((x, t), [v])
    renumbered, (places,) = cells[1]((x, t), [v[:, order]])
    np.testing.assert_allclose(array(places), array(state)[:, order], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(array(renumbered), array(output)[:, [1, 0]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("t", [0.0, 0.5, 6e4])
def test_half_precision_stays_finite(policy, t):
    cell = WiredLTCCell(wirings.AutoNCP(8, 2), dtype=policy, seed=1)
    output, (state,) = cell((np.ones((2, FEATURES)), t), cell.get_initial_state(batch_size=2))
    assert keras.backend.standardize_dtype(output.dtype) == policy.removeprefix("mixed_")
    assert np.isfinite(array(output)).all() and np.isfinite(array(state)).all()


def test_parameters_begin_in_their_ranges_and_erev_with_the_polarities():
    ranges = {"w": (2.0, 3.0), "vleak": [-5.0, -4.0]}
    cell = WiredLTCCell(wirings.FullyConnected(6), initialization_ranges=ranges, seed=1)
    cell.build((None, FEATURES))
    values = {name: array(v) for name, v in weights(cell).items()}
    for name, (low, high) in {
        "w": (2, 3),
        "vleak": (-5, -4),
        "cm": (0.4, 0.6),
        "sensory_mu": (0.3, 0.8),
    }.items():
        assert low <= values[name].min() < values[name].max() <= high
    np.testing.assert_array_equal(values["erev"], cell.wiring.adjacency_matrix)
    np.testing.assert_array_equal(values["sensory_erev"], cell.wiring.sensory_adjacency_matrix)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"wiring": 32}, TypeError),
        ({"solver": "euler"}, ValueError),
        ({"ode_unfolds": 0}, ValueError),
        ({"epsilon": -1.0}, ValueError),
        ({"epsilon": "small"}, TypeError),
        ({"input_mapping": "square"}, ValueError),
        ({"output_mapping": 1}, TypeError),
        ({"implicit_param_constraints": 1}, TypeError),
        ({"initialization_ranges": {"tau": (0, 1)}}, ValueError),
        ({"initialization_ranges": {"w": (-1, 1)}}, ValueError),
        ({"initialization_ranges": {"mu": (1, 0)}}, ValueError),
        ({"initialization_ranges": {"mu": 1}}, TypeError),
        ({"initialization_ranges": {"mu": (False, True)}}, TypeError),
        ({"seed": -1}, ValueError),
    ],
)
def test_a_bad_argument_is_refused_by_name(arguments, error):
    (name,) = arguments
    with pytest.raises(error, match=rf"^WiredLTCCell\({name}.* must be "):
        WiredLTCCell(**{"wiring": wirings.AutoNCP(8, 2), **arguments})


def test_the_configuration_is_json_and_gives_the_same_cell_back():
    cell = WiredLTCCell(
        wirings.Random(6, 2, sparsity_level=0.4),
        solver="rk4",
        ode_unfolds=3,
        epsilon=1e-6,
        input_mapping=None,
        output_mapping="linear",
        implicit_param_constraints=True,
        initialization_ranges={"w": (0.0, 1.0)},
        seed=4,
    )
    config = json.loads(json.dumps(cell.get_config()))
    again = WiredLTCCell.from_config(config)
    assert again.get_config() == cell.get_config()
    cell.build((None, FEATURES)), again.build((None, FEATURES))
    np.testing.assert_array_equal(again.wiring.adjacency_matrix, cell.wiring.adjacency_matrix)
    np.testing.assert_array_equal(again.wiring.sensory_adjacency_matrix, cell.wiring.sensory_adjacency_matrix)
    assert {n: v.shape for n, v in weights(again).items()} == {n: v.shape for n, v in weights(cell).items()}
    np.testing.assert_array_equal(array(again.w), array(cell.w))  # the seed


def test_a_saved_model_loads(tmp_path):
    check_reloaded(WiredLTCCell(wirings.AutoNCP(8, 2)), FEATURES, tmp_path / "model.keras")


def test_cells_share_a_wiring_which_later_changes_do_not_reach():
    wiring = wirings.AutoNCP(8, 2)
    first, second = WiredLTCCell(wiring), WiredLTCCell(wiring)
    first.build((None, FEATURES))
    assert wiring.is_built()
    config = first.get_config()
    wiring.add_synapse(0, 0, 1)
    second.build((None, FEATURES))
    assert first.get_config() == config
    assert first.wiring.adjacency_matrix[0, 0] == 0 and second.wiring.adjacency_matrix[0, 0] == 1


def test_the_example_runs():
    check_examples(WiredLTCCell)
