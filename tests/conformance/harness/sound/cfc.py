"""CfC cells."""

import keras
from keras import ops
from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell

from sound.base import Cell, affine, gated, one_of, positive, pure, register, sound

HEADS = (("ff1_kernel", "ff1_bias"), ("ff2_kernel", "ff2_bias"))
TIMES = (("time_a/kernel", "time_a/bias"), ("time_b/kernel", "time_b/bias"))


class Gated(Cell):
    """Heads by the names of `pairs`, after a backbone of `widths`."""

    pairs = (*HEADS, *TIMES)
    hidden = "backbone_{}"
    mode = "default"

    @property
    def widths(self):
        return []

    def add(self, width):
        backbone = []
        for i, size in enumerate(self.widths):
            name = self.hidden.format(i)
            backbone.append(self.pair(f"{name}/kernel", f"{name}/bias", width, size))
            width = size
        self.backbone = lambda: backbone
        self.add_heads(width)

    def add_heads(self, width):
        if self.mode == "pure":
            self.ff1 = self.pair(*self.pairs[0], width)
            self.w_tau = self.weight("w_tau", 1, self.units, initializer="zeros")
            self.amplitude = self.weight("A", 1, self.units, initializer="ones")
        else:
            heads = [self.pair(*names, width) for names in self.pairs]
            self.heads = lambda: heads

    def featured(self, z):
        for pair in self.backbone():
            z = ops.tanh(affine(z, *pair))
        return z

    def advance(self, z, h, t):
        z = self.featured(z)
        if self.mode == "pure":
            return pure(affine(z, *self.ff1), self.w_tau, self.amplitude, t)
        f1, f2, a, b = (affine(z, *pair) for pair in self.heads())
        return gated(ops.tanh(f1), ops.tanh(f2), a, b, t, self.mode)


@sound
class NoBackboneCfC(Gated):
    """No argument about a backbone, and none about activations."""


@sound
class OnlyLayersCfC(Gated):
    """`backbone_layers=0` alone."""

    def __init__(self, units, backbone_layers=0, **kwargs):
        super().__init__(units, **kwargs)
        self.backbone_layers = one_of("backbone_layers", backbone_layers, (0,))

    def get_config(self):
        return {**super().get_config(), "backbone_layers": self.backbone_layers}


@sound
class DeepCfC(Gated):
    """Any number of layers, each of six features."""

    def __init__(self, units, backbone_layers=1, **kwargs):
        super().__init__(units, **kwargs)
        if type(backbone_layers) is not int or backbone_layers < 0:
            raise ValueError(f"backbone_layers must be a natural number, got {backbone_layers!r}")
        self.backbone_layers = backbone_layers

    @property
    def widths(self):
        return [6] * self.backbone_layers

    def get_config(self):
        return {**super().get_config(), "backbone_layers": self.backbone_layers}


@sound
class ShallowCfC(Gated):
    """One layer or two, of a size to be given."""

    def __init__(self, units, backbone_units=8, backbone_layers=1, **kwargs):
        super().__init__(units, **kwargs)
        self.backbone_units = positive("backbone_units", backbone_units)
        self.backbone_layers = one_of("backbone_layers", backbone_layers, (1, 2))

    @property
    def widths(self):
        return [self.backbone_units] * self.backbone_layers

    def get_config(self):
        own = {"backbone_units": self.backbone_units, "backbone_layers": self.backbone_layers}
        return {**super().get_config(), **own}


@sound
class FixedBackboneCfC(Gated):
    """Always one layer of five features."""

    widths = (5,)


@sound
class TwoLayersCfC(Gated):
    """Always two layers, of a size to be given."""

    def __init__(self, units, backbone_units=8, **kwargs):
        super().__init__(units, **kwargs)
        self.backbone_units = positive("backbone_units", backbone_units)

    @property
    def widths(self):
        return [self.backbone_units] * 2

    def get_config(self):
        return {**super().get_config(), "backbone_units": self.backbone_units}


@sound
class DroppingCfC(DropoutRNNCell, Gated):
    """Dropout behind a backbone of one layer, whose activation cannot be chosen."""

    def __init__(self, units, backbone_units=8, backbone_dropout=0.0, **kwargs):
        super().__init__(units, **kwargs)
        self.backbone_units = positive("backbone_units", backbone_units)
        if not 0.0 <= backbone_dropout < 1.0:
            raise ValueError(f"backbone_dropout must be in [0, 1), got {backbone_dropout!r}")
        self.dropout, self.recurrent_dropout = backbone_dropout, 0.0
        self.seed_generator = keras.random.SeedGenerator()

    @property
    def widths(self):
        return [self.backbone_units]

    def get_config(self):
        own = {"backbone_units": self.backbone_units, "backbone_dropout": self.dropout}
        return {**super().get_config(), **own}

    def get_dropout_mask(self, step_input):
        """Return the mask of a sequence, which Keras asks for by a first sample."""
        return super().get_dropout_mask(ops.ones((ops.shape(step_input)[0], self.backbone_units)))

    def call(self, inputs, states, training=None):
        self.training = training
        return super().call(inputs, states)

    def featured(self, z):
        features = super().featured(z)
        if not self.training or not self.dropout:
            return features
        held = getattr(self, "_dropout_mask", None) is not None  # by a layer, which asked before its loop
        mask = self.get_dropout_mask(z)
        if not held:
            self.reset_dropout_mask()
        return features * ops.cast(mask, self.compute_dtype)


@sound
class PureCfC(Gated):
    """The mode pure, and no other."""

    mode = "pure"


@sound
class ModesCfC(Gated):
    """Two of the modes."""

    def __init__(self, units, mode="default", **kwargs):
        super().__init__(units, **kwargs)
        self.mode = one_of("mode", mode, ("default", "no_gate"))

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}


@sound
class KerasActivationsCfC(FixedBackboneCfC):
    """The activations of Keras, which knows no lecun_tanh."""

    def __init__(self, units, activation="tanh", head_activation="tanh", **kwargs):
        super().__init__(units, **kwargs)
        for name, value in (("activation", activation), ("head_activation", head_activation)):
            try:
                setattr(self, name, keras.activations.get(value))
            except ValueError:
                raise ValueError(f"{name}: {value!r} is no activation of Keras") from None

    def get_config(self):
        names = ("activation", "head_activation")
        own = {name: keras.activations.serialize(getattr(self, name)) for name in names}
        return {**super().get_config(), **own}

    def advance(self, z, h, t):
        (pair,) = self.backbone()
        z = self.activation(affine(z, *pair))
        f1, f2, a, b = (affine(z, *pair) for pair in self.heads())
        return gated(self.head_activation(f1), self.head_activation(f2), a, b, t)


@sound
class RenamedCfC(DeepCfC):
    """Names of its own, which the class maps."""

    hidden = "hidden_{}"
    pairs = (("slow/w", "slow/b"), ("fast/w", "fast/b"), ("rate/w", "rate/b"), ("shift/w", "shift/b"))
    specification_names = {
        "hidden_{i}/kernel": "backbone_{i}/kernel",
        "hidden_{i}/bias": "backbone_{i}/bias",
        "slow/w": "ff1_kernel",
        "slow/b": "ff1_bias",
        "fast/w": "ff2_kernel",
        "fast/b": "ff2_bias",
        "rate/w": "time_a/kernel",
        "rate/b": "time_a/bias",
        "shift/w": "time_b/kernel",
        "shift/b": "time_b/bias",
    }


@register
class Unfamiliar(Gated):
    """No family in its name, and names of its own, which a file maps."""

    pairs = RenamedCfC.pairs


@sound
class DenseCfC(Cell):
    """Heads that are layers of Keras."""

    specification_names = {f"ff{i}/{part}": f"ff{i}_{part}" for i in (1, 2) for part in ("kernel", "bias")}

    def add(self, width):
        dense = keras.layers.Dense
        names = ("ff1", "ff2", "time_a", "time_b")
        self.heads = [
            dense(self.units, name=name, dtype=self.dtype_policy, trainable=self.trainable) for name in names
        ]
        for head in self.heads:
            head.build((None, width))

    def advance(self, z, h, t):
        f1, f2, a, b = (head(z) for head in self.heads)
        return gated(ops.tanh(f1), ops.tanh(f2), a, b, t)


@sound
class DenseInInitCfC(DenseCfC):
    """The same, made by the constructor."""

    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)
        dense, names = keras.layers.Dense, ("ff1", "ff2", "time_a", "time_b")
        self.heads = [
            dense(units, name=name, dtype=self.dtype_policy, trainable=self.trainable) for name in names
        ]

    def add(self, width):
        for head in self.heads:
            head.build((None, width))


@sound
class EinsumCfC(NoBackboneCfC):
    """Sums of Einstein's, for input and state apart."""

    def advance(self, z, h, t):
        x = z[:, : self.features]

        def head(kernel, bias):
            of_x = ops.einsum("bi,iu->bu", x, kernel[: self.features])
            return of_x + ops.einsum("bi,iu->bu", h, kernel[self.features :]) + bias

        f1, f2, a, b = (head(*pair) for pair in self.heads())
        return gated(ops.tanh(f1), ops.tanh(f2), a, b, t)


@sound
class UntimedCfC(NoBackboneCfC):
    """A step takes no elapsed time."""

    def read(self, inputs):
        if isinstance(inputs, (list, tuple)):
            raise ValueError("inputs must be one tensor")
        return super().read(inputs)


@sound
class TupleStateCfC(NoBackboneCfC):
    """States in what they come in: a list or a tuple."""

    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)
        self.state_size = (units,)

    def call(self, inputs, states, training=None):
        output, new = super().call(inputs, states)
        return output, type(states)(new)


@sound
class BareStateCfC(NoBackboneCfC):
    """The one state, in no list."""

    def call(self, inputs, states, training=None):
        given = states if isinstance(states, (list, tuple)) else [states]
        output, _ = super().call(inputs, given)
        return output, output


@sound
class PositionalCfC(NoBackboneCfC):
    """The units are given by place alone."""

    def __init__(self, units, /, **kwargs):
        super().__init__(units, **kwargs)

    @classmethod
    def from_config(cls, config):
        return cls(config.pop("units"), **config)


@sound
class WeightsInInitCfC(NoBackboneCfC):
    """The constructor is told the number of features, and makes the weights."""

    def __init__(self, units, input_dim, **kwargs):
        super().__init__(units, **kwargs)
        self.features = positive("input_dim", input_dim)
        self.add(input_dim + units)

    def build(self, input_shape):
        self.built = True

    def get_config(self):
        return {**super().get_config(), "input_dim": self.features}


@sound
class AutoConfigCfC(NoBackboneCfC):
    """The config is the one that Keras makes of the constructor's arguments."""

    get_config = keras.layers.Layer.get_config


@sound
class UnitsAloneCfC(NoBackboneCfC):
    """The constructor takes the units, and nothing of Keras's."""

    def __init__(self, units):
        super().__init__(units)

    def get_config(self):
        return {"units": self.units}


@sound
class DoubleCfC(NoBackboneCfC):
    """Computes in float64 alone."""

    def __init__(self, units):
        super().__init__(units, dtype="float64")

    def get_config(self):
        return {"units": self.units}


def step(weights, z, t):
    """Return the new state, as a function of the weights."""
    f1, f2, a, b = (affine(z, *pair) for pair in weights)
    return gated(ops.tanh(f1), ops.tanh(f2), a, b, t)


@sound
class FunctionalCfC(NoBackboneCfC):
    """The step is a function."""

    def advance(self, z, h, t):
        return step(self.heads(), z, t)


@sound
class OrdinaryCfC(keras.layers.Layer):
    """A layer of Keras without an initial state."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = positive("units", units)

    compute_output_shape = Cell.compute_output_shape
    build, weight, pair, read = Cell.build, Cell.weight, Cell.pair, Cell.read
    call = Cell.call
    add, advance = DenseCfC.add, DenseCfC.advance
    specification_names = DenseCfC.specification_names

    def get_config(self):
        return {**super().get_config(), "units": self.units}
