"""Reports: the verdict of a run, its JSON, and what a person reads of it."""

from __future__ import annotations

import importlib
import io
import json
import math
import os
import subprocess
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, get_args

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from conformance.cli import main as cli
from conformance.report import exit_code, jsonfile, junit, status, terminal, values
from conformance.report.areas import GROUPS, results_by_area
from conformance.report.causes import ORDER, causes_found, examples, short_place, stands_alone, summarize
from conformance.report.failures import MOST, MOST_LISTED, MOST_SHOWN, SCREEN, findings
from conformance.report.github import annotated
from conformance.report.html import Source
from conformance.report.html import render as render_page
from conformance.report.markdown import markdown
from conformance.report.progress import RunProgress
from conformance.report.screen import screen
from conformance.report.status import JUDGED, judged, obstacles, target_status, targets
from conformance.spec import clauses
from conformance.verdict import Cause, CauseKind, Failure, Outcome, Report, Verdict
from tests.conformance.report import sample_report
from tests.waiting import PATIENCE


def verdict(clause: str = "cfc.step.default", outcome: Outcome = "pass", **more: Any) -> Verdict:
    about: dict[str, Any] = {
        "level": "MUST",
        "target": "ncps",
        "cell": "CfCCell",
        "backend": "jax",
        "tier": "float64",
    }
    return Verdict(clause=clause, outcome=outcome, **(about | more))


def report(*verdicts: Verdict, **more: Any) -> Report:
    about: dict[str, Any] = {"seed": 1, "command": "", "budget": {}, "implementations": [], "seconds": 1.0}
    return Report(spec="0.1", suite="0.1.0", verdicts=list(verdicts), **(about | more))


LATER = {
    "known",
    "example",
    "known_failures",
    "refused",
    "kinks",
    "programs",
    "causes",
    "raised",
    "departs",
    "symptom",
}
"""Fields that came after the first reports, which are read without them."""
BOTH_TIERS = (verdict(), verdict(tier="float32"))


# The verdict of a run


def test_a_run_conforms_when_every_must_holds_and_both_tiers_were_judged() -> None:
    assert status(report(*BOTH_TIERS)) == "conforms"
    assert exit_code(report(*BOTH_TIERS)) == 0


def test_a_must_that_fails_is_a_departure_even_where_another_is_in_error() -> None:
    made = report(*BOTH_TIERS, verdict("state.pure", "fail"), verdict("state.rows", "error"))
    assert status(made) == "departs"
    assert exit_code(made) == 1


def test_a_should_that_fails_does_not_keep_a_cell_from_conforming() -> None:
    assert status(report(*BOTH_TIERS, verdict("state.pure", "fail", level="SHOULD"))) == "conforms"


@pytest.mark.parametrize("outcome", ["error", "not reproducible"])
def test_a_must_in_error_could_not_be_judged(outcome: Outcome) -> None:
    made = report(*BOTH_TIERS, verdict("state.pure", outcome))
    assert status(made) == "could not be judged"
    assert exit_code(made) == 3
    assert obstacles(made, "ncps") == ["1 MUST clause in error"]


@pytest.mark.parametrize("outcome", ["not applicable", "host"])
def test_a_tier_at_which_nothing_was_judged_could_not_be_judged(outcome: Outcome) -> None:
    made = report(verdict(), verdict(outcome=outcome, tier="float32"))
    assert obstacles(made, "ncps") == ["no numerical MUST clause of CfCCell on jax was judged in float32"]


def test_one_tier_is_enough_where_the_run_had_one() -> None:
    assert status(report(verdict(), budget={"tiers": ["float64"]})) == "conforms"


@pytest.mark.parametrize("host", ["keras", "node"])
def test_one_tier_is_enough_where_the_target_has_one_and_the_verdict_says_so(host: str) -> None:
    single = {"target": "ncps", "backend": "jax", "host": host, "dtypes": ["float64"]}
    made = report(verdict(), implementations=[single])
    assert status(made) == "conforms"
    assert "conforms to specification 0.1 in float64 alone" in " ".join(shown(made).split())


def test_a_verdict_says_that_it_is_without_elapsed_time() -> None:
    cells = [{"name": "CfCCell", "family": "cfc", "timed": False, "untimed": "ValueError: one tensor"}]
    made = report(
        verdict(), budget={"tiers": ["float64"]}, implementations=[{"target": "ncps", "cells": cells}]
    )
    said = " ".join(shown(made).split())
    assert "conforms to specification 0.1, without elapsed time" in said
    assert "a step that is given some raises ValueError: one tensor" in said


@pytest.mark.parametrize("other", [{"backend": "torch"}, {"dtypes": ["float64", "float32"]}, {"dtypes": []}])
def test_one_tier_is_not_enough_where_the_target_has_another(other: dict[str, Any]) -> None:
    single = {"target": "ncps", "backend": "jax", "host": "keras", "dtypes": ["float64"]}
    assert status(report(verdict(), implementations=[single | other])) == "could not be judged"


def test_a_run_of_some_clauses_is_judged_by_those() -> None:
    asked = report(verdict("state.pure", tier=None), budget={"clauses": ["state.*"]})
    assert status(asked) == "conforms"
    assert "the clauses asked for" in shown(asked)


@pytest.mark.parametrize("outcome", ["not applicable", "host"])
def test_of_some_clauses_one_has_to_be_judged(outcome: Outcome) -> None:
    made = report(verdict("state.pure", outcome), budget={"clauses": ["state.*"]})
    assert status(made) == "could not be judged"
    assert obstacles(made, "ncps") == ["none of the clauses asked for was judged"]
    part = replace(made, budget={"clauses": ["state.*"], "shard": "1/2"})
    assert status(part) == "conforms"  # the other part may judge


def test_where_no_clause_applies_it_is_said_why() -> None:
    assert "! nothing was judged\n" in shown(report())
    asked = report(budget={"clauses": ["layer.unroll"], "smoke": True})
    assert "is about a cell of this family, or is part of a quick look" in " ".join(shown(asked).split())


def test_a_quick_look_says_what_it_left_out() -> None:
    judged = {"target": "ncps", "backend": "jax", "cells": [{"name": "CfCCell", "family": "cfc"}]}
    quick = report(*BOTH_TIERS, implementations=[judged], budget={"smoke": True})
    assert "a quick look, by few examples and without" in shown(quick)
    assert "serialization.fresh_process" in shown(quick) and "wired_ltc.solver" not in shown(quick)
    assert "a quick look" not in shown(report(*BOTH_TIERS, implementations=[judged]))


def test_fewer_clauses_judged_than_a_gate_asks_for_could_not_be_judged() -> None:
    found = [*BOTH_TIERS, verdict("time.zero"), verdict("time.large", "not applicable")]
    for least, said in ((2, "conforms"), (3, "could not be judged")):
        made = report(*found, budget={"min_judged": least})
        assert target_status(made, "ncps") == said
    assert obstacles(made, "ncps") == ["judged 2 MUST clauses, and at least 3 are asked for"]
    assert status(report(*found, budget={"min_judged": 3, "shard": "1/2"})) == "conforms"


def test_the_headline_names_what_decides_and_nothing_else() -> None:
    broken = verdict("state.rows", "error", reason="the harness broke")
    wrong = verdict("state.pure", "fail", failure=Failure("the state is written to"))
    optional = verdict("dtype.policy", "fail", level="SHOULD", failure=Failure("it is float32"))
    said = [
        ([], "✓ ncps conforms to specification 0.1, judged 1 of 1 MUST clause"),
        ([broken], "could not be judged, 1 MUST clause in error: the harness broke"),
        ([broken, wrong], "judged 2 of 3 MUST clauses, 1 fails: the state is written to"),
    ]
    for verdicts, line in said:
        found = terminal.headline(report(*BOTH_TIERS, optional, *verdicts), "ncps")
        assert found.endswith(line)
    unfinished = report(*BOTH_TIERS, optional, complete=False)
    assert terminal.headline(unfinished, "ncps").endswith("could not be judged, the run was not complete")


def test_nothing_judged_is_never_conformance() -> None:
    assert status(report()) == "could not be judged"
    assert status(report(implementations=[{"target": "a:B"}])) == "could not be judged"
    assert status(report(*BOTH_TIERS, complete=False)) == "could not be judged"


def test_each_target_has_a_verdict_and_the_run_the_worst() -> None:
    other = [verdict(target="a:B", tier=tier, outcome="fail") for tier in ("float64", "float32")]
    made = report(*BOTH_TIERS, *other)
    assert target_status(made, "ncps") == "conforms"
    assert target_status(made, "a:B") == "departs"
    assert status(made) == "departs"


def test_judged_counts_clauses_not_tiers_and_leaves_out_what_is_not_applicable_or_the_hosts() -> None:
    found = [*BOTH_TIERS, verdict("state.pure", "not applicable"), verdict("state.rows", "host")]
    assert judged([*found, verdict("state.initial", "fail"), verdict("x.y", level="SHOULD")]) == (2, 4)


# JSON

numbers = st.none() | st.floats()
texts = st.text(max_size=8).filter(lambda text: text not in jsonfile.NOT_FINITE)


def values_of(floats: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    """JSON values with these numbers."""
    return st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | floats | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    )


plain = values_of(st.floats())
evidence = st.dictionaries(texts, plain, max_size=3)
objects = st.dictionaries(texts, values_of(st.floats(allow_nan=False, allow_infinity=False)), max_size=3)
unspecified = objects.map(lambda found: {f"{name}?": value for name, value in found.items()})
"""Objects with names of their own: that of a property of the schema would need a value of its type."""
raised = st.fixed_dictionaries({"type": texts, "message": texts}, optional={"place": texts})
departures = st.fixed_dictionaries({"name": texts, "said": texts, "right": st.lists(texts, max_size=2)})
failures = st.builds(
    Failure,
    texts,
    case=evidence,
    got=plain,
    want=plain,
    bound=plain,
    excess=numbers,
    script=texts,
    raised=st.just({}) | raised,
    departs=st.just({}) | departures,
    symptom=texts,
)
causes = st.builds(
    Cause,
    kind=st.sampled_from(get_args(CauseKind)),
    name=texts | st.sampled_from(sorted(clauses.load().clauses)),
    what=texts,
    place=texts | st.builds("{}:{} in {}".format, texts, st.integers(0, 99), texts),
    proven=st.integers(0, 99),
)
verdicts = st.builds(
    Verdict,
    clause=st.sampled_from(sorted(clauses.load().clauses)),
    level=st.sampled_from(["MUST", "SHOULD"]),
    target=texts,
    cell=texts,
    backend=texts,
    tier=st.sampled_from(["float64", "float32", None]),
    outcome=st.sampled_from(get_args(Outcome)),
    reason=texts,
    examples=st.integers(0, 99),
    expected=st.integers(0, 99),
    shapes=st.integers(0, 99),
    values=st.integers(0, 99),
    undecided=st.integers(0, 99),
    refused=st.integers(0, 99),
    kinks=st.integers(0, 99),
    programs=st.integers(0, 99),
    worst=numbers,
    seconds=st.floats(0, 1e9),
    variant=objects,
    holds_under_variant=st.booleans(),
    causes=st.lists(causes, max_size=3),
    failure=st.none() | failures,
)
reports = st.builds(
    Report,
    spec=st.just("0.1"),
    suite=texts,
    seed=st.none() | st.integers(0, 2**64),
    command=texts,
    budget=unspecified,
    implementations=st.lists(unspecified, max_size=2),
    verdicts=st.lists(verdicts, max_size=4),
    seconds=st.floats(0, 1e9),
    complete=st.booleans(),
    notes=st.lists(texts, max_size=2),
)


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(reports)
def test_any_report_follows_the_schema_and_comes_back_whole(made: Report) -> None:
    text = json.dumps(jsonfile.to_json(made), allow_nan=False)
    back = jsonfile.from_json(json.loads(text))
    assert repr(asdict(back)) == repr(asdict(made))  # by repr, in which NaN is like NaN


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(reports)
def test_any_report_can_be_shown(made: Report) -> None:
    expected = {target_status(made, target).split()[0] for target in targets(made)} or {"nothing was judged"}
    spec = clauses.load()
    for output in (
        shown(made, width=80),
        shown(made, width=80, clauses_only=True),
        markdown(made, spec.clauses),
        render_page([Source("a", made)], spec),
    ):
        assert all(text in output for text in expected) or "Nothing was judged" in output
    assert all(line.startswith("::") for line in annotated(made, spec.clauses, Path.cwd()))
    assert len(list(junit.to_xml(made).iter("testcase"))) == len(made.verdicts) + (not made.complete)


@pytest.mark.parametrize(
    "made",
    [sample_report.green(), sample_report.red(), sample_report.caused()],
    ids=["green", "red", "caused"],
)
def test_a_file_holds_the_report(made: Report, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "report.json"
    jsonfile.write(made, path)
    assert repr(jsonfile.read(path)) == repr(made)
    assert [found.name for found in path.parent.iterdir()] == ["report.json"]


def test_a_write_that_fails_leaves_the_file_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    path.write_text("before")

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        jsonfile.write(report(), path)
    assert path.read_text() == "before"
    assert [found.name for found in tmp_path.iterdir()] == ["report.json"]


def test_a_link_stays_and_a_pipe_is_written_into(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (link := tmp_path / "link.json").symlink_to(Path("there", "report.json"))
    for _ in range(2):
        jsonfile.save_text("written", link)
    assert link.is_symlink() and (tmp_path / "there" / "report.json").read_text() == "written"
    os.mkfifo(pipe := tmp_path / "pipe")
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True)
    jsonfile.save_text("into it", pipe)
    assert reader.communicate(timeout=PATIENCE)[0] == "into it" and pipe.is_fifo()
    assert not list(tmp_path.rglob(".*"))


def test_json_has_arrays_as_lists_and_what_is_not_finite_as_text() -> None:
    failure = Failure("", got=np.array([[1.5, math.nan]]), want=[math.inf, -math.inf], excess=math.inf)
    document = jsonfile.to_json(report(verdict(outcome="fail", failure=failure)))
    found = document["verdicts"][0]["failure"]
    assert found["got"] == [[1.5, "NaN"]]
    assert found["want"] == ["Infinity", "-Infinity"]
    assert found["excess"] == "Infinity"


def test_json_says_what_follows_from_the_verdicts() -> None:
    document = jsonfile.to_json(report(*BOTH_TIERS))
    assert document["status"] == "conforms"
    assert document["targets"] == {"ncps": "conforms"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("status",), "fine"),
        (("format_version",), 3),
        (("spec",), "latest"),
        (("seconds",), "long"),
        (("extra",), 1),
        (("verdicts", 0, "outcome"), "passed"),
        (("verdicts", 0, "clause"), "no dots"),
        (("verdicts", 0, "examples"), -1),
        (("verdicts", 0, "worst"), "big"),
        (("verdicts", 0, "extra"), 1),
        (("verdicts", 0, "failure"), {"summary": "nothing else"}),
    ],
)
def test_the_schema_refuses_what_is_not_a_report(path: tuple[Any, ...], value: Any) -> None:
    document = jsonfile.to_json(report(*BOTH_TIERS))
    jsonfile.validate(document)
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonfile.validate(document)


def test_the_schema_is_one_and_knows_every_field() -> None:
    schema = jsonfile.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    definitions = schema["$defs"]
    for described, of in (
        (definitions["verdict"], Verdict),
        (definitions["failure"], Failure),
        (schema, Report),
    ):
        names = {field.name for field in fields(of)}
        assert set(described["properties"]) >= names
        assert set(described["required"]) >= names - LATER
    assert set(definitions["verdict"]["properties"]) == {field.name for field in fields(Verdict)}
    assert set(definitions["failure"]["properties"]) == {field.name for field in fields(Failure)} | {
        "diagnosis"
    }
    assert set(definitions["cause"]["properties"]) == {field.name for field in fields(Cause)}
    assert set(definitions["cause"]["properties"]["kind"]["enum"]) == set(get_args(CauseKind)) == set(ORDER)
    listed = set(schema["properties"]["causes"]["items"]["properties"])
    assert listed == set(definitions["cause"]["properties"]) | {"target", "clauses", "cells", "backends"}
    assert set(definitions["verdict"]["properties"]["outcome"]["enum"]) == set(get_args(Outcome))


def test_a_report_that_was_written_before_a_field_was_is_read() -> None:
    document = jsonfile.to_json(sample_report.red())
    del document["known_failures"]
    for plain in document["verdicts"]:
        del plain["known"]
        if plain["failure"]:
            del plain["failure"]["example"]
    assert repr(jsonfile.from_json(document)) == repr(
        jsonfile.from_json(jsonfile.to_json(sample_report.red()))
    )


def test_a_report_of_format_1_is_read_and_its_variants_explain_what_they_did() -> None:
    document = jsonfile.to_json(sample_report.red())
    document["format_version"] = 1
    del document["causes"]
    departs = {"name": "f1", "said": "f1[0, 0] is 1", "right": ["backbone/0"]}
    for old in document["verdicts"]:
        del old["causes"]
        if old["failure"]:
            del old["failure"]["raised"], old["failure"]["departs"]
            faults = [{"name": "HeadsSwapped", "what": "The heads are swapped."}]
            old["failure"]["diagnosis"] = {"departs": departs, "cases": 3, "faults": faults}
    back = jsonfile.from_json(document)
    assert {str(v.failure.departs) for v in back.verdicts if v.failure} == {str(departs)}
    found = causes_found(back.verdicts)
    assert [(one.cause.kind, one.clauses) for one in found] == [
        ("convention", ["cfc.step.no_gate"]),
        ("clause", ["cfc.step.default"]),
    ]
    assert [one["name"] for one in jsonfile.to_json(back)["causes"]] == [one.cause.name for one in found]


def test_json_has_the_causes_of_each_target_and_each_failure() -> None:
    made = sample_report.caused()
    document = jsonfile.to_json(made)
    jsonfile.validate(document)
    convention, fault, place, default, initial = document["causes"]
    assert convention["clauses"] == ["cfc.step.no_gate", "time.zero", "time.per_sample"]
    assert (fault["cells"], fault["backends"]) == (["LTCCell", "CfCCell"], list(sample_report.BACKENDS))
    assert place["place"] == sample_report.PLACE.place and initial["proven"] == 0
    assert default["name"] == "cfc.step.default" and default["target"] == "ncps"
    named = [v["causes"] for v in document["verdicts"] if v["clause"] == "backbone.absent" and v["causes"]]
    assert [cause["name"] for found in named for cause in found] == ["cfc.step.default"] * len(named) != []


# The terminal


def shown(made: Report, width: int = 100, *, clauses_only: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    terminal.render(made, clauses.load().clauses, console, clauses_only=clauses_only)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def line_with(text: str, output: str) -> str:
    return next(line for line in output.splitlines() if text in line)


def table_of(output: str) -> list[str]:
    """The lines from the head of the first table to the key under it."""
    lines = output.splitlines()
    head = next(index for index, line in enumerate(lines) if line.startswith("clause"))
    end = next(index for index, line in enumerate(lines) if line.startswith("f64, f32"))
    return lines[head:end]


@pytest.mark.parametrize("width", [50, 80, 120, 160])
@pytest.mark.parametrize(
    "made",
    [sample_report.green(), sample_report.red(), sample_report.caused()],
    ids=["green", "red", "caused"],
)
def test_the_table_fits_and_cuts_nothing(made: Report, width: int) -> None:
    table = table_of(shown(made, width))
    assert max(map(len, table)) <= width
    assert not any("…" in line for line in table)
    rows = {line.split()[0] for line in table if line.startswith("  ") and line.strip()}
    assert {verdict.clause for verdict in made.verdicts} <= rows


def test_a_wide_table_has_a_column_per_cell_and_backend() -> None:
    output = shown(sample_report.red(), 160)
    assert line_with("tensorflow  numpy", output).split() == ["jax", "torch", "tensorflow", "numpy"] * 2
    assert line_with("  cfc.step.default ", output).split()[1:] == [
        "✓",
        ".70",
        ".70",
        *["✗", "1e6", "1e6"] * 3,
    ]


def test_a_narrow_table_of_what_conforms_has_the_backends_together() -> None:
    output = shown(sample_report.green(), 80)
    assert line_with("  cfc.step.default", output).split() == ["cfc.step.default", "✓", ".70", ".70"]
    assert line_with("  gradient.inputs", output).split() == ["gradient.inputs", *["✓✓✓–", ".75"] * 2]
    assert "several: on jax, torch, tensorflow, numpy" in output


def test_a_narrow_table_of_what_departs_has_the_backends_apart_and_a_table_per_cell() -> None:
    output = shown(sample_report.red(), 80)
    assert line_with("  cfc.step.default ", output).split()[1:] == [
        "✓",
        ".70",
        ".70",
        *["✗", "1e6", "1e6"] * 3,
    ]
    assert output.count("\nclause ") == 2


def test_it_says_how_much_was_judged_and_what_was_judged() -> None:
    output = shown(sample_report.green(), 120)
    asked = [c for c in clauses.load().clauses.values() if c.level == "MUST" and "cfc" in c.families]
    trained = [c for c in asked if c.id.split(".")[0] in ("gradient", "training")]
    count = f"judged {len(asked) - len(trained)} of {len(asked)} MUST clauses"
    assert f"CfCCell on numpy: {count}" in output
    assert f"CfCCell on jax, torch and tensorflow: judged {len(asked)} of {len(asked)} MUST" in output
    assert f"judged ncps 0.1.0 (ncps-keras) from {sample_report.FILE}" in output
    assert f"✓ ncps conforms to specification {clauses.load().version}" in output


def test_a_failure_says_what_its_author_needs() -> None:
    output = shown(sample_report.red(), 120)
    lines = output[output.index("✗ cfc.step.default · MUST · CfCCell on torch, tensorflow and numpy") :]
    demand = clauses.load().clauses["cfc.step.default"].demand
    for text in (
        demand,
        "heads in each other's place",
        "[[0.123456789, -0.5, nan]]",
        "2.1e-07",
        "1.2e+06 times the bound",
    ):
        assert text in lines
    assert "config: units=3, mode='default', backbone_layers=0" in lines
    assert f"\n{sample_report.SCRIPT}" in lines, (
        "a script must stand in the first column, unwrapped, to be pasted"
    )
    asked = [verdict for verdict in sample_report.red().verdicts if verdict.level == "MUST"]
    must, judged = (
        len({v.clause for v in found}) for found in (asked, [v for v in asked if v.outcome in JUDGED])
    )
    assert f"✗ ncps departs from specification {clauses.load().version}\n" in output
    assert f"\n  judged {judged} of {must} MUST clauses, 2 fail" in output


@pytest.mark.parametrize(("columns", "width"), [(None, 110), ("90", 90)])
def test_what_is_no_terminal_is_as_wide_as_it_says_or_as_a_reader_likes(
    columns: str | None, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    with screen() as console:
        console.print("word " * 100)
        console.rule()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "─" * width
    assert not any(line.endswith(" ") for line in lines)


def test_a_long_title_is_wrapped_and_not_cut() -> None:
    places = [(cell, backend) for cell in sample_report.CELLS for backend in sample_report.BACKENDS]
    unkept = [
        verdict("sequence.stacked", "error", cell=cell, backend=backend, reason="it died")
        for cell, backend in places
    ]
    output = " ".join(shown(report(*BOTH_TIERS, *unkept), 80).split())
    assert "! sequence.stacked · MUST · CfCCell and LTCCell on jax, torch, tensorflow and numpy" in output


def test_a_script_is_never_wrapped() -> None:
    script = f"print({'1 + ' * 60}1)\n"
    made = report(*BOTH_TIERS, verdict("state.pure", "fail", failure=Failure("wrong", script=script)))
    assert f"\n{script}" in shown(made, 80)


def test_a_script_that_nobody_would_paste_is_left_to_the_files() -> None:
    script = f"print({'1 + ' * 6000}1)\n"
    made = report(*BOTH_TIERS, verdict("state.pure", "fail", failure=Failure("wrong", script=script)))
    output = " ".join(shown(made).split())
    assert "1 + 1" not in output and "--examples makes a file for `conformance replay`" in output


def test_failures_alike_are_shown_once_and_those_that_follow_from_another_cause_last() -> None:
    found = findings(sample_report.red().verdicts)
    assert [finding.first.clause for finding in found] == [
        "cfc.step.default",
        "serialization.deepcopy",
        "cfc.step.no_gate",
    ]
    assert [len(finding.verdicts) for finding in found] == [6, 2, 8]


def test_failures_that_say_something_else_are_shown_apart() -> None:
    one, two = (verdict(outcome="fail", backend=name, failure=Failure(name)) for name in ("jax", "torch"))
    assert len(findings([one, two])) == 2
    numbered = [replace(one, failure=Failure(f"off by {number}")) for number in ("1.5e-3", "2")]
    assert len(findings(numbered)) == 1


def test_by_clause_the_first_findings_are_shown_at_length_and_the_others_in_a_line() -> None:
    ids = list(clauses.load().clauses)[: MOST + 3]
    failed = [verdict(id, "fail", failure=Failure(f"{id} is wrong", script="print(1)")) for id in ids]
    output = shown(report(*failed), clauses_only=True)
    assert output.count("print(1)") == MOST
    more = output[output.index("3 more findings") :].splitlines()
    assert more[1:4] == [f"  ✗ {id} · MUST · CfCCell on jax: {id} is wrong" for id in ids[MOST:]]
    for option in ("--json", "`conformance report`", "--examples"):
        assert option in more[4]
    assert "in a line each" not in shown(report(*failed[:MOST]), clauses_only=True)


# Causes


def ncps(made: Report) -> list[Verdict]:
    return [verdict for verdict in made.verdicts if verdict.target == "ncps"]


def test_causes_are_ordered_numbered_and_have_what_fails_for_them() -> None:
    found = causes_found(ncps(sample_report.caused()))
    assert [one.number for one in found] == [1, 2, 3, 4, 5]
    assert [(one.cause.kind, one.level, one.clauses) for one in found] == [
        ("convention", "MUST", ["cfc.step.no_gate", "time.zero", "time.per_sample"]),
        ("fault", "MUST", ["ltc.step.explicit", "time.zero"]),
        ("place", "MUST", ["dtype.policy"]),
        ("clause", "MUST", ["cfc.step.default", "backbone.absent", "time.per_sample"]),
        ("clause", "SHOULD", ["initialization.values"]),
    ]
    assert [one.known_by for one in found] == [
        "proven on 24 steps",
        "proven on 31 steps",
        "cells.py:41 in call",
        "no known cause explains it",
        "by itself",
    ]
    assert summarize(found) == "5 causes of 8 clauses that fail: 6 follow from another"


def test_a_summary_claims_no_more_than_the_causes_do() -> None:
    cause = sample_report.FAULT
    explained, alone = (
        [verdict(id, "fail", causes=given) for id in ("time.zero", "time.large")] for given in ([cause], [])
    )
    said = [
        (explained, "1 cause explains all 2 clauses that fail"),
        (explained[:1], "1 cause explains the only clause that fails"),
        (alone, "2 clauses fail, each by itself"),
        (alone[:1], "1 clause fails"),
        ([explained[0], alone[1]], "2 causes of 2 clauses that fail: 1 follows from another"),
    ]
    for verdicts, summary in said:
        assert summarize(causes_found(verdicts)) == summary
    assert not causes_found([verdict(), verdict("time.zero", "known failure", causes=[cause])])


def test_the_example_of_a_cause_is_of_it_alone_and_of_a_clause_that_is_not_shown_yet() -> None:
    shown = [best.clause for _, best in examples(causes_found(ncps(sample_report.caused())))]
    assert shown == [
        "cfc.step.no_gate",
        "ltc.step.explicit",
        "dtype.policy",
        "cfc.step.default",
        "initialization.values",
    ]
    one, two = sample_report.CONVENTION, sample_report.FAULT
    both = [
        verdict("time.zero", "fail", failure=Failure("a", script=""), causes=[one, two]),
        verdict("time.large", "fail", failure=Failure("b", script="123"), causes=[one, two]),
    ]
    assert [best.clause for _, best in examples(causes_found(both))] == ["time.zero", "time.large"]
    for excess, clearest in ((3.0, "time.zero"), (1e9, "time.large"), (math.nan, "time.large")):
        far = replace(both[1], failure=Failure("b", script="123", excess=excess), causes=[one])
        near = replace(both[0], failure=Failure("a", script="1", excess=80.0), causes=[one])
        assert causes_found([near, far])[0].first.clause == clearest


def test_causes_stand_before_the_table_in_a_line_each_and_the_first_in_full() -> None:
    output = shown(sample_report.caused(), 140)
    before, after = output.split("\nclause ", 1)
    lines = before[before.index("5 causes of 8 clauses") :].splitlines()
    starts = [
        "1 computes with head_activation=linear, a documented variant 3 clauses proven on 24 steps, CfCCell",
        "2 The gate's offset is multiplied by time too 2 clauses proven on 31 steps, LTCCell and CfCCell on",
        "3 step raises ValueError: no such dtype 1 clause cells.py:41 in call, CfCCell and LTCCell on jax",
        "4 cfc.step.default: the output is that of heads in each other's place 3 clauses no known cause",
    ]
    for line, start in zip(lines[1:], starts, strict=False):
        assert " ".join(line.split()).startswith(start)
    assert "4  cfc.step.default: the output is that of heads in each ot…" in shown(
        sample_report.caused(), 120
    )
    shown_in_full = [line for line in lines if line.startswith("✗ ")]
    assert len(shown_in_full) == MOST_SHOWN
    assert "cause      raised at cells.py:41 in call" in before
    assert "all 5 causes, with the smallest case and the script of each" in " ".join(before.split())
    assert "--json" in before and "--examples" in before and "`conformance report`" in before
    assert "cfc.step.no_gate · MUST" not in after and "! serialization.deepcopy · SHOULD" in after


def test_what_stands_before_the_table_fits_a_screen_but_for_the_first_case() -> None:
    long = Failure("wrong", {"values": [[0.123456789] * 8] * 3}, script="print(1)\n" * 70)
    failed = [
        verdict(id, "fail", failure=replace(long, summary=f"{id} is wrong"))
        for id in list(clauses.load().clauses)[: MOST_LISTED + 2]
    ]
    before = shown(report(*failed)).split("\nclause ", 1)[0]
    assert "all 14 causes, with the smallest case" in before and "\n13  " not in before
    assert before.count("print(1)") == 70 and before.count("\n✗ ") == 1
    short = [replace(one, failure=replace(long, script="")) for one in failed]
    before = shown(report(*short)).split("\nclause ", 1)[0]
    assert before.count("\n✗ ") == MOST_SHOWN and len(before.splitlines()) <= SCREEN + 5


def test_a_follower_names_the_clause_that_it_follows() -> None:
    output = shown(sample_report.caused(), 120, clauses_only=True)
    assert "causes of" not in output and "a documented variant  3 clauses" not in output
    follower = output[output.index("✗ backbone.absent · MUST") :]
    assert "cause      as cfc.step.default fails, which no known cause explains" in follower[:400]
    assert output.index("✗ cfc.step.default · MUST") < output.index("✗ backbone.absent · MUST")


def test_what_one_clause_finds_elsewhere_is_shown_beside_it() -> None:
    failed = [
        verdict("state.pure", "fail", failure=Failure(said), backend=backend)
        for said, backend in (("it is off by 1", "jax"), ("it is off by 2", "torch"), ("it raises", "numpy"))
    ]
    output = shown(report(*failed))
    assert "found      it is off by 1" in output and "also       it raises; CfCCell on numpy" in output
    assert "off by 2" not in output


def test_an_option_of_a_run_shows_each_clause_on_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = importlib.import_module("conformance.cli.commands.run")
    monkeypatch.setattr(command, "judged", lambda *_: sample_report.caused())
    monkeypatch.setattr(command, "resolve", lambda asked, _: asked)
    file = tmp_path / "summary.md"
    for option in ([], ["--clauses-only"]):
        done = CliRunner().invoke(cli.main, ["run", "ncps", "--markdown", str(file), *option])
        assert done.exit_code == 1, done.output
        for said in (done.output, file.read_text("utf-8")):
            assert ("5 causes of 8 clauses" in said) == (not option)
            assert ("backbone.absent</b>" in said or "✗ backbone.absent · MUST" in said) == bool(option)


def test_the_headline_has_the_first_cause() -> None:
    line = terminal.headline(sample_report.caused(), "ncps")
    assert line.endswith("MUST clauses, 7 fail: computes with head_activation=linear, a documented variant")


def test_a_failure_stands_alone_where_its_clause_is_among_its_causes() -> None:
    itself = sample_report.of_clause("time.zero")
    assert stands_alone(verdict("time.zero", "fail"))
    assert stands_alone(verdict("time.zero", "fail", causes=[sample_report.FAULT, itself]))
    assert not stands_alone(verdict("time.large", "fail", causes=[itself]))


@pytest.mark.parametrize("place", ["/a b/cells.py:4 in f", r"C:\a\cells.py:4 in f", "cells.py:4 in f"])
def test_a_place_is_shown_without_its_folders(place: str) -> None:
    assert short_place(place) == "cells.py:4 in f"


# Areas


def test_every_area_of_the_specification_has_a_word_in_the_summary() -> None:
    assert {clause.area for clause in clauses.load().clauses.values()} == set(GROUPS)


def test_each_area_has_a_result_of_its_own() -> None:
    spec = clauses.load().clauses
    wrong = [
        verdict("errors.inputs", "fail"),
        verdict("errors.arguments"),
        verdict("gradient.inputs", "host"),
    ]
    right = [verdict("cfc.step.default"), verdict("cfc.step.default", "not applicable", backend="torch")]
    unclear = [verdict("time.zero", "error"), verdict("time.large"), verdict("time.scalar", "not applicable")]
    found = {result.name: result for result in results_by_area([*right, *unclear, *wrong], spec)}
    assert {name: (result.outcome, result.extent) for name, result in found.items()} == {
        "formula": ("pass", ""),
        "time": ("error", "1 of 2"),
        "gradients": ("host", ""),
        "errors": ("fail", "1 of 2"),
    }
    output = shown(report(*right, *wrong, *unclear))
    line = " ".join(line_with("  formula", output).split())
    assert line == "formula ✓ errors ✗ 1 of 2 gradients ◌ time ! 1 of 2"
    assert "formula" not in shown(sample_report.green())


def test_a_known_failure_that_fails_by_something_else_now_says_so() -> None:
    def listed(reason: str) -> str:
        failure = Failure("output[0, 0] is 1.25, but should be 2")
        known = {"entry": 1, "reason": reason}
        return shown(report(verdict(outcome="known failure", reason=reason, failure=failure, known=known)))

    assert "now: output[0, 0] is 1.25, but should be 2" in listed("the heads are linear")
    assert "now:" not in listed("not explained yet: output[1, 7] is 0.5, but should be -3e-05")


def test_what_is_not_applicable_at_one_tier_alone_is_named_with_it() -> None:
    half, whole = verdict("time.zero", "not applicable"), verdict("time.large", "not applicable")
    output = shown(report(half, verdict("time.zero", tier="float32"), whole, replace(whole, tier="float32")))
    lines = [line.strip() for line in output.splitlines()]
    assert lines[lines.index("time.zero") - 1] == "no reason given; CfCCell on jax in float64"
    assert lines[lines.index("time.large") - 1] == "no reason given; CfCCell on jax"


def test_a_variant_is_said_first_and_excuses_nothing() -> None:
    output = shown(sample_report.red(), 160)
    variant = output.index("1  computes with head_activation='linear', a documented variant")
    assert variant < output.index("clause  ")
    assert "✗ cfc.step.no_gate" in output and "✗ ncps departs" in output


def test_the_host_and_what_is_not_applicable_are_shown_with_their_reasons() -> None:
    output = shown(sample_report.red(), 160)
    assert "masked_state: Keras puts the state into the output; CfCCell and LTCCell on jax" in output
    assert "Keras's numpy backend computes no gradients; CfCCell and LTCCell on numpy" in output


def test_markup_in_what_an_implementation_says_is_text() -> None:
    made = report(*BOTH_TIERS, verdict("state.pure", "error", reason="[bold]not[/bold] markup [/]"))
    assert "[bold]not[/bold] markup [/]" in shown(made)


def test_markup_in_the_name_of_a_backend_or_a_cell_is_text() -> None:
    made = replace(verdict("state.pure", "fail"), backend="[/0]", cell="[bold]Mine")
    assert "[/0]" in (said := shown(report(made))) and "[bold]Mine" in said


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (0.407, ".41"),
        (0.999, "1.0"),
        (1.34, "1.3"),
        (12.3, "12"),
        (999.0, "999"),
        (31234.0, "3e4"),
        (math.inf, "∞"),
        (math.nan, "nan"),
        (None, ""),
    ],
)
def test_a_ratio_is_short(number: float | None, text: str) -> None:
    assert values.ratio(number) == text


@given(st.floats(0, allow_infinity=True))
def test_every_ratio_fits_its_column(number: float) -> None:
    assert len(values.ratio(number)) <= (4 if number < 1e100 or math.isinf(number) else 5)


def test_a_large_array_is_shown_by_its_corners_with_its_shape() -> None:
    assert values.show(np.arange(1000.0).reshape(10, 100).tolist()).endswith("shape (10, 100)")


# Progress


def followed(*, terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None)
    with RunProgress(console) as progress:
        progress.expect({"ncps on jax": 8})
        for _ in range(7):
            progress(verdict())
        progress(verdict("state.pure", "fail"))
        progress(verdict(backend="torch"))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_progress_without_a_terminal_is_a_line_now_and_then() -> None:
    assert followed(terminal=False).splitlines() == [
        "ncps on jax: 2 of 8",
        "ncps on jax: 4 of 8",
        "ncps on jax: 6 of 8",
        "state.pure (MUST), CfCCell on jax in float64: fail",
        "ncps on jax: 8 of 8, 1 failed",
    ]


def test_progress_has_each_cause_once_and_nothing_that_follows_from_it() -> None:
    console = Console(file=io.StringIO(), width=100)
    cause = sample_report.PLACE
    failed = [verdict(id, "fail", causes=[cause]) for id in ("time.zero", "time.large")]
    with RunProgress(console) as progress:
        for one in [*failed, replace(failed[0], cell="LTCCell")]:
            progress(one)
    assert isinstance(console.file, io.StringIO)
    said = f"  cause: {cause.what}, cells.py:41 in call; what follows from it is not printed again"
    assert console.file.getvalue().splitlines() == [
        "time.zero (MUST), CfCCell on jax in float64: fail",
        said,
        "time.zero (MUST), LTCCell on jax in float64: fail",
        said,
    ]


def test_progress_without_a_terminal_says_how_long_the_rest_takes() -> None:
    console, seconds = Console(file=io.StringIO(), width=100), iter((100.0, 110.0, 130.0, 145.0))
    with RunProgress(console, clock=lambda: next(seconds)) as progress:
        progress.expect({"ncps on jax": 4})
        for _ in range(4):
            progress.begin("ncps on jax", "state.pure")
            progress(verdict())
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        "ncps on jax: 1 of 4, about 30 s left",
        "ncps on jax: 2 of 4, about 30 s left",
        "ncps on jax: 3 of 4, about 15 s left",
        "ncps on jax: 4 of 4",
    ]


def test_progress_on_a_terminal_shows_the_clause_that_is_judged_and_who_waits() -> None:
    shown = Console(file=io.StringIO(), width=120)
    with RunProgress(Console(file=io.StringIO(), force_terminal=True)) as progress:
        progress.expect({"ncps on jax": 4, "ncps on torch": 4})
        progress.begin("ncps on jax", "state.pure")
        shown.print(progress.progress.get_renderable())
    assert isinstance(shown.file, io.StringIO)
    jax, torch = shown.file.getvalue().splitlines()
    assert jax.startswith("ncps on jax")
    assert "state.pure" in jax
    assert "waits for its turn" in torch


def test_progress_says_how_far_it_is_where_nobody_knows_how_far_it_will_go() -> None:
    console = Console(file=io.StringIO(), width=100)
    with RunProgress(console) as progress:
        for _ in range(60):
            progress(verdict())
    file = console.file
    assert isinstance(file, io.StringIO)
    assert file.getvalue().splitlines() == ["ncps on jax: 25 judged", "ncps on jax: 50 judged"]


def test_progress_on_a_terminal_keeps_only_the_failures() -> None:
    output = followed(terminal=True)
    assert "state.pure (MUST), CfCCell on jax in float64: fail" in output
    assert "8/8" in output
