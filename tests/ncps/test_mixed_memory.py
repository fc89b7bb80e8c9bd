"""Mixed memory: an LSTM in front of each cell of the family."""

import numpy as np
import pytest

from ncps import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell, WiredLTCCell, wirings
from reference.cfc import cfc_step
from reference.mixed_memory import mixed_memory_step
from tests.ncps.helpers import array, weights

FEATURES, BATCH = 3, 4
CELLS = {
    "CfC": lambda: CfCCell(5, backbone_units=6),
    "LTC": lambda: LTCCell(5),
    "wired CfC": lambda: WiredCfCCell(wirings.AutoNCP(8, 2)),
    "wired LTC": lambda: WiredLTCCell(wirings.AutoNCP(8, 2), ode_unfolds=2),
}


def drawn(cell, seed=0):
    """`cell`, built, with its parameters in general position."""
    cell.build((None, FEATURES))
    rng = np.random.default_rng(seed)
    for variable in weights(cell).values():
        variable.assign(rng.uniform(-1.0, 1.0, variable.shape))
    return cell


def samples(units, seed=1):
    rng = np.random.default_rng(seed)
    shapes = (BATCH, FEATURES), (BATCH, units), (BATCH, units)
    x, h, c = (rng.normal(size=shape).astype("float32") for shape in shapes)
    return x, h, c, rng.uniform(0, 2, (BATCH, 1)).astype("float32")


def test_a_step_is_that_of_the_reference():
    cell = drawn(MixedMemoryCell(CfCCell(5, backbone_units=6, backbone_dropout=0.0)))
    x, h, c, t = samples(5)
    output, states = cell((x, t), [h, c])
    own = {name: array(v) for name, v in weights(cell).items()}
    inner = {name.removeprefix("cell/"): a for name, a in own.items() if name.startswith("cell/")}

    def step(x, m, t):
        return (cfc_step(inner, x, m, t, mode="default", backbone_layers=1, head_activation="tanh"),) * 2

    want = mixed_memory_step(own, *(a.astype("float64") for a in (x, h, c, t)), step=step)
    for got, wanted in zip([output, *states], want, strict=True):
        np.testing.assert_allclose(array(got), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_the_cell_behind_reads_the_input_and_the_gated_memory(name):
    cell = drawn(MixedMemoryCell(CELLS[name]()))
    x, h, c, t = samples(cell.units)
    output, (new, memory) = cell((x, t), [h, c])
    gates = x @ array(cell.input_kernel) + h @ array(cell.recurrent_kernel) + array(cell.bias)
    gated = np.tanh(array(memory)) / (1.0 + np.exp(-gates[:, 3 * cell.units :]))
    behind, (state,) = cell.cell((x, t), [gated.astype("float32")])
    np.testing.assert_allclose(array(output), array(behind), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(array(new), array(state), rtol=1e-5, atol=1e-5)
