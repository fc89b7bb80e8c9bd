"""The one name this package takes from Keras's private modules.

`keras.layers.RNN` prepares a dropout mask before its loop, and clears it afterwards, for cells that are
instances of `DropoutRNNCell` and for no others. A mask that a cell draws by itself inside the loop leaks a
tracer on jax and changes from step to step elsewhere, so there is no public way to one mask a sequence. Seen
in Keras 3.8 to 3.15.
"""

from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell

__all__ = ["DropoutRNNCell"]
