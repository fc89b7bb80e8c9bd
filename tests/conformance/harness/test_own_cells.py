"""An adapter of twenty lines: the examples, and what the base does for it."""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import conformance
from conformance.cli.doctor import examine
from conformance.driver.implementation import ImplementationRaised, NotSupported, start
from conformance.judging.registry import every
from conformance.judging.subject import Subject
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause

pytestmark = pytest.mark.frameworks

ROOT = Path(__file__).resolve().parents[3]
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

class InFloat32(Decay):
    """Computes in single precision, whatever it is given."""

    dtypes = ("float32",)

    def step(self, config, parameters, x, state, t=1.0):
        single = {name: np.asarray(array, "float32") for name, array in parameters.items()}
        x, state, t = (np.asarray(a, "float32") for a in (x, state, t))
        if t.shape not in ((), x.shape[:1], (len(x), 1)):
            raise ValueError(f"elapsed time of shape {t.shape}")
        return super().step(config, single, x, state, t)

class Drifting(Decay):
    """Changes its parameters, those very ones that it is given."""

    def step(self, config, parameters, x, state, t=1.0):
        answer = super().step(config, parameters, x, state, t)
        parameters["bias"] += 1.0
        return answer

class Holding(Decay):
    """Reads arrays of its own, and says which; `drift` is added to them in a step."""

    differentiable = False
    drift = 0.0

    def __init__(self):
        self.kept = {}

    def build(self, config, features, dtype):
        if not isinstance(config["units"], int) or config["units"] < 1:
            raise ValueError("units must be an integer of at least 1")
        key = repr((config, features, dtype))
        if key not in self.kept:
            self.kept[key] = {n: v.astype(dtype) for n, v in self.parameters(config, features).items()}
        return self.kept[key]

    def step(self, config, parameters, x, state, t=1.0):
        own = self.build(config, x.shape[-1], x.dtype.name)
        for name, value in own.items():
            value[...] = parameters[name]
        answer = super().step(config, own, x, state, t)
        own["bias"] += self.drift
        return answer

class HoldingAndDrifting(Holding):
    drift = 1.0

class Lost(Holding):
    """With an array more than the specification has."""

    def build(self, config, features, dtype):
        return {**super().build(config, features, dtype), "more": np.zeros(1, "float16")}

class Secret(Holding):
    """Reads arrays of its own, and tells nobody which."""

    build = Cell.build

    def step(self, config, parameters, x, state, t=1.0):
        return Decay.step(self, config, parameters, x, state, t)

class Careless(Holding):
    def build(self, config, features, dtype):
        return self.parameters(config, features)

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
        assert set(implementation.describe()["capabilities"]) == {"describe", "parameters", "step"}
        assert found.milliseconds is not None
        assert implementation.describe()["cells"][0]["variant"]["source"] == "a comment"


@pytest.mark.parametrize(
    ("name", "health", "said"),
    [
        (
            "Forgetful",
            "wrong adapter",
            "no variable is mapped to parameter tau_kernel/bias; other variables: .*tau",
        ),
        (
            "Turned",
            "wrong adapter",
            r"parameter kernel has shape \(4, 7\), but the specification has \(7, 4\).*trans",
        ),
        ("Wrong", "departs", "the step departs, and no documented variant fits: output"),
        ("OneTime", "departs", "the step departs .*: The time of the first sample is that of all"),
        ("Single", "wrong adapter", r"no step was taken: .*step returns \(output, state\), not ndarray"),
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


ODD = """
class Lists(Decay):
    def step(self, config, parameters, x, state, t=1.0):
        output, state = super().step(config, parameters, x, state, t)
        return output.tolist(), state

class Nothing(Decay):
    def step(self, config, parameters, x, state, t=1.0):
        return None

class Three(Decay):
    def step(self, config, parameters, x, state, t=1.0):
        return (*super().step(config, parameters, x, state, t), 0)

class NoState(Decay):
    def step(self, config, parameters, x, state, t=1.0):
        return super().step(config, parameters, x, state, t)[0], None

class Objects(Decay):
    def step(self, config, parameters, x, state, t=1.0):
        output, state = super().step(config, parameters, x, state, t)
        return output.astype(object), state

class Ragged(Decay):
    def parameters(self, config, features):
        return super().parameters(config, features) | {"bias": [[1.0], [1.0, 2.0]]}

class Step:
    def __call__(self, config, parameters, x, state, t=1.0):
        return Decay.step(None, config, parameters, x, state, t)

class Nameless(Decay):
    step = Step()

class Ranged(Decay):
    arguments = {"units": None, "solver": {"semi_implicit"}, "backbone_layers": range(2)}

class Unsized(Decay):
    arguments = {"solver": ("semi_implicit",)}

class Loose(Decay):
    arguments = {"units": None, "solver": "semi_implicit"}

class Named(Decay):
    arguments = ("units",)
"""


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    (folder := tmp_path_factory.mktemp("odd")).joinpath("odd.py").write_text(PLAIN + ODD)
    return lambda name: start(f"odd:{name}", path=folder, threads=1)


SHAPES = {"kernel": (3, 2), "bias": (2,), "tau_kernel/kernel": (3, 2), "tau_kernel/bias": (2,)}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Lists", "step returns a tensor as its output, not list"),
        ("Nothing", r"step returns \(output, state\), not NoneType"),
        ("Three", r"step returns \(output, state\), not tuple of 3"),
        ("NoState", "step returns a tensor as its state, not NoneType"),
        ("Objects", "it returned .*object"),
        ("Ragged", "no array can be made of list"),
    ],
)
def test_what_is_no_tensor_is_the_cells_fault(odd, name, said):
    model = {"cell": name, "config": {"units": 2}, "input_dim": 1}
    values = {path: np.zeros(shape, "float32") for path, shape in SHAPES.items()}
    asked = {"inputs": np.zeros((1, 1), "float32"), "state": [np.zeros((1, 2), "float32")]}
    with odd(name) as implementation, pytest.raises(ImplementationRaised, match=f"ContractBroken: {said}"):
        implementation.request("step", model=model, parameters=values, **asked)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Unsized", "Unsized.arguments lacks 'units', which every ltc has: add 'units': None"),
        ("Loose", r"Loose.arguments has 'solver': 'semi_implicit'; .*as \('semi_implicit',\), or None"),
        ("Named", r"Named.arguments is a dict of values by name, as \{'units': None\}, not tuple"),
    ],
)
def test_arguments_that_are_none_are_told_when_the_adapter_is_read(odd, name, said):
    with odd(name) as implementation, pytest.raises(NotSupported, match=said):
        implementation.describe()


def test_values_may_be_any_that_can_be_listed(odd):
    with odd("Ranged") as implementation:
        (cell,) = implementation.describe()["cells"]
    assert cell["values"] == {"solver": ["semi_implicit"], "backbone_layers": [0, 1]}


def test_a_step_needs_no_name(odd):
    model = {"cell": "Nameless", "config": {"units": 2}, "input_dim": 1}
    values = {path: np.zeros(shape, "float32") for path, shape in SHAPES.items()}
    asked = {"inputs": np.zeros((1, 1), "float32"), "state": [np.zeros((1, 2), "float32")]}
    with odd("Nameless") as implementation:
        answer = implementation.request("step", model=model, parameters=values, **asked)
    assert answer["output"].shape == (1, 2)


def test_what_a_cell_raises_is_its_own_fault(plain):
    with plain("Single") as implementation:
        model = {"cell": "Single", "config": {"units": 2}, "input_dim": 1}
        values = implementation.request("parameters", model=model)["parameters"]
        asked = {
            "model": model,
            "inputs": np.zeros((1, 1), "float32"),
            "state": [np.zeros((1, 2), "float32")],
        }
        with pytest.raises(ImplementationRaised, match=r"returns \(output, state\)"):
            implementation.request("step", parameters=values, **asked)


@pytest.mark.parametrize(
    ("name", "clause", "outcome", "said"),
    [
        ("Decay", "state.pure", "pass", ""),
        ("Drifting", "state.pure", "fail", "bias after the step"),
        ("Holding", "state.pure", "pass", ""),
        ("HoldingAndDrifting", "state.pure", "fail", "bias after the step"),
        ("Secret", "state.pure", "not applicable", "does not report its parameters after a step"),
        ("Decay", "shape.variables", "not applicable", "no cell is built"),
        ("Holding", "shape.variables", "not applicable", "does not report which of its variables can be tr"),
        ("Lost", "shape.variables", "fail", "variables are not those of the table"),
        ("Decay", "dtype.policy", "not applicable", "no cell is built"),
        ("Lost", "dtype.policy", "fail", "under float32 a variable is not float32"),
        ("Decay", "errors.arguments", "not applicable", "no cell is built"),
        ("Holding", "errors.arguments", "pass", ""),
        ("Careless", "errors.arguments", "fail", "is accepted in silence"),
    ],
)
def test_what_an_adapter_cannot_tell_is_not_passed(plain, name, clause, outcome, said):
    with plain(name) as implementation:
        (cell,) = implementation.describe()["cells"]
        found = judge_clause(every()[clause], Subject(implementation, cell), Plan(6, 1, variant="strict"))
    assert found.outcome == outcome, found
    assert re.search(said, found.failure.summary if found.failure else found.reason)


@pytest.mark.skipif(find_spec("torch") is None, reason="no torch")
@pytest.mark.parametrize("clause", ["shape.variables", "errors.arguments", "state.pure"])
def test_what_an_adapter_tells_is_judged(clause):
    folder = ROOT / "examples" / "own_adapter"
    with start("torch_cfc:Mine", path=folder, regime="x32", threads=1) as implementation:
        (cell,) = implementation.describe()["cells"]
        found = judge_clause(every()[clause], Subject(implementation, cell), Plan(6, 1, variant="strict"))
    assert found.outcome == "pass", found


def test_a_cell_of_one_precision_is_judged_in_that_one(tmp_path):
    (tmp_path / "plain.py").write_text(PLAIN.replace("variant = {", "_ = {"))
    report = conformance.check("plain:InFloat32", path=tmp_path, smoke=True, seed=1)
    assert {verdict.tier for verdict in report.verdicts} == {"float32", None}
    assert "conforms to specification 0.3 in float32 alone" in str(report)
    assert "a quick look, by few examples, in float32 alone and without gradient.inputs" in str(report)
