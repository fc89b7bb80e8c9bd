"""Every cell of this package behind one adapter, so that one process serves them all."""

from conformance_harness.keras.cells import KerasCells

from sound import cfc, ltc, mixed, plain_layer, rnn_layer, wired  # noqa: F401
from sound.base import CELLS


class Every(KerasCells):
    """All of them."""

    def __init__(self, target):
        super().__init__(target, CELLS)
