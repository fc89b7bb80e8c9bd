"""What Keras imports in a harness: less than it could, and nothing is taken from whoever else wants it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.harness.lean_imports import unneeded

pytestmark = pytest.mark.frameworks

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys
from conformance.harness.lean_imports import unneeded, withhold

withhold()
import keras

names = unneeded(keras.backend.backend())
print(*(name for name in names if name in sys.modules))
for name in names:
    __import__(name)
"""


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_keras_does_without_some_packages_and_others_have_them(backend: str) -> None:
    environment = {**os.environ, "KERAS_BACKEND": backend}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_jax_is_withheld_where_keras_does_not_compute_with_it() -> None:
    assert "jax" in unneeded("torch") and "jax" in unneeded("tensorflow")
    assert "jax" not in unneeded("jax") and "jax" not in unneeded("numpy"), "numpy's kernels are those of JAX"
