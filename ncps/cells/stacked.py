"""A stack of cells: each cell reads the output of the one before."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ncps._arguments import entries, refusal
from ncps._keras_private import DropoutRNNCell
from ncps.cells.timed import TimedCell, freeze_sublayers


@keras.saving.register_keras_serializable(package="ncps")
class StackedCells(DropoutRNNCell, TimedCell):
    """Liquid cells on top of each other, for `ncps.layers`, `keras.layers.RNN` or to be called by hand.

    The first cell reads the input; each other cell reads the output of the cell before it. All use the same
    elapsed time t. `keras.layers.StackedRNNCells` does the same without elapsed time.

    Args:
        cells: List of cells of this package, of one dtype, not built yet.
        **kwargs: `name` and the like, for `keras.layers.Layer`. The dtype is that of the cells.

    Call arguments:
        inputs: Tensor `(batch, features)`, or a pair `(x, t)` of it and the time elapsed since the previous
            sample: a number, `(batch,)` or `(batch, 1)`, finite and not negative. Without t it is 1.
        states: List of the states of the first cell, then those of the second, and so on, each
            `(batch, size)`.
        training: Whether the cells' dropout applies. Default False.

    Returns:
        A pair of the last cell's output and a list of the new states, in the same order.

    Raises:
        TypeError, ValueError: for an argument, a shape or a time that is not allowed.

    Example:

    >>> import keras
    >>> from ncps import CfC, CfCCell, LTCCell
    >>> layer = CfC([CfCCell(32), LTCCell(8)])         # the same as CfC(StackedCells([...]))
    >>> samples, elapsed = keras.random.normal((4, 10, 3)), keras.random.uniform((4, 10))
    >>> layer(samples, timespans=elapsed).shape        # (4, 8)
    """

    def __init__(self, cells: Sequence[TimedCell], **kwargs: Any) -> None:
        owner = type(self).__name__
        allowed = "a list of cells of this package, not built yet, of one dtype, no cell twice"
        fits = isinstance(cells, (list, tuple)) and len(cells) > 0
        fits = fits and len({id(cell) for cell in cells}) == len(cells)
        if not fits or not all(isinstance(cell, TimedCell) and not cell.built for cell in cells):
            raise refusal(TypeError, owner, "cells", cells, allowed)
        dtype = keras.dtype_policies.get(kwargs.pop("dtype", None) or cells[0].dtype_policy)
        if any(cell.dtype_policy != dtype for cell in cells):
            raise refusal(ValueError, owner, "cells", cells, allowed)
        super().__init__(dtype=dtype, **kwargs)
        self.cells = list(cells)
        freeze_sublayers(self)

    @property
    def state_size(self):
        """Return the sizes of all states: those of the first cell, then of the second, and so on."""
        return [size for cell in self.cells for size in cell.state_sizes]

    @property
    def output_size(self):
        """Return the output size of the last cell."""
        return self.cells[-1].output_size

    @property
    def overridden(self):
        """Return whether the step of this stack, or that of one of its cells, is overridden."""
        return self._has_own_step or any(cell.overridden for cell in self.cells)

    @property
    def _has_own_step(self):
        return super().overridden or type(self).prepare is not StackedCells.prepare

    def in_sequence(self):
        """Return the cells, including those of nested stacks; the stack itself if its step is overridden."""
        return [self] if self._has_own_step else [c for cell in self.cells for c in cell.in_sequence()]

    def build_cell(self, features):
        for cell in self.cells:
            cell.build((None, features))
            features = cell.output_size

    def split_states(self, states):
        """Split the list of states into one list for each cell."""
        states = iter(states)
        return [[next(states) for _ in cell.state_sizes] for cell in self.cells]

    def prepare(self, x, timed, training=False):
        """Return what the first cell prepares, and the step, in which the other cells get their inputs."""
        first, *others = self.cells
        features, first_step = first.prepare_sequence(x, timed, training)

        def step(features, states, t):
            own, *theirs = self.split_states(states)
            output, new = first_step(features, own, t)
            for cell, states in zip(others, theirs, strict=True):
                features, cell_step = cell.prepare_sequence(output, timed, training)
                output, states = cell_step(features, states, t)
                new = [*new, *states]
            return output, new

        return features, step

    # Keras's RNN draws the masks of a sequence through these; they are the cells'.

    def get_dropout_mask(self, step_input):
        for cell in self.cells:
            if isinstance(cell, DropoutRNNCell):
                cell.get_dropout_mask(ops.zeros((ops.shape(step_input)[0], cell.input_dim), step_input.dtype))

    def reset_dropout_mask(self):
        for cell in self.cells:
            if isinstance(cell, DropoutRNNCell):
                cell.reset_dropout_mask()

    def get_recurrent_dropout_mask(self, step_input):
        """Return None: the state has no dropout of its own."""

    def reset_recurrent_dropout_mask(self):
        """Do nothing: there is no mask to clear."""

    def get_config(self):
        cells = [keras.saving.serialize_keras_object(cell) for cell in self.cells]
        for cell in cells:
            cell.pop("build_config", None)  # this cell builds them, when it is built itself
        return {**super().get_config(), "cells": cells}

    @classmethod
    def from_config(cls, config):
        entries(f"{cls.__name__}.from_config", "the config", config, ["cells"])
        cells = [keras.saving.deserialize_keras_object(cell) for cell in config["cells"]]
        return super().from_config({**config, "cells": cells})
