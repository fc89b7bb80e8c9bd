"""Base of the dense cells: a backbone and heads, all affine layers, on the concatenated input and state."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from ncps import _arguments, activations
from ncps._array import affine, cast
from ncps._keras_private import DropoutRNNCell, current_call
from ncps.cells import shapes, weights
from ncps.cells.backbone import Affine, chain, dropout_masks
from ncps.cells.timed import TimedCell

Activation = str | Callable[[Any], Any] | None


@keras.saving.register_keras_serializable(package="ncps")
class BaseCell(DropoutRNNCell, TimedCell):
    """Base of the dense liquid cells, for `keras.layers.RNN`, `ncps.layers` or to be called by hand.

    One step runs `concat(x, h)` through the backbone and the heads, which are affine, and then
    `h' = advance(heads, h, t)`; the output is the new state. A subclass makes the heads' weights in
    `build_heads`, returns them from `heads` and computes the new state in `advance`:

    >>> class Leaky(BaseCell):
    ...     def build_heads(self, features):
    ...         self.kernel = self.add_weight(shape=(features, self.units), name="kernel")
    ...         self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
    ...     def heads(self, timed):
    ...         return [(self.kernel.value, self.bias.value)]
    ...     def advance(self, heads, h, t):
    ...         t = 1.0 if t is None else t
    ...         return h + (heads - h) * t / (1.0 + t)

    Args:
        units: Integer of at least 1, size of the state and of the output.
        backbone_activation: Activation of the backbone's layers. Default `"tanh"`.
        backbone_units: Integer of at least 1, or None: size of the backbone's layers. Default None.
        backbone_layers: Integer of at least 0, number of the backbone's layers. Default 0.
        backbone_dropout: Number of at least 0 and below 1: fraction of each backbone layer's output dropped
            while training. Inside `keras.layers.RNN` a mask holds for a whole sequence; a call by hand draws
            a new one. Default 0.0.
        seed: Integer of at least 0, or None: seed of the dropout masks. Default None.
        kernel_initializer, bias_initializer: Initializers of every kernel and of every bias, drawn anew for
            each. Default `"glorot_uniform"`, `"zeros"`.
        kernel_regularizer, bias_regularizer: Regularizers of every kernel and of every bias. Default None.
        kernel_constraint, bias_constraint: Constraints of every kernel and of every bias. Default None.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor `(batch, features)`, or a pair `(x, t)` of it and the time elapsed since the previous
            sample: a number, `(batch,)` or `(batch, 1)`, finite and not negative. Without it t is 1.
        states: List of one tensor `(batch, units)`, the previous state.
        training: Whether dropout applies. Default False.

    Returns:
        A pair of the output `(batch, units)` and a list of the new state `(batch, units)`.

    Raises:
        TypeError, ValueError: for an argument, a shape or a time that is not allowed.
    """

    def __init__(
        self,
        units: int,
        backbone_activation: Activation = "tanh",
        backbone_units: int | None = None,
        backbone_layers: int = 0,
        backbone_dropout: float = 0.0,
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
        super().__init__(**kwargs)
        owner = type(self).__name__
        self.units = _arguments.integer(owner, "units", units, minimum=1)
        self.backbone_activation = _arguments.activation(
            owner, self._activation_argument, backbone_activation
        )
        self.backbone_layers = _arguments.integer(owner, "backbone_layers", backbone_layers, minimum=0)
        self.backbone_units = self._checked_backbone_units(backbone_units)
        self.backbone_dropout = _arguments.rate(owner, "backbone_dropout", backbone_dropout)
        self.seed = _arguments.optional_integer(owner, "seed", seed, minimum=0)
        weights.assign(
            self,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        self.state_size = self.output_size = self.units
        self.reset_dropout_mask()
        if self._drops:
            self.seed_generator = keras.random.SeedGenerator(self.seed)

    # The name under which a subclass takes the backbone's activation, for the message of a refusal.
    _activation_argument = "backbone_activation"

    def _checked_backbone_units(self, value):
        owner, name = type(self).__name__, "backbone_units"
        if self.backbone_layers == 0:
            return _arguments.optional_integer(owner, name, value, minimum=0)
        if value is None:
            allowed = f"an integer of at least 1 where backbone_layers={self.backbone_layers}"
            raise _arguments.refusal(ValueError, owner, name, value, allowed)
        return _arguments.integer(owner, name, value, minimum=1)

    @property
    def _drops(self):
        return self.backbone_layers > 0 and self.backbone_dropout > 0

    def build_cell(self, features):
        width = features + self.units
        self.backbone = []
        for i in range(self.backbone_layers):
            self.backbone.append(self.make_affine(f"backbone_{i}", width, self.backbone_units))
            width = self.backbone_units
        self.build_heads(width)

    def make_affine(self, name: str, features: int, units: int) -> Affine:
        """Make a kernel `(features, units)` and a bias `(units,)` below `name`, with this cell's options."""
        kernel, bias = weights.options(self, "kernel"), weights.options(self, "bias")
        layer = Affine(units, kernel, bias, dtype=self.dtype_policy, name=name)
        layer.build((None, features))
        return layer

    def make_weights(self, features: int, prefix: str = "") -> tuple[keras.Variable, keras.Variable]:
        """Make a kernel `(features, units)` and a bias `(units,)` of the cell's own, with its options."""
        shape = (features, self.units)
        kernel = self.add_weight(shape=shape, name=f"{prefix}kernel", **weights.options(self, "kernel"))
        return kernel, self.add_weight(shape=shape[1:], name=f"{prefix}bias", **weights.options(self, "bias"))

    def build_heads(self, features):
        """Make the weights of the heads; `features` is the last size of the backbone's output."""
        raise NotImplementedError(f"{type(self).__name__} does not define build_heads(features)")

    def heads(self, timed):
        """Return the affine heads for `advance` as a list of tensors `(kernel (features, n), bias (n,))`.

        Args:
            timed: Whether elapsed times are given. Without them each is 1, and heads may be combined.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define heads(timed)")

    def advance(self, heads, h, t):
        """Return the new state `(batch, units)`, in the compute dtype or wider.

        Args:
            heads: Values of the heads, concatenated, `(batch, n)`.
            h: Previous state `(batch, units)`.
            t: Elapsed time, a number or `(batch, 1)`; None stands for 1.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define advance(heads, h, t)")

    def prepare(self, x, timed, training=False):
        """Return the input's part of the first affine layer, for all samples, and the rest as the step."""
        projected, evaluate = self.prepare_heads(x, timed, training)
        dtype = self.compute_dtype

        def step(projected, states, t):
            (h,) = states
            new = cast(self.advance(evaluate(projected, h), h, t), dtype)
            return new, [new]

        return projected, step

    def prepare_heads(self, x, timed, training=False):
        """Return the input's part of the first affine layer, and a function from it and h to the heads."""
        layers = [(layer.kernel.value, layer.bias.value) for layer in self.backbone]
        kernels, biases = zip(*self.heads(timed), strict=True)
        layers.append((ops.concatenate(kernels, axis=-1), ops.concatenate(biases, axis=-1)))
        (kernel, bias), *rest = layers
        masks = self._masks(x) if training and self._drops else None
        recurrent, activation = kernel[self.input_dim :], self.backbone_activation

        def evaluate(projected, h):
            return chain(rest, activation, affine(h, recurrent, projected), masks)

        return x @ kernel[: self.input_dim] + bias, evaluate

    def find_time_constant(self, x, t, states):
        projected, evaluate = self.prepare_heads(x, timed=True)
        return self.time_constant_of(evaluate(projected, states[0]))

    def time_constant_of(self, heads):
        """Return the time constants `(batch, units)` for the heads' values, in the form for `advance`."""
        raise NotImplementedError(f"{type(self).__name__} has no time constants")

    def _masks(self, x):
        """Return the masks of the current sequence, or new ones outside a sequence."""
        if self._dropout_masks is not None and self._sequence is current_call():
            return self._dropout_masks
        return dropout_masks(
            self.backbone_layers,
            (ops.shape(x)[-2], self.backbone_units),
            self.backbone_dropout,
            self.compute_dtype,
            self.seed_generator,
        )

    def get_dropout_mask(self, step_input):
        """Draw the masks of a sequence; only `keras.layers.RNN` calls this, before its loop."""
        shapes.check_input(type(self).__name__, step_input.shape, self.input_dim)
        self.reset_dropout_mask()
        if self._drops:
            self._dropout_masks, self._sequence = self._masks(step_input), current_call()
        return self._dropout_masks

    def reset_dropout_mask(self):
        """Clear the masks of a sequence; `keras.layers.RNN` calls this after a loop that did not fail."""
        self._dropout_masks = self._sequence = None

    def get_recurrent_dropout_mask(self, step_input):
        """Return None: the state has no dropout of its own."""

    def reset_recurrent_dropout_mask(self):
        """Do nothing: there is no mask to clear."""

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            self._activation_argument: activations.serialize(self.backbone_activation),
            "backbone_units": self.backbone_units,
            "backbone_layers": self.backbone_layers,
            "backbone_dropout": self.backbone_dropout,
            "seed": self.seed,
            **weights.config(self, "kernel", "bias"),
        }
