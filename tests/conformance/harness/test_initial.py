"""First values come from NumPy while a request is answered that is not about them."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.harness.keras.initial import ONE, RANDOM, WIDTH, ZERO, values_of_numpy

JUDGE = """
import numpy as np
import conformance

options = {"backend": "numpy", "smoke": True, "seed": 1, "in_process": True}
report = conformance.check("ncps:CfCCell", clause="initialization.values,cfc.step.default", **options)
assert report.conforms, str(report)

from keras.initializers import RandomUniform

assert np.min(RandomUniform(2.0, 3.0)((4,))) >= 2.0
"""


def stand_in() -> Any:
    """Return a package with the initializers of Keras, each of which gives sevens."""

    def made(name: str) -> type:
        return type(name, (), {"__call__": lambda self, shape, dtype=None: np.full(shape, 7.0)})

    return SimpleNamespace(
        initializers=SimpleNamespace(**{name: made(name) for name in (ZERO, ONE, *RANDOM)}),
        backend=SimpleNamespace(standardize_dtype=lambda dtype: dtype or "float32"),
        ops=SimpleNamespace(convert_to_tensor=lambda value, dtype: value),
    )


def test_they_have_the_shape_and_dtype_that_are_asked_for() -> None:
    keras = stand_in()
    with values_of_numpy(keras):
        made = [getattr(keras.initializers, name)()((2, 3), dtype="float64") for name in RANDOM]
        assert all(value.shape == (2, 3) and value.dtype == np.float64 for value in made)
        assert all(0 < np.abs(value).max() <= WIDTH for value in made)
        assert keras.initializers.Zeros()([2]).tolist() == [0, 0]
        assert keras.initializers.Ones()((2,)).tolist() == [1, 1]


def test_of_a_symbolic_shape_they_are_those_of_keras() -> None:
    keras = stand_in()
    with values_of_numpy(keras):
        assert keras.initializers.Zeros()((np.int64(2), 1)).tolist() == [[7], [7]]
        assert keras.initializers.Zeros()(2).tolist() == [7, 7]


def test_afterwards_they_are_what_they_were() -> None:
    keras = stand_in()
    with pytest.raises(ValueError, match="whatever"), values_of_numpy(keras):
        raise ValueError("whatever")
    assert keras.initializers.Orthogonal()((2, 2)).tolist() == [[7, 7], [7, 7]]


@pytest.mark.frameworks
def test_judged_in_a_users_process_keras_is_as_it_was_and_initial_values_are_judged() -> None:
    done = subprocess.run([sys.executable, "-c", JUDGE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
