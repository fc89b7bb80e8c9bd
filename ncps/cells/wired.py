"""Base of the wired cells: the wiring, its graph once the number of inputs is known, and the config."""

import copy
from typing import Any

import keras

from ncps import _arguments
from ncps.cells.timed import TimedCell
from ncps.wirings import Wiring


class WiredCell(TimedCell):
    """Base of cells whose neurons and synapses are those of a wiring.

    The cell builds the wiring that it is given, so that the wiring can be drawn, and keeps a copy. Later
    changes of the wiring do not change the cell.

    Args:
        wiring: `ncps.wirings.Wiring`, the neurons and their synapses.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.
    """

    def __init__(self, wiring: Wiring, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(wiring, Wiring):
            allowed = "a wiring, such as ncps.wirings.AutoNCP(32, 4)"
            raise _arguments.refusal(TypeError, type(self).__name__, "wiring", wiring, allowed)
        self.wiring = wiring

    # Those of the wiring as it is now: until the cell is built, its owner may change it.

    @property
    def state_size(self):
        """Return the number of neurons."""
        return self.wiring.units

    @property
    def output_size(self):
        """Return the number of motor neurons."""
        return self.wiring.output_dim

    def build_cell(self, features):
        self.wiring.build(features)
        self.wiring = copy.deepcopy(self.wiring)
        self.build_wired(features)

    def build_wired(self, features):
        """Make the weights, after the wiring is built."""
        raise NotImplementedError(f"{type(self).__name__} does not define build_wired(features)")

    def get_config(self):
        return {**super().get_config(), "wiring": keras.saving.serialize_keras_object(self.wiring)}

    @classmethod
    def from_config(cls, config):
        _arguments.entries(f"{cls.__name__}.from_config", "the config", config, ["wiring"])
        wiring = keras.saving.deserialize_keras_object(config["wiring"])
        return super().from_config({**config, "wiring": wiring})
