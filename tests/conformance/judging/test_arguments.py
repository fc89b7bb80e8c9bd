"""What a cell does not offer is not applicable, never passed; what it offers of an argument is judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import reference
from conformance.driver.implementation import NotSupported
from conformance.judging.registry import every
from conformance.judging.subject import Subject
from conformance.oracle.reference_cells import ReferenceCells
from conformance.run.session import TIERS, offered
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec import clauses
from conformance.spec.families import FAMILIES
from conformance.verdict import Verdict


class OfTwoPolicies(ReferenceCells):
    """Knows no mixed_float16, and computes as asked under the others; `wrong` under mixed_bfloat16."""

    def __init__(self, *, wrong: bool) -> None:
        super().__init__()
        self.wrong = wrong

    def request(self, method: str, **params: Any) -> Any:
        policy = params["model"]["dtype"]
        if policy == "mixed_float16":
            raise NotSupported("no mixed_float16")
        if method == "build":
            return {"variables": [{"path": "kernel", "dtype": "float32"}]}
        dtype = "bfloat16" if policy == "mixed_bfloat16" and not self.wrong else "float32"
        return {"dtypes": {"output": dtype, "state": [dtype]}}


@pytest.mark.parametrize(("wrong", "outcome"), [(False, "not applicable"), (True, "fail")])
@pytest.mark.parametrize("seed", range(3))
def test_every_policy_is_tried_whatever_is_drawn(wrong: bool, outcome: str, seed: int) -> None:
    cells = OfTwoPolicies(wrong=wrong)
    (cell,) = [one for one in cells.describe()["cells"] if one["family"] == "ltc"]
    found = judge_clause(every()["dtype.policy"], Subject(cells, cell), Plan(1, seed, variant="strict"))
    assert found.outcome == outcome


class Silent(ReferenceCells):
    """Takes any mode in silence for the default; `lost`: has no name of the specification anyway."""

    def __init__(self, *, lost: bool) -> None:
        super().__init__()
        self.lost = lost

    def request(self, method: str, **params: Any) -> Any:
        model = params["model"]
        answer = super().request("build", model={**model, "config": {**model["config"], "mode": "default"}})
        if self.lost:
            answer = {"variables": [{**one, "name": None} for one in answer["variables"]]}
        if method == "build":
            return answer
        own = {one["name"] for one in answer["variables"]}
        if own != set(params["parameters"]):
            raise NotSupported("the cell's variables cannot be mapped")
        return super().request(method, **params)


@pytest.mark.parametrize("clause", ["cfc.step.pure", "errors.timespans", "state.rows"])
@pytest.mark.parametrize(("lost", "outcome"), [(False, "fail"), (True, "not applicable")])
def test_a_config_under_which_the_variables_lose_their_names_is_a_departure(
    clause: str, lost: bool, outcome: str
) -> None:
    cells = Silent(lost=lost)
    (cell,) = [one for one in cells.describe()["cells"] if one["family"] == "cfc"]
    found = judge_clause(every()[clause], Subject(cells, cell), Plan(20, 0, variant="strict"))
    assert found.outcome == outcome
    if found.failure:
        said = "with mode='pure' the cell's variables cannot be mapped: no variable is A, w_tau; "
        assert found.failure.summary.startswith(said)


def judged(clause: str, family: str, arguments: list[str], **values: list[Any]) -> Verdict:
    """Return the verdict on the reference as a cell that has these arguments alone, at these values."""
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
        ("ltc.step.explicit", "ltc"),
        ("wired_ltc.step.explicit", "wired_ltc"),
    ],
)
def test_a_formula_that_a_cell_has_not_is_not_passed_by_its_default(clause: str, family: str) -> None:
    assert judged(clause, family, ["units", "wiring"]).outcome == "not applicable"
    assert judged(clause, family, [*FAMILIES[family].defaults, "units", "wiring"]).outcome == "pass"


@pytest.mark.parametrize("family", ["ltc", "wired_ltc"])
def test_the_default_formula_is_that_of_a_cell_which_has_no_other(family: str) -> None:
    clause = f"{family}.step.semi_implicit"
    assert judged(clause, family, ["units", "wiring"]).outcome == "pass"
    found = judged(clause, family, ["units", "wiring", "solver"], solver=["explicit"])
    assert (found.outcome, found.reason.partition(" has ")[2]) == (
        "not applicable",
        "no solver='semi_implicit'",
    )


def test_solvers_that_a_cell_has_not_are_not_asked_to_converge() -> None:
    has = ["wiring", "solver", "ode_unfolds"]
    assert judged("wired_ltc.convergence", "wired_ltc", has, solver=["semi_implicit"]).outcome == "pass"


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


SPEC = clauses.load().clauses
TABLE = (Path(reference.__file__).parent / "SPEC.md").read_text().partition("| capability |")[2]
ROWS = [line.split("|")[2].split(",") for line in TABLE.partition("\n\n")[0].splitlines()[2:]]
NAMED = {name.strip(): row for row, names in enumerate(ROWS) for name in names}
"""The row of the table of capabilities that names an id or an area."""
STEPS = 0


def row_of(clause: str) -> int:
    """Return the row of a clause: that of its longest beginning that is named; a formula is one of steps."""
    parts = clause.split(".")
    beginnings = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return STEPS if parts[0] in FAMILIES else next(NAMED[name] for name in beginnings if name in NAMED)


def test_the_table_of_capabilities_names_nothing_that_there_is_not_and_every_clause() -> None:
    areas = {clause.split(".")[0] for clause in SPEC}
    assert set(NAMED) <= {*SPEC, *areas, "gradient.sequence"}
    assert {row_of(clause) for clause in SPEC} == set(range(len(ROWS)))


class StepsAlone(ReferenceCells):
    """Offers steps and the parameters that it is given, what the first row of the table asks, and no more."""

    def request(self, method: str, **params: Any) -> Any:
        if method not in ("step", "parameters"):
            raise NotSupported(f"no {method}")
        return super().request(method, **params)


@pytest.mark.parametrize(
    "clause", [id for id, c in SPEC.items() if {"cfc", "ltc"} & set(c.families) and every()[id].backends == 1]
)
def test_of_a_target_that_takes_steps_is_judged_what_the_table_says(clause: str) -> None:
    family = "ltc" if clause.startswith("ltc") else "cfc"
    (cell,) = [one for one in ReferenceCells().describe()["cells"] if one["family"] == family]
    subject = Subject(StepsAlone(), {**cell, "layer": None, "draws": False}, "float64")
    found = judge_clause(every()[clause], subject, Plan(2, 0, variant="strict"))
    assert (found.outcome != "not applicable") == (row_of(clause) == STEPS), found
    assert found.outcome in ("pass", "not applicable"), found
