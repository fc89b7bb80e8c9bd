"""`exec:COMMAND` is a target like any other; what is not Keras has one backend, which it names itself."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance import options, start
from conformance.driver.implementation import HarnessFault, Implementation, NotSupported
from conformance.driver.pool import HarnessKey, Pool
from conformance.judging.registry import CHECKS
from conformance.options import RunOptions, UsageError, resolving
from conformance.options.describing import CannotBeJudged, described
from conformance.report.jsonfile import from_json
from conformance.report.status import obstacles, only_tier
from conformance.run.session import folder, progress_group, tiers
from tests.conformance.harness.nodejs import ROOT, command

for module in ("dtype", "state", "step"):
    importlib.import_module(f"conformance.suite.test_{module}")

KERAS, NODE = {"host": "keras"}, {"host": "node"}
COMMAND = "exec:node 'my harness.mjs' --cells a,b [c]@d:e-f"


def asked(*targets: str, **values: Any) -> RunOptions:
    return options.run_options({"target": targets, **values})


# What is asked for


@pytest.mark.parametrize(
    ("given", "targets"),
    [
        ([COMMAND], (COMMAND,)),
        (["ncps", COMMAND], ("ncps", COMMAND)),
        (["ncps, a.b:C, exec: node x, y"], ("ncps", "a.b:C", "exec:node x, y")),
    ],
)
def test_a_command_keeps_its_commas(given: list[str], targets: tuple[str, ...]) -> None:
    assert asked(*given).targets == targets


def test_a_command_reaches_pytest_whole() -> None:
    before = asked("ncps", COMMAND, seed=1)
    own = [a for a in options.pytest_arguments(before) if a.startswith("--conformance-target=")]
    assert [a.partition("=")[2] for a in own] == ["ncps", COMMAND]


@pytest.mark.parametrize(
    ("target", "said"), [("exec:", "names no command"), ("exec:node 'x", "no closing quotation")]
)
def test_no_command_and_half_a_command_are_refused(target: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        asked(target)
    with pytest.raises(ValueError, match=said):
        start(target)


def test_a_command_does_not_run_in_process() -> None:
    with pytest.raises(UsageError, match="a process of its own"):
        asked(COMMAND, in_process=True)
    with pytest.raises(ValueError, match="a process of its own"):
        start(COMMAND, in_process=True)


@pytest.mark.parametrize("given", [{"python": "python3.12"}, {"path": "."}])
def test_what_says_nothing_to_a_command_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=f"--{next(iter(given))}: has no effect on exec:node"):
        asked(COMMAND, **given)
    assert asked("ncps", COMMAND, **given).targets == ("ncps", COMMAND)


# Where it runs


def test_a_command_needs_no_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        resolving, "importable_backends", lambda python: pytest.fail("nobody asked for Keras")
    )
    assert options.resolve(asked(COMMAND), ["a.b"]).backends == ()


def test_what_is_not_keras_has_the_backend_that_it_names() -> None:
    alone = options.settled(asked(COMMAND), {COMMAND: NODE})
    assert alone.backends == options.backends_of(alone, NODE) == ("node",)


def test_each_of_several_targets_runs_where_it_can() -> None:
    found = RunOptions(("ncps", COMMAND), backends=("torch", "numpy"))
    settled = options.settled(found, {"ncps": KERAS, COMMAND: NODE})
    assert settled.backends == ("torch", "numpy", "node")
    assert options.backends_of(settled, KERAS) == ("torch", "numpy")
    assert options.backends_of(settled, NODE) == ("node",)


def test_backends_of_keras_that_nothing_runs_on_are_dropped() -> None:
    own = RunOptions(("a.b:C",), backends=("jax", "torch"))
    assert options.settled(own, {"a.b:C": {"host": "torch"}}).backends == ("torch",)


def test_settling_twice_changes_nothing() -> None:
    both = {"ncps": KERAS, COMMAND: NODE}
    once = options.settled(asked("ncps", COMMAND, backend="numpy,node"), both)
    assert options.settled(once, both) == once == asked("ncps", COMMAND, backend="numpy,node")


@pytest.mark.parametrize(
    ("backend", "described", "said"),
    [
        ("torch", {COMMAND: NODE}, "unknown backend 'torch'; known: node"),
        ("noed", {COMMAND: NODE}, r"unknown backend 'noed' \(did you mean 'node'\?\); known: node"),
        (
            "torch",
            {"ncps": KERAS, COMMAND: NODE},
            "runs on 'node' alone; name it too, or leave out --backend",
        ),
        ("node", {"ncps": KERAS, COMMAND: NODE}, "ncps runs on Keras; name one of its backends too: jax, "),
    ],
)
def test_a_backend_that_does_not_match_is_refused(backend: str, described: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        options.settled(asked(*described, backend=backend), described)


def test_its_group_and_its_line_of_progress_can_be_told_from_the_id_of_a_test() -> None:
    for place in (
        HarnessKey.of(COMMAND, "node", "float64"),
        HarnessKey.of(COMMAND, "node", None, exchange=True),
    ):
        assert HarnessKey.target_of(place.group) == COMMAND
        assert not set("[]@/ '") & set(place.group)
        nodeid = f"suite/test_step.py::test_cfc_pure[CfCCell-node-float64@{place.group}]"
        assert progress_group(nodeid) == f"{COMMAND} on node"


def test_a_long_command_has_a_folder_for_its_examples(tmp_path: Path) -> None:
    name = f"cfc.step.pure/{HarnessKey.of('exec:node ' + 300 * 'x', 'node', None).group}"
    (tmp_path / folder(name)).mkdir(parents=True)
    assert folder(name) != folder(name.replace("x" * 300, "x" * 299))


# A program


PROGRAM = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    method = request["method"]
    body = {"error": {"code": -32601, "message": "no"}}
    if method == "describe":
        cells = [{"name": "Mine", "family": "cfc", "arguments": []}]
        body = {"result": {"protocol": "1", "host": "toy", "cells": cells, "capabilities": ["describe"]}}
    ANSWER
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], **body}), flush=True)
"""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Any]:
    """Yield a command that describes one cell, and does what else a line of Python says."""
    started: list[Implementation] = []

    def target(line: str = "") -> str:
        script = tmp_path / "a harness.py"
        script.write_text(textwrap.dedent(PROGRAM).replace("ANSWER", line), encoding="utf-8")
        return f"exec:{sys.executable} '{script}'"

    def begin(line: str = "") -> Implementation:
        started.append(start(target(line)))
        return started[-1]

    begin.target = target  # type: ignore[attr-defined]
    yield begin
    for implementation in started:
        implementation.close()


def test_it_is_described_under_the_name_it_has_here(program: Any) -> None:
    implementation = program()
    about = implementation.describe()
    assert (about["target"], about["backend"]) == (implementation.target, "toy")
    assert implementation.backend == "toy"


def test_a_method_that_it_does_not_know_is_not_offered(program: Any) -> None:
    with pytest.raises(NotSupported, match="step is not offered"):
        program().request("step")


STEP = {"output": {"dtype": "float32", "shape": [1], "base64": "AAAAAA=="}, "state": []}
STEP |= {"dtypes": {"output": "float32", "state": []}}


def stepping(**changes: Any) -> str:
    return f"if method == 'step': body = {{'result': { ({**STEP, **changes})!r}}}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("if method == 'step': body = {'result': {}}", "result: 'output' is a required property"),
        (stepping(output={"shape": [1]}), "result.output: 'dtype' is a required property"),
        (
            stepping(state=[{**STEP["output"], "shape": [2]}]),
            r"result.state\[0\]: float32 of shape \[2\] is 8",
        ),
        (
            stepping(state=[{**STEP["output"], "dtype": "float8"}]),
            r"result.state\[0\].dtype: 'float8' is not",
        ),
        (stepping(dtypes={"output": "single", "state": []}), "result.dtypes.output: 'single' is not one of"),
        ("if method == 'step': body = {'result': 3}", "answer.result: 3 is not of type 'object'"),
        ("if method == 'step': body = {'error': {'code': 'x'}}", "answer.error"),
        ("if method == 'step': body = {}", "answer: "),
    ],
)
def test_what_is_wrong_with_an_answer_is_said_by_its_path(program: Any, line: str, said: str) -> None:
    with pytest.raises(HarnessFault, match=f"broke the protocol: the answer to step: {said}"):
        program(line).request("step")


def test_what_was_asked_for_may_not_be_missing(program: Any) -> None:
    implementation = program(stepping())
    implementation.request("step")
    with pytest.raises(HarnessFault, match="result: 'after' was asked for and is missing"):
        implementation.request("step", echo=True)
    implementation.restart()
    with pytest.raises(HarnessFault, match="result: 'outputs' was asked for and is missing"):
        implementation.request("step", repeat=2)


def test_another_version_of_the_protocol_cannot_be_judged(program: Any) -> None:
    target = program.target("if method == 'describe': body['result']['protocol'] = '2'")
    with pytest.raises(CannotBeJudged, match=r"the answer to describe: result.protocol: '2' is not '1'"):
        described(asked(target), target, Pool(asked(target)))


def test_a_command_that_is_not_there_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="cannot be started: No such file"):
        described(asked("exec:no-such-command"), "exec:no-such-command", Pool(asked("exec:no-such-command")))


def test_a_command_that_dies_at_once_cannot_be_judged(program: Any) -> None:
    target = program.target("sys.exit('out of luck')")
    with pytest.raises(CannotBeJudged, match="died with status 1: out of luck"):
        described(asked(target), target, Pool(asked(target)))


def test_a_target_of_one_precision_is_judged_at_that_alone() -> None:
    check = CHECKS["cfc.step.default"]
    assert tiers(check, {}, alone=False) == ["float64", "float32"]
    assert tiers(check, {"dtypes": ["float64"]}, alone=False) == ["float64"]
    assert tiers(check, {"host": "keras", "dtypes": ["float32"]}, alone=False) == ["float64", "float32"]
    assert tiers(CHECKS["state.pure"], {"dtypes": ["float64"]}, alone=False) == [None]
    assert tiers(CHECKS["dtype.float64"], {"dtypes": ["float32"]}, alone=False) == []


@pytest.mark.slow
def test_a_target_of_one_tier_is_judged_at_that_one(tmp_path: Path) -> None:
    only = tmp_path / "float64.mjs"
    service = (ROOT / "javascript" / "service.mjs").as_uri()
    server = (ROOT / "javascript" / "server.mjs").as_uri()
    only.write_text(
        f"""
        import {{ Refused, Service }} from "{service}";
        import {{ serve }} from "{server}";
        class Float64 extends Service {{
          describe() {{ return {{ ...super.describe(), dtypes: ["float64"] }}; }}
          step(request) {{
            if (request.model.dtype !== "float64") throw new Refused("float64 alone");
            return super.step(request);
          }}
        }}
        await serve(new Float64());
        """,
        encoding="utf-8",
    )
    written = tmp_path / "report.json"
    words = [sys.executable, "-m", "conformance", "run", command(only), "--max-examples", "2", "--jobs", "1"]
    words += ["--clause", "cfc.step.pure,state.pure", "--json", str(written)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = from_json(json.loads(written.read_text(encoding="utf-8")))
    assert {verdict.outcome for verdict in report.verdicts} == {"pass"}
    assert {verdict.tier for verdict in report.verdicts} == {"float64", None}
    whole = replace(report, budget={**report.budget, "clauses": []})
    assert only_tier(whole, command(only)) == "float64"
    unjudged = "no numerical MUST clause of LTCCell on node was judged in float64"
    assert obstacles(whole, command(only)) == [unjudged], "of CfCCell none is missing in float32"
