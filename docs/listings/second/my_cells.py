"""The same cell after its first run."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("mine")
class MyLTC(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units
        options = {"dtype": self.dtype_policy, "trainable": self.trainable}
        self.tau_kernel = keras.layers.Dense(units, name="tau_kernel", **options)

    def build(self, input_shape):
        features = input_shape[-1] + self.units
        self.kernel = self.add_weight(shape=(features, self.units), name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
        self.tau_kernel.build((None, features))

    # --8<-- [start:changed]
    def call(self, inputs, states, training=False):
        x, t = inputs if isinstance(inputs, (list, tuple)) else (inputs, 1.0)
        x, t, h = (ops.cast(a, self.compute_dtype) for a in (x, self.column(t, x), states[0]))
        z = ops.concatenate([x, h], axis=-1)
        drive = ops.matmul(z, self.kernel) + self.bias
        tau = ops.exp(ops.clip(self.tau_kernel(z), -9.0, 9.0))
        new = ops.tanh(h + t / (t + tau) * (drive - h))
        return new, [new]

    def column(self, t, x):
        """Return elapsed time as a number or (batch, 1); (batch,) would broadcast along the units."""
        if ops.ndim(t) == 0:
            return t
        if tuple(t.shape) not in ((x.shape[0],), (x.shape[0], 1)):
            raise ValueError(f"elapsed time of shape {tuple(t.shape)} for inputs of shape {tuple(x.shape)}")
        return ops.reshape(t, (-1, 1))

    def compute_output_shape(self, input_shape, *states):
        shape = input_shape[0] if isinstance(input_shape[0], (list, tuple)) else input_shape
        return (shape[0], self.units), [(shape[0], self.units)]

    # --8<-- [end:changed]

    def get_config(self):
        return {**super().get_config(), "units": self.units}
