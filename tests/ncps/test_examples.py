"""The examples, in their small form: what they say, and the files they write."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import ncps  # what the examples save is loaded here
from tests.ncps.conftest import BACKEND
from tests.waiting import PATIENCE

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

pytestmark = pytest.mark.usefixtures("trainable_backend")


@pytest.fixture(autouse=True, scope="module")
def libraries():
    for name in ("matplotlib", "networkx", "rich", "statsmodels"):
        pytest.importorskip(name)


trains = pytest.mark.nightly if BACKEND != "torch" else pytest.mark.usefixtures()
"""Of a test that trains the models of an example: where they are compiled first it takes a minute."""


def run(script, out, *options):
    """Run an example and return what it prints."""
    command = [sys.executable, str(EXAMPLES / script), "--quick", "--out", str(out), *options]
    environment = {**os.environ, "KERAS_BACKEND": BACKEND, "COLUMNS": "100"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def difference(line):
    """Return the number at the end of "... differ by at most 3e-07"."""
    return float(re.search(r"differ by at most (\S+)$", line)[1])


def is_picture(path):
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and path.stat().st_size > 10_000


@trains
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


@trains
def test_a_convolution_over_irregular_samples(tmp_path):
    rows = re.findall(r"│ (.+?) +│ +(\d+) │ +(\d+\.\d+) │", run("convolution.py", tmp_path))
    assert [name for name, *_ in rows] == [
        "GRU behind the convolution",
        "CfC, LTC without convolution",
        "convolution, gaps summed",
        "convolution, every second gap",
        "convolution, gaps to it alone",
        "the last sample again",
    ]
    for *_, error in rows:
        assert 0 < float(error) < 3
    assert is_picture(tmp_path / "convolution.png")


@trains
def test_the_neurons_of_a_network(tmp_path):
    printed = run("neurons.py", tmp_path)
    rows = re.findall(r"│ +(\d+) │ (\w+) +│ +(\S+) │ +(\S+) │ +(\S+) │", printed)
    assert [(int(neuron), layer) for neuron, layer, *_ in rows] == [
        *((k, "inter") for k in range(5, 13)),
        *((k, "command") for k in range(1, 5)),
        (0, "motor"),
    ]
    for *_, lowest, highest, correlation in rows:
        assert float(lowest) <= float(highest) and -1 <= float(correlation) <= 1
    assert is_picture(tmp_path / "neurons.png")


@trains
def test_masked_weeks_and_another_backend_twice_alike(tmp_path):
    other = "numpy"  # starts fastest, and every environment has it
    printed = run("masked.py", tmp_path, "--other", other)
    (line,) = [line for line in printed.splitlines() if "differ" in line]
    assert line.startswith(f"trained on {BACKEND}, loaded on {other}:")
    assert difference(line) < 1e-5
    assert keras.models.load_model(tmp_path / "masked.keras").output_shape == (None, 1)
    assert is_picture(tmp_path / "wiring.png")
    assert run("masked.py", tmp_path, "--other", other) == printed


def imported(script):
    """Return the example as a module, to try what it computes without training."""
    specification = importlib.util.spec_from_file_location(script.removesuffix(".py"), EXAMPLES / script)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_outputs_of_the_convolution_stand_where_the_times_say():
    """Check that each output depends on no later sample, and the last output on the last sample."""
    example = imported("convolution.py")
    elapsed = np.random.default_rng(1).uniform(1, 4, size=(1, example.STEPS)).astype("float32")
    samples = keras.Input((example.STEPS, 1))
    model = keras.Model(samples, example.convolved(samples, keras.ops.convert_to_tensor(elapsed)))
    zero = np.zeros((1, example.STEPS, 1), "float32")
    stands = np.cumsum(keras.ops.convert_to_numpy(example.summed(elapsed))[0])
    last_seen = np.zeros(len(stands), int)
    for step in range(example.STEPS):
        changed = zero.copy()
        changed[0, step] = 1.0
        difference = keras.ops.convert_to_numpy(model(changed)) - keras.ops.convert_to_numpy(model(zero))
        last_seen[np.abs(difference[0]).max(axis=-1) > 0] = step
    np.testing.assert_allclose(stands, np.cumsum(elapsed[0])[last_seen], rtol=1e-5)
    assert last_seen[-1] == example.STEPS - 1


def test_potentials_are_those_of_the_layer():
    example = imported("neurons.py")
    layer = ncps.LTC(ncps.wirings.AutoNCP(13, 1), return_sequences=True, return_state=True)
    rng = np.random.default_rng(2)
    samples, elapsed = rng.normal(size=(6, 1)).astype("float32"), rng.uniform(1, 4, 6).astype("float32")
    outputs, state = layer(samples[None], timespans=elapsed[None])
    got_outputs, potentials = example.states(layer, samples, elapsed)
    np.testing.assert_allclose(got_outputs, keras.ops.convert_to_numpy(outputs)[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(potentials[-1], keras.ops.convert_to_numpy(state)[0], rtol=1e-4, atol=1e-5)
