"""A cause that is listed excuses the clauses that fail for it, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.cli import main as cli
from conformance.report import jsonfile
from conformance.stored.known_failures import PASSES, load
from conformance.stored.known_failures.entries import cause_name
from conformance.verdict import Cause, Verdict

CELLS = """
from keras import ops
from ncps import CfCCell


class Mended(CfCCell):
    pass


class Backwards(CfCCell):
    def heads(self, timed):
        return super().heads(True)

    def advance(self, heads, h, t):
        t = 1.0 if t is None else t
        if self.mode == "pure":
            return super().advance(heads, h, t)
        f, a, b = ops.split(heads, [2 * self.units, 3 * self.units], axis=-1)
        f1, f2 = ops.split(self.head_activation(f), 2, axis=-1)
        gate = ops.sigmoid(b + a * t)
        return f1 + gate * (f2 if self.mode == "no_gate" else f2 - f1)


class Crashing(Backwards):
    def advance(self, heads, h, t):
        if tuple(h.shape)[0] > 2:
            import os

            os._exit(9)
        return super().advance(heads, h, t)


class Worse(Backwards):
    def call(self, inputs, states, *rest, **named):
        output, states = super().call(inputs, states, *rest, **named)
        return output, [state + 1.0 for state in states]
"""
CLAUSES = "cfc.step.default,time.default,time.per_sample,sequence.steps,step.output_is_state"


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that judges one of the cells with options; it returns the status and the verdicts."""
    (tmp_path / "cells.py").write_text(CELLS)
    monkeypatch.chdir(tmp_path)

    def run(cell: str, *more: str) -> tuple[int, dict[str, list[Verdict]]]:
        narrow = ["--backend", "numpy", "--clause", CLAUSES, "--smoke", "--seed", "1", "--jobs", "1"]
        done = CliRunner().invoke(
            cli.main, ["run", f"cells:{cell}", "--path", ".", *narrow, "--json", "r.json", *more]
        )
        verdicts: dict[str, list[Verdict]] = {}
        for verdict in jsonfile.read(Path("r.json")).verdicts:
            verdicts.setdefault(verdict.outcome, []).append(verdict)
        return done.exit_code, verdicts

    return run


@pytest.mark.frameworks
def test_a_cause_is_one_entry_and_what_fails_beyond_it_is_news(judged: Any) -> None:
    status, red = judged("Backwards", "--write-known-failures", "known.toml")
    assert status == 1 and len({verdict.clause for verdict in red["fail"]}) > 2
    (entry,) = load(Path("known.toml"))
    assert (entry.clause, entry.cause) == ("", red["fail"][0].causes[0].name)
    text = Path("known.toml").read_text().replace('cell = ["Backwards"]\n', "")
    Path("known.toml").write_text(text)

    listed = ("--known-failures", "known.toml")
    status, green = judged("Backwards", *listed, "--strict")
    assert status == 0 and "fail" not in green
    assert [v.clause for v in green["known failure"]] == [v.clause for v in red["fail"]]
    assert {verdict.known["entry"] for verdict in green["known failure"]} == {1}

    status, worse = judged("Worse", *listed)
    assert status == 1 and {verdict.clause for verdict in worse["fail"]} == {"step.output_is_state"}
    assert [v.clause for v in worse["known failure"]] == [v.clause for v in red["fail"]]

    status, crashing = judged("Crashing", *listed)
    dead = [v for v in crashing["fail"] if v.clause == "time.default"]
    assert status == 1 and dead, "a crash besides is no known failure"
    assert {cause.kind for cause in dead[0].causes} == {"convention", "clause"}

    status, mended = judged("Mended", *listed)
    assert status == 0 and PASSES in {verdict.known.get("stale") for verdict in mended["pass"]}


@pytest.mark.frameworks
def test_a_listed_cause_is_not_written_again(judged: Any) -> None:
    judged("Backwards", "--write-known-failures", "known.toml")
    before = Path("known.toml").read_text().replace('cell = ["Backwards"]\n', "")
    Path("known.toml").write_text(before)
    status, _ = judged("Worse", "--write-known-failures", "known.toml")
    assert status == 1 and Path("known.toml").read_text().startswith(before)
    entries = load(Path("known.toml"))
    assert [(entry.clause, entry.cause) for entry in entries[1:]] == [("step.output_is_state", "")]


@pytest.mark.parametrize("path", ["/home/me/cells.py", "C:\\me\\cells.py", "cells.py"])
def test_an_exception_is_listed_without_its_line(path: str) -> None:
    cause = Cause("place", f"ValueError at {path}:41 in Cell.advance", "it raises")
    assert cause_name(cause) == "ValueError in cells.py, Cell.advance"
    other = Cause("place", "ValueError at a # that is no place", "it raises")
    assert cause_name(other) == other.name
