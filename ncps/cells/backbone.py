"""The dense layers in front of a cell's heads, and their dropout masks.

For each layer l, `z = dropout(activation(z Kb_l + bb_l))`: dropout follows every layer.
"""

import keras
from keras import ops

from ncps._array import activate, affine


class Affine(keras.layers.Layer):
    """A kernel and a bias for `z @ kernel + bias`: variables under their own name inside a cell.

    It is not a `keras.layers.Dense`: cells read the variables and call no layer in a step, while
    `Model.quantize` and LoRA replace the kernel of every Dense by one that only `Dense.call` can use.

    Args:
        units: Integer, number of columns of the kernel.
        kernel, bias: Dicts of further arguments of `add_weight`: initializer, regularizer, constraint.
    """

    def __init__(self, units, kernel, bias, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self._kernel_options, self._bias_options = kernel, bias

    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        self.kernel = self.add_weight(shape=shape, name="kernel", **self._kernel_options)
        self.bias = self.add_weight(shape=shape[1:], name="bias", **self._bias_options)


def chain(layers, activation, z, masks=None):
    """Apply the activation, the dropout mask and the affine layer to `z` (batch, features), layer by layer.

    Args:
        layers: `(kernel, bias)` tensors of each affine layer after the first.
        masks: One dropout mask for each layer, or None.
    """
    for i, (kernel, bias) in enumerate(layers):
        z = activate(activation, z)
        if masks is not None:
            z = z * masks[i]
        z = affine(z, kernel, bias)
    return z


def dropout_masks(count, shape, rate, dtype, seed):
    """Draw `count` masks of `shape`: each entry is 0 with probability `rate`, else `1 / (1 - rate)`.

    Args:
        seed: `keras.random.SeedGenerator`, advanced by each mask.
    """
    return [keras.random.dropout(ops.ones(shape, dtype=dtype), rate, seed=seed) for _ in range(count)]
