"""First values of variables, from NumPy where nobody asks for them, because Keras compiles them by shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np

ZERO, ONE = "Zeros", "Ones"
RANDOM = ("RandomNormal", "TruncatedNormal", "RandomUniform", "VarianceScaling", "Orthogonal")
"""The initializers of Keras that the others derive from; an initializer of somebody else's is left alone."""

WIDTH = 0.1
"""The largest random value."""

Values = Callable[[tuple[int, ...]], Any]


@contextmanager
def values_of_numpy(keras: Any) -> Iterator[None]:
    """Replace what Keras's initializers compute by zeros, ones or small random values of NumPy."""
    values: dict[str, Values] = {ZERO: np.zeros, ONE: np.ones, **dict.fromkeys(RANDOM, _random)}
    kinds = {getattr(keras.initializers, name): of for name, of in values.items()}
    originals = {kind: kind.__call__ for kind in kinds}
    try:
        for kind, of in kinds.items():
            kind.__call__ = _replaced(keras, originals[kind], of)
        yield
    finally:
        for kind, original in originals.items():
            kind.__call__ = original


def _random(shape: tuple[int, ...]) -> Any:
    return np.random.uniform(-WIDTH, WIDTH, shape)


def _replaced(keras: Any, original: Any, values: Values) -> Any:
    @wraps(original)
    def call(initializer: Any, shape: Any, dtype: Any = None, **more: Any) -> Any:
        if not isinstance(shape, (tuple, list)) or not all(isinstance(size, int) for size in shape):
            return original(initializer, shape, dtype=dtype, **more)  # of a symbolic shape, for instance
        dtype = keras.backend.standardize_dtype(dtype)
        exact = "float32" if dtype == "bfloat16" else dtype
        return keras.ops.convert_to_tensor(np.asarray(values(tuple(shape)), exact), dtype=dtype)

    return call
