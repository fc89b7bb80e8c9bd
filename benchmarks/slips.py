"""A sound cell, and the same with one sign slipped in the gate, for `python benchmarks departing`."""

from typing import Any

import keras

from ncps import CfCCell


@keras.saving.register_keras_serializable(package="benchmarks")
class Sound(CfCCell):
    """A CfC as it should be."""


@keras.saving.register_keras_serializable(package="benchmarks")
class Slipped(CfCCell):
    """A CfC whose gate has the other sign before its offset."""

    def heads(self, timed: bool) -> Any:
        heads = super().heads(timed=True)
        if self.mode == "pure":
            return heads
        *first, (kernel, bias) = heads
        return [*first, (-kernel, -bias)]

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        return super().advance(heads, h, 1.0 if t is None and self.mode != "pure" else t)
