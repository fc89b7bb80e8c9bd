"""Mixed memory: an LSTM in front of a liquid cell."""

from typing import Any

import keras
import numpy as np
from keras import ops

from ncps._arguments import entries, refusal, shown
from ncps._array import affine, cast, sigmoid, split, tanh
from ncps._keras_private import DropoutRNNCell
from ncps._pypi import leading
from ncps.cells import shapes, weights
from ncps.cells.timed import TimedCell, freeze_sublayers


@keras.saving.register_keras_serializable(package="ncps")
class MixedMemoryCell(DropoutRNNCell, TimedCell):
    """An LSTM in front of a liquid cell, for `keras.layers.RNN`, `ncps.layers` or to be called by hand.

    The LSTM gives long memory: along c, gradients neither vanish nor explode. The cell gives continuous time:
    it computes the next state from the LSTM's output m and the elapsed time t.

        a, i, f, o = split(x Wx + h Wh + b, 4)
        c' = c sigmoid(f + 1) + tanh(a) sigmoid(i)
        m  = tanh(c') sigmoid(o)
        output, h' = cell(x, m, t)

    Args:
        cell: A cell of this package with one state, not built yet. It becomes the attribute `cell` of this
            one, and takes that name and the dtype of this one. Two cells with mixed memory may share one
            `cell`, and its weights, if their dtype is the same.
        kernel_initializer, recurrent_initializer, bias_initializer: Initializers of `input_kernel`,
            `recurrent_kernel` and `bias`, the LSTM's. Default `"glorot_uniform"`, `"orthogonal"`, `"zeros"`.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: Their regularizers. Default None.
        kernel_constraint, recurrent_constraint, bias_constraint: Their constraints. Default None.
        **kwargs: `name` and the like, for `keras.layers.Layer`. The dtype is by default that of `cell`.

    Call arguments:
        inputs: Tensor `(batch, features)`, or a pair `(x, t)` of it and the time elapsed since the previous
            sample, in whatever unit the model is trained with. Without t it is 1.
        states: List of two tensors `(batch, units)`, the previous h and c; `get_initial_state` gives
            the first.
        training: Whether the cell's dropout applies. Default False.

    Input shape:
        `(batch, features)`; t is a number, `(batch,)` or `(batch, 1)`, finite and not negative.

    Output shape:
        A pair: the output of the cell and a list of the new h and c, `(batch, units)` each.

    Raises:
        TypeError, ValueError: at construction for an argument that is not allowed, and at a call for shapes
            that do not fit or a time that is known to be negative, infinite or NaN.

    References:
        - [Lechner and Hasani, "Learning long-term dependencies in irregularly-sampled time series",
          2020](https://arxiv.org/abs/2006.04418).

    Example:

    >>> import keras
    >>> from ncps import CfCCell, MixedMemoryCell
    >>> sequence = keras.random.normal((4, 10, 3))
    >>> layer = keras.layers.RNN(MixedMemoryCell(CfCCell(16)), return_sequences=True)
    >>> layer(sequence).shape                          # (4, 10, 16)
    >>> cell = MixedMemoryCell(CfCCell(16))
    >>> output, (h, c) = cell((sequence[:, 0], 0.5), cell.get_initial_state(batch_size=4))
    """

    @leading("cell")
    def __init__(
        self,
        cell: TimedCell,
        *,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        owner = type(self).__name__
        if not isinstance(cell, TimedCell) or len(cell.state_sizes) != 1 or cell.built:
            allowed = "a cell of this package with one state, not built yet, such as CfCCell(16)"
            raise refusal(TypeError, owner, "cell", cell, allowed)
        super().__init__(**{"dtype": cell.dtype_policy, **kwargs})
        cell.name, cell.dtype_policy = "cell", self.dtype_policy  # the paths of its variables begin with it
        self.cell = cell
        (self.units,) = cell.state_sizes
        self.state_size = [self.units, self.units]
        weights.assign(
            self,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
        )
        freeze_sublayers(self)

    @property
    def output_size(self):
        """Return the output size of `cell`, read at each access because its wiring may still change."""
        return self.cell.output_size

    def build_cell(self, features):
        self._check_shared()
        width = 4 * self.units
        self.input_kernel = self.add_weight(
            shape=(features, width), name="input_kernel", **weights.options(self, "kernel")
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, width), name="recurrent_kernel", **weights.options(self, "recurrent")
        )
        self.bias = self.add_weight(shape=(width,), name="bias", **weights.options(self, "bias"))
        if not self.cell.built:  # by another that shares it
            self.cell.build((None, features))
        shapes.check_input(type(self.cell).__name__, (None, features), self.cell.input_dim)

    def _check_shared(self):
        """Raise ValueError if another `MixedMemoryCell` shares the cell and has given it another dtype."""
        own, its = self.dtype_policy, self.cell.dtype_policy
        if (own.variable_dtype, own.compute_dtype) != (its.variable_dtype, its.compute_dtype):
            allowed = f"that of the cell, which another MixedMemoryCell shares and made {shown(its.name)}"
            advice = "; give both one dtype, or each a cell of its own"
            raise refusal(ValueError, type(self).__name__, "dtype", own.name, allowed + advice)

    def prepare(self, x, timed, training=False):
        """Return the input's part of the gates with the cell's prepared features, and a step for both."""
        gates, remember = self._prepare_memory(x)
        features, cell_step = self.cell.prepare_sequence(x, timed, training)
        several = isinstance(features, tuple)

        def step(gates_and_features, states, t):
            gates, *features = gates_and_features
            m, c = remember(gates, *states)
            output, (h,) = cell_step(tuple(features) if several else features[0], [m], t)
            return output, [h, c]

        return (gates, *features) if several else (gates, features), step

    def _prepare_memory(self, x):
        """Return the input's part of the gates, and a function from it, h and c to m and the new c."""
        units, recurrent, dtype = self.units, self.recurrent_kernel.value, self.compute_dtype

        def remember(gates, h, c):
            a, opened = split(affine(h, recurrent, gates), [units, 3 * units])
            i, f, o = split(sigmoid(opened), [units, units, units])
            c = cast(c * f + tanh(a) * i, dtype)  # NumPy makes float32 of some products of bfloat16
            return cast(tanh(c) * o, dtype), c

        forget = ops.convert_to_tensor(np.repeat([0.0, 0.0, 1.0, 0.0], units), dtype=x.dtype)
        return x @ self.input_kernel.value + (self.bias.value + forget), remember

    def find_time_constant(self, x, t, states):
        gates, remember = self._prepare_memory(x)
        m, _ = remember(gates, *states)
        return self.cell.find_time_constant(x, t, [m])

    @property
    def overridden(self):
        """Return whether the step of this cell, or that of `cell`, is overridden."""
        return super().overridden or self.cell.overridden

    # Keras's RNN draws the masks of a sequence through these; they are the cell's.

    def get_dropout_mask(self, step_input):
        return self.cell.get_dropout_mask(step_input) if isinstance(self.cell, DropoutRNNCell) else None

    def reset_dropout_mask(self):
        if isinstance(self.cell, DropoutRNNCell):
            self.cell.reset_dropout_mask()

    def get_recurrent_dropout_mask(self, step_input):
        """Return None: the state has no dropout of its own."""

    def reset_recurrent_dropout_mask(self):
        """Do nothing: there is no mask to clear."""

    def get_config(self):
        cell = keras.saving.serialize_keras_object(self.cell)
        cell.pop("build_config", None)  # this cell builds it, when it is built itself
        options = weights.config(self, "kernel", "recurrent", "bias")
        return {**super().get_config(), "cell": cell, **options}

    @classmethod
    def from_config(cls, config):
        entries(f"{cls.__name__}.from_config", "the config", config, ["cell"])
        cell = keras.saving.deserialize_keras_object(config["cell"])
        return super().from_config({**config, "cell": cell})
