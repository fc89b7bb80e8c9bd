"""The dense liquid time-constant cell."""

from typing import Any

import keras

from ncps import _arguments, _pypi, activations
from ncps._array import activate, cast, clip, exp, split
from ncps.cells.base import Activation, BaseCell

SOLVERS = ("semi_implicit", "explicit")
LOG_TAU_LIMIT = 9.0  # exp(9) and exp(-9) are normal numbers in float16 too


@keras.saving.register_keras_serializable(package="ncps")
class LTCCell(BaseCell):
    """Liquid time-constant cell (LTC), dense, for `keras.layers.RNN` or to be called by hand.

    Each unit relaxes towards a target with its own time constant. Target and time constant depend on the
    input and the state. With `z = concat(x, h)`, or the backbone's output on it:

        d   = z K + b                                     the target
        tau = exp(clip(z Ktau + btau, -9, 9))             the time constant
        "semi_implicit":  v = h + t / (t + tau) (d - h)   between h and d for every t
        "explicit":       v = h + t / tau (d - h)         stable only while t < 2 tau, see `time_constant`
        h'  = activation(v)

    The output is the new state. The paper's cell, with neurons and synapses, is `WiredLTCCell`.

    Args:
        units: Integer of at least 1, size of the state and of the output.
        activation: Activation applied to v: the name of a Keras activation, a callable, or `"lecun_tanh"`.
            Default `"tanh"`.
        backbone_units: Integer of at least 1, size of the backbone's layers; None without a backbone. Default
            None.
        backbone_layers: Integer of at least 0, number of dense layers in front of the heads. Default 0.
        backbone_dropout: Number of at least 0 and below 1: fraction of each backbone layer's output dropped
            while training. Inside `keras.layers.RNN` a mask holds for a whole sequence; a call by hand draws
            a new one. Default 0.0.
        solver: `"semi_implicit"` or `"explicit"`. Default `"semi_implicit"`.
        backbone_activation: Activation of the backbone. Default `"tanh"`.
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
        - [Hasani et al., "Liquid time-constant networks", AAAI 2021](https://arxiv.org/abs/2006.04439),
          equations 1 and 3, whose fused step is the semi-implicit one.

    Example:

    >>> import keras
    >>> from ncps import LTCCell
    >>> sequence = keras.random.normal((4, 10, 3))
    >>> layer = keras.layers.RNN(LTCCell(16), return_sequences=True)
    >>> layer(sequence).shape                          # (4, 10, 16)
    >>> cell = LTCCell(16, backbone_units=32, backbone_layers=1)
    >>> output, state = cell((sequence[:, 0], 0.5), cell.get_initial_state(batch_size=4))
    """

    @_pypi.leading("units", wired="WiredLTCCell")
    def __init__(
        self,
        units: int,
        activation: Activation = "tanh",
        backbone_units: int | None = None,
        backbone_layers: int = 0,
        backbone_dropout: float = 0.0,
        solver: str = "semi_implicit",
        backbone_activation: Activation = "tanh",
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
            backbone_activation,
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
        if self.backbone_layers == 0 and backbone_units is not None:
            allowed = "None where backbone_layers=0; a backbone needs backbone_layers of at least 1"
            raise _arguments.refusal(ValueError, owner, "backbone_units", backbone_units, allowed)
        self.activation = _arguments.activation(owner, "activation", activation)
        self.solver = _arguments.choice(owner, "solver", solver, SOLVERS)

    def build_heads(self, features):
        self.kernel, self.bias = self.make_weights(features)
        self.tau_kernel = self.make_affine("tau_kernel", features, self.units)

    def heads(self, timed):
        tau = self.tau_kernel
        return [(self.kernel.value, self.bias.value), (tau.kernel.value, tau.bias.value)]

    def advance(self, heads, h, t):
        heads = self._widen(heads)
        d, log_tau = split(heads, [self.units, self.units])
        v = self._relax(self._widen(h), d, log_tau, 1.0 if t is None else self._widen(t))
        return activate(self.activation, v)

    def _relax(self, h, d, log_tau, t):
        """Return v, one solver step of length t from h towards d."""
        tau = _time_constant(log_tau)
        fraction = t / tau if self.solver == "explicit" else t / (t + tau)
        return h + fraction * (d - h)

    def time_constant_of(self, heads):
        return _time_constant(self._widen(heads)[:, self.units :])

    def _widen(self, x):
        """Cast float16 and bfloat16 to float32, because t + tau and t / tau leave float16's range."""
        return cast(x, "float32") if self.compute_dtype in ("float16", "bfloat16") else x

    def get_config(self):
        return {
            **super().get_config(),
            "activation": activations.serialize(self.activation),
            "solver": self.solver,
        }


def _time_constant(log_tau):
    return exp(clip(log_tau, -LOG_TAU_LIMIT, LOG_TAU_LIMIT))
