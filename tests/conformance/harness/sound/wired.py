"""Wired cells."""

import keras
import numpy as np
from keras import ops

from sound.base import added, affine, column, gated, head, one_of, pure, register, sound

UNFOLDS, EPSILON = 6, 1e-8


class Wired(keras.layers.Layer):
    """A cell of a wiring, whose output is the state of its motor neurons."""

    def __init__(self, wiring, **kwargs):
        super().__init__(**kwargs)
        for name in ("build", "adjacency_matrix"):
            if not hasattr(wiring, name):
                raise TypeError(f"wiring must be a wiring, got {wiring!r}")
        self.wiring = wiring
        self.units = self.state_size = wiring.units
        self.output_size = wiring.output_dim

    def get_config(self):
        kept = {"class_name": type(self.wiring).__name__, "config": self.wiring.get_config()}
        return {**super().get_config(), "wiring": kept}

    @classmethod
    def from_config(cls, config):
        from sound import wirings

        kept = config.pop("wiring")
        return cls(getattr(wirings, kept["class_name"]).from_config(kept["config"]), **config)

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype)]

    def compute_output_shape(self, inputs_shape, states_shape=None):
        batch = inputs_shape[0]
        return (batch, self.output_size), [(batch, self.units)]

    def read(self, inputs):
        x, t = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
        if x.shape[-1] != self.features:
            raise ValueError(f"inputs must have {self.features} features, got shape {tuple(x.shape)}")
        return x, 1.0 if t is None else column(t, x)

    def build(self, input_shape):
        self.features = input_shape[-1]
        self.wiring.build(self.features)
        self.add()
        self.built = True


def uniform(low, high):
    return keras.initializers.RandomUniform(low, high)


RANGES = {"w": (0.001, 1.0), "sigma": (3.0, 8.0), "mu": (0.3, 0.8)}


@sound
class PlainWiredLTC(Wired):
    """A wiring and nothing else: six steps of the semi-implicit solver."""

    def add(self):
        units, non_negative = self.units, keras.constraints.NonNeg()

        def neurons(name, low, high, constraint=None):
            return self.add_weight(
                shape=(units,), initializer=uniform(low, high), constraint=constraint, name=name
            )

        self.gleak = neurons("gleak", 0.001, 1.0, non_negative)
        self.vleak = neurons("vleak", -0.2, 0.2)
        self.cm = neurons("cm", 0.4, 0.6, AtLeast(1e-3))
        self.own = self.synapses("", self.wiring.adjacency_matrix, non_negative)
        self.sensory = self.synapses("sensory_", self.wiring.sensory_adjacency_matrix, non_negative)
        self.add_maps()

    def add_maps(self):
        def vector(name, size, start):
            return self.add_weight(shape=(size,), initializer=start, name=name)

        self.input_w = vector("input_w", self.features, "ones")
        self.input_b = vector("input_b", self.features, "zeros")
        self.output_w = vector("output_w", self.output_size, "ones")
        self.output_b = vector("output_b", self.output_size, "zeros")

    def synapses(self, prefix, adjacency, non_negative):
        """Return w, sigma, mu, erev and the mask."""
        signs = np.asarray(adjacency, "float64")
        found = [
            self.add_weight(
                shape=signs.shape,
                initializer=uniform(*limits),
                constraint=non_negative if name == "w" else None,
                name=f"{prefix}{name}",
            )
            for name, limits in RANGES.items()
        ]

        def start(shape, dtype=None):
            return ops.convert_to_tensor(signs, dtype=dtype)

        erev = self.add_weight(shape=signs.shape, initializer=start, name=f"{prefix}erev")
        return (*found, erev, np.abs(signs))

    def currents(self, v, synapses):
        """Return the sums over sources of what flows and of what flows times its potential."""
        w, sigma, mu, erev, mask = synapses
        flow = w * ops.sigmoid(sigma * (v[:, :, None] - mu)) * ops.cast(mask, self.compute_dtype)
        return ops.sum(flow, axis=1), ops.sum(flow * erev, axis=1)

    def mapped(self, x):
        return x * self.input_w + self.input_b

    def shown(self, v):
        return v[:, : self.output_size] * self.output_w + self.output_b

    def call(self, inputs, states, training=None):
        x, t = self.read(inputs)
        v, dt = states[0], t / UNFOLDS
        sensed, driven = self.currents(self.mapped(x), self.sensory)
        for _ in range(UNFOLDS):
            rate, drive = self.currents(v, self.own)
            numerator = self.gleak * self.vleak + drive + driven
            v = (self.cm * v + dt * numerator) / (self.cm + dt * (self.gleak + rate + sensed + EPSILON))
        return ops.cast(self.shown(v), self.compute_dtype), [ops.cast(v, self.compute_dtype)]


@register
class AtLeast(keras.constraints.Constraint):
    """Holds values at or above a number."""

    def __init__(self, least):
        self.least = least

    def __call__(self, values):
        return ops.maximum(values, self.least)

    def get_config(self):
        return {"least": self.least}


@sound
class UnmappedWiredLTC(PlainWiredLTC):
    """No mapping of inputs and outputs."""

    def add_maps(self):
        pass

    def mapped(self, x):
        return x

    def shown(self, v):
        return v[:, : self.output_size]


@sound
class ScaledWiredLTC(PlainWiredLTC):
    """Inputs and outputs are scaled alone; sums of Einstein's."""

    def add_maps(self):
        ones = {"initializer": "ones"}
        self.input_w = self.add_weight(shape=(self.features,), name="input_w", **ones)
        self.output_w = self.add_weight(shape=(self.output_size,), name="output_w", **ones)

    def mapped(self, x):
        return x * self.input_w

    def shown(self, v):
        return v[:, : self.output_size] * self.output_w

    def currents(self, v, synapses):
        w, sigma, mu, erev, mask = synapses
        mask = ops.cast(mask, self.compute_dtype)
        open_ = ops.sigmoid(sigma * (v[:, :, None] - mu))
        return ops.einsum("bij,ij->bj", open_, w * mask), ops.einsum("bij,ij->bj", open_, w * erev * mask)


@sound
class RenamedWiredLTC(PlainWiredLTC):
    """Names of its own, which the class maps."""

    own_names = {"gleak": "conductance", "vleak": "potential", "cm": "capacity"}
    specification_names = {path: name for name, path in own_names.items()}

    def add_weight(self, *arguments, name, **more):
        return super().add_weight(*arguments, name=self.own_names.get(name, name), **more)


class WiredGates(Wired):
    """One CfC without a backbone for each layer of the wiring."""

    mode = "default"
    prefix = "layer_{}"

    def add(self):
        adjacency = np.abs(self.wiring.adjacency_matrix)
        sources, entering = None, np.abs(self.wiring.sensory_adjacency_matrix)
        parts = []
        for i in range(self.wiring.num_layers):
            ids = self.wiring.get_neurons_of_layer(i)
            rows = entering[:, ids] if sources is None else adjacency[np.ix_(sources, ids)]
            mask = np.concatenate([rows, np.ones((len(ids), len(ids)))])
            parts.append((self.layer(i, *mask.shape), mask))
            sources = ids
        self.parts = lambda: parts

    def layer(self, i, width, size):
        """Return the variables of a layer, a pair a head."""
        first = {f"ff1_{name}": shape for name, shape in head(width, size).items()}
        if self.mode == "pure":
            row = {"w_tau": ((1, size), "zeros"), "A": ((1, size), "ones")}
            kernel, bias, w_tau, amplitude = added(self, self.prefix.format(i), {**first, **row}).values()
            return (kernel, bias), w_tau, amplitude
        second = {f"ff2_{name}": shape for name, shape in head(width, size).items()}
        times = {f"time_{k}": head(width, size) for k in "ab"}
        *flat, a, b = added(self, self.prefix.format(i), {**first, **second, **times}).values()
        return flat[:2], flat[2:], (a["kernel"], a["bias"]), (b["kernel"], b["bias"])

    def call(self, inputs, states, training=None):
        x, t = self.read(inputs)
        new, start = [], 0
        for weights, mask in self.parts():
            h = states[0][:, start : start + mask.shape[1]]
            start += mask.shape[1]
            x = self.step(weights, ops.cast(mask, self.compute_dtype), ops.concatenate([x, h], axis=-1), t)
            new.append(x)
        output = ops.cast(x[:, : self.output_size], self.compute_dtype)
        return output, [ops.cast(ops.concatenate(new, axis=-1), self.compute_dtype)]

    def step(self, weights, mask, z, t):
        if self.mode == "pure":
            (kernel, bias), w_tau, amplitude = weights
            return pure(affine(z, kernel * mask, bias), w_tau, amplitude, t)
        f1, f2, a, b = (affine(z, kernel * mask, bias) for kernel, bias in weights)
        return gated(ops.tanh(f1), ops.tanh(f2), a, b, t, self.mode)


@sound
class PlainWiredCfC(WiredGates):
    """A wiring and nothing else."""


@sound
class PureWiredCfC(WiredGates):
    """The mode pure, and no other."""

    mode = "pure"


@sound
class ModesWiredCfC(WiredGates):
    """Two of the modes."""

    def __init__(self, wiring, mode="default", **kwargs):
        super().__init__(wiring, **kwargs)
        self.mode = one_of("mode", mode, ("default", "no_gate"))

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}


@sound
class StagedWiredCfC(WiredGates):
    """Layers by another name, which the class maps."""

    prefix = "stage_{}"
    specification_names = {
        f"stage_{{i}}/{name}": f"layer_{{i}}/{name}"
        for name in (
            *("ff1_kernel", "ff1_bias", "ff2_kernel", "ff2_bias"),
            *("time_a/kernel", "time_a/bias", "time_b/kernel", "time_b/bias"),
        )
    }
