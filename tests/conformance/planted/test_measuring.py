"""The score of the planted faults, as `python -m tests.planted` measures and keeps it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.planted import kept
from tests.planted.__main__ import FOLDER, main
from tests.planted.catalogue import planted

TABLES = ("score", "mutants", "clauses", "generated")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["--jobs", "1", *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of what is kept."""
    return Path(shutil.copytree(FOLDER, tmp_path / "teeth"))


def test_every_clause_that_must_hold_has_a_fault_written_for_it() -> None:
    by_hand = Counter(fault.clause for fault in planted().values() if fault.kind != "generated")
    assert by_hand.total() >= 120
    assert set(kept.must()) <= set(by_hand)


def test_what_is_kept_is_of_the_faults_of_today_and_all_were_found() -> None:
    assert kept.complaints(FOLDER) + kept.unexplained(FOLDER) == []
    assert all(bite.found for bite in kept.read(FOLDER).values())


def test_the_tables_are_made_of_what_is_kept(folder: Path) -> None:
    invoke("--tables", "--folder", str(folder))
    for name in TABLES:
        assert (folder / f"{name}.md").read_text() == (FOLDER / f"{name}.md").read_text(), name


@pytest.mark.slow
def test_a_fault_is_measured_and_kept(folder: Path) -> None:
    result = invoke("--only", "HardGate", "--seeds", "2", "--write", "--folder", str(folder))
    assert result.exit_code == 0, result.output
    assert "| 1 | 1 (100%) | 1 | 1 |" in result.output
    assert len(kept.read(folder)["formula:HardGate"].examples) == 20  # more seeds were tried before


def test_a_fault_that_is_not_found_fails_the_score(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clause of errors in arguments says nothing of a wrong gate."""
    other = planted()["formula:HardGate"]
    monkeypatch.setitem(planted(), other.key, type(other)(**{**vars(other), "clause": "shape.step"}))
    monkeypatch.setattr("tests.planted.__main__.measure", measured_here)
    result = invoke("--only", "HardGate", "--folder", str(folder))
    assert result.exit_code == 1
    assert "formula:HardGate is not found by shape.step: pass" in result.output


def measured_here(keys, seeds, *, matrix, jobs):
    """As `measure`, in this process, in which the fault was changed."""
    from tests.planted.measuring import _measured

    yield from (_measured(key, seeds, matrix) for key in keys)


def test_a_fault_that_was_not_measured_is_named(folder: Path) -> None:
    path = folder / kept.DATA
    data = json.loads(path.read_text())
    data["mutants"] = [row for row in data["mutants"] if row["name"] != "HardGate"]
    path.write_text(json.dumps(data))
    assert kept.complaints(folder) == [
        f"formula:HardGate is not measured: {kept.ANEW} --only 'formula:HardGate'"
    ]


def test_a_clause_that_alone_finds_nothing_says_why(folder: Path) -> None:
    path = folder / kept.REASONS
    lines = path.read_text().splitlines()
    said = [line for line in lines if not line.startswith('"cfc.step.default"')]
    path.write_text("\n".join([*said, '"time.scalar" = "no reason"', '"cfc.step.nothing" = "no clause"']))
    assert kept.unexplained(folder) == [
        "cfc.step.default finds no mutant that no other clause finds, "
        "and docs/teeth/reasons.toml does not say why",
        "reasons.toml excuses time.scalar, which alone finds ScalarTimeOfOneSample",
        "reasons.toml excuses cfc.step.nothing, which is no MUST clause",
    ]
