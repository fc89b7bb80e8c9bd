"""What these cells share: one state, inputs `x` or `(x, t)`, and refusals of what cannot be."""

import keras
from keras import ops

register = keras.saving.register_keras_serializable(package="sound")

CELLS = {}
"""Every cell that is judged without a word, by name."""


def sound(cell):
    """Register a cell, and have it judged."""
    CELLS[cell.__name__] = register(cell)
    return cell


def positive(name, value):
    """Return a positive integer. Raises ValueError."""
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return value


def one_of(name, value, allowed):
    """Return a value that is allowed. Raises ValueError."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {allowed}, got {value!r}")
    return value


def affine(x, kernel, bias):
    return ops.matmul(x, kernel) + bias


def column(t, x):
    """Return elapsed time as a scalar or (batch, 1). Raises ValueError for another shape."""
    shape, batch = tuple(t.shape), x.shape[0]
    if shape in ((), (batch,), (batch, 1)) or None in (*shape, batch):
        return t if len(shape) == 0 else ops.reshape(t, (-1, 1))
    raise ValueError(f"t must be a scalar, (batch,) or (batch, 1), got shape {shape}")


def gated(f1, f2, a, b, t, mode="default"):
    """Return a CfC's new state of its heads' outputs."""
    gate = ops.sigmoid(b - a * t)
    return f1 + gate * f2 if mode == "no_gate" else f1 * (1.0 - gate) + gate * f2


def pure(f1, w_tau, amplitude, t):
    """Return a pure CfC's new state."""
    return amplitude - amplitude * f1 * ops.exp(-t * (ops.abs(w_tau) + ops.abs(f1)))


def fused(h, target, log_tau, t):
    """Return an LTC's state after a semi-implicit step, before its activation."""
    return h + t / (t + ops.exp(ops.clip(log_tau, -9.0, 9.0))) * (target - h)


class Part(keras.layers.Layer):
    """Weights under a name; `shapes` has a shape and an initializer for each, or those of a part."""

    def __init__(self, shapes, **kwargs):
        super().__init__(**kwargs)
        self.shapes = shapes

    def build(self, input_shape=None):
        found = {name: added(self, name, shape) for name, shape in self.shapes.items()}
        self.hold(found)
        self.built = True

    def hold(self, found):
        """Keep what `found` returns, out of sight of Keras, which would track it once more."""
        self.found = lambda: found


def added(layer, name, shape):
    """Add a weight to a layer, or a part with weights; returns either."""
    if isinstance(shape, dict):
        part = Part(shape, name=name, dtype=layer.dtype_policy, trainable=layer.trainable)
        layer.sublayers = [*getattr(layer, "sublayers", []), part]
        part.build()
        return part.found()
    return layer.add_weight(shape=tuple(shape[0]), initializer=shape[1], name=name)


def head(width, units):
    """Return the shapes of a kernel and a bias."""
    return {"kernel": ((width, units), "glorot_uniform"), "bias": ((units,), "zeros")}


class Cell(keras.layers.Layer):
    """A cell whose output is its one state. A subclass has `add(features)` and `advance(z, h, t)`."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = positive("units", units)
        self.state_size = self.output_size = self.units

    def get_config(self):
        return {**super().get_config(), "units": self.units}

    def build(self, input_shape):
        self.features = input_shape[-1]
        self.add(self.features + self.units)
        self.built = True

    def weight(self, name, *shape, initializer="glorot_uniform"):
        return added(self, name, (shape, initializer))

    def pair(self, kernel, bias, width, size=None):
        """Add a kernel and a bias, which may be of one part, as in "time_a/kernel"."""
        size = size or self.units
        if "/" not in kernel:
            return self.weight(kernel, width, size), self.weight(bias, size, initializer="zeros")
        (part, first), second = kernel.split("/"), bias.split("/")[1]
        found = added(self, part, dict(zip((first, second), head(width, size).values(), strict=True)))
        return found[first], found[second]

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype)]

    def compute_output_shape(self, inputs_shape, states_shape=None):
        shape = (inputs_shape[0], self.units)
        return shape, [shape]

    def read(self, inputs):
        """Return the sample and its elapsed time."""
        x, t = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
        if x.shape[-1] != self.features:
            raise ValueError(f"inputs must have {self.features} features, got shape {tuple(x.shape)}")
        return x, 1.0 if t is None else column(t, x)

    def call(self, inputs, states, training=None):
        x, t = self.read(inputs)
        new = self.advance(ops.concatenate([x, states[0]], axis=-1), states[0], t)
        new = ops.cast(new, self.compute_dtype)  # NumPy makes float32 of a bfloat16 and a Python number
        return new, [new]
