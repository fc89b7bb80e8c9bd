"""A layer that is a keras.layers.RNN without `**kwargs`, and that its cell names."""

from sound.base import register, sound
from sound.loops import RnnLoop
from sound.ltc import PlainLTC


@register
class LiquidLayer(RnnLoop):
    """The layer."""


@sound
class LayeredLTC(PlainLTC):
    """A cell that names its layer."""

    sequence_layer = LiquidLayer
