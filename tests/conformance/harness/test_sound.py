"""Sound cells of other shapes than ours are judged as far as they go, and none is accused; wrong ones are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import conformance
from conformance.driver.implementation import start
from conformance.options import UsageError, importable_backends
from conformance.options.describing import CannotBeJudged
from conformance.report import exit_code, terminal
from conformance.verdict import Report, Verdict

pytestmark = pytest.mark.frameworks

HERE = Path(__file__).parent
NAMES = HERE / "sound" / "names.toml"
QUICK: dict[str, Any] = {"path": HERE, "smoke": True, "seed": 1}
ACCUSED = {"fail", "error", "not reproducible", "known failure"}
EVERY = "sound.every:Every"

LEAST = {
    "NoBackboneCfC": 47,
    "OnlyLayersCfC": 47,
    "DeepCfC": 48,
    "ShallowCfC": 47,
    "FixedBackboneCfC": 47,
    "TwoLayersCfC": 46,
    "DroppingCfC": 46,
    "PureCfC": 47,
    "ModesCfC": 48,
    "KerasActivationsCfC": 49,
    "RenamedCfC": 48,
    "DenseCfC": 47,
    "DenseInInitCfC": 47,
    "EinsumCfC": 47,
    "UntimedCfC": 42,
    "TupleStateCfC": 47,
    "BareStateCfC": 47,
    "PositionalCfC": 47,
    "WeightsInInitCfC": 47,
    "AutoConfigCfC": 47,
    "UnitsAloneCfC": 44,
    "DoubleCfC": 44,
    "FunctionalCfC": 47,
    "OrdinaryCfC": 46,
    "PlainLTC": 49,
    "Leaky": 49,
    "ExplicitLTC": 49,
    "LtcOfCfC": 49,
    "TimeConstants": 50,
    "FixedBackboneLTC": 46,
    "LinearLTC": 49,
    "DenseLTC": 49,
    "EinsumLTC": 49,
    "UntimedLTC": 44,
    "TupleStateLTC": 49,
    "PlainMixedMemory": 46,
    "RenamedMixedMemory": 46,
    "LoopedCfC": 62,
    "LayeredLTC": 64,
    "PlainWiredLTC": 47,
    "UnmappedWiredLTC": 49,
    "ScaledWiredLTC": 46,
    "RenamedWiredLTC": 47,
    "PlainWiredCfC": 50,
    "PureWiredCfC": 50,
    "ModesWiredCfC": 52,
    "StagedWiredCfC": 50,
}
"""By cell, how many clauses are judged of it at least, by an example of each on numpy."""

LEAST_OF_TORCH = {"StepCfC": 27, "UntimedCfC": 20, "RenamedCfC": 27, "StepLTC": 29}


def accusations(verdicts: Iterable[Verdict]) -> list[str]:
    """Return what is said against a cell, a line each."""
    found = [verdict for verdict in verdicts if verdict.outcome in ACCUSED]
    return [f"{v.cell} {v.clause} {v.outcome}: {v.failure.summary if v.failure else v.reason}" for v in found]


def judged(report: Report) -> dict[str, set[str]]:
    """Return the clauses that hold of each cell."""
    clauses = defaultdict(set)
    for verdict in report.verdicts:
        if verdict.outcome == "pass":
            clauses[verdict.cell].add(verdict.clause)
    return clauses


@pytest.fixture(scope="module")
def on_numpy() -> Report:
    return conformance.check(EVERY, backend="numpy", max_examples=1, **QUICK)


def test_there_are_thirty_at_least_and_each_is_listed(on_numpy: Report) -> None:
    assert {verdict.cell for verdict in on_numpy.verdicts} == set(LEAST)
    assert len(LEAST) >= 30


@pytest.mark.parametrize("cell", LEAST)
def test_a_sound_cell_is_judged_as_far_as_it_goes(on_numpy: Report, cell: str) -> None:
    assert accusations(v for v in on_numpy.verdicts if v.cell == cell) == []
    assert len(judged(on_numpy)[cell]) >= LEAST[cell]


def test_a_cell_is_of_the_family_that_its_variables_show(on_numpy: Report) -> None:
    for cell in ("LtcOfCfC", "TimeConstants", "Leaky"):
        assert "ltc.step.semi_implicit" in judged(on_numpy)[cell]
    assert {"cfc.step.pure"} == {c for c in judged(on_numpy)["PureCfC"] if c.startswith("cfc.")}


def test_a_report_says_which_cell_takes_no_elapsed_time_and_why(on_numpy: Report) -> None:
    (said,) = (line for line in terminal.about(on_numpy, EVERY) if line.startswith("UntimedCfC"))
    why = "a step that is given some raises ValueError: inputs must be one tensor"
    assert said == f"UntimedCfC takes no elapsed time, and is judged without: {why}"
    asked = [v for v in on_numpy.verdicts if (v.cell, v.clause) == ("UntimedCfC", "time.zero")]
    assert asked and all(verdict.reason.endswith(why) for verdict in asked)


def test_what_a_layer_does_not_take_is_not_applicable(on_numpy: Report) -> None:
    for cell in ("LoopedCfC", "LayeredLTC"):
        reasons = {v.clause: v.reason for v in on_numpy.verdicts if v.cell == cell}
        assert "takes no time_feature=True" in reasons["layer.time_feature"]
        assert "takes no masked_time='carry'" in reasons["layer.mask.carry"]
        assert "Bidirectional" in reasons["layer.bidirectional"]


@pytest.mark.nightly
@pytest.mark.parametrize("backend", [b for b in importable_backends() if b != "openvino"])
def test_no_backend_accuses_a_sound_cell(backend: str) -> None:
    assert accusations(conformance.check(EVERY, backend=backend, **QUICK).verdicts) == []


@pytest.mark.skipif("torch" not in importable_backends(), reason="torch is not installed")
@pytest.mark.parametrize("module", LEAST_OF_TORCH)
def test_a_sound_module_of_torch_is_judged_as_far_as_it_goes(module: str) -> None:
    report = conformance.check(f"sound.modules:{module}", **QUICK)
    begins_as_torch_has_it = {"initialization.values"} if module == "UntimedCfC" else set()
    assert {v.clause for v in report.verdicts if v.outcome == "fail"} == begins_as_torch_has_it
    assert exit_code(report) == 0
    assert len(judged(report)[module]) >= LEAST_OF_TORCH[module]


MAPPED: dict[str, Any] = {**QUICK, "backend": "numpy", "clause": "cfc.*,shape.variables,serialization.*"}


def test_a_file_of_names_keeps_the_clauses_about_keras() -> None:
    report = conformance.check("sound.cfc:Unfamiliar", names=NAMES, **MAPPED)
    assert accusations(report.verdicts) == []
    assert judged(report)["Unfamiliar"] >= {"cfc.step.default", "shape.variables", "serialization.model"}


def test_a_name_that_the_specification_lacks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.toml"
    path.write_text(NAMES.read_text().replace("ff1_kernel", "ff1_kernal"))
    with pytest.raises(UsageError, match=r"of a cfc cell: unknown parameter .*did you mean 'ff1_kernel'"):
        conformance.check("sound.cfc:Unfamiliar", names=path, family="cfc", **MAPPED)


def test_without_names_or_family_a_cell_that_shows_neither_is_not_judged() -> None:
    with pytest.raises(CannotBeJudged, match="say which with --family"):
        conformance.check("sound.cfc:Unfamiliar", **MAPPED)
    report = conformance.check("sound.cfc:Unfamiliar", family="cfc", **MAPPED)
    reasons = {verdict.clause: verdict.reason for verdict in report.verdicts}
    assert "the specification has no fast/b, fast/w" in reasons["cfc.step.default"]
    assert "--names FILE, or the class an attribute specification_names" in reasons["cfc.step.default"]


KEYWORD = """
import keras
class FlowCfCCell(keras.layers.Layer):
    state_size = 2
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
    def call(self, inputs, states, timespans=None):
        return keras.ops.tanh(inputs[:, :2]), states
class Dull(keras.layers.Layer):
    pass
"""


def test_a_cell_that_takes_time_by_an_argument_is_told_how_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "cells_of_mine.py").write_text(KEYWORD)
    with start("cells_of_mine:FlowCfCCell", "numpy", path=tmp_path, family="cfc") as implementation:
        (cell,) = implementation.describe()["cells"]
    assert not cell["timed"]
    assert cell["untimed"].endswith("as (x, t), and not by an argument of call, as 'timespans')")


def test_a_layer_without_units_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "cells_of_mine.py").write_text(KEYWORD)
    with pytest.raises(CannotBeJudged, match="Dull takes no units, which every cfc cell has"):
        conformance.check("cells_of_mine:Dull", path=tmp_path, family="cfc", backend="numpy")


def test_what_is_no_layer_is_not_judged_whatever_family_is_given() -> None:
    with pytest.raises(CannotBeJudged, match="Path is no Keras cell: it does not extend keras"):
        conformance.check("pathlib:Path", family="cfc", backend="numpy")


def test_a_family_that_is_given_is_believed() -> None:
    report = conformance.check("sound.ltc:Leaky", family="cfc", **{**MAPPED, "clause": "cfc.step.default"})
    assert {verdict.outcome for verdict in report.verdicts} == {"not applicable"}


@pytest.mark.parametrize(
    ("text", "says"), [("a = 1", "a: must be a line"), ("=", "not TOML"), (None, "cannot be read")]
)
def test_a_file_that_maps_no_names_is_refused(tmp_path: Path, text: str | None, says: str) -> None:
    path = tmp_path / "names.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=f"--names .*{says}"):
        conformance.check("sound.cfc:Unfamiliar", names=path)


@pytest.mark.parametrize(
    ("cell", "clause", "says"),
    [
        ("TimeFeatureIgnored", "layer.time_feature", "has shape .*, but should have"),
        ("HalvesJoined", "layer.bidirectional", "returns 1 tensors with merge_mode=None"),
        ("SeventhCall", "state.repeatable", "output of the same call.* should be exactly"),
    ],
)
def test_what_looks_like_an_error_of_the_suite_is_a_finding(cell: str, clause: str, says: str) -> None:
    report = conformance.check(f"unsound:{cell}", **{**QUICK, "backend": "numpy", "clause": clause})
    (verdict,) = report.verdicts
    assert verdict.outcome == "fail" and exit_code(report) == 1, verdict
    assert re.search(says, verdict.failure.summary)
