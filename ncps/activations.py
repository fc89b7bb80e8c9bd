"""The activation `lecun_tanh`, which Keras does not have; conversion of names to functions and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from ncps import _array


def lecun_tanh(x: Any) -> Any:
    """Apply the scaled hyperbolic tangent, `1.7159 * tanh(0.666 * x)`.

    The constants keep the variance of unit-variance inputs near one, and f(1) near 1. With `0.666`, as in the
    published code of the liquid cells, f(1) is 0.9994; LeCun's `2/3` gives 1.0000.

    Args:
        x: Tensor of any shape, floating point.

    Returns:
        Tensor of the shape and dtype of `x`, between -1.7159 and 1.7159.

    Reference:
        - LeCun et al., "Efficient BackProp", 1998, section 4.4.

    Example:

    >>> from ncps import CfCCell, lecun_tanh
    >>> y = lecun_tanh(keras.ops.ones((2, 3)))
    >>> cell = CfCCell(8, activation="lecun_tanh")
    """
    symbolic = keras.backend.is_keras_tensor(x)
    x = x if symbolic or ops.is_tensor(x) else ops.convert_to_tensor(x)
    tanh = ops.tanh if symbolic else _array.tanh
    y = 1.7159 * tanh(0.666 * x)
    return y if y.dtype == x.dtype else ops.cast(y, x.dtype)  # NumPy's bfloat16 times a number is float32


# Not as a decorator, behind which a type checker would lose the function: Keras has no types.
keras.saving.register_keras_serializable(package="ncps")(lecun_tanh)


def get(identifier: str | dict[str, Any] | Callable[..., Any] | None) -> Callable[..., Any]:
    """Return the activation for `identifier`: `"lecun_tanh"`, or anything that `keras.activations.get` takes.

    Raises:
        ValueError or TypeError: if `identifier` names no activation.
    """
    if identifier == "lecun_tanh":
        return lecun_tanh
    return keras.activations.get(identifier)


def serialize(activation: Callable[..., Any]) -> str | dict[str, Any]:
    """Return an activation in plain JSON form, as a name where it has one; `get` reads it back."""
    if activation is lecun_tanh:
        return "lecun_tanh"
    return keras.activations.serialize(activation)
