"""First values come from NumPy, unless a request is about them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from conformance.harness.keras.initial import ONE, RANDOM, WIDTH, ZERO, FirstValues


def keras() -> Any:
    """Return a package with the initializers of Keras, each of which gives sevens."""

    def made(name: str) -> type:
        return type(name, (), {"__call__": lambda self, shape, dtype=None: np.full(shape, 7.0)})

    return SimpleNamespace(
        initializers=SimpleNamespace(**{name: made(name) for name in (ZERO, ONE, *RANDOM)}),
        backend=SimpleNamespace(standardize_dtype=lambda dtype: dtype or "float32"),
        ops=SimpleNamespace(convert_to_tensor=lambda value, dtype: value),
    )


def test_they_have_the_shape_and_dtype_that_are_asked_for() -> None:
    package = keras()
    FirstValues(package)
    made = {name: getattr(package.initializers, name)()((2, 3), dtype="float64") for name in RANDOM}
    assert all(value.shape == (2, 3) and value.dtype == np.float64 for value in made.values())
    assert all(0 < np.abs(value).max() <= WIDTH for value in made.values())
    assert package.initializers.Zeros()((2,)).tolist() == [0, 0]
    assert package.initializers.Ones()((2,)).tolist() == [1, 1]


def test_a_request_about_them_gets_those_of_the_initializer() -> None:
    package = keras()
    values = FirstValues(package)
    with values.by_initializers():
        assert package.initializers.Orthogonal()((2, 2)).tolist() == [[7, 7], [7, 7]]
    assert package.initializers.Orthogonal()((2, 2)).tolist() != [[7, 7], [7, 7]]
