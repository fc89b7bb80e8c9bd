"""What holds for every test."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).resolve().parent
REFUSING = TESTS / "without_frameworks"
"""Its `sitecustomize` refuses frameworks, here and in every process that a test starts."""
TOO_LONG = ("nightly", "slow")

settings.register_profile("patient", deadline=None)  # how long an example takes, the machine decides
settings.load_profile("patient")


def numpy_alone(config: pytest.Config) -> bool:
    """Return whether the tests that need a framework are left out."""
    return "not frameworks" in config.option.markexpr


def pytest_configure(config: pytest.Config) -> None:
    """Refuse every framework, so that a test that lacks its marker fails."""
    if numpy_alone(config):
        inherited = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(REFUSING), *([inherited] if inherited else [])])
        sys.path.insert(0, str(REFUSING))
        sys.modules.pop("sitecustomize", None)  # that of the machine, which was run already
        import sitecustomize  # noqa: F401


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests of the cells, which import Keras as they are collected."""
    return True if numpy_alone(config) and collection_path == TESTS / "ncps" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests of the cells; without frameworks, leave out what takes long and is not asked for."""
    for item in items:
        if item.path.is_relative_to(TESTS / "ncps"):
            item.add_marker("frameworks")
    if numpy_alone(config):
        unasked = [name for name in TOO_LONG if name not in config.option.markexpr]
        left_out = {item for item in items if any(item.get_closest_marker(name) for name in unasked)}
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]
