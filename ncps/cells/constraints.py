"""The weight constraint of the wired cells."""

import keras
from keras import ops

from ncps._array import clip


@keras.saving.register_keras_serializable(package="ncps")
class AtLeast(keras.constraints.Constraint):
    """Constraint that keeps a weight at `minimum` or above.

    Args:
        minimum: Number, the smallest value allowed.
    """

    def __init__(self, minimum):
        self.minimum = minimum

    def __call__(self, w):
        return clip(ops.convert_to_tensor(w), self.minimum, float("inf"))

    def get_config(self):
        return {"minimum": self.minimum}
