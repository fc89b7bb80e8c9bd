"""Waits for what another process or thread does: as long as it takes, which a busy machine decides."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 300.0
"""Seconds after which something hangs for certain."""
PAUSE = 0.02


def until(true: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Wait until a condition holds; returns whether it does at last."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(PAUSE)
    return bool(true())


def lives(pid: int) -> bool:
    """Return whether a process runs; one that was killed does for a moment yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
