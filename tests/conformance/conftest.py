"""What several tests install, once; and what they wait for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.driver.process import Process
from tests.conformance.wheels import ROOT, interpreter, wheel

LONG = (
    *("test_sound", "test_faults_of_cells", "test_keras_cells", "test_mutants", "test_interrupts"),
    *("test_faults", "test_intermediates", "test_environment", "test_testing", "test_distributions"),
    *("test_known_failures", "test_examples", "test_host_bugs", "test_doctor", "test_diagnosis"),
    *("test_overnight", "test_same_seed", "test_gradients", "test_report_page", "test_docs"),
    *("test_measuring", "test_plugin", "test_nothing_works", "test_javascript", "test_github"),
)
"""Files that take longest on two cores, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest files first, so that no core waits long for another."""
    cost = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: cost.get(item.path.stem, len(LONG)))


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of the suite."""
    return wheel(ROOT, tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of the cells."""
    return wheel(ROOT / "ncps", tmp_path_factory.mktemp("cells"))


@pytest.fixture(scope="session")
def user(suite: Path, cells: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of somebody who has installed both our wheels."""
    return interpreter(tmp_path_factory.mktemp("user") / "venv", suite, cells)


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that shortens the timeout of one method, which hangs, to a fifth of a second.

    So a machine that is slow is not taken for a harness that hangs.
    """
    exchange = Process.exchange

    def hurry(hanging: str) -> None:
        def briefly(process: Process, line: bytes, method: str, seconds: float) -> bytes:
            return exchange(process, line, method, 0.2 if method == hanging else seconds)

        monkeypatch.setattr(Process, "exchange", briefly)

    return hurry
