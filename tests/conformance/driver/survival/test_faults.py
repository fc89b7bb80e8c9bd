"""Whatever a harness does: the right verdict, the other clauses are judged, and nothing is left running."""

from __future__ import annotations

import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import conformance
from conformance.driver import process
from conformance.driver.implementation import WireFault, start
from conformance.harness import wire
from conformance.options.describing import CannotBeJudged
from conformance.report import jsonfile
from conformance.verdict import EXIT_CODES, Report, Verdict
from tests.waiting import PATIENCE, lives, until

ROOT = Path(__file__).resolve().parents[4]
PROGRAM = Path(__file__).with_name("faulty.py")
STATE, STEP, BUILD, TWICE = "state.initial", "ltc.step.semi_implicit", "state.sizes", "state.repeatable"
"""Clauses, a method each, but for the last, which asks for a step too."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"),
]


def target(fault: str, method: str) -> str:
    return "exec:" + shlex.join([sys.executable, str(PROGRAM), fault, method])


@pytest.fixture(autouse=True)
def pids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the file in which faulty programs note their processes, none of which may outlive the test."""
    noted = tmp_path / "pids"
    noted.touch()
    monkeypatch.setenv("FAULTY_PIDS", str(noted))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield noted
    assert until(lambda: not [pid for pid in noted.read_text().split() if lives(int(pid))])


def hangs(pids: Path) -> bool:
    """Return whether a faulty program has begun to hang."""
    return pids.with_name("hangs").exists()


def judged(fault: str, method: str) -> Report:
    """Return the report on four clauses, each of a few examples."""
    return conformance.check(
        target(fault, method),
        clause=",".join((STATE, STEP, BUILD, TWICE)),
        seed=1,
        max_examples=6,
        variant="strict",
    )


def outcomes(report: Report) -> dict[str, str]:
    return {verdict.clause: verdict.outcome for verdict in report.verdicts}


def said(verdict: Verdict) -> str:
    return verdict.failure.summary if verdict.failure else verdict.reason


GOOD = dict.fromkeys((STATE, STEP, BUILD, TWICE), "pass")

BY_PROCESS = {
    "exits": "the harness died with status 3: out of luck",
    "is killed": "the harness died with status -9 (SIGKILL); memory may have run out",
    "hangs": "the harness did not answer initial_state within 0.2 s",
    "ignores signals and hangs": "the harness did not answer initial_state within 0.2 s",
    "half and hangs": "the harness did not answer initial_state within 0.2 s",
    "trickles": "the harness did not answer initial_state within 0.2 s",
    "closes stdout": "the harness answers no more: it closed its stdout but still runs",
    "forks and dies": "the harness died with status 3: out of luck",
    "prints": "not a JSON message: Expecting value: line 1 column 1 (char 0): b'computing",
    "half": 'its output ended within a message (status 0): b\'{"jsonrpc":"2.0","id":4,',
    "wrong id": "an answer to request 5 where 4 was asked",
    "answers twice": "more than one answer to initial_state; besides it came b'{",
    "floods": f"a message of more than {1 << 20} bytes",
    "noise on stdout": "not a JSON message: Expecting value: line 1 column 1 (char 0): b'noise",
    "nested": "not a JSON message: maximum recursion depth exceeded",
}


@pytest.mark.parametrize(("fault", "why"), BY_PROCESS.items(), ids=BY_PROCESS)
def test_a_fault_of_the_process_fails_its_clause_and_no_other(
    fault: str, why: str, hurry: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_BYTES", 1 << 20)
    monkeypatch.setattr(process, "DYING_SECONDS", 0.2 if fault == "closes stdout" else PATIENCE)
    if "did not answer" in why:
        hurry("initial_state")
    report = judged(fault, "initial_state")
    assert outcomes(report) == GOOD | {STATE: "fail"}
    (wrong,) = [verdict for verdict in report.verdicts if verdict.outcome == "fail"]
    assert why in said(wrong)
    assert report.complete and not report.conforms


def test_a_step_that_always_hangs_is_not_waited_for_in_every_clause(hurry: Callable[[str], None]) -> None:
    """Twice in each of two: in a search, and in a fresh process."""
    hurry("step")
    report = conformance.check(target("hangs", "step"), clause=("time.*", BUILD), seed=1, variant="strict")
    found = outcomes(report)
    assert found.pop(BUILD) == "pass", "another method is asked as ever"
    assert list(found.values()) == ["fail"] * 2 + ["error"] * 3
    unsettled = next(verdict for verdict in report.verdicts if verdict.outcome == "error")
    assert "step of Cell is asked no more: 4 times in a row" in said(unsettled)
    assert not report.conforms


BY_ANSWER = {
    "nan": "output[0, 0] is nan, but should be",
    "inf": "output[0, 0] is inf, but should be",
    "wrong shape": "output has shape (1, 1, 1), but should have (1, 1)",
    "wrong dtype": "its dtype is int32, but float64 was requested",
    "wrong precision": "its dtype is float32, but float64 was requested",
    "complex": "the answer to step: result.output.dtype: 'complex128' is not one of",
    "claims a gigabyte": "float64 of shape [16384, 8192] is 1073741824 bytes, which the base64 text is not",
}


@pytest.mark.parametrize(("fault", "why"), BY_ANSWER.items(), ids=BY_ANSWER)
def test_a_wrong_answer_fails_the_formula(fault: str, why: str) -> None:
    report = judged(fault, "step")
    found = outcomes(report)
    assert found[STEP] == "fail" and (found[BUILD], found[STATE]) == ("pass", "pass")
    assert any(why in said(verdict) for verdict in report.verdicts if verdict.clause == STEP)
    assert report.complete


@pytest.mark.parametrize("harmless", ["none", "noise on stderr", "forks", "forks a daemon", "leaks"])
def test_what_harms_nobody_is_no_fault(harmless: str) -> None:
    report = judged(harmless, "initial_state")
    assert outcomes(report) == GOOD
    assert report.complete and report.conforms


ONCE = {
    "answers and dies": "the harness died with status 4: it printed nothing",
    "leaks until it dies": "the harness died with status 5: no memory left",
}


@pytest.mark.parametrize(("fault", "why"), ONCE.items(), ids=ONCE)
def test_a_death_that_the_last_example_alone_does_not_bring_is_told_and_no_pass(fault: str, why: str) -> None:
    report = judged(fault, "initial_state")
    assert outcomes(report) == GOOD | {STATE: "not reproducible"}
    assert any(why in verdict.reason for verdict in report.verdicts)
    assert report.complete and not report.conforms


def test_an_answer_that_changes_is_no_formula_and_not_repeatable() -> None:
    report = judged("changes", "step")
    assert outcomes(report) == GOOD | {STEP: "not reproducible", TWICE: "fail"}
    why = {verdict.clause: said(verdict) for verdict in report.verdicts}
    assert why[TWICE].startswith("output of the same call")


def test_what_dies_at_once_cannot_be_judged() -> None:
    with pytest.raises(CannotBeJudged, match="died with status 1: no luck at all"):
        judged("dies at start", "")


def test_what_starts_once_and_never_again_fails_each_clause() -> None:
    report = judged("dies at the second start", "")
    assert outcomes(report) == dict.fromkeys(GOOD, "fail")
    assert {said(v) for v in report.verdicts} == {"the harness died with status 1: no luck at all"}
    assert report.complete


# Much of it


def test_a_gigabyte_is_refused_before_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the real limit, in a process of its own, for a peak of memory does not come down again."""
    program = f"""
import resource
from conformance.driver.implementation import WireFault, start
model = {{"cell": "Cell", "config": {{"units": 1}}, "input_dim": 1, "dtype": "float32", "seed": 0}}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with start({target("floods", "initial_state")!r}) as implementation:
    try:
        implementation.request("initial_state", model=model, batch=1)
    except WireFault as fault:
        print(fault)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said, grown = done.stdout.splitlines()
    assert f"a message of more than {wire.MAX_BYTES} bytes" in said
    assert int(grown) * 1024 < 1.5 * wire.MAX_BYTES


def test_a_long_answer_takes_time_by_its_length_alone(tmp_path: Path) -> None:
    """Twenty times the length, not four hundred times the time."""
    script = tmp_path / "long.py"
    script.write_text(
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    request = json.loads(line)\n"
        "    answer = {'jsonrpc': '2.0', 'id': request['id'], 'result': 'x' * request['params']['length']}\n"
        "    print(json.dumps(answer), flush=True)\n"
    )
    with start("anything", harness=script) as implementation:
        before = time.process_time()  # of this process alone, whatever else the machine is about
        implementation.request("long", length=60_000_000)
        assert time.process_time() - before < 5.0


def test_what_a_leaking_harness_holds_is_not_held_here() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with start(target("leaks", "initial_state")) as implementation:
        for batch in range(1, 30):
            model = {"cell": "Cell", "config": {"units": 2}, "input_dim": 1, "dtype": "float32", "seed": 0}
            implementation.request("initial_state", model=model, batch=batch)
        harness = int(Path(os.environ["FAULTY_PIDS"]).read_text())
        pages = int(Path(f"/proc/{harness}/statm").read_text().split()[1])
        assert pages * resource.getpagesize() > 200e6
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50e3


# All together, by the command


def test_one_run_judges_the_good_and_the_bad_side_by_side(tmp_path: Path) -> None:
    faults = {
        "none": "conforms",
        "exits": "departs",
        "forks a daemon": "conforms",
        "answers and dies": "could not be judged",
    }
    written = tmp_path / "report.json"
    words = [
        sys.executable,
        "-m",
        "conformance",
        "run",
        *(target(fault, "initial_state") for fault in faults),
    ]
    words += ["--clause", ",".join((STATE, BUILD, STEP)), "--max-examples", "6"]
    words += ["--seed", "1", "--jobs", "2", "--json", str(written)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == EXIT_CODES["departs"], done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    report = jsonfile.read(written)
    assert report.complete and len(report.verdicts) == 3 * len(faults)
    found = jsonfile.to_json(report)["targets"]
    assert found == {target(fault, "initial_state"): status for fault, status in faults.items()}


@pytest.mark.parametrize("fault", ["hangs", "ignores signals and hangs"])
def test_a_run_that_waits_for_a_hanging_harness_ends_when_told(fault: str, pids: Path) -> None:
    words = [sys.executable, "-m", "conformance", "run", target(fault, "describe"), "--jobs", "1"]
    run = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert until(lambda: hangs(pids) or run.poll() is not None)
    run.terminate()
    _, error = run.communicate(timeout=PATIENCE)
    assert run.returncode == 143
    assert error.splitlines() == ["conformance: ended before anything was judged"]


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name
)
def test_any_command_that_waits_for_a_hanging_harness_ends_when_told(
    number: signal.Signals, pids: Path
) -> None:
    words = [sys.executable, "-m", "conformance", "doctor", target("ignores signals and hangs", "describe")]
    command = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert until(lambda: hangs(pids) or command.poll() is not None)
    command.send_signal(number)
    _, error = command.communicate(timeout=PATIENCE)
    assert command.returncode == 128 + number
    assert error.splitlines() == [f"conformance: ended by {number.name}"]


def test_complex_numbers_of_an_adapter_are_its_own_fault(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\nfrom conformance_harness.adapter import Adapter\n\nclass Mine(Adapter):\n"
        "    def cells(self):\n        return [{'name': 'Mine', 'family': 'ltc', 'arguments': ['units']}]\n"
        "    def step(self, inputs, **rest):\n        return {'output': inputs + 1j, 'state': []}\n"
    )
    report = conformance.check("mine:Mine", path=str(tmp_path), clause=STEP, seed=1, max_examples=2)
    assert {v.outcome for v in report.verdicts} == {"fail"}
    assert "it returned an array of dtype complex64; allowed are" in said(report.verdicts[0])


def test_a_wire_fault_says_where_it_closed(pids: Path) -> None:
    """After a fault nothing is asked of the process again; a restart is another process."""
    with start(target("wrong id", "describe")) as implementation:
        with pytest.raises(WireFault):
            implementation.describe()
        assert implementation.closed
        implementation.restart()
        assert not implementation.closed
        with pytest.raises(WireFault):
            implementation.describe()
    assert len(pids.read_text().split()) == 2
