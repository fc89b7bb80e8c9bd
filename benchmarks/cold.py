"""What a first command takes: whole runs that find an empty cache, of one working tree beside another."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

RUN = ("-m", "conformance", "run")
COMMANDS = {
    "ncps, quick look": (*RUN, "ncps", "--smoke", "--seed", "1"),
    "ncps, default": (*RUN, "ncps", "--seed", "1"),
    **{
        f"one cell on {backend}, quick look": (
            *RUN,
            *f"ncps:CfCCell --backend {backend} --smoke --seed 1".split(),
        )
        for backend in ("torch", "jax", "tensorflow")
    },
    "one clause on numpy": (*RUN, "ncps:CfCCell", "--backend", "numpy", "--clause", "time.zero", "--smoke"),
    "conformance list": ("-m", "conformance", "list"),
    "conformance --help": ("-m", "conformance", "--help"),
}
SAMPLED_EVERY = 1.0
"""Seconds between two looks at the memory of all processes."""


@dataclass(frozen=True)
class Taken:
    """What one command took."""

    seconds: float
    processor: float
    """Processor-seconds of the command and all processes that it started."""
    memory: float
    """The peak of the memory of all processes together, in MiB; pages that they share count once."""


def measured(
    trees: dict[str, Path], commands: Sequence[str], rounds: int, *, warm: bool
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each command and state of the cache: the medians of each tree, by turns."""
    for name in commands:
        taken: dict[tuple[str, str], list[Taken]] = {}
        for _ in range(rounds):
            for tree, folder in trees.items():
                with tempfile.TemporaryDirectory() as cache:
                    for state in ("cold", "warm") if warm else ("cold",):
                        taken.setdefault((state, tree), []).append(take(COMMANDS[name], folder, cache))
                        said = shown(taken[state, tree][-1:])
                        print(f"{name}, {state}, {tree}: {said}", file=sys.stderr, flush=True)
        for state in dict.fromkeys(state for state, _ in taken):
            yield f"{name}, {state}", *(shown(taken[state, tree]) for tree in trees)


def shown(taken: list[Taken]) -> str:
    """Return the medians of some measurements."""
    seconds, processor, memory = (
        statistics.median(getattr(one, what) for one in taken) for what in ("seconds", "processor", "memory")
    )
    return f"{seconds:.1f} / {processor:.1f} / {memory:,.0f}"


def take(command: Sequence[str], folder: Path, cache: str) -> Taken:
    """Run a command of a working tree; it must succeed."""
    environment = {**os.environ, "XDG_CACHE_HOME": cache, "PYTHONPATH": str(folder)}
    begin, peak = time.monotonic(), 0.0
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ended = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not ended.wait(SAMPLED_EVERY):
            peak = max(peak, memory_of(process.pid))

    sampler = threading.Thread(target=sample)
    sampler.start()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    ended.set()
    sampler.join()
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {os.waitstatus_to_exitcode(status)}")
    return Taken(seconds, used.ru_utime + used.ru_stime, peak)


def memory_of(process: int) -> float:
    """Return the memory of a process and all that descend from it, in MiB."""
    parents = {int(entry.name): parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    family = [process]
    for known in family:  # which grows
        family += [child for child, of in parents.items() if of == known]
    return sum(proportional(Path(f"/proc/{one}")) for one in family)


def parent(entry: Path) -> int:
    """Return the parent of a process, 0 if it has ended."""
    with suppress(OSError):
        return int((entry / "stat").read_text().rpartition(") ")[2].split()[1])
    return 0


def proportional(entry: Path) -> float:
    """Return the resident memory of a process, each page divided by the processes that share it, in MiB."""
    with suppress(OSError):
        for line in (entry / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
