"""A dense LTC, as one would write it: its first run finds six faults."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("mine")
class MyLTC(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units
        self.tau_kernel = keras.layers.Dense(units, name="tau_kernel")

    def build(self, input_shape):
        features = input_shape[-1] + self.units
        self.kernel = self.add_weight(shape=(features, self.units), name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
        self.tau_kernel.build((None, features))

    def call(self, inputs, states, training=False):
        x, t = inputs if isinstance(inputs, (list, tuple)) else (inputs, 1.0)
        z = ops.concatenate([x, states[0]], axis=-1)
        drive = ops.matmul(z, self.kernel) + self.bias
        tau = ops.exp(self.tau_kernel(z))
        new = ops.tanh(states[0] + t / (t + tau) * (drive - states[0]))
        return new, [new]

    def get_config(self):
        return {**super().get_config(), "units": self.units}
