"""What this package takes from Keras's private modules, and why it must.

`keras.layers.RNN` prepares a dropout mask before its loop, and clears it afterwards, for cells that are
instances of `DropoutRNNCell` and for no others. A mask that a cell draws by itself inside the loop leaks a
tracer on jax and changes from step to step elsewhere, so there is no public way to one mask a sequence.

If the loop fails, nothing is cleared and the cell is not told. What it can see is that the call in which the
mask was drawn is over: Keras keeps an object for the call that runs. Both seen in Keras 3.8 to 3.15.

Outside of a call a variable has its own dtype, which under a mixed policy is not the one to compute in: what
reads weights without a call does so in an `AutocastScope`, as Keras does in a call.

A loss that is added inside a compiled loop has no value outside of it. It must leave through the loop's
carry, so `add_loss` of a cell and of its sublayers, which Keras lists in private, is replaced while a step
runs.
"""

import contextlib

import keras
from keras.src.backend.common.global_state import get_global_attribute
from keras.src.backend.common.variables import AutocastScope
from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell

__all__ = ["AutocastScope", "DropoutRNNCell", "collecting_losses", "current_call"]


def current_call():
    """What stands for the outermost layer call that runs now, an object of its own; None outside of any."""
    return get_global_attribute("current_call_ctx")


@contextlib.contextmanager
def collecting_losses(layer):
    """Collect in a list the losses that `layer` and its sublayers add; Keras does not see them."""
    collected = []
    layers = list(layer._flatten_layers())
    for each in layers:
        vars(each)["add_loss"] = lambda loss: collected.extend(keras.tree.flatten(loss))
    try:
        yield collected
    finally:
        for each in layers:
            del vars(each)["add_loss"]
