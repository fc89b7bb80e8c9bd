"""Files with anything in them: a command says in a line what is wrong, or does its work."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from conformance.judging.registry import every
from conformance.judging.subject import Subject
from conformance.mutants import mutants
from conformance.options import UsageError
from conformance.report import jsonfile
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec import clauses
from conformance.stored import known_failures, vectors
from tests.conformance.driver.survival.fuzzing import invoke, spoiled, torn, written
from tests.conformance.report import sample_report
from tests.fuzzed import fuzzed

pytestmark = pytest.mark.slow

FEW = ("cfc.step.default", "time.zero", "gradient.inputs")


def small_report() -> dict[str, Any]:
    """Return a few verdicts of each kind."""
    report = sample_report.red()
    verdicts = [v for v in report.verdicts if v.clause in FEW and v.backend in ("jax", "numpy")]
    return jsonfile.to_json(replace(report, verdicts=verdicts, notes=["a note"]))


REPORT = small_report()
SHARD = {**REPORT, "budget": {**REPORT["budget"], "shard": "1/2", "backends": ["jax"], "targets": ["ncps"]}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def file(folder: Path, content: str | bytes, name: str = "a.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


reports = st.one_of(
    spoiled(REPORT).map(written), spoiled(SHARD, 2).map(written), torn(json.dumps(REPORT, ensure_ascii=False))
)


@given(report=reports)
@fuzzed(60)
def test_reports_are_shown_or_refused(folder: Path, report: str | bytes) -> None:
    path = file(folder, report)
    invoke("report", path, "-o", folder / "page.html")
    invoke("merge", path, "-o", folder / "whole.json", "--markdown", folder / "whole.md")
    invoke("badge", path, "-o", folder / "badge.svg", "--endpoint", folder / "badge.json")


@given(report=spoiled(SHARD))
@fuzzed(30)
def test_two_reports_are_merged_or_refused(folder: Path, report: Any) -> None:
    paths = file(folder, written(report)), file(folder, written(SHARD), "b.json")
    invoke("merge", *paths, "-o", folder / "whole.json")
    invoke("report", *paths, "-o", folder / "page.html")
    invoke("badge", *paths, "-o", folder / "badge.svg")


def golden(name: str, cases: int = 1) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((vectors.GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return {**document, "cases": document["cases"][:cases]}


VECTORS = [golden(name) for name in ("cfc.step.default", "ltc.step.explicit", "layer.mask")]


@given(document=st.sampled_from(VECTORS).flatmap(spoiled).map(written) | torn(json.dumps(VECTORS[0])))
@fuzzed(60)
def test_vectors_are_played_or_refused(folder: Path, document: str | bytes) -> None:
    invoke("vectors", "check", file(folder, document))


@cache
def example() -> dict[str, Any]:
    """Return a failing example, as a run writes it."""
    mutant = mutants()["LogTauLimitEight"]
    cells = mutant.implementation()
    (cell,) = [cell for cell in cells.describe()["cells"] if cell["family"] == mutant.family]
    check = every()[mutant.clause]
    verdict = judge_clause(check, Subject(cells, cell, "float64"), Plan(check.examples, 0, variant="strict"))
    assert verdict.failure and verdict.failure.example
    made: dict[str, Any] = json.loads(jsonfile.pretty(verdict.failure.example))
    return made


def examples() -> st.SearchStrategy[str | bytes]:
    """Return the strategy of the example with anything wrong in it."""
    return spoiled(example()).map(written) | spoiled(example(), 1).map(written) | torn(json.dumps(example()))


@given(document=st.deferred(examples))
@fuzzed(60)
def test_examples_are_played_or_refused(folder: Path, document: str | bytes) -> None:
    invoke("vectors", "check", file(folder, document))


LISTED = """
[[failure]]
clause = "ltc.*"
backend = ["jax", "torch"]
tier = "float64"
versions = "keras<4"
reason = "the heads are linear"
link = "https://example.org/7"
example = "example.json"

[[failure]]
clause = "time.zero"
reason = "luck"
flaky = true
"""
words = st.sampled_from(
    (
        '""',
        "3",
        "[]",
        "1979-05-27",
        "true",
        '"../../etc/passwd"',
        '"/dev/null"',
        '"\\u0000"',
        '"["',
        "{}",
        '"a>="',
    )
)


@st.composite
def lists(draw: st.DrawFn) -> str | bytes:
    """Return a file of known failures with other values in its lines; or torn."""
    lines = LISTED.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        name = lines[at].partition(" = ")[0]
        lines[at] = draw(
            st.just("") | st.text(max_size=5) | words.map(lambda word, name=name: f"{name} = {word}")
        )
    return "\n".join(lines) if draw(st.booleans()) else draw(torn(LISTED))


@given(text=lists())
@fuzzed(120)
def test_lists_of_known_failures_are_read_or_refused(folder: Path, text: str | bytes) -> None:
    file(folder, written(example()), "example.json")
    path = file(folder, text, "known.toml")
    try:
        entries = known_failures.load(path)
    except UsageError as wrong:
        assert str(wrong).startswith(f"--known-failures {path}: ") and "Traceback" not in str(wrong)
        return
    place = {"target": "ncps", "cell": "LTCCell", "backend": "jax", "tier": "float64"}
    known_failures.unmatched(entries, [("ltc.step.explicit", place, {})], ["ltc.step.explicit"])


def test_a_run_refuses_what_is_no_list_before_it_begins(folder: Path) -> None:
    done = invoke("run", "--known-failures", file(folder, b"\xff", "known.toml"))
    assert done.exit_code == 2 and "not TOML" in done.output


SPEC = reference.SPEC_PATH.read_text(encoding="utf-8")
BEGIN = SPEC[: SPEC.index("### ") + 3000]


@given(text=torn(BEGIN).map(lambda data: data.decode("utf-8", "replace")) | st.text(max_size=200))
@fuzzed(100)
def test_a_specification_is_parsed_or_refused(text: str) -> None:
    try:
        spec = clauses.parse(text)
    except ValueError as wrong:
        assert str(wrong)
        return
    assert re.fullmatch(r"\d+\.\d+", spec.version) and spec.version in spec.versions
    assert all(clause.text and clause.level in ("MUST", "SHOULD") for clause in spec.clauses.values())
