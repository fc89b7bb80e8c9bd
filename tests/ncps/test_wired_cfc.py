"""The wired CfC: its layers, its synapses, and what an entry without one is worth."""

import numpy as np
import pytest

from ncps import WiredCfCCell, wirings
from reference.wired_cfc import wired_cfc_step
from tests.ncps.helpers import array, weights

FEATURES, BATCH = 3, 4
WIRINGS = {
    "NCP": lambda: wirings.AutoNCP(9, 2),
    "FullyConnected": lambda: wirings.FullyConnected(5, 2, self_connections=False),
    "Random": lambda: wirings.Random(6, 2, sparsity_level=0.5),
}


def parameters(cell):
    return {name: array(v) for name, v in weights(cell).items()}


def drawn(cell, seed=0):
    """`cell`, built, with its parameters in general position."""
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
