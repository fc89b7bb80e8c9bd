"""The suite inside a test suite: `check`, `each_clause`, and a repository that uses them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import conformance
from conformance.judging.registry import Check
from conformance.judging.subject import Subject
from conformance.options import UsageError
from conformance.run import session
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.verdict import Verdict
from tests.conformance.wheels import PIP, ROOT
from tests.planted import PLANTED

pytestmark = pytest.mark.frameworks

pytest_plugins = ["pytester"]

QUICK = {"backend": "numpy", "smoke": True, "seed": 1}


def test_a_cell_that_conforms() -> None:
    report = conformance.check("ncps:CfCCell", clause="time.zero", **QUICK)
    assert report.conforms and report.complete
    assert "✓ ncps:CfCCell conforms to the clauses asked for" in str(report)
    assert [verdict.tier for verdict in report.verdicts] == ["float32", "float64"]


def test_a_cell_that_does_not() -> None:
    report = conformance.check("faults:TimeIgnored", path=PLANTED, clause="time.per_sample", **QUICK)
    assert not report.conforms
    first, *rest = str(report).splitlines()
    assert first.startswith("✗ faults:TimeIgnored departs from the clauses asked for of specification ")
    assert ", judged 1 of 1 MUST clause, 1 fails: Elapsed time is 1, whatever is given" in first
    assert any("✗ time.per_sample · MUST" in line for line in rest)
    assert not any(line.endswith(" ") for line in rest)


def test_a_target_that_one_backend_cannot_import_is_judged_on_the_others(tmp_path: Path) -> None:
    (tmp_path / "numpy_alone.py").write_text(
        "import keras\nfrom ncps import CfCCell\n\n"
        "if keras.backend.backend() != 'numpy':\n    raise ImportError('NumPy alone')\n"
    )
    options = {**QUICK, "backend": ["numpy", "torch"], "clause": "time.zero", "path": tmp_path}
    report = conformance.check("numpy_alone:CfCCell", **options)
    assert {(verdict.backend, verdict.outcome) for verdict in report.verdicts} == {
        ("numpy", "pass"),
        ("torch", "error"),
    }
    assert "not available on torch: ImportError: NumPy alone" in str(report)
    assert not report.conforms and report.complete


def test_the_clause_after_a_harness_ended_finds_a_live_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def and_ends(check: Check, subject: Subject, plan: Plan) -> Verdict:
        verdict = judge_clause(check, subject, plan)
        subject.implementation.close()
        return verdict

    monkeypatch.setattr(session, "judge_clause", and_ends)
    report = conformance.check("ncps:CfCCell", clause="time.*", **QUICK)
    assert {verdict.outcome for verdict in report.verdicts} == {"pass"}


def test_a_run_leaves_nothing_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HYPOTHESIS_STORAGE_DIRECTORY", raising=False)
    (folder := tmp_path / "folder").mkdir()
    monkeypatch.chdir(folder)
    options = {"backend": "numpy", "clause": "time.per_sample", "max_examples": 5}
    assert not conformance.check("faults:TimeIgnored", path=PLANTED, **options).conforms
    assert not list(folder.iterdir())
    assert list((tmp_path / "cache" / "ncps-conformance" / "hypothesis" / "conformance").iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"backends": "numpy"}, "unknown option 'backends' (did you mean 'backend'?)"),
        ({"jobs": 2}, "jobs=...: an option of `conformance run` alone"),
        ({"variant": "strickt"}, "--variant 'strickt': must be 'auto' or 'strict'"),
        ({"seed": -1}, "--seed -1: must be an integer of at least 0"),
        ({"seed": "one"}, "--seed 'one': must be an integer of at least 0"),
        ({"max_examples": 0}, "--max-examples 0: must be an integer of at least 1"),
        ({"timeout": "x"}, "--timeout 'x': must be a positive number of seconds"),
        ({"spec": 0.1}, "--spec 0.1: must be a text"),
        ({"smoke": "yes"}, "--smoke 'yes': must be True or False"),
        ({"clause": 3}, "--clause 3: must be a name, or several"),
        ({"clause": ["time.zero", None]}, "--clause ['time.zero', None]: must be a name, or several"),
        ({"timeout": True}, "--timeout True: must be a positive number of seconds"),
        ({"clause": "time.zeor"}, "unknown clause 'time.zeor' (did you mean 'time.zero'?)"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        conformance.check("ncps", **options)
    assert said in str(refused.value)


@pytest.mark.parametrize("option", ["json", "examples", "write_known_failures"])
def test_a_file_of_a_whole_run_is_refused_where_each_clause_is_a_test(option: str) -> None:
    with pytest.raises(UsageError, match=rf"each_clause\({option}="):
        conformance.each_clause("ncps", **{option: "x.json"})


MINE = """
import conformance

@conformance.each_clause(
    TARGET, backend="numpy", smoke=True, seed=1, clause="time.zero,time.per_sample,shape.step"
)
def test_cell(report, tmp_path):
    assert report.conforms, str(report)
"""


@pytest.mark.parametrize(
    ("target", "outcomes"),
    [("ncps:CfCCell", {"passed": 3}), ("faults:TimeIgnored", {"failed": 2, "passed": 1})],
)
def test_a_test_of_each_clause(
    pytester: pytest.Pytester, target: str, outcomes: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    pytester.makepyfile(MINE.replace("TARGET", f"{target!r}, path={str(PLANTED)!r}"))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "0")
    result.assert_outcomes(**outcomes)
    if "failed" in outcomes:
        result.stdout.fnmatch_lines(["*✗ time.per_sample · MUST*"])
        result.stdout.fnmatch_lines(["FAILED *time.per_sample*✗ faults:TimeIgnored departs*"])


def test_tests_are_chosen_as_everywhere(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MINE.replace("TARGET", repr("ncps:CfCCell")))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", "zero", "-v")
    result.assert_outcomes(passed=1, deselected=2)
    result.stdout.fnmatch_lines(["*test_cell?time.zero? PASSED*"])


def test_a_target_that_cannot_be_imported_fails_in_a_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MINE.replace("TARGET", repr("no.such:Cell")))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", "zero")
    result.assert_outcomes(failed=1, deselected=2)
    result.stdout.fnmatch_lines(["*No module named 'no'*"])


REFUSES = """
from conformance_harness.adapter import Adapter

class Refuses(Adapter):
    def cells(self):
        return [{"name": "Refuses", "family": "cfc", "arguments": ["units"], "defaults": {}}]
"""


def test_a_target_that_takes_no_step_is_not_green_by_being_skipped(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(refuses=REFUSES)
    mine = MINE.replace("TARGET", "'refuses:Refuses', path='.'").replace('backend="numpy", ', "")
    pytester.makepyfile(test_it=mine)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1, skipped=2)
    result.stdout.fnmatch_lines(["refuses:Refuses cannot be judged: *step is not offered*"])


def test_a_repository_of_somebody_elses(user: Path, tmp_path: Path) -> None:
    """examples/third_party, installed beside our built wheels, and its own tests run."""
    theirs = Path(shutil.copytree(ROOT / "examples" / "third_party", tmp_path / "theirs"))
    subprocess.run([*PIP, "--python", user, "install", "--no-deps", theirs], check=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTHONPATH")}
    done = subprocess.run(
        [user, "-m", "pytest", "-q", "-k", "cfc or time or shape or serialization"],
        cwd=theirs,
        env=environment | {"KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout and "failed" not in done.stdout
