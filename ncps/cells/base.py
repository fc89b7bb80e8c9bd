"""What all liquid cells share: arguments, backbone, state, elapsed time, dropout masks."""

import keras
from keras import ops

from ncps import _arguments, activations
from ncps._keras_private import DropoutRNNCell
from ncps.cells import shapes, time
from ncps.cells.backbone import apply_backbone, backbone_layers, dropout_masks


@keras.saving.register_keras_serializable(package="ncps")
class BaseCell(DropoutRNNCell, keras.layers.Layer):
    """Base of the liquid cells, for `keras.layers.RNN` or to be called by hand.

    One step is `z = backbone(concat(x, h))` and then `h' = advance(z, h, t)`; the output is the new state. A
    subclass makes its weights in `build_heads` and its step in `advance`:

    >>> class Leaky(BaseCell):
    ...     def build_heads(self, features):
    ...         self.kernel = self.add_weight(shape=(features, self.units), name="kernel")
    ...     def advance(self, z, h, t):
    ...         t = 1.0 if t is None else t
    ...         return h + (keras.ops.matmul(z, self.kernel) - h) * t / (1.0 + t)

    Args:
        units: Integer of at least 1, size of the state and of the output.
        backbone_activation: Activation of the backbone's layers. Default `"tanh"`.
        backbone_units: Integer of at least 1, or None: size of the backbone's layers. Default None.
        backbone_layers: Integer of at least 0, number of the backbone's layers. Default 0.
        backbone_dropout: Number of at least 0 and below 1: fraction of each backbone layer's output dropped
            while training. Inside `keras.layers.RNN` a mask holds for a whole sequence; a call by hand draws
            a new one. Default 0.0.
        seed: Integer of at least 0, or None: seed of the dropout masks. Default None.
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
        units,
        backbone_activation="tanh",
        backbone_units=None,
        backbone_layers=0,
        backbone_dropout=0.0,
        seed=None,
        **kwargs,
    ):
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
        self.state_size = self.output_size = self.units
        self.input_dim = None
        self._dropout_masks = None
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

    def build(self, input_shape):
        """Makes the weights.

        Args:
            input_shape: `(batch, features)`, or a pair of it and the shape of t; lists after a reload.
        """
        x_shape, _ = shapes.split(input_shape)
        shapes.check_input(type(self).__name__, x_shape)
        self.input_dim = x_shape[-1]
        features = self.input_dim + self.units
        self.backbone = backbone_layers(self.backbone_units, self.backbone_layers, self.dtype_policy)
        for layer in self.backbone:
            layer.build((None, features))
            features = self.backbone_units
        self.build_heads(features)

    def build_heads(self, features):
        """Makes the weights behind the backbone; `features` is the last size of its output."""
        raise NotImplementedError(f"{type(self).__name__} does not define build_heads(features)")

    def advance(self, z, h, t):
        """The new state `(batch, units)`, in the compute dtype or wider.

        Args:
            z: Output of the backbone `(batch, features)`.
            h: Previous state `(batch, units)`.
            t: Elapsed time, a scalar or `(batch, 1)`; None stands for 1.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define advance(z, h, t)")

    def __call__(self, inputs, states, **kwargs):
        """Checks elapsed time while its values can be seen, then goes the way of every Keras layer."""
        if isinstance(inputs, (list, tuple)):
            inputs = self._admit(inputs)
        return super().__call__(inputs, states, **kwargs)

    def _admit(self, inputs):
        owner = type(self).__name__
        if len(inputs) != 2:
            raise ValueError(
                f"{owner}: inputs must be a tensor x or a pair (x, t), got {len(inputs)} elements"
            )
        x, t = inputs
        return x, time.admit(owner, t, self.compute_dtype)

    def call(self, inputs, states, training=False):
        x, t = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
        nested = isinstance(states, (list, tuple))
        states = states if nested else [states]
        self._check_shapes(x.shape, None if t is None else t.shape, [s.shape for s in states])
        (h,) = states
        masks = self._masks(x) if training and self._drops else None
        z = ops.cast(ops.concatenate([x, h], axis=-1), self.compute_dtype)
        z = apply_backbone(self.backbone, self.backbone_activation, z, masks)
        new = ops.cast(self.advance(z, h, None if t is None else time.as_column(t)), self.compute_dtype)
        return new, [new] if nested else new

    def _check_shapes(self, x_shape, t_shape, states_shapes):
        owner = type(self).__name__
        shapes.check_input(owner, x_shape, self.input_dim)
        shapes.check_states(owner, states_shapes, x_shape[0], self.units)
        if t_shape is not None:
            time.check_shape(owner, tuple(t_shape), x_shape[0])

    def _masks(self, x):
        """The masks of this sequence, or inside no sequence new ones."""
        if self._dropout_masks is not None:
            return self._dropout_masks
        return dropout_masks(
            self.backbone_layers,
            (ops.shape(x)[0], self.backbone_units),
            self.backbone_dropout,
            self.compute_dtype,
            self.seed_generator,
        )

    def get_dropout_mask(self, step_input):
        """Draws the masks of a sequence; only `keras.layers.RNN` calls this, before its loop."""
        shapes.check_input(type(self).__name__, step_input.shape, self.input_dim)
        self.reset_dropout_mask()
        if self._drops:
            self._dropout_masks = self._masks(step_input)
        return self._dropout_masks

    def reset_dropout_mask(self):
        """Forgets the masks of a sequence; `keras.layers.RNN` calls this after its loop."""
        self._dropout_masks = None

    def get_recurrent_dropout_mask(self, step_input):
        """None: the state has no dropout of its own."""

    def reset_recurrent_dropout_mask(self):
        """Nothing to forget."""

    def get_initial_state(self, batch_size=None):
        """A list of one state of zeros, `(batch_size, units)`, in the compute dtype."""
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype)]

    def compute_output_shape(self, inputs_shape, states_shape=None):
        """The shapes `(output, [state])` of a call, which is checked as the call itself is."""
        x_shape, t_shape = shapes.split(inputs_shape)
        shape = (x_shape[0], self.units)
        states_shape = [shape] if states_shape is None else states_shape
        nested = shapes.is_nested(states_shape)
        self._check_shapes(x_shape, t_shape, states_shape if nested else [states_shape])
        return shape, [shape] if nested else shape

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            self._activation_argument: activations.serialize(self.backbone_activation),
            "backbone_units": self.backbone_units,
            "backbone_layers": self.backbone_layers,
            "backbone_dropout": self.backbone_dropout,
            "seed": self.seed,
        }
