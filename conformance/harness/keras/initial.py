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


class FirstValues:
    """Replaces what Keras's initializers compute, but for `by_initializers`."""

    def __init__(self, keras: Any) -> None:
        self.keras = keras
        self.by_keras = False
        fill: dict[str, Callable[[Any], Any]] = {ZERO: np.zeros, ONE: np.ones}
        fill |= dict.fromkeys(RANDOM, lambda shape: np.random.uniform(-WIDTH, WIDTH, shape))
        for name, values in fill.items():
            kind = getattr(keras.initializers, name)
            kind.__call__ = self._replaced(kind.__call__, values)

    @contextmanager
    def by_initializers(self) -> Iterator[None]:
        """Let Keras compute first values, for requests that are about them."""
        self.by_keras = True
        try:
            yield
        finally:
            self.by_keras = False

    def _replaced(self, original: Any, values: Callable[[Any], Any]) -> Any:
        @wraps(original)
        def call(initializer: Any, shape: Any, dtype: Any = None, **more: Any) -> Any:
            if self.by_keras:
                return original(initializer, shape, dtype=dtype, **more)
            dtype = self.keras.backend.standardize_dtype(dtype)
            exact = "float32" if dtype == "bfloat16" else dtype
            return self.keras.ops.convert_to_tensor(np.asarray(values(tuple(shape)), exact), dtype=dtype)

        return call
