"""Dtype policies: the computation is done in the policy's dtype and stays finite in half precision."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from ncps import CfCCell, LTCCell, lecun_tanh
from tests.ncps.helpers import array, built
from tests.waiting import PATIENCE

HALF = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16", "float16": "float16"}
X, H = np.ones((2, 3), "float32"), np.zeros((2, 4), "float32")


def dtype_of(tensor):
    return keras.backend.standardize_dtype(tensor.dtype)


@pytest.mark.parametrize("policy", HALF)
@pytest.mark.parametrize("cell_class", [CfCCell, LTCCell])
def test_half_precision_is_honoured(cell_class, policy):
    cell = cell_class(4, backbone_units=4, backbone_layers=1, dtype=policy)
    for inputs in (X, (X, 0.5), (X, np.float64([0.5, 2.0]))):
        output, (state,) = cell(inputs, cell.get_initial_state(batch_size=2))
        assert dtype_of(output) == dtype_of(state) == HALF[policy]
        assert np.isfinite(array(output)).all()
    assert {v.dtype for v in cell.trainable_variables} == {"float16" if policy == "float16" else "float32"}
    assert dtype_of(cell.get_initial_state(batch_size=2)[0]) == HALF[policy]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_layer_of_cells_honours_half_precision(policy):
    layer = keras.layers.RNN(CfCCell(4, dtype=policy), return_sequences=True, dtype=policy)
    assert dtype_of(layer(np.ones((2, 5, 3), "float32"))) == HALF[policy]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_lecun_tanh_keeps_its_dtype(dtype):
    assert dtype_of(lecun_tanh(keras.ops.ones((2,), dtype=dtype))) == dtype


@pytest.mark.parametrize("t", [6e4, 1e6, 1e38])
def test_a_long_time_reaches_the_limit_in_float16(t):
    cfc = CfCCell(4, backbone_layers=0, head_activation="linear", dtype="mixed_float16")
    built(cfc, 3, ff1_bias=1.0, ff2_bias=5.0, time_a__bias=[1.0, -1.0, 0.0, 20.0])
    np.testing.assert_array_equal(array(cfc((X, t), [H])[0])[0], [1.0, 5.0, 3.0, 1.0])
    ltc = built(LTCCell(4, activation="linear", dtype="mixed_float16"), 3, bias=3.0, tau_kernel__bias=-9.0)
    np.testing.assert_array_equal(array(ltc((X, np.full((2,), t)), [H])[0]), np.full((2, 4), 3.0))


def test_ltc_with_the_longest_time_constant_does_not_overflow_float16():
    cell = built(LTCCell(4, activation="linear", dtype="mixed_float16"), 3, bias=3.0, tau_kernel__bias=9.0)
    fraction = 6e4 / (6e4 + np.exp(9))
    np.testing.assert_allclose(array(cell((X, 6e4), [H])[0]), np.full((2, 4), 3 * fraction), rtol=2e-3)


def test_ltc_explicit_stays_where_it_is_at_its_target_in_float16():
    cell = built(
        LTCCell(4, activation="linear", solver="explicit", dtype="mixed_float16"), 3, tau_kernel__bias=-9.0
    )
    np.testing.assert_array_equal(array(cell((X, 6e4), [H])[0]), np.zeros((2, 4)))


def test_integer_inputs_are_numbers_too():
    cell = CfCCell(4)
    np.testing.assert_allclose(
        array(cell(X.astype("int32"), [H.astype("int32")])[0]), array(cell(X, [H])[0]), rtol=1e-6
    )


DOUBLE = """
import math
import numpy as np
from keras import backend, layers, ops
from tests.ncps.helpers import array, built
from ncps import CfCCell, LTCCell, lecun_tanh

def close(tensor, expected, atol=0.0):
    assert backend.standardize_dtype(tensor.dtype) == "float64", tensor.dtype
    values = ops.convert_to_numpy(tensor)
    np.testing.assert_allclose(values, np.broadcast_to(expected, values.shape), rtol=3e-15, atol=atol)

def set_bias(variable, value):
    variable.assign(np.full(variable.shape, value, "float64"))

x, h = np.ones((2, 3)), np.zeros((2, 2))
third, root = 1 / 3, np.sqrt(2)
cfc = built(CfCCell(2, backbone_layers=0, head_activation="linear", dtype="float64"), 3)
set_bias(cfc.ff1_bias, 1), set_bias(cfc.ff2_bias, 5), set_bias(cfc.time_a.bias, np.log(3))
for t in (third, np.full((2,), third), np.full((2, 1), third)):
    close(cfc((x, t), [h])[0], 1 + 4 / (1 + 3 ** third))
close(cfc(x, [h])[0], 2.0)
pure = built(CfCCell(2, mode="pure", backbone_layers=0, dtype="float64"), 3)
set_bias(pure.ff1_bias, np.log(2)), set_bias(pure.A, 1)
close(pure((x, third), [h])[0], 1 - np.log(2) * 0.5 ** third)
for solver, expected in (("semi_implicit", 3 * third / (third + root)), ("explicit", 3 * third / root)):
    ltc = built(LTCCell(2, activation="linear", solver=solver, dtype="float64"), 3)
    set_bias(ltc.bias, 3), set_bias(ltc.tau_kernel.bias, np.log(root))
    close(ltc((x, third), [h])[0], expected)

def double(*values):
    return ops.convert_to_tensor(np.array(values), "float64")

close(lecun_tanh(double(100.0)), 1.7159)
close(lecun_tanh(double(1e-9)), 1.7159 * 0.666e-9)

# At t = 0 a cell puts out activation(h).
ln2, ln3 = np.log(2), np.log(3)
for name, h, expected in (
    ("linear", third, third), ("tanh", ln2, 0.6), ("sigmoid", ln3, 0.75),
    ("sigmoid", -30.0, np.exp(-30) / (1 + np.exp(-30))),
    ("relu", third, third), ("relu", -third, 0), ("silu", ln3, 0.75 * ln3), ("softplus", ln3, 2 * ln2),
    ("elu", -ln2, -0.5), ("elu", third, third), ("leaky_relu", -third, -0.2 / 3),
    ("gelu", third, 0.5 * third * (1 + math.erf(third / root))),
):
    ltc = LTCCell(2, activation=name, dtype="float64")
    close(ltc((x, 0.0), [np.full((2, 2), h)])[0], expected)

# A loop computes in another order; what the weights make cancel has few digits of its own.
for cell in (CfCCell(2, backbone_units=4, dtype="float64"), LTCCell(2, dtype="float64")):
    outputs = layers.RNN(cell, return_sequences=True, dtype="float64")(np.full((2, 3, 3), third))
    state = cell.get_initial_state(batch_size=2)
    for k in range(3):
        output, state = cell(np.full((2, 3), third), state)
        close(outputs[:, k], ops.convert_to_numpy(output), atol=1e-15)
"""


@pytest.mark.usefixtures("exact_backend")
def test_float64_is_float64_to_its_last_digits():
    """In a process of its own: on jax, float64 exists only where JAX_ENABLE_X64 is set before the import."""
    environment = os.environ | {"JAX_ENABLE_X64": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", DOUBLE], env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
