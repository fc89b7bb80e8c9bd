"""The parser of SPEC.md, and SPEC.md by it."""

from __future__ import annotations

import re

import pytest

from conformance.spec import clauses
from conformance.spec.families import FAMILIES
from reference import SPEC_PATH

GOOD = """# Title

Version 0.7

## Notation

Not a clause.

## Area one

Text of the area.

### cfc.first · MUST

The first demand,
on two lines.

It explains.

    # a formula, not a heading

### state.second · SHOULD

The second demand.

# Another part

Nothing.
"""


def test_a_specification_is_its_version_and_its_clauses_in_order() -> None:
    spec = clauses.parse(GOOD)
    assert spec.version == "0.7"
    assert [(c.id, c.level, c.area) for c in spec.clauses.values()] == [
        ("cfc.first", "MUST", "Area one"),
        ("state.second", "SHOULD", "Area one"),
    ]
    assert list(spec.clauses) == ["cfc.first", "state.second"]


def test_the_demand_is_the_first_paragraph_on_one_line() -> None:
    first = clauses.parse(GOOD).clauses["cfc.first"]
    assert first.demand == "The first demand, on two lines."
    assert first.text.endswith("# a formula, not a heading")


def test_a_clause_has_its_level_since_the_first_version_or_that_which_is_named() -> None:
    text = GOOD.replace("cfc.first · MUST", "cfc.first · MUST since 0.6, SHOULD since 0.4")
    spec = clauses.parse(text)
    assert spec.versions == ("0.1", "0.4", "0.6", "0.7")
    levels = {v: [(c.id, c.level) for c in spec.at(v).clauses.values()] for v in spec.versions}
    assert levels["0.1"] == [("state.second", "SHOULD")]
    assert levels["0.4"] == [("cfc.first", "SHOULD"), ("state.second", "SHOULD")]
    assert levels["0.6"] == levels["0.7"] == [("cfc.first", "MUST"), ("state.second", "SHOULD")]
    assert spec.at("0.4").version == "0.4" and spec.at("0.1").families == ()
    with pytest.raises(ValueError, match=r"unknown version '0\.5'.*known: 0\.1, 0\.4, 0\.6, 0\.7"):
        spec.at("0.5")


def test_the_first_version_knows_the_dense_families_alone() -> None:
    first = clauses.load("0.1")
    assert first.families == ("cfc", "ltc") and clauses.load().families == tuple(FAMILIES)
    assert not any(id.startswith(("layer.", "wired", "wiring.", "mixed")) for id in first.clauses)
    assert {"sequence.mask", "gradient.state", "errors.timespans"} <= first.clauses.keys()


def test_a_clause_ends_where_the_next_heading_begins() -> None:
    assert clauses.parse(GOOD).clauses["state.second"].text == "The second demand."


@pytest.mark.parametrize(
    ("id_", "families"),
    [
        ("cfc.a", ("cfc",)),
        ("wired_ltc.a.b", ("wired_ltc",)),
        ("backbone.a", ("cfc", "ltc")),
        ("wiring.a", ("wired_cfc", "wired_ltc")),
        ("state.a", tuple(FAMILIES)),
        ("ltcs.a", tuple(FAMILIES)),
    ],
)
def test_a_clause_is_about_the_families_that_its_id_begins_with(id_: str, families: tuple[str, ...]) -> None:
    assert clauses.Clause(id_, "MUST", "", "text").families == families


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Version 0.7", "", "Version"),
        ("Version 0.7", "Version seven", "Version"),
        ("state.second", "cfc.first", "cfc.first stands twice"),
        ("The second demand.", "", "state.second has no text"),
        ("state.second · SHOULD", "state.second · MAY", "not a clause heading"),
        ("state.second · SHOULD", "state.second - SHOULD", "not a clause heading"),
        ("state.second · SHOULD", "state.second", "not a clause heading"),
        ("state.second · SHOULD", "state.second · SHOULD since seven", "not a clause heading"),
        (
            "state.second · SHOULD",
            "state.second · SHOULD since 0.10",
            "which is later than",
        ),
        ("state.second · SHOULD", "state.second · MUST, SHOULD since 0.1", "not a clause heading"),
        ("state.second · SHOULD", "second · SHOULD", "not a clause heading"),
        ("state.second · SHOULD", "State.Second · SHOULD", "not a clause heading"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ValueError, match=message):
        clauses.parse(GOOD.replace(old, new))


def test_the_shipped_specification_has_every_heading_of_a_third_level_as_a_clause() -> None:
    headings = re.findall(r"^### (\S+) · ", SPEC_PATH.read_text(encoding="utf-8"), re.MULTILINE)
    assert list(clauses.load().clauses) == headings
    assert len(set(headings)) == len(headings) >= 60


@pytest.mark.parametrize("clause", clauses.load().clauses.values(), ids=lambda clause: clause.id)
def test_a_shipped_clause_demands_one_thing_in_one_sentence(clause: clauses.Clause) -> None:
    assert clause.level in ("MUST", "SHOULD")
    assert clause.area
    assert re.fullmatch(r"\S.*[^.]\.", clause.demand)
    assert not re.search(r"[.!?] [A-Z]", clause.demand), "more than one sentence"
    assert "\n" not in clause.demand


def test_an_area_holds_clauses_that_stand_together() -> None:
    areas = [clause.area for clause in clauses.load().clauses.values()]
    changes = [area for area, before in zip(areas, [None, *areas], strict=False) if area != before]
    assert len(changes) == len(set(changes))
