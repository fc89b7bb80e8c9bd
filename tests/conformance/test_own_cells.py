"""An adapter of twenty lines: the examples, and what the base does for it."""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from conformance.doctor import examine
from conformance.implementation import ImplementationRaised, NotSupported, start

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [
    pytest.param(name, backend, marks=pytest.mark.skipif(find_spec(backend) is None, reason=f"no {backend}"))
    for name, backend in (("torch_cfc", "torch"), ("jax_cfc", "jax"))
]

PLAIN = '''
import numpy as np
from conformance_harness.own import Cell

def sigmoid(a):
    return 1 / (1 + np.exp(-a))

class Decay(Cell):
    """A dense LTC in NumPy, as simple as can be."""

    family = "ltc"
    arguments = {"units": None, "solver": ("semi_implicit",), "backbone_layers": (0,)}
    variant = {"solver": "explicit"}
    variant_source = "a comment"

    def parameters(self, config, features):
        shape = (features + config["units"], config["units"])
        kernels = {name: np.zeros(shape) for name in ("kernel", "tau_kernel/kernel")}
        return kernels | {name: np.zeros(shape[1]) for name in ("bias", "tau_kernel/bias")}

    def step(self, config, parameters, x, state, t=1.0):
        z = np.concatenate([x, state], axis=-1)
        d = z @ parameters["kernel"] + parameters["bias"]
        tau = np.exp(np.clip(z @ parameters["tau_kernel/kernel"] + parameters["tau_kernel/bias"], -9, 9))
        t = np.reshape(t, (-1, 1))
        new = np.tanh(state + t / (t + tau) * (d - state))
        return new, new

class Forgetful(Decay):
    def parameters(self, config, features):
        found = super().parameters(config, features)
        found["tau"] = found.pop("tau_kernel/bias")
        return found

class Turned(Decay):
    def parameters(self, config, features):
        return {name: value.T for name, value in super().parameters(config, features).items()}

class Wrong(Decay):
    def step(self, config, parameters, x, state, t=1.0):
        new, _ = super().step(config, parameters, x, state, t)
        return 1.001 * new, new

class OneTime(Decay):
    def step(self, config, parameters, x, state, t=1.0):
        return super().step(config, parameters, x, state, np.ravel(t)[0])

class Single(Decay):
    def step(self, config, parameters, x, state, t=1.0):
        return super().step(config, parameters, x, state, t)[0]
'''


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    (folder / "plain.py").write_text(PLAIN)

    def get(name):
        return start(f"plain:{name}", path=folder, regime="x64", threads=1)

    return get


def seen(implementation):
    return examine(implementation, implementation.describe()["cells"][0])


@pytest.mark.parametrize(("name", "backend"), EXAMPLES)
def test_the_examples_are_sound(name, backend):
    folder = ROOT / "examples" / "own_adapter"
    with start(f"{name}:Mine", path=folder, regime="x64", threads=1) as implementation:
        said = implementation.describe()
        assert (said["host"], said["dtypes"]) == (backend, ["float64", "float32"])
        found = seen(implementation)
    assert found.health == "agrees", found.diagnosis
    answers = {answer.method: answer.outcome for answer in found.answers}
    assert answers["step"] == answers["gradients"] == "answers"


def test_a_numpy_cell_is_sound_and_offers_what_is_filled_in(plain):
    with plain("Decay") as implementation:
        found = seen(implementation)
        assert found.health == "agrees", found.diagnosis
        assert set(implementation.describe()["capabilities"]) == {"describe", "build", "parameters", "step"}
        assert found.milliseconds is not None
        assert implementation.describe()["cells"][0]["variant"]["source"] == "a comment"


@pytest.mark.parametrize(
    ("name", "health", "said"),
    [
        ("Forgetful", "wrong adapter", "maps no parameter tau_kernel/bias; it has, under no name.*, tau"),
        (
            "Turned",
            "wrong adapter",
            r"maps kernel to shape \(4, 7\), but the specification has \(7, 4\).*trans",
        ),
        ("Wrong", "departs", "the step departs, and no documented variant fits: output"),
        ("OneTime", "departs", r"a step of several samples is wrong: with elapsed times \(batch, 1\)"),
        ("Single", "wrong adapter", "no step was taken: .*to be returned, not ndarray"),
    ],
)
def test_a_wrong_adapter_is_told_from_a_wrong_formula(plain, name, health, said):
    with plain(name) as implementation:
        found = seen(implementation)
    assert found.health == health, found.diagnosis
    assert re.search(said, found.diagnosis)


def test_an_argument_or_value_that_is_not_declared_is_not_offered(plain):
    model = {"cell": "Decay", "config": {"units": 2, "solver": "explicit"}, "input_dim": 1}
    with plain("Decay") as implementation, pytest.raises(NotSupported, match="has no solver='explicit'"):
        implementation.request("parameters", model=model)


def test_what_a_cell_raises_is_its_own_fault(plain):
    with plain("Single") as implementation:
        model = {"cell": "Single", "config": {"units": 2}, "input_dim": 1}
        values = implementation.request("parameters", model=model)["parameters"]
        asked = {
            "model": model,
            "inputs": np.zeros((1, 1), "float32"),
            "state": [np.zeros((1, 2), "float32")],
        }
        with pytest.raises(ImplementationRaised, match="to be returned"):
            implementation.request("step", parameters=values, **asked)
