"""Tests the score of the planted faults: `python -m tests.planted`, its data, and the published tables."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.planted import data, published, tables
from tests.planted.__main__ import FOLDER, main
from tests.planted.catalogue import planted
from tests.planted.measuring import Measurement

TRIED = 20


def invoke(folder: Path, *arguments: str) -> Result:
    at = ("--folder", str(folder), "--data", str(folder / "teeth.json"))
    return CliRunner().invoke(main, ["--jobs", "1", *at, *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the published tables, without data."""
    return Path(shutil.copytree(FOLDER, tmp_path / "teeth"))


@pytest.fixture
def measured(folder: Path) -> Path:
    """Return a copy of the tables with invented data of every fault beside it."""
    measurements = [
        Measurement(f.kind, f.name, f.what, f.clause, f.family, examples=[1] * TRIED, finders=[f.clause])
        for f in planted().values()
    ]
    data.write(folder / "teeth.json", {measurement.key: measurement for measurement in measurements})
    return folder


def test_every_clause_that_must_hold_has_a_fault_written_for_it() -> None:
    by_hand = Counter(fault.clause for fault in planted().values() if fault.kind != "generated")
    assert by_hand.total() >= 120
    assert set(published.must()) <= set(by_hand)


def test_the_published_tables_are_of_the_faults_of_today() -> None:
    assert published.complaints(FOLDER) + published.unexplained(FOLDER) == []


def test_the_published_tables_have_no_fault_that_was_not_found() -> None:
    for row in published.rows(FOLDER, "score"):
        assert row[2] == f"{row[1]} (100%)", row
    for row in published.rows(FOLDER, "mutants"):
        assert tables.UNKNOWN not in row[4:6], row
    for row in published.rows(FOLDER, "generated"):
        assert row[2] == row[3], row


def test_the_tables_are_made_of_the_data(measured: Path) -> None:
    invoke(measured, "--tables")
    assert published.complaints(measured) == []
    assert published.rows(measured, "score")[0][1:] == (
        f"{count('formula')}",
        f"{count('formula')} (100%)",
        "1",
        "1",
    )
    assert {row[4:] for row in published.rows(measured, "mutants")} == {("1", "1", "1")}


def count(kind: str) -> int:
    return sum(fault.kind == kind for fault in planted().values())


def test_a_table_is_read_as_it_was_written() -> None:
    measurement = Measurement(
        "formula", "A", "It is |a|, not a.", "cfc.step.pure", "cfc", examples=[None], finders=[]
    )
    row = list(tables.mutants([measurement]))[2]
    assert r"\|a\|" in row
    assert tables.cells(row) == ("`A`", "reference, cfc", measurement.what, "`cfc.step.pure`", "–", "–", "–")


@pytest.mark.slow
def test_a_fault_is_measured_and_written(measured: Path) -> None:
    result = invoke(measured, "--only", "HardGate", "--seeds", "2", "--write")
    assert "| 1 | 1 (100%) | 1 | 1 |" in result.output
    assert len(data.read(measured / "teeth.json")["formula:HardGate"].examples) == TRIED  # of the data before
    assert {row[4:6] for row in published.rows(measured, "mutants")} == {("1", "1")}


HARD_GATE = planted()["formula:HardGate"]


def measure_alone(folder: Path, finders: list[str], seeds: int = TRIED) -> None:
    """Write invented data of one fault, and of no other."""
    fault = HARD_GATE
    measurement = Measurement(
        fault.kind, fault.name, fault.what, fault.clause, fault.family, [2] * (seeds - 1) + [9], finders
    )
    data.write(folder / "teeth.json", {measurement.key: measurement})


def without(folder: Path, name: str, row: str) -> None:
    """Take a row out of a table."""
    path = folder / f"{name}.md"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if row not in line), encoding="utf-8")


def test_figures_of_faults_that_were_not_measured_stay(folder: Path) -> None:
    before = {name: published.rows(folder, name) for name in published.UNMEASURED}
    measure_alone(folder, [])
    invoke(folder, "--tables")
    changed = {
        name: [(old, new) for old, new in zip(rows, published.rows(folder, name), strict=True) if old != new]
        for name, rows in before.items()
    }
    ((old, new),) = changed.pop("mutants")
    assert (new[:4], new[4:]) == (old[:4], ("2", "9", old[-1])) and old[0] == "`HardGate`"
    assert changed == {"score": [], "clauses": [], "generated": []}


def test_few_seeds_change_no_figure(folder: Path) -> None:
    before = {name: published.rows(folder, name) for name in published.UNMEASURED}
    measure_alone(folder, [], seeds=3)
    invoke(folder, "--tables")
    assert {name: published.rows(folder, name) for name in published.UNMEASURED} == before


def test_a_new_fault_is_added_to_what_its_clauses_find(folder: Path) -> None:
    before = {row[0]: row for row in published.rows(folder, "clauses")}
    without(folder, "mutants", "`HardGate`")
    measure_alone(folder, [])
    assert "1 fault neither measured" in invoke(folder, "--tables").output  # by which clauses is it found?
    measure_alone(folder, ["state.pure"])
    invoke(folder, "--tables")
    assert published.complaints(folder) == []
    after = {row[0]: row for row in published.rows(folder, "clauses")}
    (changed,) = [id for id in before if before[id] != after[id]]
    assert int(after[changed][3]) == int(before[changed][3]) + 1
    assert (changed, after[changed][-1].split(", ")[-1]) == ("`state.pure`", "`HardGate`")


def test_generated_faults_that_are_not_found_are_counted(folder: Path) -> None:
    some = [fault for fault in planted().values() if fault.kind == "generated"]
    some = [fault for fault in some if fault.name.startswith("activations.sigmoid:")]
    data.write(
        folder / "teeth.json",
        {f.key: Measurement(f.kind, f.name, f.what, f.clause, f.family, examples=[None]) for f in some},
    )
    invoke(folder, "--tables")
    (row,) = [row for row in published.rows(folder, "score") if row[0] == tables.KINDS["generated"]]
    assert row[2] == f"**{count('generated') - len(some)}**" and len(some) > 9


def test_a_new_fault_that_was_not_measured_is_named(folder: Path) -> None:
    without(folder, "mutants", "`TimeOnOffset`")
    measure_alone(folder, [])
    result = invoke(folder, "--tables")
    assert result.exit_code == 1
    assert "1 fault neither measured nor in the tables, such as formula:TimeOnOffset" in result.output


@pytest.mark.slow
def test_a_fault_is_measured_and_written_where_there_is_no_data(folder: Path) -> None:
    result = invoke(folder, "--only", "HardGate", "--write")
    assert result.exit_code == 0, result.output
    assert list(data.read(folder / "teeth.json")) == ["formula:HardGate"]
    assert published.complaints(folder) == []


def test_a_fault_that_is_not_found_fails_the_score(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clause of shapes passes a wrong gate."""
    other = planted()["formula:HardGate"]
    monkeypatch.setitem(planted(), other.key, replace(other, clause="shape.step"))
    monkeypatch.setattr("tests.planted.__main__.measure", measure_here)
    result = invoke(folder, "--only", "HardGate")
    assert result.exit_code == 1
    assert "formula:HardGate is not found by shape.step: pass" in result.output


def measure_here(keys, seeds, *, matrix, jobs):
    """Measure as `measure` does, in this process, in which the fault was changed."""
    from tests.planted.measuring import _measured

    yield from (_measured(key, seeds, matrix) for key in keys)


@pytest.mark.parametrize(
    ("name", "fault"), [("mutants", "formula:HardGate"), ("generated", "generated:cfc.pure")]
)
def test_a_fault_that_is_not_in_the_tables_is_named(folder: Path, name: str, fault: str) -> None:
    path, row = folder / f"{name}.md", f"`{fault.partition(':')[2]}`"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if row not in line))
    (complaint,) = published.complaints(folder)
    assert complaint.startswith(f"{name}.md has no row {row} | ")
    assert complaint.endswith(published.ANEW)


def test_a_row_whose_fault_is_gone_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(planted(), "formula:HardGate")
    named = published.complaints(folder)
    assert any("mutants.md has the row `HardGate` | " in line for line in named)
    assert any(line.startswith("score.md has the row ") for line in named)


def test_a_clause_that_alone_finds_nothing_says_why(folder: Path) -> None:
    path = folder / published.REASONS
    lines = path.read_text().splitlines()
    others = [line for line in lines if not line.startswith(('"cfc.step.default"', '"cfc.step.no_gate"'))]
    added = [f'"{id}" = "no reason"' for id in ("time.scalar", "cfc.step.nothing", "cfc.step.no_gate")]
    path.write_text("\n".join([*others, *added]))
    assert published.unexplained(folder) == [
        "cfc.step.default finds no fault that no other clause finds, "
        "and docs/teeth/reasons.toml does not say why",
        "reasons.toml excuses time.scalar, which alone finds `ScalarTimeOfOneSample`",
        "reasons.toml excuses cfc.step.nothing, which is no MUST clause",
        "clauses.md does not have the reason of cfc.step.no_gate from reasons.toml: "
        "python -m tests.planted --tables",
    ]
