"""Sequences side by side: our layers, PyPI ncps in an interpreter of its own, and gated cells."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

PEER = os.environ.get("NCPS_CONFORMANCE_PEER_PYTHON", ".tox/peer/bin/python")
WORKS = ("forward", "train")
TIMES = (32, 128, 512)
LTC_TIME = 32
ROUNDS, SLOW_ROUNDS, SLOW = 9, 3, 1.0  # fewer rounds where one takes longer than SLOW seconds
SPARED = ("ours CfC, timespans", "ours LTC, timespans", "keras LSTM")  # not asked for their memory
OURS = ("ours CfC", "ours CfC, timespans", "keras GRU", "keras LSTM")
OURS_LTC = ("ours LTC", "ours LTC, timespans")


@dataclass(frozen=True)
class Case:
    """One kind of work of one layer at one length."""

    python: str
    contender: str
    time: int
    work: str


def cases(backend: str) -> list[Case]:
    """Return the cases that are compared on a backend, the fastest first."""
    both = [(sys.executable, name) for name in OURS] + [(PEER, "ncps.keras CfC")]
    ltc = [(sys.executable, name) for name in OURS_LTC] + [(PEER, "ncps.keras LTC")]
    if backend == "torch":
        both += [(PEER, "ncps.torch CfC"), (sys.executable, "torch.nn.GRU")]
        ltc += [(PEER, "ncps.torch LTC")]
    kinds = [(who, TIMES) for who in both] + [(who, (LTC_TIME,)) for who in ltc]
    return [Case(*who, time, work) for who, times in kinds for time in times for work in WORKS]


@contextmanager
def process(python: str, backend: str) -> Iterator[Callable[[Case], dict[str, Any]]]:
    """Yield a function that has contenders.py do a case under `python` and returns its answer."""
    command = [python, str(Path(__file__).with_name("contenders.py"))]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:

        def ask(case: Case) -> dict[str, Any]:
            assert running.stdin
            assert running.stdout
            try:
                print(json.dumps(vars(case)), file=running.stdin, flush=True)
            except BrokenPipeError:
                return {"error": "no such interpreter or backend"}
            return json.loads(running.stdout.readline() or '{"error": "died"}')

        yield ask
        with suppress(BrokenPipeError):
            running.stdin.close()


@dataclass
class Timing:
    """Seconds of a case: the first time, and each later round."""

    first: float
    rounds: list[float]

    def again(self) -> bool:
        return len(self.rounds) < (ROUNDS if not self.rounds or self.rounds[0] < SLOW else SLOW_ROUNDS)


def timings(backend: str) -> dict[Case, Timing]:
    """Time every case in turn, round by round, so that a slow moment of the machine falls on all."""
    found: dict[Case, Timing] = {}
    with ExitStack() as stack:
        ask = {python: stack.enter_context(process(python, backend)) for python in (sys.executable, PEER)}
        for case in cases(backend):
            answer = ask[case.python](case)
            if "seconds" in answer:
                found[case] = Timing(answer["seconds"], [])
        for _ in range(ROUNDS):
            for case, timing in found.items():
                if timing.again():
                    timing.rounds.append(ask[case.python](case)["seconds"])
    return found


def speed_table(backend: str) -> tuple[list[str], list[list[str]]]:
    """Return a row a contender; a column a length, of forward / train in ms; the first step last."""
    found = timings(backend)
    rows = []
    for contender in dict.fromkeys(case.contender for case in cases(backend)):
        row = [contender]
        for time in TIMES:
            row.append(pair(found, contender, time, lambda t: 1e3 * statistics.median(t.rounds)))
        row.append(growth(found, contender))
        compiled = LTC_TIME if "LTC" in contender else max(TIMES)
        row.append(pair(found, contender, compiled, lambda t: t.first - statistics.median(t.rounds)))
        rows.append(row)
    head = [f"{backend}, ms", *(f"T = {time}" for time in TIMES), "512 : 128", "to compile, s"]
    return head, rows


def pair(found: dict[Case, Timing], contender: str, time: int, say: Callable[[Timing], float]) -> str:
    mine = {c.work: t for c, t in found.items() if (c.contender, c.time) == (contender, time)}
    return " / ".join(f"{say(mine[work]):.3g}" for work in WORKS) if len(mine) == len(WORKS) else "–"


def growth(found: dict[Case, Timing], contender: str) -> str:
    """Return how many times longer four times as many steps take; 4 where the time is linear in them."""
    seconds = {
        (case.time, case.work): statistics.median(timing.rounds)
        for case, timing in found.items()
        if case.contender == contender
    }
    ratios = [seconds[512, w] / seconds[128, w] for w in WORKS if {(512, w), (128, w)} <= seconds.keys()]
    return " / ".join(f"{ratio:.1f}" for ratio in ratios) or "–"


def memory_table(backends: tuple[str, ...]) -> tuple[list[str], list[list[str]]]:
    """Measure the growth of a fresh process's peak at the longest sequence: a forward pass, then training."""
    cells: dict[tuple[str, str], str] = {}
    for backend in backends:
        for case in cases(backend):
            longest = LTC_TIME if "LTC" in case.contender else max(TIMES)
            if case.work == "train" and case.time == longest and case.contender not in SPARED:
                with process(case.python, backend) as ask:
                    grown = [ask(c).get("mb") for c in (replace(case, work="forward"), case, case, case)]
                cells[case.contender, backend] = "–" if None in grown else f"{sum(grown):.0f}"
    contenders = dict.fromkeys(contender for contender, _ in cells)
    rows = [[c, *(cells.get((c, backend), "–") for backend in backends)] for c in contenders]
    return [f"MB, T = {max(TIMES)}, LTC {LTC_TIME}", *backends], rows
