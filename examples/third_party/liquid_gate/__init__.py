"""A closed-form continuous-time cell for Keras, written by somebody who knows nothing of our package."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("liquid_gate")
class GateCfC(keras.layers.Layer):
    """CfC by its default formula:  h' = tanh(f1) (1 - s) + tanh(f2) s  with the gate  s = sigmoid(-a t + b).

    f1, f2, a and b are dense on a backbone of one tanh layer on x and h.
    """

    def __init__(self, units, backbone_units=128, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units
        self.backbone_units = backbone_units
        self.backbone = keras.layers.Dense(
            backbone_units, activation="tanh", dtype=self.dtype_policy, name="backbone_0"
        )
        self.time_a = keras.layers.Dense(units, dtype=self.dtype_policy, name="time_a")
        self.time_b = keras.layers.Dense(units, dtype=self.dtype_policy, name="time_b")

    def build(self, input_shape):
        self.backbone.build((None, input_shape[-1] + self.units))
        features = self.backbone_units
        for name in ("ff1", "ff2"):
            kernel = self.add_weight(shape=(features, self.units), name=f"{name}_kernel")
            bias = self.add_weight(shape=(self.units,), initializer="zeros", name=f"{name}_bias")
            setattr(self, name, (kernel, bias))
        self.time_a.build((None, features))
        self.time_b.build((None, features))

    def call(self, inputs, states, training=False):
        x, t = inputs if isinstance(inputs, (list, tuple)) else (inputs, 1.0)
        x, t, h = (ops.cast(a, self.compute_dtype) for a in (x, self.column(t, x), states[0]))
        z = self.backbone(ops.concatenate([x, h], axis=-1))
        f1, f2 = (ops.tanh(ops.matmul(z, kernel) + bias) for kernel, bias in (self.ff1, self.ff2))
        s = ops.sigmoid(self.time_b(z) - self.time_a(z) * t)
        new = f1 * (1.0 - s) + f2 * s
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

    def get_config(self):
        return {**super().get_config(), "units": self.units, "backbone_units": self.backbone_units}
