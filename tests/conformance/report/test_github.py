"""What a run leaves on GitHub Actions: annotations, a summary of the job, and the action that runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from markdown_it import MarkdownIt

from conformance.cli import main as cli
from conformance.report import jsonfile
from conformance.report.github import MOST, annotated, command
from conformance.report.markdown import LONGEST, fenced, markdown, text
from conformance.spec import clauses
from conformance.verdict import Cause, Failure, Report, Verdict
from tests.conformance.report import sample_report
from tests.planted import PLANTED

ROOT = Path(__file__).resolve().parents[3]
SPEC = clauses.load().clauses
OURS = sorted((ROOT / ".github/workflows").glob("*.yml"))
HOSTILE = "a | b\n::error::x <script>alert(1)</script> `c` [d](e) *f* ```\n# g %0A"


def failing(number: int, *, level: str = "MUST", said: str = "is wrong") -> Report:
    """A run with so many failures, each of another clause."""
    about: dict[str, Any] = {"target": "mine:Cell", "cell": "Cell", "backend": "torch", "tier": "float64"}
    verdicts = [
        Verdict(id, level, outcome="fail", failure=Failure(f"{said} {n}", {"units": n}), **about)
        for n, id in enumerate(list(SPEC)[:number])
    ]
    return Report("0.2", "0.1.0", 1, "conformance run mine:Cell", {}, [], verdicts, 1.0)


# Annotations


def test_a_failure_is_an_annotation_with_the_clause_and_what_it_demands() -> None:
    (line,) = annotated(failing(1), SPEC)
    first = next(iter(SPEC))
    assert line.startswith(f"::error title={first} · mine%3ACell · Cell on torch::is wrong 0%0AThe clause: ")


def test_no_more_are_made_than_are_shown_and_the_rest_is_counted() -> None:
    assert len(list(annotated(failing(MOST), SPEC))) == MOST
    lines = list(annotated(failing(MOST + 5), SPEC))
    assert len(lines) == MOST
    assert lines[-1].startswith("::error title=conformance::6 more")


def test_only_what_departs_is_an_annotation() -> None:
    assert not list(annotated(sample_report.green(), SPEC))
    assert not list(annotated(failing(3, level="SHOULD"), SPEC))


def test_a_cause_is_one_annotation_with_what_fails_for_it() -> None:
    lines = list(annotated(sample_report.caused(), SPEC))
    assert len(lines) == 4, "that of a SHOULD is none, nor is its error"
    convention, fault, place, default = lines
    assert convention.startswith(
        "::error title=cause 1 · ncps · CfCCell on jax%2C torch%2C tensorflow and numpy::"
        "computes with head_activation=linear, a documented variant (proven on 24 steps)%0A"
        "3 clauses fail for it: cfc.step.no_gate, time.zero and time.per_sample%0AThe smallest case, of"
    )
    assert "2 clauses fail for it: ltc.step.explicit and time.zero%0A" in fault
    assert "1 clause fails for it: dtype.policy%0A" in place and "file=" not in place
    assert default.startswith("::error title=cfc.step.default · ncps · CfCCell on ")
    assert "2 clauses fail for it too: backbone.absent and time.per_sample%0AThe clause: In mode" in default


@pytest.mark.parametrize(
    ("place", "file", "where"),
    [
        ("cells.py:41 in call", "pkg/cells.py", "file=pkg/cells.py,line=41,"),
        ("{folder}/a, b/cells.py:41 in call", None, "file=a%2C b/cells.py,line=41,"),
        ("cells.py:41 in call", "pkg/__init__.py", ""),
        ("/elsewhere/cells.py:41 in call", "pkg/cells.py", ""),
        ("cells.py", "pkg/cells.py", ""),
    ],
)
def test_a_cause_in_a_file_of_the_folder_is_shown_there(
    place: str, file: str | None, where: str, tmp_path: Path
) -> None:
    cause = Cause("place", "ValueError", "it raises", place.format(folder=tmp_path))
    about: dict[str, Any] = {"target": "mine:Cell", "cell": "Cell", "backend": "torch", "tier": "float64"}
    failed = Verdict(
        "time.zero", "MUST", outcome="fail", failure=Failure("it raises"), causes=[cause], **about
    )
    described = [
        {"target": "mine:Cell", "backend": "torch"} | ({"file": str(tmp_path / file)} if file else {})
    ]
    made = Report("0.2", "0.1.0", 1, "", {}, described, [failed], 1.0)
    (line,) = annotated(made, SPEC, tmp_path)
    assert line.startswith(f"::error {where}title=cause 1 · ")


def test_a_partial_report_is_one() -> None:
    cut = replace(sample_report.green(), complete=False, notes=["the run was ended by SIGTERM"])
    (line,) = annotated(cut, SPEC)
    assert line == "::error title=conformance%3A a partial report::the run was ended by SIGTERM"


def test_what_a_target_says_cannot_end_the_line_or_begin_another() -> None:
    line = command("error", "a, b: c\nd", HOSTILE)
    assert "\n" not in line and "\r" not in line
    assert line.startswith("::error title=a%2C b%3A c%0Ad::a | b%0A::error::x")
    assert line.endswith("# g %250A")


# The summary


def test_the_summary_has_the_verdict_a_table_and_each_failure() -> None:
    said = markdown(sample_report.red(), SPEC)
    assert said.startswith(f"### ✗ ncps departs from specification {clauses.load().version}\n")
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(said)
    rows = re.findall(r"<tr>\n<td>(.*?)</td>", page)
    areas = {SPEC[verdict.clause].area for verdict in sample_report.red().verdicts}
    assert set(rows) == areas
    assert page.count("<details>") == page.count("</details>") == said.count("<summary>") > 2
    assert "with start(&quot;ncps&quot;, &quot;torch&quot;)" in page


def test_the_summary_has_each_cause_with_its_clauses_or_each_clause() -> None:
    made = sample_report.caused()
    said = markdown(made, SPEC)
    assert "**5 causes of 8 clauses that fail: 6 follow from another**" in said
    titles = re.findall(r"<summary>(\d)\. ✗ <b>(.*?)</b><br>(.*?)</summary>", said)
    assert [number for number, _, _ in titles] == ["1", "2", "3", "4", "5"]
    assert titles[2][1:] == (
        "step raises ValueError: no such dtype",
        "1 clause · cells.py:41 in call · MUST · CfCCell and LTCCell on jax",
    )
    assert "<code>cfc.step.no_gate</code>, <code>time.zero</code>, <code>time.per_sample</code>" in said
    assert said.count("<b>serialization.deepcopy</b>") == 1 and said.count("<details>") == 6
    by_clause = markdown(made, SPEC, clauses_only=True)
    failing = {v.clause for v in made.verdicts if v.outcome == "fail"}
    assert failing <= set(re.findall(r"<b>(.*?)</b>", by_clause)) and "causes of" not in by_clause


def test_what_a_target_says_is_text_in_the_summary() -> None:
    page = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .render(markdown(failing(1, said=HOSTILE), SPEC))
    )
    assert "<script>" not in page
    assert "<a " not in page
    inline = (
        MarkdownIt("commonmark", {"html": True}).enable("table").render(f"| h |\n| - |\n| {text(HOSTILE)} |")
    )
    assert inline.count("<td>") == 1
    assert "<em>" not in inline and "<code>" not in inline
    block = MarkdownIt().render(fenced(HOSTILE))
    assert block.count("<pre>") == 1 and "<h1>" not in block


def test_a_long_summary_is_cut_between_failures_and_says_so() -> None:
    said = markdown(failing(50, said="x" * (LONGEST // 20)), SPEC)
    assert len(said) < 1_000_000
    assert said.count("<details>") == said.count("</details>")
    left = re.search(r"(\d+) failures more", said)
    assert left is not None
    assert int(left[1]) + said.count("<details>") == 50
    assert said.rstrip().endswith("</sub>")


@pytest.mark.slow
def test_a_command_writes_both_on_github_and_neither_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jsonfile.write(sample_report.red(), tmp_path / "a.json")
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    given = [
        "merge",
        str(tmp_path / "a.json"),
        "-o",
        str(tmp_path / "w.json"),
        "--markdown",
        str(tmp_path / "m.md"),
    ]
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    done = CliRunner().invoke(cli.main, given)
    assert "\n::error title=cfc.step.default" in done.output
    assert summary.read_text("utf-8") == "before\n" + (tmp_path / "m.md").read_text("utf-8")
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert "::error" not in CliRunner().invoke(cli.main, given).output


# The action


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("github-actions", "action.yml"),
        ("github-workflows", "docs/workflows/conformance.yml"),
        *(("github-workflows", f".github/workflows/{path.name}") for path in OURS),
    ],
)
def test_it_is_what_the_public_schema_allows(schema: str, file: str) -> None:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    check = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        f"vendor.{schema}",
        str(ROOT / file),
    ]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_workflow_to_copy_names_inputs_that_the_action_has() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    flow = yaml.safe_load((ROOT / "docs/workflows/conformance.yml").read_text("utf-8"))
    (used,) = [step for step in flow["jobs"]["judge"]["steps"] if "ncps-conformance@" in step.get("uses", "")]
    assert set(used["with"]) <= set(action["inputs"])
    assert not (ROOT / ".github/workflows/conformance.yml").exists()  # it is to be copied, not to run here


def acted(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The action's step that judges, with these inputs."""
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    (judge,) = [step for step in action["runs"]["steps"] if step.get("id") == "judge"]
    if shutil.which("bash") is None:
        pytest.skip("no bash on this machine")
    (folder / "ncps-conformance").symlink_to(sys.prefix)
    given = dict.fromkeys(judge["env"], "") | inputs
    github = {"RUNNER_TEMP": str(folder), "GITHUB_OUTPUT": str(folder / "output")}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", judge["run"]],
        env={**os.environ, **github, **given, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.frameworks
def test_the_action_judges_a_command_which_has_an_interpreter_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "python").symlink_to(sys.executable)  # another path than that of the suite's environment
    command = f"exec:{sys.executable} {ROOT / 'conformance' / 'harness'} ncps:CfCCell"
    given = {"BACKEND": "numpy", "SEED": "1", "MORE": "--clause state.pure --smoke --jobs 1"}
    done = acted(tmp_path, TARGET=command, PYTHON=str(tmp_path / "python"), **given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "status=conforms\n" in (tmp_path / "output").read_text("utf-8")


@pytest.mark.slow
def test_an_interpreter_that_the_action_does_not_find_is_named(tmp_path: Path) -> None:
    done = acted(tmp_path, TARGET="ncps", PYTHON="nosuchpython", SEED="1")
    assert done.returncode == 2 and "--python nosuchpython: cannot be run" in done.stderr


@pytest.mark.frameworks
def test_the_steps_of_the_action_judge_report_and_fail_as_a_run_does(tmp_path: Path) -> None:
    done = acted(
        tmp_path,
        TARGET="ncps",
        PYTHON=sys.executable,
        BACKEND="numpy",
        SEED="1",
        SHARD="1/2",
        MORE="--clause 'state.pure' --smoke --jobs 1",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = dict(line.split("=", 1) for line in (tmp_path / "output").read_text("utf-8").splitlines())
    assert found["status"] == "conforms"
    report = jsonfile.read(Path(found["report"]))
    assert report.budget["shard"] == "1/2"
    assert {v.clause for v in report.verdicts} == {"state.pure"}
    assert Path(found["report"]).with_suffix(".html").exists()


@pytest.mark.frameworks
def test_without_a_seed_the_action_keeps_what_failed_for_the_next_run(tmp_path: Path) -> None:
    kept = tmp_path / "examples"
    given = {"BACKEND": "numpy", "MORE": "--clause time.zero --smoke --jobs 1", "IMPORT_PATH": str(PLANTED)}
    given |= {"TARGET": "faults:TimeIgnored", "HYPOTHESIS_STORAGE_DIRECTORY": str(kept)}
    done = acted(tmp_path, PYTHON=sys.executable, **given)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "examples=kept\n" in (tmp_path / "output").read_text("utf-8")
    assert list(kept.glob("conformance/*/time.zero/faults-TimeIgnored-numpy-*/*/*"))


def cached(steps: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Return the arguments of the steps that restore and save a cache."""
    used = [step for step in steps if step.get("uses", "").startswith("actions/cache/")]
    return {step["uses"].split("/")[2].split("@")[0]: step["with"] for step in used}


@pytest.mark.parametrize(
    ("file", "job"), [(".github/workflows/ci.yml", "cells"), (".github/workflows/nightly.yml", "search")]
)
def test_what_a_job_saves_the_next_one_finds_by_its_prefix(file: str, job: str) -> None:
    steps = yaml.safe_load((ROOT / file).read_text("utf-8"))["jobs"][job]["steps"]
    found = cached(steps)
    assert found["restore"]["path"] == found["save"]["path"]
    assert found["restore"]["key"] == found["save"]["key"]
    assert found["save"]["key"].startswith(found["restore"]["restore-keys"])
    (judge,) = [step for step in steps if "HYPOTHESIS_STORAGE_DIRECTORY" in step.get("env", {})]
    folder = judge["env"]["HYPOTHESIS_STORAGE_DIRECTORY"].removeprefix("${{ github.workspace }}/")
    assert f"{folder}/conformance" == found["save"]["path"] and "--seed" not in judge["run"]


def test_the_night_goes_on_from_what_pushes_found_and_they_from_it() -> None:
    night, push = (
        cached(yaml.safe_load((ROOT / ".github/workflows" / file).read_text("utf-8"))["jobs"][job]["steps"])
        for file, job in (("nightly.yml", "search"), ("ci.yml", "cells"))
    )
    assert (
        push["restore"]["restore-keys"].replace("${{ matrix.set }}", "newest")
        == (night["restore"]["restore-keys"])
    )


def test_the_action_saves_what_it_restores() -> None:
    found = cached(yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["runs"]["steps"])
    assert found["restore"]["path"] == found["save"]["path"]
    assert found["save"]["key"].startswith(found["restore"]["restore-keys"])
