"""What several test files need: cells with chosen weights, and arrays."""

import numpy as np
from keras import ops

LN2, LN3 = float(np.log(2.0)), float(np.log(3.0))


def array(tensor):
    """`tensor` as a NumPy array of float64."""
    return np.asarray(ops.convert_to_numpy(ops.cast(tensor, "float32")), dtype="float64")


def weights(cell):
    """The trainable variables of a built cell, by their path inside it."""
    return {v.path.split("/", 1)[1]: v for v in cell.trainable_variables}


def built(cell, features, **values):
    """`cell`, built for `features`, every weight zero but those in `values` (`/` written `__`)."""
    cell.build((None, features))
    named = weights(cell)
    for variable in named.values():
        variable.assign(np.zeros(variable.shape))
    for name, value in values.items():
        variable = named[name.replace("__", "/")]
        variable.assign(np.broadcast_to(np.asarray(value, dtype="float32"), variable.shape))
    return cell


def step(cell, x, h, t=None, **kwargs):
    """The output of one step, checked to be the new state, as a NumPy array."""
    x, h = np.asarray(x, dtype="float32"), np.asarray(h, dtype="float32")
    output, (state,) = cell(x if t is None else (x, t), [h], **kwargs)
    np.testing.assert_array_equal(array(output), array(state))
    return array(output)
