"""How long a departing cell takes beside the sound one, and how soon its cause is shown."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CELLS = ("Sound", "Slipped")
CAUSE = "cause:"


def measured(backends: list[str], rounds: int, options: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield a row a backend: the medians in seconds of both cells, their ratio, and the time to the cause."""
    for backend in backends:
        judge("Sound", backend, options)  # what is compiled for the first time is compiled here
        taken = {name: [] for name in CELLS}
        shown = []
        for _ in range(rounds):
            for name in CELLS:
                seconds, cause = judge(name, backend, options)
                taken[name].append(seconds)
                shown += [cause] if cause else []
        sound, slipped = (statistics.median(taken[name]) for name in CELLS)
        cause = f"{statistics.median(shown):.1f}" if shown else "–"
        yield backend, f"{sound:.1f}", f"{slipped:.1f}", f"{slipped / sound:.2f}", cause


def judge(name: str, backend: str, options: list[str]) -> tuple[float, float | None]:
    """Judge a cell; return the seconds that the command took, and those until it showed a cause."""
    command = [sys.executable, "-m", "conformance", "run", f"slips:{name}", "--path", str(FOLDER)]
    command += ["--backend", backend, "--seed", "1", *options]
    begin, cause = time.monotonic(), None
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            if cause is None and line.strip().startswith(CAUSE):
                cause = time.monotonic() - begin
    return time.monotonic() - begin, cause
