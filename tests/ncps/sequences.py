"""What the tests of the sequence layers need: data, cells, and a cell called by hand, step by step."""

import keras
import numpy as np
from keras import ops

from ncps import LTC, CfC, CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell, WiredLTCCell
from ncps.cells import TimedCell
from ncps.wirings import AutoNCP
from tests.ncps.helpers import array

BATCH, TIME, FEATURES = 4, 5, 3
_rng = np.random.default_rng(3)
X = _rng.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
T = _rng.uniform(0.1, 3.0, size=(BATCH, TIME)).astype("float32")
MASK = np.array([[1, 1, 0, 1, 0], [0, 0, 1, 0, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], bool)


@keras.saving.register_keras_serializable(package="ncps_tests")
class TwoStates(TimedCell):
    """Two states of sizes 3 and 2, an output of size 1: nothing fits where it should not."""

    state_size, output_size = (3, 2), 1

    def build_cell(self, features):
        self.kernel = self.add_weight(shape=(features, 3), name="kernel")

    def prepare(self, x, timed, training=False):
        kernel = self.kernel.value

        def step(projected, states, t):
            fast, slow = states
            t = 1.0 if t is None else t
            fast = ops.tanh(projected + 0.5 * fast + t)
            slow = 0.5 * slow + t * fast[:, :2]
            return fast[:, :1] - slow[:, 1:], [fast, slow]

        return ops.matmul(x, kernel), step


CELLS = {
    "cfc": lambda **k: CfCCell(4, backbone_units=6, backbone_dropout=0.0, **k),
    "ltc": lambda **k: LTCCell(4, **k),
    "two": lambda **k: TwoStates(**k),
    "wired_cfc": lambda **k: WiredCfCCell(AutoNCP(8, 2), **k),
    "wired_ltc": lambda **k: WiredLTCCell(AutoNCP(8, 2), ode_unfolds=2, **k),
    "mixed": lambda **k: MixedMemoryCell(LTCCell(3, **k)),
}


def in_layer(kind, **options):
    """Return the cell of that kind in the layer that takes it."""
    layer = LTC if kind in ("ltc", "wired_ltc", "mixed") else CfC
    return layer(CELLS[kind](), **options)


def by_hand(cell, x, t=None, mask=None, states=None, *, backwards=False, zero=False, carry=False):
    """Return outputs `(batch, time, size)` in running order and the last states, by calls of `cell`.

    The rules of a masked step are those of the specification, sample by sample.
    """
    batch, time = x.shape[:2]
    mask = np.ones((batch, time), bool) if mask is None else mask
    timed = t is not None or carry
    t = np.ones((batch, time), "float32") if t is None else t
    states = [array(s) for s in (cell.get_initial_state(batch_size=batch) if states is None else states)]
    previous, waited, outputs = np.zeros((batch, cell.output_size)), np.zeros(batch), []
    for k in reversed(range(time)) if backwards else range(time):
        elapsed = (t[:, k] + waited).astype("float32")
        given = [s.astype("float32") for s in states]
        output, new = cell((x[:, k], elapsed) if timed else x[:, k], given)
        output, new = array(output), [array(s) for s in new]
        shown = np.zeros_like(previous)
        for i in range(batch):
            if mask[i, k]:
                previous[i], waited[i] = output[i], 0.0
                for state, made in zip(states, new, strict=True):
                    state[i] = made[i]
            elif carry:
                waited[i] = elapsed[i]
            shown[i] = 0.0 if zero and not mask[i, k] else previous[i]
        outputs.append(shown)
    return np.stack(outputs, axis=1), states


def assert_same(got, want):
    assert tuple(got.shape) == np.shape(want)
    np.testing.assert_allclose(array(got), want, rtol=2e-5, atol=2e-5)
