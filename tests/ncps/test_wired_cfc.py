"""The wired CfC: its layers, its synapses, and what an entry without one is worth."""

import json

import numpy as np
import pytest

from ncps import WiredCfCCell, wirings
from reference.wired_cfc import wired_cfc_step
from tests.ncps.helpers import array, check_examples, check_reloaded, trained, weights

FEATURES, BATCH = 3, 4
WIRINGS = {
    "NCP": lambda: wirings.AutoNCP(9, 2),
    "FullyConnected": lambda: wirings.FullyConnected(5, 2, self_connections=False),
    "Random": lambda: wirings.Random(6, 2, sparsity_level=0.5),
}


def parameters(cell):
    return {name: array(v) for name, v in weights(cell).items()}


def drawn(cell, seed=0):
    """Build `cell`, with its parameters in general position."""
    cell.build((None, FEATURES))
    rng = np.random.default_rng(seed)
    for variable in weights(cell).values():
        variable.assign(rng.uniform(-1.0, 1.0, variable.shape))
    return cell


def samples(units, seed=1):
    rng = np.random.default_rng(seed)
    arrays = (
        rng.normal(size=(BATCH, FEATURES)),
        rng.normal(size=(BATCH, units)),
        rng.uniform(0, 2, (BATCH, 1)),
    )
    return [a.astype("float32") for a in arrays]


def judged(cell, x, h, t, **options):
    wiring = cell.wiring
    return wired_cfc_step(
        parameters(cell),
        x.astype("float64"),
        h.astype("float64"),
        1.0 if t is None else t.astype("float64"),
        layers=[wiring.get_neurons_of_layer(i) for i in range(wiring.num_layers)],
        adjacency=wiring.adjacency_matrix,
        sensory_adjacency=wiring.sensory_adjacency_matrix,
        output_dim=wiring.output_dim,
        **options,
    )


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("wiring", WIRINGS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fully_recurrent": False, "head_activation": "lecun_tanh"},
        {"sparse_time_heads": False, "mode": "no_gate"},
        {"mode": "pure", "fully_recurrent": False},
    ],
    ids=["default", "sparse", "no_gate", "pure"],
)
def test_a_step_is_that_of_the_reference(options, wiring, timed):
    cell = drawn(WiredCfCCell(WIRINGS[wiring](), **options))
    x, h, t = samples(cell.wiring.units)
    output, (state,) = cell((x, t) if timed else x, [h])
    want_output, want_state = judged(cell, x, h, t if timed else None, **options)
    np.testing.assert_allclose(array(output), want_output, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(array(state), want_state, rtol=1e-5, atol=1e-5)


def synapses(cell, i):
    """Return for each kernel entry of layer i whether it stands for a synapse, one by one from the wiring."""
    layers = [cell.wiring.get_neurons_of_layer(k) for k in range(cell.wiring.num_layers)]
    read = cell.wiring.sensory_adjacency_matrix if i == 0 else cell.wiring.adjacency_matrix[layers[i - 1]]
    rows = [[read[k, j] != 0 for j in layers[i]] for k in range(len(read))]
    own = [
        [cell.fully_recurrent or cell.wiring.adjacency_matrix[k, j] != 0 for j in layers[i]]
        for k in layers[i]
    ]
    return np.array(rows + own)


@pytest.mark.parametrize("options", [{}, {"fully_recurrent": False, "sparse_time_heads": False}])
def test_training_moves_synapses_and_leaves_alone_what_is_none(trainable_backend, options):
    cell = drawn(WiredCfCCell(wirings.AutoNCP(9, 2), **options))
    before, after = trained(cell, FEATURES)
    for name in (name for name in before if name.endswith("kernel")):
        moved, layer = before[name] != after[name], name.split("/")[0]
        mask = synapses(cell, int(layer.removeprefix("layer_")))
        if "time" in name and not cell.sparse_time_heads:
            mask = np.ones_like(mask)
        assert not moved[~mask].any(), name
        assert moved[mask].mean() > 0.5, name


def test_what_no_synapse_joins_has_no_influence():
    cell = drawn(WiredCfCCell(wirings.AutoNCP(9, 2), fully_recurrent=False))
    x, h, t = samples(9)
    before = array(cell((x, t), [h])[1][0])
    for name, variable in weights(cell).items():
        if name.endswith("kernel"):
            mask = synapses(cell, int(name.split("/")[0].removeprefix("layer_")))
            variable.assign(np.where(mask, array(variable), 50.0))
    np.testing.assert_array_equal(array(cell((x, t), [h])[1][0]), before)


def test_weights_have_their_names():
    cell = drawn(WiredCfCCell(wirings.AutoNCP(9, 2)))
    kinds = ("ff1_kernel", "ff1_bias", "ff2_kernel", "ff2_bias")
    times = ("time_a/kernel", "time_a/bias", "time_b/kernel", "time_b/bias")
    assert set(weights(cell)) == {f"layer_{i}/{kind}" for i in range(3) for kind in kinds + times}
    assert (cell.state_size, cell.output_size) == (9, 2)


class Shuffled(wirings.AutoNCP):
    def get_neurons_of_layer(self, layer_id):
        return super().get_neurons_of_layer(layer_id)[::-1]


def test_layers_in_another_order_are_refused():
    with pytest.raises(ValueError, match="motor neurons first"):
        WiredCfCCell(Shuffled(9, 2)).build((None, FEATURES))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"wiring": 32}, TypeError),
        ({"mode": "prue"}, ValueError),
        ({"head_activation": "tahn"}, ValueError),
        ({"fully_recurrent": 1}, TypeError),
        ({"sparse_time_heads": None}, TypeError),
    ],
)
def test_a_bad_argument_is_refused_by_name(arguments, error):
    (name,) = arguments
    with pytest.raises(error, match=rf"^WiredCfCCell\({name}.* must be "):
        WiredCfCCell(**{"wiring": wirings.AutoNCP(8, 2), **arguments})


def test_the_configuration_is_json_and_gives_the_same_cell_back():
    options = {"mode": "no_gate", "head_activation": "lecun_tanh"}
    cell = drawn(
        WiredCfCCell(wirings.AutoNCP(9, 2), fully_recurrent=False, sparse_time_heads=False, **options)
    )
    again = WiredCfCCell.from_config(json.loads(json.dumps(cell.get_config())))
    assert again.get_config() == cell.get_config()
    x, h, t = samples(9)
    np.testing.assert_array_equal(array(drawn(again)((x, t), [h])[0]), array(cell((x, t), [h])[0]))


def test_a_saved_model_loads(tmp_path):
    check_reloaded(WiredCfCCell(wirings.AutoNCP(9, 2)), FEATURES, tmp_path / "model.keras")


def test_the_example_runs():
    check_examples(WiredCfCCell)
