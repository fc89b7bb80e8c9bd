"""The adapter of Keras cells, through the wire: our own cells, third parties', and PyPI's."""

import os
import textwrap
from pathlib import Path

import numpy as np
import pytest

from conformance.driver import implementation as driver
from conformance.driver.implementation import ImplementationRaised, NotSupported, RequestRefused
from conformance.harness import wire
from conformance.options import importable_backends

pytestmark = pytest.mark.frameworks

ROOT = Path(driver.__file__).parents[2]
BACKENDS = [b for b in importable_backends() if b != "openvino"]
FAST = [b for b in BACKENDS if b in ("numpy", "torch")]
PEER = os.environ.get("NCPS_CONFORMANCE_PEER_PYTHON")


@pytest.fixture(scope="module")
def ours():
    """Our own cells, a harness a backend, started when first asked for."""
    running = {}

    def get(backend):
        if backend not in running:
            running[backend] = driver.start("ncps", backend, path=ROOT, threads=1)
        return running[backend]

    yield get
    for implementation in running.values():
        implementation.close()


CONFIG = {"units": 3, "backbone_units": 4, "backbone_layers": 1, "backbone_dropout": 0.5}
CELLS = ["CfCCell", "LTCCell"]
STEP_ULPS = 64
"""Compiled and eager may round otherwise; a wrong weight or state is off by far more."""


def model(cell, **changes):
    return {"cell": cell, "config": CONFIG, "input_dim": 2, **changes}


def draw(*shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def question(implementation, cell, **changes):
    """Model, parameters, inputs and state of a step."""
    about = model(cell, **changes)
    initial = implementation.request("parameters", model=about)["parameters"]
    dtype = about.get("dtype", "float32")
    parameters = {
        name: draw(*value.shape, dtype=dtype, seed=k) for k, (name, value) in enumerate(initial.items())
    }
    return {
        "model": about,
        "parameters": parameters,
        "inputs": draw(2, 2, dtype=dtype),
        "state": [draw(2, 3, dtype=dtype)],
    }


def sequence_question(implementation, cell, **changes):
    asked = question(implementation, cell, **changes)
    del asked["state"]
    return {**asked, "inputs": draw(2, 4, 2)}


def near(got, want):
    return np.allclose(
        got, want, rtol=0, atol=STEP_ULPS * np.finfo(np.float32).eps * (1 + np.abs(want).max())
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_describe_says_what_is_judged_and_where(ours, backend):
    said = ours(backend).describe()
    assert [(cell["name"], cell["family"]) for cell in said["cells"]] == [
        ("CfCCell", "cfc"),
        ("LTCCell", "ltc"),
        ("MixedMemoryCell", "mixed_memory"),
        ("WiredCfCCell", "wired_cfc"),
        ("WiredLTCCell", "wired_ltc"),
    ]
    assert {cell["layer"] for cell in said["cells"]} == {"CfC", "LTC"}
    assert (said["backend"], said["host"], said["protocol"]) == (backend, "keras", "1")
    assert Path(said["file"]).is_relative_to(ROOT)
    assert {"units", "mode", "head_activation"} <= set(said["cells"][0]["arguments"])
    assert said["cells"][0]["defaults"]["backbone_units"] == 128


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_variable_is_found_under_the_specifications_name(ours, backend, cell):
    built = ours(backend).request("build", model=model(cell))
    parameters = ours(backend).request("parameters", model=model(cell))["parameters"]
    assert [v["name"] for v in built["variables"]] == list(parameters)
    assert {v["name"]: tuple(v["shape"]) for v in built["variables"]} == {
        k: v.shape for k, v in parameters.items()
    }
    assert (built["state_size"], built["output_size"]) == ([3], 3)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_step_is_the_same_compiled_eager_and_echoed(ours, backend, cell):
    asked = question(ours(backend), cell) | {"timespans": np.array([[0.5], [2.0]], np.float32)}
    answer = ours(backend).request("step", **asked)
    eager = ours(backend).request("step", **asked, eager=True, echo=True)
    assert near(eager["output"], answer["output"]) and near(eager["state"][0], answer["state"][0])
    assert answer["dtypes"] == {"output": "float32", "state": ["float32"]}
    assert {k: v.tolist() for k, v in eager["after"]["parameters"].items()} == {
        k: v.tolist() for k, v in asked["parameters"].items()
    }
    assert np.array_equal(eager["after"]["inputs"], asked["inputs"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_given_parameters_are_used(ours, backend):
    asked = question(ours(backend), "CfCCell")
    other = {**asked["parameters"], "ff1_bias": asked["parameters"]["ff1_bias"] + 1}
    first = ours(backend).request("step", **asked)["output"]
    assert not near(ours(backend).request("step", **{**asked, "parameters": other})["output"], first)
    assert np.array_equal(ours(backend).request("step", **asked)["output"], first)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sequence_is_its_steps(ours, backend):
    asked = sequence_question(ours(backend), "CfCCell")
    state = [draw(2, 3, seed=5)]
    options = {"return_sequences": True, "return_state": True}
    answer = ours(backend).request("sequence", **asked, initial_state=state, options=options)
    for k in range(4):
        stepped = ours(backend).request("step", **{**asked, "inputs": asked["inputs"][:, k]}, state=state)
        assert near(answer["output"][:, k], stepped["output"])
        state = stepped["state"]
    assert near(answer["state"][0], state[0])


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize(
    "changes",
    [
        {"symbolic": True},
        {"options": {"return_sequences": True, "unroll": True}},
        {"options": {"return_sequences": True, "stateful": True}, "chunks": [1, 3]},
        {"options": {"return_sequences": True, "stateful": True, "unroll": True}, "chunks": [2, 2]},
        {"mask": np.ones((2, 4), bool)},
        {"mask": np.ones((2, 4), bool), "symbolic": True},
    ],
    ids=["symbolic", "unroll", "stateful", "stateful-unroll", "mask", "symbolic-mask"],
)
def test_a_sequence_does_not_depend_on_how_it_is_run(ours, backend, changes):
    asked = sequence_question(ours(backend), "LTCCell") | {"options": {"return_sequences": True}}
    plain = ours(backend).request("sequence", **asked)["output"]
    assert near(ours(backend).request("sequence", **{**asked, **changes})["output"], plain)


@pytest.mark.parametrize("backend", FAST)
def test_bidirectional_gives_both_directions_their_own_parameters(ours, backend):
    asked = sequence_question(ours(backend), "CfCCell") | {"options": {"return_sequences": True}}
    halved = {name: 0.5 * value for name, value in asked["parameters"].items()}
    forward = ours(backend).request("sequence", **asked)["output"]
    turned = {**asked, "parameters": halved, "inputs": asked["inputs"][:, ::-1]}
    backward = ours(backend).request("sequence", **turned)["output"][:, ::-1]
    both = {**asked, "parameters": [asked["parameters"], halved]}
    output = ours(backend).request("sequence", **both, wrapper="bidirectional")["output"]
    assert near(output[0], forward) and near(output[1], backward)


@pytest.mark.parametrize("backend", FAST)
def test_stacked_cells_feed_each_other(ours, backend):
    lower = sequence_question(ours(backend), "CfCCell") | {"options": {"return_sequences": True}}
    upper = sequence_question(ours(backend), "LTCCell", input_dim=3)
    middle = ours(backend).request("sequence", **lower)["output"]
    top = ours(backend).request("sequence", **{**lower, **upper, "inputs": middle})["output"]
    both = {
        "models": [lower["model"], upper["model"]],
        "parameters": [lower["parameters"], upper["parameters"]],
    }
    asked = {**lower, **both, "model": None, "wrapper": "stacked"}
    assert near(ours(backend).request("sequence", **asked)["output"], top)


def cotangents():
    """Of the output, and of the one state."""
    return {"cotangent": draw(2, 3, seed=9), "state_cotangent": [draw(2, 3, seed=10)]}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_are_those_of_small_differences(ours, backend, cell):
    if backend == "numpy":
        with pytest.raises(NotSupported, match="no gradients on the numpy backend"):
            ours(backend).request("gradients", **question(ours(backend), cell), **cotangents())
        return
    asked = question(ours(backend), cell) | {"timespans": np.array([0.5, 2.0], np.float32)}
    given, small = cotangents(), np.float32(1e-2)
    total = given["cotangent"] + given["state_cotangent"][0]  # output and state are one
    found = ours(backend).request("gradients", **asked, **given)
    gradients = {"inputs": found["inputs"], "timespans": found["timespans"], **found["parameters"]}
    assert found["parameters"].keys() == asked["parameters"].keys()
    assert found["state"][0].shape == (2, 3)
    for name in ("inputs", "timespans", "backbone_0/kernel"):
        totals = []
        for sign in (1, -1):
            moved = {**asked, "parameters": dict(asked["parameters"])}
            holder = moved if name in moved else moved["parameters"]
            holder[name] = holder[name] + sign * small * np.sign(gradients[name])
            totals.append(float((ours(backend).request("step", **moved)["output"] * total).sum()))
        assert (totals[0] - totals[1]) / (2 * small) == pytest.approx(np.abs(gradients[name]).sum(), rel=0.02)


@pytest.mark.parametrize("backend", BACKENDS)
def test_initial_state_and_shapes(ours, backend):
    initial = ours(backend).request("initial_state", model=model("LTCCell"), batch=4)
    assert initial["state"][0].tolist() == np.zeros((4, 3)).tolist() and initial["dtypes"] == ["float32"]
    shapes = ours(backend).request("shapes", model=model("LTCCell"), batch=None)
    assert shapes["symbolic_output"] == shapes["computed_output"] == [None, 3]
    assert shapes["symbolic_state"] == shapes["computed_state"] == [[None, 3]]


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("kind", ["config", "weights", "model", "clone", "deepcopy"])
def test_round_trips_end_where_they_began(ours, backend, kind):
    answer = ours(backend).request("roundtrip", **sequence_question(ours(backend), "CfCCell"), kind=kind)
    assert np.array_equal(answer["before"], answer["after"]) and answer["before"].any()
    assert answer["config"] == answer["config_again"]


@pytest.mark.skipif(len(FAST) < 2, reason="needs two backends")
def test_a_model_that_one_process_saved_another_loads(ours, tmp_path):
    asked = sequence_question(ours("numpy"), "LTCCell")
    path = str(tmp_path / "model.keras")
    saved = ours("numpy").request("save", **asked, path=path)["output"]
    assert near(ours("torch").request("load", path=path, inputs=asked["inputs"])["output"], saved)


@pytest.mark.parametrize("backend", BACKENDS)
def test_training_changes_every_parameter_and_repeats_itself(ours, backend):
    asked = sequence_question(ours(backend), "CfCCell") | {
        "targets": draw(2, 3, seed=4),
        "steps": 2,
        "seed": 11,
    }
    if backend == "numpy":
        with pytest.raises(NotSupported, match="cannot train on the numpy backend"):
            ours(backend).request("train", **asked)
        return
    first, again = (ours(backend).request("train", **asked) for _ in range(2))
    assert first["losses"].shape == (2,) and np.array_equal(first["losses"], again["losses"])
    for name, before in first["before"].items():
        assert np.array_equal(before, asked["parameters"][name])
        assert not np.array_equal(before, first["after"][name])
        assert np.array_equal(first["after"][name], again["after"][name])


FREEZING = {
    "model": model(
        "WiredLTCCell", config={"wiring": {"class_name": "FullyConnected", "config": {"units": 2}}}
    ),
    "inputs": draw(2, 3, 2),
    "targets": draw(2, 1),
}
"""Of a cell without layers of its own, which Keras freezes by itself."""
WIRED_LTC = 15
"""How many variables it has."""


@pytest.mark.parametrize("copied", [None, "layer_config", "model_config", "clone", "model"])
@pytest.mark.parametrize(
    ("wrapper", "weights"), [(None, WIRED_LTC), ("layer", WIRED_LTC), ("layer_bidirectional", 2 * WIRED_LTC)]
)
@pytest.mark.parametrize("when", ["before_build", "after_build"])
@pytest.mark.parametrize("part", ["cell", "layer"])
def test_what_keras_freezes_is_not_trained(ours, part, when, wrapper, weights, copied):
    asked = {**FREEZING, "part": part, "when": when, "wrapper": wrapper, "copied": copied}
    answer = ours("numpy").request("freeze", **asked)
    assert (answer["trainable"], len(answer["weights"])) == ([], weights)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_weights_of_a_frozen_cell_are_told_round_training(ours, backend):
    asked = {**FREEZING, "part": "cell", "when": "constructed"}
    without = ours(backend).request("freeze", **asked)
    assert without["before"] is without["after"] is None
    trained = ours(backend).request("freeze", **asked, steps=2)
    if backend == "numpy":
        assert trained["before"] is None
        return
    assert len(trained["before"]) == len(trained["after"]) == len(trained["weights"]) == WIRED_LTC


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"part": "neuron"}, "part: 'neuron'; allowed are"),
        ({"when": "never"}, "when: 'never'; allowed are"),
        ({"wrapper": "stacked"}, "wrapper: 'stacked'; allowed are"),
        ({"copied": "by hand"}, "copied: 'by hand'; allowed are"),
        ({"part": "layer", "when": "constructed"}, "the layer of the host is not constructed frozen"),
    ],
)
def test_freezing_in_an_unknown_way_is_the_drivers_fault(ours, wrong, said):
    with pytest.raises(RequestRefused, match=said):
        ours("numpy").request("freeze", **{**FREEZING, "part": "cell", "when": "after_build", **wrong})


@pytest.mark.parametrize("backend", BACKENDS)
def test_training_calls_drop_by_their_seed_and_draw_afresh(ours, backend):
    asked = question(ours(backend), "CfCCell", config={**CONFIG, "backbone_units": 32}) | {"training": True}
    first, second = ours(backend).request("step", **asked, seed=1, repeat=2)["outputs"]
    assert not np.array_equal(first, second)
    assert np.array_equal(ours(backend).request("step", **asked, seed=1)["output"], first)
    assert not np.array_equal(ours(backend).request("step", **asked, seed=2)["output"], first)


@pytest.mark.parametrize("backend", FAST)
def test_answers_depend_on_the_request_alone(ours, backend):
    implementation = ours(backend)
    asked = question(implementation, "CfCCell")
    sequence = sequence_question(implementation, "CfCCell") | {
        "options": {"return_sequences": True, "stateful": True}
    }
    requests = [
        ("step", asked),
        ("step", {**asked, "training": True, "seed": 3}),
        ("sequence", sequence),
        ("sequence", {**sequence, "training": True}),
        ("sequence", {**sequence, "initial_state": [draw(2, 3, seed=8)]}),
        ("parameters", {"model": asked["model"]}),
        ("parameters", {"model": model("CfCCell", seed=1)}),
    ]
    once = [wire.dumps(implementation.request(method, **params)) for method, params in requests]
    again = [wire.dumps(implementation.request(method, **params)) for method, params in reversed(requests)]
    assert again[::-1] == once
    implementation.restart()
    assert wire.dumps(implementation.request(*requests[4][:1], **requests[4][1])) == once[4]
    assert once[5] != once[6]


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("dtype", ["float64", "mixed_float16", "mixed_bfloat16"])
def test_a_dtype_policy_reaches_variables_outputs_and_sequences(ours, backend, dtype):
    compute = dtype.removeprefix("mixed_")
    built = ours(backend).request("build", model=model("CfCCell", dtype=dtype))
    assert built["compute_dtype"] == compute
    assert {v["dtype"] for v in built["variables"]} == {"float64" if dtype == "float64" else "float32"}
    if (backend, dtype) == ("numpy", "mixed_bfloat16"):
        pytest.skip("NumPy computes with bfloat16 by promoting it")
    asked = question(ours(backend), "CfCCell") | {"model": model("CfCCell", dtype=dtype)}
    assert ours(backend).request("step", **asked)["dtypes"] == {"output": compute, "state": [compute]}


@pytest.mark.skipif("jax" not in BACKENDS, reason="jax is not installed")
def test_float64_on_jax_needs_its_regime(ours):
    with pytest.raises(NotSupported, match="JAX_ENABLE_X64"):
        ours("jax").request("build", model=model("CfCCell", dtype="float64"))
    with driver.start("ncps", "jax", path=ROOT, regime="x64") as implementation:
        assert implementation.describe()["regime"] == "x64"
        asked = question(implementation, "CfCCell", dtype="float64")
        assert implementation.request("step", **asked)["output"].dtype == np.float64


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"cell": "CfCCell"}}, "model: an object with"),
        ({"model": model("GRUCell")}, "there is no 'GRUCell'"),
        ({"model": model("CfCCell", input_dim=2.0)}, r"model.input_dim: 2.0 must be of type int"),
        ({"parameters": {}}, "parameters: needed are"),
        ({"parameters": None}, "parameters: needed are"),
    ],
)
def test_a_request_that_does_not_fit_is_refused(ours, backend, changes, message):
    with pytest.raises(RequestRefused, match=message):
        ours(backend).request("step", **{**question(ours(backend), "CfCCell"), **changes})


@pytest.mark.parametrize("backend", FAST)
def test_a_config_that_the_cell_refuses_is_its_own_exception(ours, backend):
    for config, kind in (
        ({"units": 0}, "ValueError"),
        ({"units": 2, "colour": 1}, "(Type|Value)Error"),
        ({}, "TypeError"),
    ):
        with pytest.raises(ImplementationRaised, match=kind):
            ours(backend).request("build", model=model("CfCCell", config=config))


THIRD_PARTY = """
import keras

class Plain(keras.layers.Layer):
    def __init__(self, units, mode="default", **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="ff1_weight")
        self.odd = self.add_weight(shape=(shape[-1], self.units), name="gate")
        self.head = keras.layers.Dense(self.units, name="head")
        self.head.build((None, self.units))

    def call(self, inputs, states):
        return self.answer(keras.ops.matmul(inputs, self.kernel))

class Odd(Plain):
    def answer(self, h):
        return h, [h]

class Lonely(Plain):
    def answer(self, h):
        return h

class Choosy(Odd):
    def __init__(self, units, mode="default", **kwargs):
        if mode == "pure":
            raise ValueError("no mode pure")
        super().__init__(units, mode, **kwargs)

class Wired(Odd):
    def __init__(self, wiring):
        pass

class Dense(keras.layers.Dense):
    pass
"""


@pytest.fixture
def third_party(tmp_path):
    (tmp_path / "third_party.py").write_text(textwrap.dedent(THIRD_PARTY))
    started = []

    def start(name):
        started.append(driver.start(f"third_party:{name}", FAST[0], path=tmp_path))
        return started[-1]

    yield start
    for implementation in started:
        implementation.close()


ODD = {"cell": "Odd", "config": {"units": 2}, "input_dim": 3}


def test_a_variable_of_another_name_is_not_guessed_by_its_shape(third_party):
    built = third_party("Odd").request("build", model=ODD)
    assert [v["name"] for v in built["variables"]] == ["ff1_kernel", None, None, None]
    assert built["output_size"] is None


def test_float64_reaches_inner_layers_that_were_not_told_of_it(third_party):
    built = third_party("Odd").request("build", model={**ODD, "dtype": "float64"})
    assert {v["dtype"] for v in built["variables"]} == {"float64"}


def test_what_a_third_party_lacks_is_not_offered(third_party):
    implementation = third_party("Odd")
    assert implementation.describe()["cells"][0]["family"] == "cfc"
    with pytest.raises(NotSupported, match="Odd has no get_initial_state"):
        implementation.request("initial_state", model=ODD, batch=1)
    assert implementation.request("shapes", model=ODD, batch=2)["computed_output"] is None


@pytest.mark.parametrize(("name", "values"), [("Choosy", {"mode": ["default", "no_gate"]}), ("Odd", {})])
def test_a_formula_that_the_constructor_refuses_is_not_offered(third_party, name, values):
    assert third_party(name).describe()["cells"][0]["values"] == values


@pytest.mark.skipif("jax" not in BACKENDS, reason="jax is not installed")
def test_a_cell_that_jax_cannot_trace_takes_time_where_a_call_by_hand_does(tmp_path):
    (tmp_path / "on_the_host.py").write_text(
        f"import sys\nsys.path.append({str(ROOT)!r})\n"
        "import numpy as np\nfrom ncps.cells import CfCCell\n"
        "class Reads(CfCCell):\n"
        "    def advance(self, heads, h, t):\n"
        "        return super().advance(heads, h, t if t is None else np.asarray(t))\n"
    )
    with driver.start("on_the_host:Reads", "jax", path=tmp_path) as implementation:
        assert implementation.describe()["cells"][0]["timed"]


@pytest.mark.skipif("torch" not in BACKENDS, reason="torch is not installed")
def test_a_gpu_is_left_alone(tmp_path):
    """Claim a GPU that is not there: Keras would put its tensors on it and fail."""
    (tmp_path / "on_a_gpu.py").write_text(
        f"import sys\nsys.path.append({str(ROOT)!r})\n"
        "import torch\ntorch.cuda.is_available = lambda: True\n"
        "from keras.src.backend.torch.core import DEFAULT_DEVICE\nassert DEFAULT_DEVICE == 'cuda'\n"
        "from ncps.cells import CfCCell\n"
    )
    with driver.start("on_a_gpu:CfCCell", "torch", path=tmp_path) as implementation:
        answer = implementation.request("step", **question(implementation, "CfCCell"))
        trained = implementation.request(
            "train",
            model=model("CfCCell"),
            parameters=None,
            inputs=draw(2, 3, 2),
            targets=draw(2, 3),
            steps=1,
        )
    assert np.isfinite(answer["output"]).all()
    assert np.isfinite(trained["losses"]).all()


def test_a_sequence_layer_is_not_judged_as_a_cell():
    with (
        driver.start("ncps:CfC", "numpy", path=ROOT, threads=1) as implementation,
        pytest.raises(NotSupported, match="CfC is a sequence layer; it is judged with the cell it takes"),
    ):
        implementation.describe()


def test_an_answer_that_no_cell_may_give_is_told_as_raised(third_party):
    asked = {"model": {**ODD, "cell": "Lonely"}, "parameters": {"ff1_kernel": draw(3, 2)}}
    with pytest.raises(ImplementationRaised, match=r"ContractBroken: a cell returns \(output, state\)"):
        third_party("Lonely").request("step", **asked, inputs=draw(2, 3), state=[draw(2, 2)])


@pytest.mark.parametrize("name", ["Wired", "Dense"])
def test_a_class_of_no_known_family_is_not_judged(third_party, name):
    with pytest.raises(NotSupported, match="no CfC or LTC cell by its variables, name or arguments"):
        third_party(name).describe()


def test_a_class_that_does_not_exist_is_refused(third_party):
    with pytest.raises(RequestRefused, match="has no Missing"):
        third_party("Missing").describe()


@pytest.mark.skipif(PEER is None, reason="NCPS_CONFORMANCE_PEER_PYTHON names no interpreter with ncps==1.0.1")
def test_pypi_ncps_is_judged_from_the_root_of_this_repository(monkeypatch):
    monkeypatch.chdir(ROOT)
    with driver.start("ncps.keras:CfCCell", "numpy", python=PEER) as implementation:
        said = implementation.describe()
        assert (said["distribution"], said["version"]) == ("ncps", "1.0.1")
        assert not Path(said["file"]).is_relative_to(ROOT / "ncps")
        assert "head_activation" not in said["cells"][0]["arguments"]
        asked = question(implementation, "CfCCell")
        assert set(asked["parameters"]) >= {"backbone_0/kernel", "ff1_kernel", "ff2_bias", "time_a/kernel"}
        assert implementation.request("step", **asked)["output"].shape == (2, 3)
        doubled = implementation.request("build", model=model("CfCCell", dtype="float64"))
        assert {v["dtype"] for v in doubled["variables"]} == {"float64"}


def test_variables_that_cannot_be_mapped_are_said_by_name(third_party):
    asked = {"model": ODD, "inputs": draw(2, 3), "state": [draw(2, 2)]}
    with pytest.raises(NotSupported, match=r"cannot be mapped: no variable is ff1_bias"):
        values = {"ff1_kernel": draw(5, 2), "ff1_bias": draw(2)}
        third_party("Odd").request("step", parameters=values, **asked)
