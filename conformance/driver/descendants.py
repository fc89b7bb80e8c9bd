"""Descendants of a harness, wherever they are: a child may leave its group, its session and its parent."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "NCPS_CONFORMANCE_HARNESS"
"""The variable in a harness's environment that marks its descendants."""
ROUNDS = 20
"""The number of searches, while there are any: one may start another before it ends."""
PAUSE = 0.01
PROC = Path("/proc")
"""The folder of processes.

Where it is missing, as on macOS, only those in the harness's process group are found."""


def end(mark: str) -> None:
    """Kill every process with this mark, until there is none."""
    for _ in range(ROUNDS):
        pids = list(bearing(mark))
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not pids:
            return
        time.sleep(PAUSE)


def bearing(mark: str) -> Iterator[int]:
    """Yield the ids of the processes that were started with this mark."""
    wanted = f"{MARK}={mark}".encode()
    for entry in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)
