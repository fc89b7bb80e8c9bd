"""A layer that knows elapsed time and no option of ours; Keras's Bidirectional is imported beside it."""

from keras.layers import Bidirectional  # noqa: F401

from sound.base import register, sound
from sound.cfc import NoBackboneCfC
from sound.loops import Loop


@sound
class LoopedCfC(NoBackboneCfC):
    """A cell whose module has a layer for it."""


@register
class CfC(Loop):
    """The layer that bears the usual name."""
