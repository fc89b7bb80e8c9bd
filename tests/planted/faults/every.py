"""Every wrong cell behind one adapter, so that one process serves them all."""

from conformance_harness.keras.cells import KerasCells

from . import cells


class Every(KerasCells):
    """All of them."""

    def __init__(self, target):
        super().__init__(target, cells())
