"""The closed-form continuous-time layer."""

from collections.abc import Sequence
from typing import Any

import keras

from ncps import _keywords, _pypi
from ncps.cells.base import Activation
from ncps.cells.timed import TimedCell
from ncps.layers.cells import FAMILIES
from ncps.layers.sequence import TimedRNN, of_cell
from ncps.wirings import Wiring


@keras.saving.register_keras_serializable(package="ncps")
class CfC(TimedRNN):
    """Closed-form continuous-time network (CfC) over a sequence, with elapsed time.

    It is a `keras.layers.RNN` with all its options, whose cell takes the time elapsed between samples.

    >>> CfC(32)                                         # 32 units, densely connected
    >>> CfC(32, mode="pure", backbone_units=64)
    >>> CfC(ncps.wirings.AutoNCP(32, 4))                # a wiring, WiredCfCCell
    >>> CfC(CfCCell(32), return_sequences=True)       # a cell that was made before
    >>> CfC([CfCCell(32), CfCCell(8)])                 # two stacked cells

    Args:
        units: Integer of at least 1, number of units of a `CfCCell`; or a wiring of `ncps.wirings`, for a
            `WiredCfCCell`; or a cell with its own arguments and dtype: one of these two, such a
            cell with mixed memory, a cell of your own, or a list of cells. `LTC` takes the LTC cells.
        mixed_memory: Whether to put an LSTM in front of the cell, for long memory. Default False.
        return_sequences: Whether to return the output of every step, not only the last. Default False.
        return_state: Whether to return the last states too. Default False.
        go_backwards: Whether to run from the last sample to the first. Outputs are in the order in which
            they are computed; `backward_timespans` selects the elapsed times. Default False.
        stateful: Whether the last state of a batch is the first of the next. The batch size must be known;
            a batch of another size is rejected with an error. Default False.
        unroll: Whether to unroll the loop over the steps. Default False.
        zero_output_for_mask: Whether the output of a masked step is zeros. Default False.
        time_feature: Whether the last feature of the sequences is the elapsed time. For `Sequential` and for
            Keras's own wrappers, which pass one tensor. Default False.
        masked_time: Treatment of a masked step's elapsed time: `"drop"` ignores it; `"carry"` adds it to the
            time of the next unmasked step, in running order. Without `timespans` each step counts 1. Time
            carried past the end of a sequence is lost. Default `"drop"`.
        backward_timespans: Times that a layer with `go_backwards` reads: `"as_given"`, each sample's own, or
            `"elapsed"`, the time between a sample and the one read before it, and 0 for the first that is
            read. For samples at the times 0, 1, 3, 7, given as 0, 1, 2, 4, the layer reads 4, 2, 1, 0 with
            `"as_given"` and 0, 4, 2, 1 with `"elapsed"`. Default `"as_given"`.
        return_state_sequences: Whether to return each state at every step too; for a wired cell this is the
            potential of every neuron. Default False.
        mode, activation, backbone_units, backbone_layers, backbone_dropout, head_activation, seed: Arguments
            of the `CfCCell`; `mode` and `head_activation` of a `WiredCfCCell` too. By default the backbone
            drops 0.1 of its features while training.
        fully_recurrent, sparse_time_heads: Arguments of the `WiredCfCCell`.
        kernel_initializer, ...: Initializers, regularizers and constraints of the `CfCCell`, and of the LSTM
            of mixed memory. Only the LSTM has those that begin with `recurrent_`.
        **kwargs: `name`, `dtype`, `trainable` and the like, for `keras.layers.Layer`.

    Call arguments:
        sequences: Tensor `(batch, time, features)`, of at least one step.
        initial_state: List of the cell's states, `(batch, size)` each. Default zeros.
        mask: Booleans `(batch, time)`, False where a step does not count. By default the mask that the
            sequences carry, from `Masking` or `Embedding(mask_zero=True)`.
        training: Whether dropout applies; a mask is drawn once for the whole sequence. Default False.
        timespans: Time elapsed since the previous sample, `(batch, time)` or `(batch, time, 1)`, finite and
            not negative, in whatever unit the model is trained with. Without it each is 1. By keyword only.

    A masked step keeps the states and repeats the output of the step before it in this sequence. If there is
    no step before it, its output is zeros for any initial state, also at the beginning of each batch of a
    stateful layer. The values at a masked step are not read; its elapsed time is read only with `"carry"`.

    Output shape:
        `(batch, output_size)`, or `(batch, time, output_size)` with `return_sequences`; with `return_state` a
        tuple of that and each state `(batch, size)`; with `return_state_sequences` each state at every step,
        `(batch, time, size)`, in running order, comes last.

    Raises:
        TypeError, ValueError: for an argument that is not allowed or does not go with the cell, for shapes
            that do not fit, for an empty sequence, and for times known to be negative, infinite or NaN.

    References:
        - [Hasani et al., "Closed-form continuous-time neural networks", Nature Machine Intelligence,
          2022](https://www.nature.com/articles/s42256-022-00556-7).

    Example:

    >>> import keras
    >>> from ncps import CfC
    >>> x, t = keras.Input((None, 3)), keras.Input((None,))
    >>> y = CfC(32, return_sequences=True)(x, timespans=t)
    >>> model = keras.Model([x, t], keras.layers.Dense(1)(y))
    >>> samples, elapsed = keras.random.normal((4, 10, 3)), keras.random.uniform((4, 10))
    >>> model([samples, elapsed]).shape                # (4, 10, 1)
    """

    dense, wired = FAMILIES["CfC"]

    @_pypi.leading("units")
    @_keywords.hand_on(TimedRNN)
    def __init__(
        self,
        units: int | Wiring | TimedCell | Sequence[TimedCell],
        *,
        mode: str = "default",
        activation: Activation = "tanh",
        backbone_units: int = 128,
        backbone_layers: int = 1,
        backbone_dropout: float = 0.1,
        head_activation: Activation = "tanh",
        fully_recurrent: bool = True,
        sparse_time_heads: bool = True,
        seed: int | None = None,
        mixed_memory: bool = False,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        time_feature: bool = False,
        masked_time: str = "drop",
        backward_timespans: str = "as_given",
        return_state_sequences: bool = False,
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
    ) -> None: ...

    mode, head_activation = of_cell("mode"), of_cell("head_activation")
    fully_recurrent, sparse_time_heads = of_cell("fully_recurrent"), of_cell("sparse_time_heads")
