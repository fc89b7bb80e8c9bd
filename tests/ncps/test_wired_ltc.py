"""The wired LTC: its equations, its synapses, its solvers, and what training keeps."""

import numpy as np
import pytest
from keras import ops

from ncps import WiredLTCCell, wirings
from reference.wired_ltc import wired_ltc_step
from tests.ncps.helpers import array, weights

FEATURES, BATCH = 3, 4
WIRINGS = {
    "sparse": lambda: wirings.AutoNCP(8, 2),
    "dense": lambda: wirings.FullyConnected(20, 5),
    "no self connections": lambda: wirings.FullyConnected(18, 5, self_connections=False),
}


def drawn(cell, seed=0):
    """`cell`, built, its parameters in general position; and they, by name, in float64."""
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
