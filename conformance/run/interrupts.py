"""Interruptions of a run: a signal, or its time limit. After either its report is partial."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from conformance.driver.process import end_all

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EVERY = 0.2
"""Seconds between two checks of a worker whether its run goes on."""


class CutShort(KeyboardInterrupt):
    """The run was ended; pytest handles it as it handles Ctrl-C."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass
class Ending:
    """The cause of an early end of a run."""

    number: int | None = None
    """The number of the signal."""
    limit: float | None = None
    """The time limit of the run, in seconds."""
    finishing: bool = False
    """True while the results are written: a signal ends nothing then, and gives the exit status alone."""

    @property
    def exit_code(self) -> int | None:
        """Return 128 + the signal, as shells do; None if the verdict decides, as after the time limit."""
        return None if self.number in (None, signal.SIGALRM) else 128 + (self.number or 0)


@contextmanager
def ends_on_signals(limit: float | None = None) -> Iterator[Ending]:
    """Make SIGINT, SIGTERM and SIGHUP, and the end of `limit` seconds, raise CutShort in the main thread.

    Only the first signal does: the earlier handlers are restored for the second.
    """
    ending = Ending(limit=limit)

    def end(number: int, frame: FrameType | None) -> None:
        ending.number = number
        if not ending.finishing:
            _restore(before)
            check()

    watched = (*SIGNALS, *([signal.SIGALRM] if limit is not None else []))
    before = {number: signal.signal(number, end) for number in watched}
    signal.setitimer(signal.ITIMER_REAL, limit or 0)
    _endings.append(ending)
    try:
        yield ending
    finally:
        _endings.remove(ending)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _restore(before)


@contextmanager
def exits_on_signals(tell: Callable[[str], None]) -> Iterator[None]:
    """Make a command end on SIGINT, SIGTERM and SIGHUP with 128 + the signal, as shells do, and report it.

    It ends by SystemExit, so that its harnesses end too.
    """

    def end(number: int, frame: FrameType | None) -> None:
        tell(f"conformance: ended by {signal.Signals(number).name}")
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # signals need the main thread
        yield
        return
    before = {number: signal.signal(number, end) for number in SIGNALS}
    try:
        yield
    finally:
        _restore(before)


_endings: list[Ending] = []
"""The ending of the current run, if there is one."""


def check() -> None:
    """Raise CutShort if a signal or the time limit has ended the run.

    Python drops an exception that a signal's handler raises inside a finalizer or a callback of the garbage
    collector; so a run checks again between its tests.
    """
    for ending in _endings:
        if ending.number is not None:
            raise CutShort(f"ended {_why(ending.number, ending.limit)}")


def ignore_signals() -> None:
    """Let no signal end the run from now on: all is judged, and its results are written in a moment."""
    for ending in _endings:
        ending.finishing = True


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler or signal.SIG_DFL)


def _why(number: int, limit: float | None) -> str:
    return f"after its {limit:g} s" if number == signal.SIGALRM else f"by {signal.Signals(number).name}"


# The workers of a run


class RunSentinel:
    """The link between the workers and the run that started them: a file, and the parent process."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="conformance-")
        self.path = Path(self._folder.name, "running")
        self.path.touch()

    def cut(self) -> None:
        """End every worker, and each harness of theirs, whatever they are doing."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Release the workers."""
        self._folder.cleanup()


def follow(sentinel: str) -> None:
    """End this worker when the run ends, even if the run was killed; the run alone handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(Path(sentinel), os.getppid()), daemon=True).start()


def _watch(sentinel: Path, parent: int) -> None:
    while sentinel.exists() and os.getppid() == parent:
        time.sleep(EVERY)
    end_all()
    os._exit(128 + signal.SIGTERM)
