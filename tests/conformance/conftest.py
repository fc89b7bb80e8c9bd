"""What several tests install, once; and what they wait for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.process import Process
from tests.conformance.wheels import ROOT, interpreter, wheel


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the suite."""
    return wheel(ROOT, tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the cells."""
    return wheel(ROOT / "ncps", tmp_path_factory.mktemp("cells"))


@pytest.fixture(scope="session")
def user(suite: Path, cells: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of somebody who has installed both our wheels."""
    return interpreter(tmp_path_factory.mktemp("user") / "venv", suite, cells)


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
