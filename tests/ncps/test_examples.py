"""The examples, in their small form: what they say, and the files they write."""

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import ncps  # noqa: F401  what the examples save is loaded here
from tests.ncps.conftest import BACKEND
from tests.waiting import PATIENCE

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

pytestmark = pytest.mark.usefixtures("trainable_backend")


@pytest.fixture(autouse=True, scope="module")
def libraries():
    for name in ("matplotlib", "networkx", "rich", "statsmodels"):
        pytest.importorskip(name)


def run(script, out, *options):
    """What the example prints."""
    command = [sys.executable, str(EXAMPLES / script), "--quick", "--out", str(out), *options]
    environment = {**os.environ, "KERAS_BACKEND": BACKEND, "COLUMNS": "100"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def difference(line):
    """The number at the end of "... differ by at most 3e-07"."""
    return float(re.search(r"differ by at most (\S+)$", line)[1])


def is_picture(path):
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and path.stat().st_size > 10_000


def test_irregular_samples(tmp_path):
    printed = run("co2.py", tmp_path)
    differences = [difference(line) for line in printed.splitlines() if "differ" in line]
    assert len(differences) == 2 and max(differences) < 1e-6
    rows = re.findall(r"│ (.+?) +│ +(\d+) │ +(\d+\.\d+) │ +(\d+\.\d+) │", printed)
    assert [name for name, *_ in rows] == [
        "GRU",
        "GRU, gap as a feature",
        "CfC",
        "LTC, wired",
        "the last sample again",
    ]
    for *_, mae, rmse in rows:
        assert 0 < float(mae) < float(rmse) < 5
    for name, size in (("cfc", 2705), ("ltc", 2487)):
        assert keras.models.load_model(tmp_path / f"{name}.keras").count_params() == size
    assert is_picture(tmp_path / "co2.png")


def test_masked_weeks_and_another_backend_twice_alike(tmp_path):
    other = "numpy"  # starts fastest, and every environment has it
    printed = run("masked.py", tmp_path, "--other", other)
    (line,) = [line for line in printed.splitlines() if "differ" in line]
    assert line.startswith(f"trained on {BACKEND}, loaded on {other}:")
    assert difference(line) < 1e-5
    assert keras.models.load_model(tmp_path / "masked.keras").output_shape == (None, 1)
    assert is_picture(tmp_path / "wiring.png")
    assert run("masked.py", tmp_path, "--other", other) == printed
