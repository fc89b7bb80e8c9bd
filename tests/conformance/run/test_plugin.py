"""The suite by pytest itself: its own options choose, and its exit status says what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.driver.survival.test_faults import ROOT, target

pytestmark = pytest.mark.slow


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs pytest on a right program and gives its exit status and report."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("FAULTY_PIDS", str(tmp_path / "pids"))

    def run(*options: str, fault: str = "none") -> tuple[int, dict[str, Any]]:
        command = [sys.executable, "-m", "pytest", "-p", "conformance.run.plugin", "--pyargs"]
        command += ["conformance.suite", f"--conformance-target={target(fault, 'build')}"]
        command += ["--conformance-max-examples=5", "--conformance-json=report.json", "--conformance-seed=1"]
        done = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True)
        assert "report.json" not in done.stderr, done.stderr
        (tmp_path / "stdout").write_text(done.stdout)
        return done.returncode, json.loads((tmp_path / "report.json").read_text())

    return run


@pytest.mark.parametrize("more", [[], ["-n", "2", "--dist", "loadgroup"]])
def test_tests_that_pytest_is_told_to_leave_out_are_not_missed(judged: Any, more: list[str]) -> None:
    status, report = judged("-k", "test_state and sizes", *more)
    assert status == 0 and report["complete"] and report["notes"] == []
    assert [verdict["clause"] for verdict in report["verdicts"]] == ["state.sizes"]
    assert report["budget"]["left_out"] > 50, "it is no run of the whole specification"
    assert report["status"] == "conforms"


def test_of_those_that_failed_last_alone_no_other_is_missed(judged: Any) -> None:
    chosen = ("-k", "test_state and (sizes or repeatable)")
    status, report = judged(*chosen, fault="exits")
    assert status == 1 and len(report["verdicts"]) == 2
    status, report = judged(*chosen, "--last-failed", fault="exits")
    assert status == 1 and report["complete"]
    assert [verdict["clause"] for verdict in report["verdicts"]] == ["state.sizes"]


def test_where_nothing_applies_it_is_no_success(judged: Any) -> None:
    status, report = judged("-k", "test_shape and symbolic")
    assert {verdict["outcome"] for verdict in report["verdicts"]} == {"not applicable"}
    assert report["status"] == "could not be judged" and status == 1


def test_it_says_why_a_run_in_which_no_test_fails_is_no_success(judged: Any, tmp_path: Path) -> None:
    status, report = judged("-k", "test_state and sizes", "--conformance-min-judged=96")
    assert status == 1 and report["status"] == "could not be judged"
    said = " ".join((tmp_path / "stdout").read_text().split())
    assert "= conformance =" in said and "1 passed" in said
    assert "could not be judged, judged 1 MUST clause, and at least 96 are asked for" in said


def test_a_shard_says_what_it_left_out(judged: Any) -> None:
    for more in ([], ["-n", "2", "--dist", "loadgroup"]):
        _, report = judged("-k", "test_state", "--conformance-shard=1/2", *more)
        assert report["budget"]["left_out"] > 0


def test_to_collect_is_no_run(judged: Any, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('"as it was"')
    assert judged("--collect-only") == (0, "as it was")
