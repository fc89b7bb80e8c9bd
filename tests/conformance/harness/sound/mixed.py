"""An LSTM in front of a cell."""

import keras
from keras import ops

from sound.base import column, register, sound
from sound.ltc import Liquid


@register
class LTCCell(Liquid):
    """The cell behind."""


class Memory(keras.layers.Layer):
    """The memory of an LSTM, which the cell behind reads and writes."""

    gates = ("input_kernel", "recurrent_kernel", "bias")

    def __init__(self, cell, **kwargs):
        super().__init__(**kwargs)
        if not hasattr(cell, "state_size"):
            raise TypeError(f"cell must be a cell, got {cell!r}")
        cell.trainable = cell.trainable and self.trainable
        self.cell = cell
        self.units = cell.units
        self.state_size = [cell.units, cell.units]
        self.output_size = cell.units

    def get_config(self):
        return {**super().get_config(), "cell": keras.saving.serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("cell")), **config)

    def build(self, input_shape):
        self.features, units = input_shape[-1], self.units
        shapes = ((self.features, 4 * units), (units, 4 * units), (4 * units,))
        starts = ("glorot_uniform", "orthogonal", "zeros")
        self.weights_of_gates = [
            self.add_weight(shape=shape, initializer=start, name=name)
            for name, shape, start in zip(self.gates, shapes, starts, strict=True)
        ]
        if not self.cell.built:
            self.cell.build(input_shape)
        self.built = True

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype) for _ in range(2)]

    def compute_output_shape(self, inputs_shape, states_shape=None):
        shape = (inputs_shape[0], self.units)
        return shape, [shape, shape]

    def call(self, inputs, states, training=None):
        x, t = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
        if x.shape[-1] != self.features:
            raise ValueError(f"inputs must have {self.features} features, got shape {tuple(x.shape)}")
        h, c = states
        kernel, recurrent, bias = self.weights_of_gates
        a, i, f, o = ops.split(ops.matmul(x, kernel) + ops.matmul(h, recurrent) + bias, 4, axis=-1)
        c = c * ops.sigmoid(f + 1.0) + ops.tanh(a) * ops.sigmoid(i)
        m = ops.tanh(c) * ops.sigmoid(o)
        given = x if t is None else (x, column(t, x))
        output, (new,) = self.cell(given, [m])
        return ops.cast(output, self.compute_dtype), [ops.cast(a, self.compute_dtype) for a in (new, c)]


@sound
class PlainMixedMemory(Memory):
    """Any LTC of this module behind."""


@sound
class RenamedMixedMemory(Memory):
    """Names of its own, which the class maps."""

    gates = ("gates_of_input", "gates_of_memory", "shift")
    specification_names = dict(zip(gates, Memory.gates, strict=True))
