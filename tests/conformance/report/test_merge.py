"""Shards, and the reports of a run's parts as the report of the run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from conformance.cli import main as cli
from conformance.options.shards import Shard
from conformance.report import exit_code, jsonfile, terminal
from conformance.report.merge import CannotBeMerged, merge
from conformance.report.status import status
from conformance.spec import clauses
from conformance.spec.encoding import plain
from conformance.verdict import Report
from tests.conformance.report import sample_report

ROOT = Path(__file__).resolve().parents[3]
ORDER = list(clauses.load().clauses)


def shard(number: int, count: int = 3, report: Report | None = None) -> Report:
    """A part of the sample run."""
    whole = report or sample_report.green()
    budget = whole.budget | {"shard": f"{number}/{count}", "targets": ["ncps"], "backends": ["jax"]}
    command = f"conformance run ncps --seed 7 --shard {number}/{count} --json {number}.json"
    return replace(whole, budget=budget, command=command, verdicts=whole.verdicts[number - 1 :: count])


def merged(*reports: Report) -> Report:
    return merge({f"{number}.json": report for number, report in enumerate(reports, 1)}, ORDER)


# Shards


@given(
    costs=st.lists(st.integers(1, 5), max_size=60),
    groups=st.integers(1, 4),
    count=st.integers(1, 7),
)
def test_shards_are_a_partition_that_keeps_the_order(costs: list[int], groups: int, count: int) -> None:
    items = list(enumerate(costs))

    def part(number: int) -> list[tuple[int, int]]:
        return Shard(number, count).part(
            items,
            group=lambda item: str(item[0] % groups),
            cost=lambda item: item[1],
            name=lambda item: f"test_{item[0]}",
        )

    parts = [part(number) for number in range(1, count + 1)]
    assert Counter(item for found in parts for item in found) == Counter(items)
    assert all(found == sorted(found) for found in parts)
    sizes = list(map(len, parts))
    assert max(sizes) - min(sizes) <= 1


def test_shards_are_read_as_they_are_written() -> None:
    assert str(Shard.parse("2/3")) == "2/3"
    for wrong in ("0/3", "4/3", "1", "1/0", "a/b", "-1/3", "1/3/5"):
        with pytest.raises(ValueError, match="I/N"):
            Shard.parse(wrong)


def test_a_shard_without_a_seed_is_refused() -> None:
    done = CliRunner().invoke(cli.main, ["run", "ncps", "--backend", "numpy", "--shard", "1/2"])
    assert done.exit_code == 2
    assert "--seed" in done.output


# Merging


def test_the_shards_of_a_run_are_the_run() -> None:
    whole = merged(shard(2), shard(3), shard(1))
    green = sample_report.green()
    assert {repr(verdict) for verdict in whole.verdicts} == {repr(verdict) for verdict in green.verdicts}
    assert [v.clause for v in whole.verdicts] == sorted((v.clause for v in whole.verdicts), key=ORDER.index)
    assert whole.complete
    assert status(whole) == "conforms"
    assert whole.command == "conformance run ncps --seed 7"


def test_the_shards_of_a_run_have_its_causes() -> None:
    caused = sample_report.caused()
    parts = [jsonfile.from_json(jsonfile.to_json(shard(number, report=caused))) for number in (1, 2, 3)]
    said = jsonfile.to_json(merged(*parts))["causes"]
    whole = jsonfile.to_json(caused)["causes"]
    assert [cause["name"] for cause in said] == [cause["name"] for cause in whole]
    assert [set(cause["clauses"]) for cause in said] == [set(cause["clauses"]) for cause in whole]
    assert [cause["proven"] for cause in said] == [24, 31, 0, 0, 0]


def test_a_missing_shard_is_named_and_the_whole_is_partial() -> None:
    whole = merged(shard(1), shard(3))
    assert whole.notes == ["shard 2/3 of ncps on jax is missing"]
    assert not whole.complete
    assert status(whole) == "could not be judged"


def test_parts_by_backend_are_merged_too() -> None:
    green = sample_report.green()
    parts = [
        replace(
            green,
            verdicts=[verdict for verdict in green.verdicts if verdict.backend == backend],
            implementations=[entry for entry in green.implementations if entry["backend"] == backend],
            budget=green.budget | {"backends": [backend], "targets": ["ncps"]},
        )
        for backend in sample_report.BACKENDS
    ]
    whole = merged(*parts)
    assert len(whole.verdicts) == len(green.verdicts)
    assert whole.budget["backends"] == list(sample_report.BACKENDS)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"spec": "0.1"}, "specification of 1.json"),
        ({"seed": 8}, "seed"),
        ({"suite": "0.2.0"}, "suite"),
        (
            {"budget": {"smoke": True, "shard": "2/3"}},
            "the --smoke of 1.json is not given, that of 2.json is given",
        ),
        ({"budget": {"examples": 7, "shard": "2/3"}}, "the --max-examples of 1.json is not given, .* is 7"),
        (
            {"budget": {"clauses": ["a.*", "b"], "shard": "2/3"}},
            r"the --clause .* is not given, .* is a.\*, b",
        ),
        ({"known_failures": {"file": "known.toml", "strict": True}}, "known failures of 1.json is none"),
    ],
)
def test_what_is_not_one_run_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(CannotBeMerged, match=says):
        merged(shard(1), replace(shard(2), **change))


def test_what_a_file_says_of_its_shard_or_command_is_not_taken_on_trust() -> None:
    unclosed = replace(shard(1), command="conformance run 'unclosed")
    assert "'unclosed" in merged(unclosed, shard(2), shard(3)).command
    with pytest.raises(CannotBeMerged, match="'one' is no shard"):
        merged(shard(1), replace(shard(2), budget=shard(2).budget | {"shard": "one"}))


def test_other_versions_of_what_was_judged_are_refused() -> None:
    changed = [entry | {"versions": {"keras": "9"}} for entry in sample_report.implementations()]
    with pytest.raises(CannotBeMerged, match="versions of ncps on jax"):
        merged(shard(1), replace(shard(2), implementations=changed))


def test_an_overlap_is_merged_where_it_agrees_and_refused_where_it_contradicts() -> None:
    first = sample_report.green()
    assert len(merged(first, first).verdicts) == len(first.verdicts)
    spoiled = replace(first, verdicts=[replace(first.verdicts[0], outcome="fail"), *first.verdicts[1:]])
    with pytest.raises(CannotBeMerged, match=rf"contradiction on {first.verdicts[0].clause}"):
        merged(first, spoiled)


def test_a_shard_that_is_given_twice_is_refused() -> None:
    with pytest.raises(CannotBeMerged, match="shard 1/3 of ncps on jax is given twice"):
        merged(shard(1), shard(2), shard(1))


def test_a_shard_without_a_test_is_complete_and_can_be_merged() -> None:
    note = "shard 3/3 has no test"
    none = replace(shard(3), verdicts=[], implementations=[], notes=[note])
    assert exit_code(none) == 0
    assert "nothing was judged" not in terminal.text(none) and note in terminal.text(none)
    two = replace(shard(1), verdicts=sample_report.green().verdicts)
    whole = merged(two, shard(2), none)
    assert whole.complete and status(whole) == "conforms"
    assert status(merged(none)) == status(replace(none, complete=False)) == "could not be judged"


def test_a_whole_that_lacks_a_shard_is_no_quick_look_at_what_is_there() -> None:
    cells = [e | {"cells": [{"name": "CfCCell", "family": "cfc"}]} for e in sample_report.implementations()]
    smoke = sample_report.green().budget | {"smoke": True}
    quick = replace(sample_report.green(), implementations=cells, budget=smoke)
    parts = [shard(number, 2, quick) for number in (1, 2)]
    parts[1] = replace(parts[1], verdicts=[v for v in parts[1].verdicts if v.clause != "time.zero"])
    parts[0] = replace(parts[0], verdicts=[v for v in parts[0].verdicts if v.clause != "time.zero"])
    assert "a quick look, by few examples and without" in terminal.text(merged(*parts))
    assert "a quick look" not in terminal.text(merged(parts[0]))


def test_an_entry_that_matches_nothing_where_it_is_concerned_matches_nothing() -> None:
    listed = [
        {"file": "known.toml", "strict": True, "matched": there, "unmatched": missing}
        for there, missing in ((["1"], ["2"]), ([], ["1", "3"]), (["4"], []))
    ]
    parts = [replace(shard(n), known_failures=about) for n, about in enumerate(listed, 1)]
    whole = merged(*parts).known_failures
    assert whole == {"file": "known.toml", "strict": True, "matched": ["1", "4"], "unmatched": ["2", "3"]}
    jsonfile.validate(jsonfile.to_json(merged(*parts)))


def test_of_parts_that_do_not_say_what_they_match_all_have_to_lack_an_entry() -> None:
    listed = [
        {"file": "known.toml", "strict": True, "unmatched": found}
        for found in (["1", "2"], ["2"], ["2", "3"])
    ]
    parts = [replace(shard(n), known_failures=about) for n, about in enumerate(listed, 1)]
    assert merged(*parts).known_failures["unmatched"] == ["2"]
    assert (
        merged(parts[0], replace(parts[2], known_failures=listed[2] | {"unmatched": []})).known_failures[
            "unmatched"
        ]
        == []
    )


@pytest.mark.slow
def test_the_command_shows_the_whole_writes_it_and_exits_as_a_run(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        jsonfile.write(shard(number, report=sample_report.red()), tmp_path / f"{number}.json")
    files = [str(tmp_path / f"{number}.json") for number in (1, 2, 3)]
    done = CliRunner().invoke(cli.main, ["merge", *files, "-o", str(tmp_path / "whole.json")])
    assert done.exit_code == 1
    assert "departs from specification" in done.output
    assert len(jsonfile.read(tmp_path / "whole.json").verdicts) == len(sample_report.red().verdicts)
    done = CliRunner().invoke(cli.main, ["merge", *files[:2], "-o", str(tmp_path / "part.json")])
    assert "shard 3/3" in done.output
    done = CliRunner().invoke(cli.main, ["merge", files[0], files[0], "-o", str(tmp_path / "part.json")])
    assert done.exit_code == 2 and "1.json is given twice" in done.output


@pytest.mark.frameworks
def test_real_shards_give_the_verdicts_of_the_whole_run(tmp_path: Path) -> None:
    given = [
        "ncps",
        "--backend",
        "numpy",
        "--clause",
        "cfc.step.*",
        "--seed",
        "1",
        "--max-examples",
        "2",
    ]

    def run(name: str, *more: str) -> Path:
        command = [sys.executable, "-m", "conformance", "run", *given, *more, "--jobs", "1"]
        done = subprocess.run(
            [*command, "--json", str(tmp_path / name)], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return tmp_path / name

    whole = jsonfile.read(run("whole.json"))
    assert {verdict.tier for verdict in whole.verdicts} == {"float64", "float32"}
    parts = {
        name: jsonfile.read(run(name, "--shard", name[:3].replace("-", "/")))
        for name in ("1-2.json", "2-2.json")
    }
    found = merge(parts, ORDER)
    sizes = {len(part.verdicts) for part in parts.values()}
    assert min(sizes) >= 2 and max(sizes) - min(sizes) <= 1
    assert parts["1-2.json"].budget["shard"] == "1/2"

    def said(report: Report) -> str:
        return json.dumps([plain(replace(verdict, seconds=0.0)) for verdict in report.verdicts])

    assert said(found) == said(whole)
