"""Cells and layers with a fault that could look like one of the suite."""

import keras

import ncps

register = keras.saving.register_keras_serializable(package="unsound")


@register
class Patient(ncps.CfC):
    """A layer that takes `time_feature` and ignores it."""

    def __init__(self, units, **kwargs):
        kwargs.pop("time_feature", None)
        super().__init__(units, **kwargs)


@register
class Bidirectional(ncps.layers.Bidirectional):
    """Ignores `merge_mode=None`."""

    def __init__(self, layer, merge_mode="concat", **kwargs):
        super().__init__(layer, merge_mode=merge_mode or "concat", **kwargs)


@register
class TimeFeatureIgnored(ncps.CfCCell):
    """A sound cell, whose layer is not."""

    sequence_layer = Patient


@register
class Sound(ncps.CfC):
    """A layer as it is, in a module with a Bidirectional."""


@register
class HalvesJoined(ncps.CfCCell):
    """A sound cell in a sound layer, whose Bidirectional is not."""

    sequence_layer = Sound


@register
class SeventhCall(ncps.LTCCell):
    """Is off at every seventh call."""

    calls = 0

    def call(self, inputs, states, training=None):
        output, states = super().call(inputs, states, training=training)
        self.calls += 1
        return (output + 0.5, states) if self.calls % 7 == 0 else (output, states)
