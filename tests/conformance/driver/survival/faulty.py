"""A cell behind the protocol that goes wrong in the way that it is told: `faulty.py FAULT METHOD`.

It computes by the reference, and is right but for its fault, which shows whenever METHOD is asked for. It
writes the id of each process that it starts, its own first, to the file $FAULTY_PIDS, and makes a file
`hangs` beside that before it hangs.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from reference import ltc_step

sys.path.append(str(Path(__file__).resolve().parents[4] / "conformance" / "harness"))
import wire  # by path, as in a harness: to import the suite takes longer than all the rest

Answer = dict[str, Any]
Fault = Callable[[Answer, str], None]
"""Given the answer, whole and as it would be sent; it answers itself, or not at all."""

LONG = 600.0
ARGUMENTS = ("units", "activation", "solver", "backbone_activation", "backbone_units", "backbone_layers")
PATHS = ("kernel", "bias", "tau_kernel/kernel", "tau_kernel/bias")


# The cell


def describe() -> Answer:
    cell = {"name": "Cell", "family": "ltc", "arguments": ["units"], "defaults": {}}
    offered = ["describe", "build", "initial_state", "step"]
    return {"protocol": "1", "host": "toy", "cells": [cell], "capabilities": offered, "dtypes": ["float64"]}


def build(model: Answer) -> Answer:
    units = model["config"]["units"]
    return {"variables": [], "state_size": [units], "output_size": units}


def initial_state(model: Answer, batch: int) -> Answer:
    dtype = "float16" if model["dtype"] == "mixed_float16" else "float32"
    return {"state": [np.zeros((batch, model["config"]["units"]), dtype)], "dtypes": [dtype]}


def step(
    model: Answer, parameters: Answer, inputs: Any, state: Any, timespans: Any = None, **_: Any
) -> Answer:
    times = 1.0 if timespans is None else np.reshape(timespans, (-1, 1))
    new = ltc_step(parameters, inputs, state[0], times)
    return {"output": new, "state": [new], "dtypes": {"output": new.dtype.name, "state": [new.dtype.name]}}


OFFERED = {function.__name__: function for function in (describe, build, initial_state, step)}


# Its faults


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def note(pid: int) -> None:
    with Path(os.environ["FAULTY_PIDS"]).open("a") as file:
        file.write(f"{pid}\n")


def changed(change: Callable[[Any], Any]) -> Fault:
    """Return an answer whose output is another."""

    def fault(answer: Answer, line: str) -> None:
        answer["result"]["output"] = change(answer["result"]["output"])
        write(wire.dumps(answer).decode())

    return fault


def raw(change: Callable[[Answer], Any]) -> Fault:
    """Return a method that changes the text of an answer."""

    def fault(answer: Answer, line: str) -> None:
        plain = json.loads(line)
        change(plain)
        write(json.dumps(plain) + "\n")

    return fault


def exits(answer: Answer, line: str) -> None:
    print("out of luck", file=sys.stderr, flush=True)
    os._exit(3)


def is_killed(answer: Answer, line: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hangs(answer: Answer, line: str) -> None:
    Path(os.environ["FAULTY_PIDS"]).with_name("hangs").touch()
    time.sleep(LONG)


def ignores_signals_and_hangs(answer: Answer, line: str) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    hangs(answer, line)


def closes_stdout(answer: Answer, line: str) -> None:
    os.close(1)
    time.sleep(LONG)


def answers_and_dies(answer: Answer, line: str) -> None:
    write(line)
    os._exit(4)


def prints(answer: Answer, line: str) -> None:
    write("computing ...\n" + line)


def half(answer: Answer, line: str) -> None:
    write(line[: len(line) // 2])
    os._exit(0)


def half_and_hangs(answer: Answer, line: str) -> None:
    write(line[: len(line) // 2])
    time.sleep(LONG)


def trickles(answer: Answer, line: str) -> None:
    while True:
        write(" ")
        time.sleep(0.01)


def answers_twice(answer: Answer, line: str) -> None:
    write(line + line)


def floods(answer: Answer, line: str) -> None:
    """Write a gigabyte in a line."""
    for _ in range(1024):
        write("x" * (1 << 20))
    write("\n")


def noise_on_stdout(answer: Answer, line: str) -> None:
    for _ in range(1000):
        write("noise\n" * 1000)


def noise_on_stderr(answer: Answer, line: str) -> None:
    for _ in range(1000):
        sys.stderr.write("noise\n" * 1000)
    write(line)


def forks(answer: Answer, line: str) -> None:
    """Start a child, which holds the pipes open."""
    note(subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG})"]).pid)
    write(line)


def forks_a_daemon(answer: Answer, line: str) -> None:
    """Start a grandchild in a session of its own, whose parent is gone."""
    if (child := os.fork()) == 0:
        os.setsid()
        if os.fork() == 0:
            note(os.getpid())
            time.sleep(LONG)
        os._exit(0)
    os.waitpid(child, 0)
    write(line)


def forks_and_dies(answer: Answer, line: str) -> None:
    """Die while a child holds the pipes open, so that they do not end."""
    note(subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG})"]).pid)
    exits(answer, line)


LEAKED: list[Any] = []


def leaks(answer: Answer, line: str) -> None:
    LEAKED.append(np.ones(1 << 20))
    write(line)


def leaks_until_it_dies(answer: Answer, line: str) -> None:
    try:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        LEAKED.append(np.empty(1 << 26))
        write(line)
    except MemoryError:
        print("no memory left", file=sys.stderr, flush=True)
        os._exit(5)


CALLS: list[None] = []


def changes(answer: Answer, line: str) -> None:
    """Answer rightly at first, and then with a little less each time."""
    changed(lambda output: output + 1e-3 * len(CALLS))(answer, line)
    CALLS.append(None)


def nested(answer: Answer, line: str) -> None:
    identifier, depth = answer["id"], 100_000
    write(f'{{"jsonrpc":"2.0","id":{identifier},"result":{"[" * depth}{"]" * depth}}}\n')


def wrong_id(plain: Answer) -> None:
    plain["id"] += 1


def claims_a_gigabyte(plain: Answer) -> None:
    plain["result"]["output"]["shape"] = [1 << 14, 1 << 13]


def complex_numbers(plain: Answer) -> None:
    plain["result"]["output"] |= {"dtype": "complex128", "base64": "AAAA"}


FAULTS: dict[str, Fault] = {
    "none": lambda answer, line: write(line),
    "nan": changed(lambda output: np.full_like(output, np.nan)),
    "inf": changed(lambda output: np.full_like(output, np.inf)),
    "wrong shape": changed(lambda output: output[..., None]),
    "wrong dtype": changed(lambda output: output.astype(np.int32)),
    "wrong precision": changed(lambda output: output.astype(np.float32)),
    "wrong id": raw(wrong_id),
    "complex": raw(complex_numbers),
    "claims a gigabyte": raw(claims_a_gigabyte),
    **{
        function.__name__.replace("_", " "): function
        for function in (
            *(exits, is_killed, hangs, ignores_signals_and_hangs, closes_stdout, answers_and_dies),
            *(prints, half, half_and_hangs, trickles, answers_twice, floods, nested),
            *(noise_on_stdout, noise_on_stderr, forks, forks_a_daemon, forks_and_dies),
            *(leaks, leaks_until_it_dies, changes),
        )
    },
}


def starts_badly(fault: str) -> None:
    """Die at the start, but not in the first process of a run, which answers `describe`."""
    if fault == "dies at start" or (fault == "dies at the second start" and started() > 1):
        sys.exit("no luck at all")


def started() -> int:
    """Return the number of processes so far, with this one."""
    return len(Path(os.environ["FAULTY_PIDS"]).read_text().split())


def main(name: str, method: str) -> None:
    note(os.getpid())
    starts_badly(name)
    fault = FAULTS.get(name, FAULTS["none"])
    for text in sys.stdin:
        request = wire.loads(text.encode())
        answer = {"jsonrpc": "2.0", "id": request["id"]}
        if request["method"] not in OFFERED:
            write(wire.dumps(answer | {"error": {"code": -32601, "message": "not offered"}}).decode())
            continue
        answer["result"] = OFFERED[request["method"]](**request["params"])
        line = wire.dumps(answer).decode()
        fault(answer, line) if request["method"] == method else write(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
