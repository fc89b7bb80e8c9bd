"""What several tests install, once."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

import pytest

from tests.conformance.wheels import PIP, ROOT, wheel


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the suite."""
    return wheel(ROOT, tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="session")
def user(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of somebody who has both our wheels, and Keras on NumPy, for which that wants jax."""
    folder = tmp_path_factory.mktemp("user")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    cells = wheel(ROOT / "ncps", folder)
    subprocess.run([*PIP, "--python", python, "install", suite, cells, "jax"], check=True)
    return python
