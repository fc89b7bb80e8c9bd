"""Torch modules that follow the usual naming are judged with nothing to write: third parties', and PyPI's."""

import os
import textwrap

import numpy as np
import pytest

from conformance.driver.implementation import NotSupported, start
from conformance.harness.torch import names as torch_names
from conformance.judging import variants
from conformance.judging.assertions import ratio
from conformance.judging.subject import Nonconformance, Subject
from conformance.spec.cases import sequence_case, step_case
from conformance.spec.families import Sizes

pytestmark = pytest.mark.frameworks

PEER = os.environ.get("NCPS_CONFORMANCE_PEER_PYTHON")
needs_peer = pytest.mark.skipif(PEER is None, reason="NCPS_CONFORMANCE_PEER_PYTHON: no ncps==1.0.1")

THIRD_PARTY = """
    import torch

    class TinyCfC(torch.nn.Module):
        "By the specification, with names of PyPI's `ncps`, one activation, and a sequence for a call."

        def __init__(self, input_size, hidden_size, return_sequences=True, activation="tanh", extra=None):
            super().__init__()
            if activation != "tanh":
                raise ValueError(f"activation {activation!r}: there is tanh")
            self.return_sequences, self.hidden_size = return_sequences, hidden_size
            first = torch.nn.Linear(input_size + hidden_size, 128)
            self.backbone = torch.nn.Sequential(first, torch.nn.Tanh())
            for name in ("ff1", "ff2", "time_a", "time_b"):
                setattr(self, name, torch.nn.Linear(128, hidden_size))

        def forward(self, x, h=None, ts=None):
            h = x.new_zeros(len(x), self.hidden_size) if h is None else h
            states = []
            for k in range(x.shape[1]):
                t = 1.0 if ts is None else ts.reshape(*x.shape[:2], 1)[:, k]
                z = self.backbone(torch.cat([x[:, k], h], -1))
                s = torch.sigmoid(self.time_b(z) - self.time_a(z) * t)
                h = torch.tanh(self.ff1(z)) * (1 - s) + torch.tanh(self.ff2(z)) * s
                states.append(h)
            return (torch.stack(states, 1) if self.return_sequences else h), h

    class TwiceCfC(TinyCfC):
        "With a second parameter of a name that the specification knows."

        def __init__(self, input_size, hidden_size):
            super().__init__(input_size, hidden_size)
            self.rnn_cell = torch.nn.Module()
            self.rnn_cell.ff1 = torch.nn.Linear(128, hidden_size)

    class BrainCfC(TinyCfC):
        "Puts out bfloat16."

        def forward(self, x, h=None, ts=None):
            output, h = super().forward(x, h, ts)
            return output.bfloat16(), h

    class ListCfC(TinyCfC):
        def forward(self, x, h=None, ts=None):
            output, h = super().forward(x, h, ts)
            return output.tolist(), h

    class ArrayCfC(TinyCfC):
        def forward(self, x, h=None, ts=None):
            output, h = super().forward(x, h, ts)
            return output.numpy(), h

    class Unnamed(torch.nn.Module):
        def __init__(self, input_size):
            super().__init__()
"""


@pytest.fixture(scope="module")
def third_party(tmp_path_factory):
    folder = tmp_path_factory.mktemp("third_party")
    (folder / "tiny.py").write_text(textwrap.dedent(THIRD_PARTY))
    with start("tiny:TinyCfC", path=folder, regime="x64", threads=1) as implementation:
        yield implementation


def subject_of(implementation, name, dtype="float64"):
    cells = {cell["name"]: cell for cell in implementation.describe()["cells"]}
    return Subject(implementation, cells[name], dtype)


SIZES = Sizes(2, 3, 4, 5)


def a_step(subject, sizes=SIZES, time="column", **arguments):
    config = subject.config(sizes, **arguments)
    return step_case(subject.family, config, sizes, recipe="normal", seed=0, time=time, dtype=subject.dtype)


def excess(subject, case, variant=None):
    """The worst error over its bound."""
    got, want = np.asarray(subject.step(case)["output"]), subject.reference(case, variant)[0]
    assert got.shape == want.shape
    return float(np.max(ratio(np.abs(got - want.value), want.error)))


def test_a_module_says_what_it_is_and_which_values_its_arguments_have(third_party):
    said = third_party.describe()
    (cell,) = said["cells"]
    assert (said["host"], cell["family"], cell["layer"]) == ("torch", "cfc", "TinyCfC")
    assert (cell["arguments"], cell["values"]) == (["units", "activation"], {"activation": ["tanh"]})
    assert cell["unknown"] == ["extra"]


@pytest.mark.parametrize("time", ["column", "flat", "scalar", "none"])
def test_a_step_of_a_sequence_module_is_a_sequence_of_one_sample(third_party, time):
    subject = subject_of(third_party, "TinyCfC")
    assert excess(subject, a_step(subject, time=time)) <= 1.0


def sibling(implementation, name):
    """Another module of the same file."""
    return start(f"tiny:{name}", path=implementation.options["path"], regime="x64", threads=1)


def test_bfloat16_travels_as_float32_and_says_what_it_was(third_party):
    with sibling(third_party, "BrainCfC") as implementation:
        subject = subject_of(implementation, "BrainCfC")
        answer = subject.step(a_step(subject))
    assert (answer["output"].dtype, answer["dtypes"]["output"]) == (np.float32, "bfloat16")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ListCfC", "step raises ContractBroken: a module returns a tensor as its output, not list"),
        ("ArrayCfC", "step raises ContractBroken: a module returns tensors, not ndarray"),
    ],
)
def test_what_is_no_tensor_is_the_modules_fault(third_party, name, said):
    with sibling(third_party, name) as implementation:
        subject = subject_of(implementation, name)
        with pytest.raises(Nonconformance, match=said):
            subject.step(a_step(subject))


def test_an_argument_value_that_a_module_has_not_is_not_offered(third_party):
    subject = subject_of(third_party, "TinyCfC")
    with pytest.raises(NotSupported, match="has no activation='relu'"):
        subject.step(a_step(subject, activation="relu"))


def test_parameters_are_told_by_name_when_some_are_missing(third_party):
    subject = subject_of(third_party, "TinyCfC")
    about = subject.case_params(a_step(subject))
    del about["parameters"]["ff2_bias"]
    with pytest.raises(NotSupported, match="the specification has no ff2_bias"):
        subject.request("step", **about, state=[np.zeros((2, 4))])


def test_a_sequence_gradients_weights_and_training_are_answered(third_party):
    subject = subject_of(third_party, "TinyCfC")
    step = a_step(subject)
    case = sequence_case(
        subject.family, step.config, SIZES, length=3, recipe="normal", seed=0, dtype="float64"
    )
    about = subject.case_params(case)
    options = {"return_sequences": True, "return_state": True}
    answer = subject.request("sequence", **about, options=options)
    assert answer["output"].shape == (2, 3, 4)
    np.testing.assert_array_equal(answer["output"][:, -1], answer["state"][0])
    trip = subject.request("roundtrip", **about, kind="weights")
    np.testing.assert_array_equal(trip["before"], trip["after"])
    trained = subject.request("train", **about, targets=np.zeros((2, 4)), steps=1)
    for path, before in trained["before"].items():
        np.testing.assert_array_equal(before, about["parameters"][path])
        assert not np.array_equal(before, trained["after"][path])
    state = subject.tensors(step)
    found = subject.request(
        "gradients",
        **subject.case_params(step),
        state=state,
        timespans=step.timespans,
        cotangent=np.ones((2, 4)),
        state_cotangent=[np.zeros((2, 4))],
    )
    assert found["timespans"].shape == (2, 1)
    assert {name: value.shape for name, value in found["parameters"].items()} == {
        name: value.shape for name, value in step.parameters.items()
    }


@pytest.mark.parametrize("asked", [{"mask": np.ones((1, 2), bool)}, {"options": {"go_backwards": True}}])
def test_what_torch_modules_have_not_is_not_offered(third_party, asked):
    subject = subject_of(third_party, "TinyCfC")
    about = subject.case_params(a_step(subject)) | {"inputs": np.zeros((1, 2, 3))}
    with pytest.raises(NotSupported, match="a torch module knows no"):
        subject.request("sequence", **about, **asked)


def test_a_saved_module_loads_in_another_process(third_party, tmp_path):
    subject = subject_of(third_party, "TinyCfC")
    asked = {"path": str(tmp_path / "saved.pt"), "inputs": np.ones((1, 2, 3))}
    before = subject.request("save", **{**subject.case_params(a_step(subject)), **asked})["output"]
    third_party.restart()
    np.testing.assert_array_equal(third_party.request("load", **asked)["output"], before)


def test_a_module_of_no_family_is_refused_by_name(tmp_path):
    (tmp_path / "tiny.py").write_text(textwrap.dedent(THIRD_PARTY))
    with start("tiny:Unnamed", path=tmp_path) as implementation, pytest.raises(NotSupported, match="Unnamed"):
        implementation.describe()


@pytest.mark.parametrize("method", ["build", "parameters"])
def test_two_parameters_of_one_name_are_not_merged(tmp_path, method):
    (tmp_path / "tiny.py").write_text(textwrap.dedent(THIRD_PARTY))
    said = r"TwiceCfC: the parameters ff1\.weight and rnn_cell\.ff1\.weight are both ff1_kernel"
    with start("tiny:TwiceCfC", path=tmp_path) as implementation, pytest.raises(NotSupported, match=said):
        implementation.request(method, model={"cell": "TwiceCfC", "config": {"units": 2}, "input_dim": 1})


@pytest.mark.parametrize(
    ("family", "path", "name"),
    [
        ("cfc", "rnn_cell.ff1.weight", "ff1_kernel"),
        ("cfc", "backbone.4.bias", "backbone_1/bias"),
        ("wired_cfc", "rnn_cell.layer_2.time_a.weight", "layer_2/time_a/kernel"),
        ("wired_ltc", "sensory_erev", "sensory_erev"),
        ("mixed_memory", "lstm.recurrent_map.weight", "recurrent_kernel"),
        ("mixed_memory", "rnn_cell.layer_0.ff2.bias", "cell/layer_0/ff2_bias"),
        ("wired_cfc", "layer_0.sparsity_mask", None),
    ],
)
def test_names_come_from_paths(family, path, name):
    paths = [path, "backbone.0.bias"] if "backbone" in path else [path]
    assert torch_names.canonical_names(family, paths, {})[0] == name


@needs_peer
@pytest.mark.parametrize(
    ("target", "name", "variant"),
    [
        ("CfC", "CfC", {"time_sign": 1}),
        ("CfC", "WiredCfC", {"time_sign": 1, "sparse_time_heads": False}),
        ("CfC", "MixedMemoryCfC", {"time_sign": 1}),
        ("CfCCell", "CfCCell", {"time_sign": 1}),
        ("LTC", "LTC", {}),
        ("LTCCell", "LTCCell", {}),
    ],
)
def test_pypi_torch_modules_follow_the_variant_they_declare(target, name, variant):
    with start(f"ncps.torch:{target}", python=PEER, regime="x64", threads=1) as implementation:
        subject = subject_of(implementation, name)
        assert (subject.cell["variant"] or {"values": {}})["values"] == variant
        case = a_step(subject, Sizes(1, 3, 4, 5), **subject.forms[0])
        assert excess(subject, case, variant) <= 1.0
        assert variants.find(subject) == variant


@needs_peer
def test_pypi_torch_spreads_the_times_of_a_batch_over_the_units():
    with start("ncps.torch:CfC", python=PEER, regime="x64", threads=1) as implementation:
        subject = subject_of(implementation, "CfC")
        case = a_step(subject, Sizes(3, 3, 3, 3))
        assert excess(subject, case, {"time_sign": 1}) > 1e6
