"""The counts of docs/accusations/seeds: an interrupted run goes on, and what went wrong is counted anew."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conformance.judging import registry as checks
from conformance.judging.registry import Check
from conformance.verdict import Verdict

ROOT = Path(__file__).resolve().parents[3]
PLACE = ("ncps", "numpy")
CHECKS = [checks.every()[id] for id in ("time.zero", "shape.smallest")]
ORDINARY = {"examples": 50, "expected": 50, "values": 60, "undecided": 3, "worst": 0.5}


@dataclass
class Judges:
    """Judges in place of a target, and remembers what it was asked."""

    outcomes: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, check: Check, seed: int) -> Iterator[Verdict]:
        self.asked.append((check.clause, seed))
        said = self.outcomes.get((check.clause, seed), {})
        about = ("MUST", *PLACE[:1], "CfCCell", "numpy", "float64")
        yield Verdict(check.clause, *about, **{"outcome": "pass", **ORDINARY, **said})
        yield Verdict(check.clause, *about, "not applicable")


@pytest.fixture
def counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / ".ci"))
    module = importlib.import_module("seed_counts")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    return module


def count(counts: ModuleType, judges: Judges, seeds: int, deadline: float = math.inf) -> int:
    """Count by so many seeds what these judges say."""

    @contextmanager
    def judge_of(place: Any) -> Iterator[Judges]:
        yield judges

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "judge_of", judge_of)
        found: int = counts.count(PLACE, CHECKS, seeds, deadline)
    return found


def test_a_later_run_goes_on_from_the_seeds_that_are_counted(counts: ModuleType) -> None:
    first, second = Judges(), Judges()
    assert count(counts, first, 6) == count(counts, second, 8) == 0
    assert sorted(first.asked) == sorted((check.clause, seed) for check in CHECKS for seed in range(1, 7))
    assert sorted(second.asked) == sorted((check.clause, seed) for check in CHECKS for seed in (7, 8))
    assert {one.seeds for one in counts.load(PLACE).values()} == {8}


def test_clauses_take_turns(counts: ModuleType) -> None:
    judges = Judges()
    count(counts, judges, 2 * counts.STRIDE)
    turns = [judges.asked[i][0] for i in range(0, len(judges.asked), counts.STRIDE)]
    assert turns == ["time.zero", "shape.smallest", "time.zero", "shape.smallest"]


def test_nothing_is_begun_after_the_deadline(counts: ModuleType) -> None:
    judges = Judges()
    count(counts, judges, 3, deadline=0.0)
    assert judges.asked == [] and counts.load(PLACE) == {}


def test_what_went_wrong_is_told_and_counted_anew(counts: ModuleType) -> None:
    outcomes = {
        ("time.zero", 2): {"outcome": "error", "reason": "Traceback:\n  why"},
        ("time.zero", 3): {"outcome": "fail", "reason": "off"},
    }
    assert count(counts, Judges(outcomes), 3) == 2
    found = counts.load(PLACE)["time.zero"]
    assert found.errors == ("seed 2, CfCCell, float64: error:   why",)
    assert found.accused == ("seed 3, CfCCell, float64: fail: off",)
    again = Judges()
    assert count(counts, again, 3) == 0
    assert again.asked == [("time.zero", seed) for seed in (1, 2, 3)]
    assert counts.load(PLACE)["time.zero"].errors == ()


def test_the_table_sums_what_is_counted(counts: ModuleType) -> None:
    more = {"examples": 100, "values": 120, "undecided": 12}
    count(counts, Judges({("time.zero", 1): more}), 2)
    counts.write_table({PLACE: "`ncps` on numpy", ("ncps", "torch"): "`ncps` on torch"})
    rows = (counts.FOLDER / "seeds.md").read_text("utf-8").splitlines()[2:]
    assert rows == ["| `ncps` on numpy | 2 | 2 | 4 | 250 | 300 | 21 | 8.33% | 1 | 0 | 0 |"]
