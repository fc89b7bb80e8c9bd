"""Cells of Keras 2, PyPI's `ncps.tf` and older: in an environment of their own, `.ci/peer.py --tf`."""

import os
import textwrap
from pathlib import Path

import numpy as np
import pytest

from conformance.driver.implementation import start
from conformance.judging import variants
from conformance.judging.registry import every
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec.families import Sizes
from tests.conformance.harness.test_torch_modules import a_step, excess, subject_of

ROOT = Path(__file__).resolve().parents[3]
PYTHON = os.environ.get("NCPS_CONFORMANCE_TF_PYTHON")
pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(PYTHON is None, reason="NCPS_CONFORMANCE_TF_PYTHON: no tf-keras"),
]
ONE = Sizes(1, 3, 4, 5)
FAULTY = """
    import tensorflow as tf
    from ncps.tf import CfCCell

    class DriftingCfCCell(CfCCell):
        def call(self, inputs, states, **kwargs):
            answer = super().call(inputs, states, **kwargs)
            self.ff1_bias.assign_add(tf.ones_like(self.ff1_bias))
            return answer

    class LargerCfCCell(CfCCell):
        def build(self, input_shape):
            super().build(input_shape)
            self.scale = self.add_weight(name="scale", shape=(1,), dtype="float64")

    class FixedCfCCell(CfCCell):
        def build(self, input_shape):
            super().build(input_shape)
            self.trainable = False
"""
LINEAR = {"head_activation": "linear"}
WIRED = {**LINEAR, "sparse_time_heads": False, "signed_synapses": True}


@pytest.mark.parametrize(
    ("target", "dtype", "variant"),
    [
        ("ncps.tf:CfCCell", "float64", LINEAR),
        ("ncps.tf:WiredCfCCell", "float32", WIRED),
        ("ncps.tf:LTCCell", "float32", {}),
    ],
)
def test_pypi_tensorflow_cells_follow_the_variant_they_declare(target, dtype, variant):
    regime = "x64" if dtype == "float64" else "x32"
    with start(target, python=PYTHON, regime=regime, threads=1) as implementation:
        said = implementation.describe()
        assert (said["host"], said["distribution"]) == ("tensorflow", "ncps")
        subject = subject_of(implementation, said["cells"][0]["name"], dtype)
        assert (subject.cell["variant"] or {"values": {}})["values"] == variant
        assert excess(subject, a_step(subject, ONE, **subject.forms[0]), variant) <= 1.0
        assert variants.find(subject) == variant
        two = a_step(subject, Sizes(2, 3, 4, 5), **subject.forms[0])  # a cell may return its state as it is
        assert [np.shape(tensor) for tensor in subject.step(two)["state"]] == [two.state.shape]


def test_the_code_of_the_cfc_paper_has_heads_of_lecun_tanh():
    path = ROOT / "examples" / "own_adapter"
    with start("cfc_model_cells:TensorFlow", python=PYTHON, path=path, regime="x64", threads=1) as paper:
        assert paper.describe()["distribution"] == "cfc-model"
        assert variants.find(subject_of(paper, "CfcCell")) == {"head_activation": "lecun_tanh"}


def test_gradients_are_those_of_the_variables():
    with start("ncps.tf:CfCCell", python=PYTHON, regime="x64", threads=1) as implementation:
        subject = subject_of(implementation, "CfCCell")
        case = a_step(subject, ONE, mode="pure")
        asked = {**subject.case_params(case), "state": subject.tensors(case), "timespans": case.timespans}
        ones = np.ones((1, 4))
        found = subject.request("gradients", **asked, cotangent=ones, state_cotangent=[0.0 * ones])
        moved = {**case.parameters, "A": case.parameters["A"] + 1e-6}
        before, after = (subject.step(case, parameters=p)["output"] for p in (case.parameters, moved))
        np.testing.assert_allclose(found["parameters"]["A"].sum(), (after - before).sum() / 1e-6, rtol=1e-6)
        assert found["timespans"].shape == case.timespans.shape


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "faulty.py").write_text(textwrap.dedent(FAULTY))
    return folder


@pytest.mark.parametrize(
    ("target", "clause", "outcome", "said"),
    [
        ("ncps.tf:CfCCell", "state.pure", "pass", ""),
        ("faulty:DriftingCfCCell", "state.pure", "fail", "ff1_bias after the step"),
        ("ncps.tf:CfCCell", "shape.variables", "pass", ""),
        ("ncps.tf:LTCCell", "shape.variables", "pass", ""),
        ("faulty:LargerCfCCell", "shape.variables", "fail", "variables that the specification does not know"),
        ("faulty:FixedCfCCell", "shape.variables", "fail", "variables that cannot be trained"),
        ("ncps.tf:CfCCell", "dtype.policy", "not applicable", "no dtype policy 'mixed_float16'"),
        ("faulty:LargerCfCCell", "dtype.policy", "fail", "under float32 a variable is not float32"),
    ],
)
def test_what_a_cell_has_and_leaves_is_read_from_its_variables(faulty, target, clause, outcome, said):
    with start(target, python=PYTHON, path=faulty, regime="x32", threads=1) as implementation:
        subject = subject_of(implementation, target.partition(":")[2], "float32")
        found = judge_clause(every()[clause], subject, Plan(3, 1, variant="strict"))
    assert found.outcome == outcome, found
    assert said in (found.failure.summary if found.failure else found.reason)


def test_the_code_of_the_cfc_paper_is_read_again_after_a_step():
    path = ROOT / "examples" / "own_adapter"
    with start("cfc_model_cells:TensorFlow", python=PYTHON, path=path, regime="x32", threads=1) as paper:
        subject = subject_of(paper, "CfcCell", "float32")
        for clause in ("state.pure", "shape.variables"):
            found = judge_clause(every()[clause], subject, Plan(3, 1, variant="strict"))
            assert found.outcome == "pass", found
