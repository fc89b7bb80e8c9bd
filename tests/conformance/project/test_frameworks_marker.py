"""`-m "not frameworks"` is strict: an unmarked test that wants a framework fails, whatever is installed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

TESTS = """
import subprocess, sys
import pytest
from conformance import start

def test_imports():
    import keras

def test_has_a_child_import():
    subprocess.run([sys.executable, "-c", "import torch"], check=True)

def test_starts_a_harness():
    with start("ncps", "numpy") as implementation:
        implementation.describe()

def test_needs_none():
    import reference

@pytest.mark.frameworks
def test_marked():
    import keras

@pytest.mark.slow
def test_takes_long():
    raise AssertionError
"""


def test_without_the_marker_a_framework_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    command += ["-c", str(ROOT / "pyproject.toml"), "-m", "not frameworks", str(tmp_path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    for name in ("imports", "has_a_child_import", "starts_a_harness"):
        assert f"test_{name} - " in said, said
    assert "3 failed, 1 passed, 2 deselected" in said, said
    assert said.count("mark the test, or its file, with pytest.mark.frameworks") >= 3, said
