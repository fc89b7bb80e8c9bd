"""What several tests install, once; and what they wait for."""

from __future__ import annotations

import subprocess
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.process import Process
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


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the answers to one method, which hangs, waited for a fifth of a second, and others as ever.

    So a machine that is slow is not taken for a harness that hangs.
    """
    exchange = Process.exchange

    def hurry(hanging: str) -> None:
        def briefly(process: Process, line: bytes, method: str, seconds: float) -> bytes:
            return exchange(process, line, method, 0.2 if method == hanging else seconds)

        monkeypatch.setattr(Process, "exchange", briefly)

    return hurry
