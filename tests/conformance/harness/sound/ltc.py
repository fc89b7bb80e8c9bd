"""LTC cells, dense."""

import keras
from keras import ops

from sound.base import Cell, affine, fused, one_of, sound
from sound.cfc import DeepCfC, NoBackboneCfC


class Liquid(Cell):
    """A target and a time constant."""

    pairs = (("kernel", "bias"), ("tau_kernel/kernel", "tau_kernel/bias"))

    def add(self, width):
        heads = [self.pair(*names, width) for names in self.pairs]
        self.heads = lambda: heads

    def advance(self, z, h, t):
        target, log_tau = (affine(z, *pair) for pair in self.heads())
        return ops.tanh(fused(h, target, log_tau, t))


@sound
class PlainLTC(Liquid):
    """Units alone."""


@sound
class Leaky(Liquid):
    """No family in its name: the variables show it."""


@sound
class ExplicitLTC(Liquid):
    """The explicit solver, and no other."""

    def __init__(self, units, solver="explicit", **kwargs):
        super().__init__(units, **kwargs)
        self.solver = one_of("solver", solver, ("explicit",))

    def get_config(self):
        return {**super().get_config(), "solver": self.solver}

    def advance(self, z, h, t):
        target, log_tau = (affine(z, *pair) for pair in self.heads())
        return ops.tanh(h + t / ops.exp(ops.clip(log_tau, -9.0, 9.0)) * (target - h))


@sound
class LtcOfCfC(NoBackboneCfC):
    """An LTC that extends a CfC, and leaves its arguments to it."""

    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)

    add, advance, pairs = Liquid.add, Liquid.advance, Liquid.pairs


@sound
class TimeConstants(DeepCfC):
    """The same of a CfC with layers, and without a family in its own name."""

    pairs = Liquid.pairs

    def __init__(self, units, backbone_layers=0, **kwargs):
        super().__init__(units, backbone_layers, **kwargs)

    def advance(self, z, h, t):
        target, log_tau = (affine(self.featured(z), *pair) for pair in self.heads())
        return ops.tanh(fused(h, target, log_tau, t))


@sound
class FixedBackboneLTC(TimeConstants):
    """Always one layer of six features."""

    widths = (6,)

    def __init__(self, units):
        super().__init__(units)

    def get_config(self):
        return {"units": self.units}


@sound
class LinearLTC(Liquid):
    """Some activations alone."""

    def __init__(self, units, activation="linear", **kwargs):
        super().__init__(units, **kwargs)
        self.activation = one_of("activation", activation, ("linear", "tanh"))

    def get_config(self):
        return {**super().get_config(), "activation": self.activation}

    def advance(self, z, h, t):
        target, log_tau = (affine(z, *pair) for pair in self.heads())
        v = fused(h, target, log_tau, t)
        return ops.tanh(v) if self.activation == "tanh" else v


@sound
class DenseLTC(Liquid):
    """Layers of Keras, whose names the class maps."""

    specification_names = {
        "goal/kernel": "kernel",
        "goal/bias": "bias",
        "tau/kernel": "tau_kernel/kernel",
        "tau/bias": "tau_kernel/bias",
    }

    def add(self, width):
        given = {"dtype": self.dtype_policy, "trainable": self.trainable}
        self.layers = [keras.layers.Dense(self.units, name=name, **given) for name in ("goal", "tau")]
        for layer in self.layers:
            layer.build((None, width))

    def advance(self, z, h, t):
        target, log_tau = (layer(z) for layer in self.layers)
        return ops.tanh(fused(h, target, log_tau, t))


@sound
class EinsumLTC(Liquid):
    """Sums of Einstein's; the mean of target and state by its weights."""

    def advance(self, z, h, t):
        target, log_tau = (ops.einsum("bc,cu->bu", z, kernel) + bias for kernel, bias in self.heads())
        return ops.tanh(fused(h, target, log_tau, t))


@sound
class UntimedLTC(Liquid):
    """A step takes no elapsed time."""

    def call(self, inputs, states):
        h = states[0]
        if inputs.shape[-1] != self.features:
            raise ValueError(f"inputs must have {self.features} features")
        new = ops.cast(self.advance(ops.concatenate([inputs, h], axis=-1), h, 1.0), self.compute_dtype)
        return new, [new]


@sound
class TupleStateLTC(Liquid):
    """States in what they come in: a list or a tuple."""

    def call(self, inputs, states, training=None):
        output, new = super().call(inputs, states)
        return output, type(states)(new)
