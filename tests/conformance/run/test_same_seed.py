"""One seed is one report, whoever asks and by however many processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.planted import PLANTED
from tests.waiting import PATIENCE

pytestmark = pytest.mark.frameworks

ROOT = Path(__file__).parents[3]
CLAUSES = "time.scalar,state.sizes,errors.inputs,serialization.config.json"


def timeless(value: Any) -> Any:
    """A report without what a clock and a command line say."""
    if isinstance(value, dict):
        return {k: timeless(item) for k, item in value.items() if k not in ("seconds", "command")}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def reported(path: Path, *arguments: str) -> str:
    """The report of a run of a target that has a fault, but for its times; the order of everything counts."""
    target = ["faults:TimeIgnored", "--path", str(PLANTED), "--backend", "numpy", "--clause", CLAUSES]
    command = [
        sys.executable,
        "-m",
        "conformance",
        "run",
        *target,
        "--smoke",
        "--json",
        str(path),
        *arguments,
    ]
    assert subprocess.run(command, capture_output=True, timeout=PATIENCE).returncode == 1
    return json.dumps(timeless(json.loads(path.read_text())))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> str:
    return reported(tmp_path_factory.mktemp("first") / "a.json", "--seed", "5", "--jobs", "2")


def test_the_same_seed_gives_the_same_report(first: str, tmp_path: Path) -> None:
    assert reported(tmp_path / "a.json", "--seed", "5", "--jobs", "1") == first


def test_another_seed_gives_another(first: str, tmp_path: Path) -> None:
    assert reported(tmp_path / "a.json", "--seed", "6", "--jobs", "2") != first
