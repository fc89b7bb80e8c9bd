"""The uses of Keras's private modules in this package, with the reason for each.

`keras.layers.RNN` prepares a dropout mask before its loop, and clears it afterwards, only for cells that are
instances of `DropoutRNNCell`. A mask that a cell draws inside the loop leaks a tracer on jax and changes from
step to step on other backends. So no public API gives one mask for a whole sequence.

If the loop fails, Keras neither clears the mask nor notifies the cell. But the cell can detect that the call
in which the mask was drawn has ended, because Keras keeps an object for the current call. Both were observed
in Keras 3.8 to 3.15.

Outside a call a variable has its own dtype, which under a mixed policy differs from the compute dtype. Code
that reads weights outside a call therefore uses an `AutocastScope`, as Keras does inside a call.

A loss that is added inside a compiled loop has no value outside the loop. It must leave through the loop's
carry. So `add_loss` of a cell and of its sublayers, whose list is private in Keras, is replaced while a step
runs.
"""

import contextlib

import keras
from keras.src.backend.common.global_state import get_global_attribute
from keras.src.backend.common.variables import AutocastScope
from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell

__all__ = ["AutocastScope", "DropoutRNNCell", "collecting_losses", "current_call"]


def current_call():
    """Return the object that identifies the current outermost layer call; None outside a call."""
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
