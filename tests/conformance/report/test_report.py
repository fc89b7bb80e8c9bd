"""Reports: the verdict of a run, its JSON, and what a person reads of it."""

from __future__ import annotations

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
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from conformance.report import exit_code, jsonfile, status, terminal, values
from conformance.report.failures import MOST, findings
from conformance.report.progress import RunProgress
from conformance.report.screen import screen
from conformance.report.status import JUDGED, judged, obstacles, target_status, targets
from conformance.spec import clauses
from conformance.verdict import Failure, Outcome, Report, Verdict
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


LATER = {"known", "diagnosis", "example", "known_failures", "refused", "kinks"}
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


def test_one_tier_is_enough_where_a_backend_of_keras_has_one() -> None:
    single = {"target": "ncps", "backend": "jax", "host": "keras", "dtypes": ["float64"]}
    assert status(report(verdict(), implementations=[single])) == "conforms"
    for other in ({"backend": "torch"}, {"host": "node"}):
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
failures = st.builds(
    Failure, texts, case=evidence, got=plain, want=plain, bound=plain, excess=numbers, script=texts
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
    worst=numbers,
    seconds=st.floats(0, 1e9),
    variant=objects,
    holds_under_variant=st.booleans(),
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
    output = shown(made, width=80)
    expected = {target_status(made, target).split()[0] for target in targets(made)} or {"nothing was judged"}
    assert all(text in output for text in expected)


@pytest.mark.parametrize("made", [sample_report.green(), sample_report.red()], ids=["green", "red"])
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
        (("format_version",), 2),
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
    assert set(definitions["failure"]["properties"]) == {field.name for field in fields(Failure)}
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


# The terminal


def shown(made: Report, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    terminal.render(made, clauses.load().clauses, console)
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
@pytest.mark.parametrize("made", [sample_report.green(), sample_report.red()], ids=["green", "red"])
def test_the_table_fits_and_cuts_nothing(made: Report, width: int) -> None:
    table = table_of(shown(made, width))
    assert max(map(len, table)) <= width
    assert not any("…" in line for line in table)
    rows = {line.split()[0] for line in table if line.startswith("  ") and line.strip()}
    assert {verdict.clause for verdict in made.verdicts} <= rows


def test_a_wide_table_has_a_column_per_cell_and_backend() -> None:
    output = shown(sample_report.red(), 160)
    assert line_with("tensorflow  numpy", output).split() == ["jax", "torch", "tensorflow", "numpy"] * 2
    assert line_with("  cfc.step.default", output).split()[1:] == [
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
    assert line_with("  cfc.step.default", output).split()[1:] == [
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


def test_failures_alike_are_shown_once_and_those_that_a_variant_explains_last() -> None:
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


def test_the_first_findings_are_shown_at_length_and_the_others_in_a_line() -> None:
    ids = list(clauses.load().clauses)[: MOST + 3]
    failed = [verdict(id, "fail", failure=Failure(f"{id} is wrong", script="print(1)")) for id in ids]
    output = shown(report(*failed))
    assert output.count("print(1)") == MOST
    more = output[output.index("3 more findings") :].splitlines()
    assert more[1:4] == [f"  ✗ {id} · MUST · CfCCell on jax: {id} is wrong" for id in ids[MOST:]]
    for option in ("--json", "`conformance report`", "--examples"):
        assert option in more[4]
    assert "in a line each" not in shown(report(*failed[:MOST]))


def test_where_several_clauses_fail_it_says_with_which_to_begin() -> None:
    layer, zero = (verdict(id, "fail", failure=Failure("wrong")) for id in ("layer.steps", "time.zero"))
    output = shown(report(layer, zero))
    assert output.index("begin with time.zero: ") < output.index("✗ layer.steps · MUST")
    for clear in (
        (zero,),
        (zero, replace(zero, cell="LTCCell")),
        (layer, replace(layer, clause="state.pure")),
    ):
        assert "begin with" not in shown(report(*clear))


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
    variant = output.index(
        "variant CfCCell on jax, torch, tensorflow and numpy computes with head_activation='linear'"
    )
    assert variant < output.index("clause ")
    assert "1 would hold under it, 0 fail under it too" in output
    assert "✗ cfc.step.no_gate" in output


def test_the_host_and_what_is_not_applicable_are_shown_with_their_reasons() -> None:
    output = shown(sample_report.red(), 160)
    assert "masked_state: Keras puts the state into the output; CfCCell and LTCCell on jax" in output
    assert "Keras's numpy backend computes no gradients; CfCCell and LTCCell on numpy" in output


def test_markup_in_what_an_implementation_says_is_text() -> None:
    made = report(*BOTH_TIERS, verdict("state.pure", "error", reason="[bold]not[/bold] markup [/]"))
    assert "[bold]not[/bold] markup [/]" in shown(made)


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
