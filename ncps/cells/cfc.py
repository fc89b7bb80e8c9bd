"""The closed-form continuous-time cell."""

from typing import Any

import keras

from ncps import _arguments, _pypi, activations
from ncps._array import absolute, activate, between, exp, magnitude, sigmoid, split
from ncps.cells.base import Activation, BaseCell

MODES = ("default", "pure", "no_gate")


@keras.saving.register_keras_serializable(package="ncps")
class CfCCell(BaseCell):
    """Closed-form continuous-time cell (CfC), for `keras.layers.RNN` or to be called by hand.

    A liquid network whose differential equation is solved in closed form: no solver, and elapsed time t
    enters the formula. With `z` the backbone's output on `concat(x, h)`, `f1 = z K1 + b1` and
    `f2 = z K2 + b2`:

        "default":  s = sigmoid(-(z Ka + ba) t + (z Kb + bb));  h' = head(f1) (1 - s) + head(f2) s
        "no_gate":  the same s;                                  h' = head(f1) + s head(f2)
        "pure":     h' = A - A f1 exp(-t (|w_tau| + |f1|))

    The output is the new state.

    Args:
        units: Integer of at least 1, size of the state and of the output.
        mode: `"default"`, `"pure"` or `"no_gate"`. Default `"default"`.
        activation: Activation of the backbone: the name of a Keras activation, a callable, or `"lecun_tanh"`.
            Default `"tanh"`.
        backbone_units: Integer of at least 1, size of the backbone's layers. Default 128. If
            `backbone_layers` is 0, it has no effect but is kept in the config.
        backbone_layers: Integer of at least 0, number of dense layers in front of the heads. Default 1.
        backbone_dropout: Number of at least 0 and below 1: fraction of each backbone layer's output dropped
            while training. Inside `keras.layers.RNN` a mask holds for a whole sequence; a call by hand draws
            a new one. Default 0.1.
        head_activation: Activation of f1 and f2, not used by `"pure"`. Default `"tanh"`. The paper's
            TensorFlow code uses `"lecun_tanh"`. Some ports use `"linear"`, with which the state of
            `"no_gate"` can grow without bound.
        seed: Integer of at least 0, or None: seed of the dropout masks. Default None.
        kernel_initializer, bias_initializer: Initializers of every kernel and of every bias, drawn anew for
            each. Default `"glorot_uniform"`, `"zeros"`.
        kernel_regularizer, bias_regularizer: Regularizers of every kernel and of every bias. Default None.
        kernel_constraint, bias_constraint: Constraints of every kernel and of every bias. Default None.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor `(batch, features)`, or a pair `(x, t)` of it and the time elapsed since the previous
            sample, in whatever unit the model is trained with. Without t it is 1.
        states: List of one tensor `(batch, units)`, the previous state; `get_initial_state` gives the first.
        training: Whether dropout applies. Default False.

    Input shape:
        `(batch, features)`; t is a number, `(batch,)` or `(batch, 1)`, finite and not negative.

    Output shape:
        A pair: output `(batch, units)` and a list of the new state `(batch, units)`.

    Raises:
        TypeError, ValueError: at construction for an argument that is not allowed, and at a call for shapes
            that do not fit or a time that is known to be negative, infinite or NaN.

    References:
        - [Hasani et al., "Closed-form continuous-time neural networks", Nature Machine Intelligence,
          2022](https://www.nature.com/articles/s42256-022-00556-7), equations 2 and 5.

    Example:

    >>> import keras
    >>> from ncps import CfCCell
    >>> sequence = keras.random.normal((4, 10, 3))
    >>> layer = keras.layers.RNN(CfCCell(16), return_sequences=True)
    >>> layer(sequence).shape                          # (4, 10, 16)
    >>> cell = CfCCell(16)
    >>> state = cell.get_initial_state(batch_size=4)
    >>> elapsed = keras.ops.convert_to_tensor([0.1, 0.5, 2.0, 0.0])
    >>> output, state = cell((sequence[:, 0], elapsed), state)
    """

    _activation_argument = "activation"

    @_pypi.leading("units", wired="WiredCfCCell", renamed=["backbone_activation"])
    def __init__(
        self,
        units: int,
        mode: str = "default",
        activation: Activation = "tanh",
        backbone_units: int = 128,
        backbone_layers: int = 1,
        backbone_dropout: float = 0.1,
        head_activation: Activation = "tanh",
        seed: int | None = None,
        *,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            backbone_units,
            backbone_layers,
            backbone_dropout,
            seed,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        owner = type(self).__name__
        self.mode = _arguments.choice(owner, "mode", mode, MODES)
        self.activation = self.backbone_activation
        self.head_activation = _arguments.activation(owner, "head_activation", head_activation)

    def build_heads(self, features):
        self.ff1_kernel, self.ff1_bias = self.make_weights(features, "ff1_")
        if self.mode == "pure":
            self.w_tau = self.add_weight(shape=(1, self.units), initializer="zeros", name="w_tau")
            self.A = self.add_weight(shape=(1, self.units), initializer="ones", name="A")
            return
        self.ff2_kernel, self.ff2_bias = self.make_weights(features, "ff2_")
        self.time_a = self.make_affine("time_a", features, self.units)
        self.time_b = self.make_affine("time_b", features, self.units)

    def heads(self, timed):
        first = (self.ff1_kernel.value, self.ff1_bias.value)
        if self.mode == "pure":
            return [first]
        second = (self.ff2_kernel.value, self.ff2_bias.value)
        a = (self.time_a.kernel.value, self.time_a.bias.value)
        b = (self.time_b.kernel.value, self.time_b.bias.value)
        if timed:
            return [first, second, a, b]
        return [first, second, (b[0] - a[0], b[1] - a[1])]  # at t = 1 the two time heads are one

    def advance(self, heads, h, t):
        if self.mode == "pure":
            return self._decayed(heads, t)
        u = self.units
        f, *times = split(heads, [2 * u, u] if t is None else [2 * u, u, u])
        f1, f2 = split(activate(self.head_activation, f), [u, u])
        s = sigmoid(times[0] if t is None else times[1] - t * times[0])
        return f1 + s * f2 if self.mode == "no_gate" else between(f1, f2, s)

    def time_constant_of(self, heads):
        if self.mode == "pure":
            return 1.0 / self._rate(heads)
        return 1.0 / absolute(heads[:, 2 * self.units : 3 * self.units])

    def _rate(self, f1):
        """Return |w_tau| + |f1|."""
        return magnitude(self.w_tau.value) + absolute(f1)

    def _decayed(self, f1, t):
        """Return A - A f1 exp(-t (|w_tau| + |f1|))."""
        amplitude, rate = self.A.value, self._rate(f1)
        decay = exp(-rate if t is None else -t * rate)
        return amplitude - amplitude * f1 * decay

    def get_config(self):
        return {
            **super().get_config(),
            "mode": self.mode,
            "head_activation": activations.serialize(self.head_activation),
        }
