"""What a cell does not offer is not applicable, never passed; what it offers of an argument is judged."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.checks import every
from conformance.families import FAMILIES
from conformance.mutants import ReferenceCells
from conformance.session import TIERS, offered
from conformance.subject import Subject
from conformance.trial import Plan, judge_clause
from conformance.verdict import Verdict


def judged(clause: str, family: str, arguments: list[str], **values: list[Any]) -> Verdict:
    """The verdict on the reference as a cell that has these arguments alone, at these values."""
    cells = ReferenceCells()
    (cell,) = [one for one in cells.describe()["cells"] if one["family"] == family]
    lacking = {**cell, "arguments": arguments, "values": values}
    return judge_clause(every()[clause], Subject(cells, lacking, "float64"), Plan(4, seed=3))


@pytest.mark.parametrize(
    ("clause", "family"),
    [
        ("cfc.step.no_gate", "cfc"),
        ("cfc.step.pure", "cfc"),
        ("backbone.absent", "cfc"),
        ("wired_cfc.step.no_gate", "wired_cfc"),
        ("wired_cfc.step.pure", "wired_cfc"),
        ("wired_ltc.splitting", "wired_ltc"),
    ],
)
def test_a_formula_that_a_cell_has_not_is_not_passed_by_its_default(clause: str, family: str) -> None:
    assert judged(clause, family, ["units", "wiring"]).outcome == "not applicable"
    assert judged(clause, family, [*FAMILIES[family].defaults, "units", "wiring"]).outcome == "pass"


def test_an_activation_that_cannot_be_asked_for_is_not_the_one_asked_for() -> None:
    sized = ["units", "backbone_layers", "backbone_units"]
    assert judged("backbone.activation", "cfc", sized).outcome == "not applicable"
    assert judged("backbone.activation", "cfc", [*sized, "activation"]).outcome == "pass"


def test_a_cell_without_a_backbone_has_none_by_default() -> None:
    assert judged("backbone.absent", "ltc", ["units"]).outcome == "pass"


def test_what_accepts_no_argument_that_could_be_bad_refuses_none() -> None:
    assert judged("errors.arguments", "wired_cfc", ["wiring"]).outcome == "not applicable"


@pytest.mark.parametrize("clause", ["time.zero", "gradient.inputs", "ltc.step.explicit"])
def test_a_cell_whose_values_are_not_the_defaults_is_judged_by_its_own(clause: str) -> None:
    own: dict[str, list[Any]] = {"activation": ["relu"], "solver": ["explicit"], "backbone_layers": [0]}
    assert judged(clause, "ltc", ["units", *own], **own).outcome == "pass"


@pytest.mark.parametrize("clause", ["time.zero", "gradient.inputs"])
def test_a_cell_that_allows_no_value_at_all_is_asked_by_the_default(clause: str) -> None:
    assert judged(clause, "ltc", ["units", "activation"], activation=[]).outcome == "pass"


@pytest.mark.parametrize("clause", ["backbone.layers", "training.reproducible"])
def test_a_backbone_that_a_cell_has_not_is_not_applicable(clause: str) -> None:
    found = judged(clause, "ltc", ["units", "backbone_layers"], backbone_layers=[0])
    assert (found.outcome, "no backbone_layers=" in found.reason) == ("not applicable", True)


def test_a_cell_that_has_only_formulas_that_run_away_is_not_judged_over_long_times() -> None:
    has = ["wiring", "solver"]
    assert judged("time.large", "wired_ltc", has, solver=["explicit"]).outcome == "not applicable"


def test_a_target_of_other_dtypes_than_are_judged_is_asked_at_no_tier() -> None:
    assert offered({"host": "mine", "dtypes": ["float16"]}) == []
    assert offered({"host": "mine", "dtypes": ["float32"]}) == ["float32"]
    assert offered({"host": "keras", "dtypes": ["float32"]}) == list(TIERS)
