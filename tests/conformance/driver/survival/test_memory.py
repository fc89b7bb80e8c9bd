"""A long search is several, so that what Hypothesis remembers of examples does not grow with their number."""

from __future__ import annotations

import pytest

from conformance.judging.example import digest
from conformance.judging.registry import Check, Draw, every
from conformance.judging.subject import Subject
from conformance.oracle.reference_cells import ReferenceCells
from conformance.search import searching
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.verdict import Verdict

CELLS = ReferenceCells()
(CELL,) = [cell for cell in CELLS.describe()["cells"] if cell["family"] == "cfc"]
CLAUSE = every()["cfc.step.default"]


def searched(plan: Plan) -> tuple[Verdict, list[str]]:
    """Return the verdict, and what tells the examples apart that led to it."""
    cases = []

    def body(subject: Subject, draw: Draw) -> None:
        CLAUSE.body(subject, draw)
        cases.append(digest(*subject.example.requests[0]))

    check = Check(CLAUSE.clause, body, CLAUSE.examples, CLAUSE.smoke, CLAUSE.tiers)
    return judge_clause(check, Subject(CELLS, CELL, "float64"), plan), cases


def test_a_search_in_parts_tries_as_many_examples_and_others_in_each(monkeypatch: pytest.MonkeyPatch) -> None:
    _, first = searched(Plan(10, seed=3))
    monkeypatch.setattr(searching, "MOST_REMEMBERED", 10)
    verdict, cases = searched(Plan(35, seed=3))
    assert (verdict.outcome, verdict.examples, len(cases)) == ("pass", 35, 35)
    assert cases[:10] == first
    assert len(set(cases)) > 30
    assert searched(Plan(35, seed=3))[1] == cases


def test_a_failure_in_a_later_part_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_REMEMBERED", 10)
    calls = 0

    def body(subject: Subject, draw: Draw) -> None:
        nonlocal calls
        CLAUSE.body(subject, draw)
        calls += 1
        if calls > 15:
            raise subject.departure("from here on it is wrong")

    check = Check(CLAUSE.clause, body, CLAUSE.examples, CLAUSE.smoke, CLAUSE.tiers)
    verdict = judge_clause(check, Subject(CELLS, CELL, "float64"), Plan(40, seed=3, variant="strict"))
    assert verdict.outcome == "fail" and verdict.examples == 15
