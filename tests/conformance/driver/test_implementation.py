"""The driver notices what a harness does wrong. Each bad harness is a script of a few lines."""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from conformance.driver import implementation as driver
from conformance.driver import process
from conformance.harness import wire
from tests.waiting import PATIENCE, lives, until

ANSWER = """
import json, os, subprocess, sys, time
def read():
    line = sys.stdin.readline()
    return json.loads(line) if line else sys.exit(0)
def write(text):
    sys.stdout.write(text); sys.stdout.flush()
def reply(request, **body):
    body = body or {"result": request["method"]}
    write(json.dumps({"jsonrpc": "2.0", "id": request["id"], **body}) + "\\n")
"""


@pytest.fixture
def bad(tmp_path):
    """Start a harness that does what a few lines of Python say."""
    started = []

    def start(body, **arguments):
        script = tmp_path / "harness.py"
        script.write_text(ANSWER + textwrap.dedent(body))
        started.append(driver.start("anything", "numpy", harness=script, **arguments))
        return started[-1]

    yield start
    for implementation in started:
        implementation.close()


def test_an_answer_is_the_result(bad):
    assert bad("while True: reply(read())").request("describe") == "describe"


def test_a_death_is_found_with_its_status_and_last_words(bad):
    implementation = bad("read(); print('out of luck', file=sys.stderr); os._exit(3)")
    with pytest.raises(driver.HarnessDied, match="status 3: out of luck") as death:
        implementation.request("step")
    assert death.value.returncode == 3


def test_a_death_by_signal_is_found(bad):
    with pytest.raises(driver.HarnessDied, match="status -9"):
        bad("read(); os.kill(os.getpid(), 9)").request("step")


def test_a_death_before_the_first_request_is_found(bad):
    implementation = bad("sys.exit('no such module')")
    implementation._connection._process.wait(PATIENCE)
    with pytest.raises(driver.HarnessDied, match="no such module"):
        implementation.request("describe")


def test_what_a_harness_printed_before_its_answer_is_there_with_the_answer(bad):
    body = "while True: request = read(); print(request['id'], file=sys.stderr); reply(request)"
    implementation = bad(body)
    for count in range(1, 201):
        implementation.request("step")
        assert implementation.stderr().split()[-1] == str(count)


LATE = "reply(read()); time.sleep(0.3); print('late', file=sys.stderr); "


def test_what_comes_after_an_answer_is_there_with_the_next(bad):
    implementation = bad(LATE + "reply(read()); read()")
    implementation.request("step")
    implementation.request("step")
    assert implementation.stderr() == "late\n"


def test_last_words_after_an_answer_are_told_of_the_death(bad):
    implementation = bad(LATE + "os._exit(3)")
    implementation.request("step")
    with pytest.raises(driver.HarnessDied, match="status 3: late"):
        implementation.request("step")


def test_last_words_that_fill_the_pipe_are_waited_for(bad):
    """It closes its answers first, and could not end if nobody read."""
    body = "read(); os.close(1); time.sleep(0.3); sys.stderr.write('x' * 500_000 + 'end'); os._exit(3)"
    with pytest.raises(driver.HarnessDied, match=r"status 3: x+end"):
        bad(body).request("step")


def test_an_answer_that_comes_between_two_looks_and_then_the_end_is_an_answer(bad, monkeypatch):
    class Slow(selectors.DefaultSelector):
        """Finds nothing, and is back when the harness has ended: on a busy machine any look may be so."""

        def select(self, timeout=None):
            found = super().select(0)
            if not found:
                implementation._connection._process.wait(PATIENCE)
            return found

    monkeypatch.setattr(selectors, "DefaultSelector", Slow)
    implementation = bad("request = read(); time.sleep(0.3); reply(request); os._exit(3)")
    assert implementation.request("step") == "step"


def test_who_prints_and_does_not_answer_hangs(bad):
    implementation = bad("reply(read()); read()\nwhile True: print('x' * 999, file=sys.stderr)")
    implementation.request("step")
    implementation.timeout = 0.1
    with pytest.raises(driver.HarnessHung):
        implementation.request("step")


def test_answers_that_are_closed_by_a_living_harness_are_a_death(bad, monkeypatch):
    monkeypatch.setattr(process, "DYING_SECONDS", 0.2)
    with pytest.raises(driver.HarnessDied, match="answers no more: it closed its stdout but still runs"):
        bad("read(); os.close(1); time.sleep(60)").request("step")


def test_a_hang_is_found(bad):
    implementation = bad("read(); time.sleep(60)", timeout=0.1)
    with pytest.raises(driver.HarnessHung, match=r"did not answer step within 0\.4 s"):
        implementation.request("step")


def test_a_harness_that_reads_nothing_is_a_hang(bad):
    with pytest.raises(driver.HarnessHung):
        bad("time.sleep(60)", timeout=0.1).request("step", inputs=np.zeros(1_000_000))


def test_time_for_which_the_driver_was_stopped_does_not_count(bad, monkeypatch):
    seconds = iter([0.0, 1e6])  # stopped while the first answer was waited for
    real = time.monotonic()
    monkeypatch.setattr(process.time, "monotonic", lambda: real + next(seconds, 1e6))
    assert bad("request = read(); time.sleep(1); reply(request)").request("step") == "step"


def test_the_first_request_of_a_shape_may_take_longer(bad, monkeypatch):
    allowed = []
    exchange = process.Process.exchange

    def noting(connection, line, method, seconds):
        allowed.append(seconds)
        return exchange(connection, line, method, seconds)

    monkeypatch.setattr(process.Process, "exchange", noting)
    implementation = bad("while True: reply(read())", timeout=60)
    for inputs in (np.zeros(2), np.ones(2), np.zeros(3)):
        implementation.request("step", inputs=inputs)
    implementation.restart()
    implementation.request("step", inputs=np.ones(2))
    assert allowed == [240, 60, 240, 240]


def test_a_method_that_hangs_again_and_again_is_given_up(bad):
    body = "while True: request = read(); request['method'] == 'describe' or time.sleep(60); reply(request)"
    implementation = bad(body, timeout=0.05)
    for _ in range(driver.GIVEN_UP):
        with pytest.raises(driver.HarnessHung):
            implementation.request("step", model={"cell": "Slow"})
        implementation.restart()
    said = "^step of Slow is asked no more: 4 times in a row it was not answered in time$"
    with pytest.raises(driver.MethodUnresponsive, match=said):
        implementation.request("step", model={"cell": "Slow"})
    with pytest.raises(driver.HarnessHung):
        implementation.request("step", model={"cell": "Another"})
    implementation.restart()
    implementation.timeout = PATIENCE
    assert implementation.request("describe") == "describe", "that method of that cell alone"


def test_a_request_may_name_no_cell_or_several():
    assert driver.about("load", {}) == driver.about("load", {"model": None}) == "load"
    assert driver.about("step", {"model": "none"}) == driver.about("step", {"model": {}}) == "step"
    stacked = {"model": None, "models": [{"cell": "Lower"}, {"cell": "Upper"}]}
    assert driver.about("sequence", stacked) == "sequence of Lower"


def test_a_method_that_answers_between_is_not_given_up(bad):
    body = "request = read(); 'ok' in request['params'] or time.sleep(60); reply(request)"
    implementation = bad(body)
    for hangs in [True, True, True, False, True, False]:
        implementation.timeout = 0.05 if hangs else PATIENCE
        with pytest.raises(driver.HarnessHung) if hangs else contextlib.nullcontext():
            implementation.request("step", **({} if hangs else {"ok": 1}))
        implementation.restart()


def test_what_a_harness_started_ends_with_it(bad, tmp_path):
    note = tmp_path / "pid"
    body = f"""
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(note)!r}, "w").write(str(child.pid)); reply(read()); read(); time.sleep(60)
    """
    implementation = bad(body)
    implementation.request("describe")
    implementation.close()
    assert has_ended(int(note.read_text()))


def has_ended(pid):
    return until(lambda: not lives(pid))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            'request = read(); write(\'{"jsonrpc": "2.0", "id"\'); os._exit(0)',
            "its output ended within a message",
        ),
        ("request = read(); request['id'] += 1; reply(request)", "answer to request 2 where 1 was asked"),
        ("read(); write('hello\\n')", "not a JSON message"),
        ("read(); write('\\n')", "not a JSON message"),
        ("read(); write('[1]\\n')", "not a JSON-RPC 2.0 answer"),
        ("reply(read(), result=1, error={'code': 1})", "either a result or an error"),
        ("reply(read(), nothing=1)", "either a result or an error"),
        ("reply(read(), error='no')", "an error must have a code"),
        ("reply(read(), result={'dtype': 'float32', 'shape': [9], 'base64': ''})", "is 36 bytes"),
    ],
)
def test_a_fault_of_the_wire_is_found(bad, body, message):
    with pytest.raises(driver.WireFault, match=message):
        bad(body).request("step")


def test_half_a_message_and_then_silence_is_a_hang(bad):
    implementation = bad("reply(read()); read(); write('{'); time.sleep(60)")
    implementation.request("step")
    implementation.timeout = 0.3
    with pytest.raises(driver.HarnessHung):
        implementation.request("step")


def test_a_message_without_end_is_found(bad, monkeypatch):
    monkeypatch.setattr(wire, "MAX_BYTES", 100_000)
    with pytest.raises(driver.WireFault, match="more than 100000 bytes"):
        bad("read()\nwhile True: write('x' * 10000)").request("step")


def test_a_second_answer_is_found_with_the_first(bad):
    twice = (
        "answer = json.dumps({'jsonrpc': '2.0', 'id': read()['id'], 'result': 1}) + '\\n'; write(2 * answer)"
    )
    with pytest.raises(driver.WireFault, match="more than one answer to step; besides it came b"):
        bad(twice).request("step")


def test_a_second_answer_that_comes_late_is_found_with_the_next_request(bad):
    implementation = bad("request = read(); reply(request); read(); reply(request); read()")
    assert implementation.request("step") == "step"
    with pytest.raises(driver.WireFault, match="answer to request 1 where 2"):
        implementation.request("step")


def test_much_printing_does_not_block(bad):
    implementation = bad(
        "request = read(); sys.stderr.write('x' * 5_000_000 + 'end'); reply(request); read()"
    )
    assert implementation.request("step") == "step"
    assert implementation.stderr().endswith("xend") and len(implementation.stderr()) < 100_000


def test_after_a_fault_nothing_more_is_asked_until_a_restart(bad):
    implementation = bad(
        "while True:\n  request = read()\n  if request['method'] == 'step': os._exit(1)\n  reply(request)"
    )
    with pytest.raises(driver.HarnessDied):
        implementation.request("step")
    with pytest.raises(driver.HarnessDied, match="call restart"):
        implementation.request("describe")
    implementation.restart()
    assert implementation.request("describe") == "describe"


def test_close_may_be_called_twice(bad):
    implementation = bad("read()")
    implementation.close()
    implementation.close()
    with pytest.raises(driver.HarnessDied):
        implementation.request("describe")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            {"code": -32001, "message": "m", "data": {"type": "KeyError", "message": "'a'"}},
            driver.ImplementationRaised,
        ),
        ({"code": -32002, "message": "no gradients"}, driver.NotSupported),
        ({"code": -32601, "message": "no method"}, driver.NotSupported),
        ({"code": -32602, "message": "no such parameter"}, driver.RequestRefused),
        ({"code": -32603, "message": "a bug"}, driver.RequestRefused),
    ],
)
def test_an_error_is_an_exception_of_its_own_kind(bad, error, expected):
    implementation = bad(f"while True: reply(read(), error={error!r})")
    with pytest.raises(expected):
        implementation.request("step")
    with pytest.raises(expected):
        implementation.request("step")


def test_an_exception_of_the_implementation_keeps_type_message_and_traceback(bad):
    data = {"type": "ValueError", "message": "units must be", "traceback": "File x"}
    error = {"code": -32001, "message": "m", "data": data}
    with pytest.raises(driver.ImplementationRaised, match="ValueError: units must be") as raised:
        bad(f"reply(read(), error={error!r})").request("build")
    assert (raised.value.type, raised.value.message, raised.value.traceback) == tuple(data.values())
    assert raised.value.frames == () and raised.value.place is None, "a harness need not report them"


FRAME = {"file": "/home/me/my_cells.py", "line": 41, "function": "call"}


def raised_with(frames):
    return f"reply(read(), error={{'code': -32001, 'message': 'm', 'data': {{'frames': {frames!r}}}}})"


def test_the_innermost_frame_is_the_place_of_an_exception(bad):
    frames = [{**FRAME, "line": 7, "code": "return self.step(x)"}, {**FRAME, "code": None, "column": 3}]
    with pytest.raises(driver.ImplementationRaised) as raised:
        bad(raised_with(frames)).request("step")
    assert raised.value.frames == (
        driver.Frame("/home/me/my_cells.py", 7, "call", "return self.step(x)"),
        driver.Frame("/home/me/my_cells.py", 41, "call"),
    )
    assert raised.value.place == raised.value.frames[-1]
    assert str(raised.value.place) == "my_cells.py:41 in call"


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ("my_cells.py:41", "frames: 'my_cells.py:41' is not"),
        ([{"file": "my_cells.py", "line": 41}], r"frames\[0\]: 'function' is a required property"),
        ([FRAME, {**FRAME, "line": 0}], r"frames\[1\].line: 0 is less than the minimum of 1"),
        ([FRAME] * 21, "is too long"),
    ],
)
def test_malformed_frames_break_the_protocol(bad, frames, said):
    implementation = bad(raised_with(frames))
    with pytest.raises(driver.WireFault, match=said):
        implementation.request("step")
    assert implementation.closed


def test_two_requests_share_a_shape_when_only_numbers_differ():
    one, other = np.zeros((2, 3)), np.ones((2, 3))
    assert driver.shape_key({"inputs": one}) == driver.shape_key({"inputs": other})
    assert driver.shape_key({"inputs": one}) != driver.shape_key({"inputs": other[:1]})
    assert driver.shape_key({"inputs": one, "eager": True}) != driver.shape_key(
        {"inputs": one, "eager": False}
    )


def test_regimes_other_than_x32_and_x64_are_refused():
    with pytest.raises(ValueError, match="must be 'x32' or 'x64'"):
        driver.start("ncps", "jax", regime="float64")


def test_harnesses_left_open_end_with_the_driver(tmp_path):
    script = tmp_path / "harness.py"
    script.write_text("import time; time.sleep(60)")
    program = f"""
import sys
from conformance.driver.implementation import start
implementation = start("x", "numpy", harness={str(script)!r})
print(implementation._connection._process.pid)
"""
    root = str(Path(driver.__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root}
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    assert has_ended(int(run.stdout))


def test_half_a_surrogate_pair_in_what_a_target_says_does_not_reach_a_file() -> None:
    said = json.loads(r'{"message": "caf\udce9", "cells": [{"n\ud800": "\ud83d\ude00"}]}')
    assert driver.printable(said) == {"message": "caf?", "cells": [{"n?": "\N{GRINNING FACE}"}]}


def test_what_an_adapter_of_ones_own_says_of_its_cells_is_checked(tmp_path: Path) -> None:
    own = "from conformance_harness.adapter import Adapter\n\nclass Mine(Adapter):\n"
    (tmp_path / "mine.py").write_text(own + "    def cells(self):\n        return [{'family': 'cfc'}]\n")
    with (
        driver.start("mine:Mine", path=tmp_path, threads=1) as implementation,
        pytest.raises(driver.WireFault, match=r"describe: result.cells\[0\]: 'name' is a required property"),
    ):
        implementation.describe()
