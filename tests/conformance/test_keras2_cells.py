"""Cells of Keras 2, PyPI's `ncps.tf` and older: in an environment of their own, `.ci/peer.py --tf`."""

import os
from pathlib import Path

import numpy as np
import pytest

from conformance import variants
from conformance.families import Sizes
from conformance.implementation import start
from tests.conformance.test_torch_modules import a_step, excess, subject_of

ROOT = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("NCPS_CONFORMANCE_TF_PYTHON")
pytestmark = pytest.mark.skipif(PYTHON is None, reason="NCPS_CONFORMANCE_TF_PYTHON: no tf-keras")
ONE = Sizes(1, 3, 4, 5)
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


def test_the_code_of_the_cfc_paper_has_heads_of_lecun_tanh():
    path = ROOT / "examples" / "own_adapter"
    with start("cfc_model_cells:TensorFlow", python=PYTHON, path=path, regime="x64", threads=1) as paper:
        assert paper.describe()["distribution"] == "cfc-model"
        assert variants.find(subject_of(paper, "CfcCell")) == {"head_activation": "lecun_tanh"}


def test_gradients_are_those_of_the_variables():
    with start("ncps.tf:CfCCell", python=PYTHON, regime="x64", threads=1) as implementation:
        subject = subject_of(implementation, "CfCCell")
        case = a_step(subject, ONE, mode="pure")
        asked = {**subject.about(case), "state": subject.tensors(case), "timespans": case.timespans}
        ones = np.ones((1, 4))
        found = subject.request("gradients", **asked, cotangent=ones, state_cotangent=[0.0 * ones])
        moved = {**case.parameters, "A": case.parameters["A"] + 1e-6}
        before, after = (subject.step(case, parameters=p)["output"] for p in (case.parameters, moved))
        np.testing.assert_allclose(found["parameters"]["A"].sum(), (after - before).sum() / 1e-6, rtol=1e-6)
        assert found["timespans"].shape == case.timespans.shape
