"""What ends a run before it is done: a signal, or its time. Either way its report is partial."""

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
"""How often a worker looks whether its run goes on, in seconds."""


class CutShort(KeyboardInterrupt):
    """The run was ended; pytest takes it for what it takes Ctrl-C for."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass
class Ending:
    """How a run ended, where it was not by itself."""

    number: int | None = None
    """The signal."""
    limit: float | None = None
    """The seconds that the run had."""

    @property
    def exit_code(self) -> int | None:
        """128 + the signal, as shells have it; None where the verdict decides, as when the time was up."""
        return None if self.number in (None, signal.SIGALRM) else 128 + (self.number or 0)


@contextmanager
def ends_on_signals(limit: float | None = None) -> Iterator[Ending]:
    """Has SIGINT, SIGTERM and SIGHUP, and the end of `limit` seconds, raise CutShort in the main thread.

    Only the first: who asks a second time is not kept waiting.
    """
    ending = Ending(limit=limit)

    def end(number: int, frame: FrameType | None) -> None:
        ending.number = number
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
    """Has a command end on SIGINT, SIGTERM and SIGHUP as shells have it, 128 + the signal, and say so.

    It ends by SystemExit, so that harnesses end with it.
    """

    def end(number: int, frame: FrameType | None) -> None:
        tell(f"conformance: ended by {signal.Signals(number).name}")
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # where Python lets nobody handle signals
        yield
        return
    before = {number: signal.signal(number, end) for number in SIGNALS}
    try:
        yield
    finally:
        _restore(before)


_endings: list[Ending] = []
"""Of the run that goes on, if one does."""


def check() -> None:
    """Raises CutShort where the run was told to end.

    Python drops what a signal's handler raises where it happens to interrupt a finalizer or a callback of the
    garbage collector; so a run asks again between its tests.
    """
    for ending in _endings:
        if ending.number is not None:
            raise CutShort(f"ended {_why(ending.number, ending.limit)}")


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler or signal.SIG_DFL)


def _why(number: int, limit: float | None) -> str:
    return f"after its {limit:g} s" if number == signal.SIGALRM else f"by {signal.Signals(number).name}"


# The workers of a run


class Leash:
    """What holds the workers to the run that started them: a file, and being its children."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="conformance-")
        self.path = Path(self._folder.name, "running")
        self.path.touch()

    def cut(self) -> None:
        """Every worker ends, and each harness of theirs, whatever they are about."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing holds the workers any more."""
        self._folder.cleanup()


def follow(leash: str) -> None:
    """In a worker: end with the run, even where that was killed; Ctrl-C is for the run to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(Path(leash), os.getppid()), daemon=True).start()


def _watch(leash: Path, parent: int) -> None:
    while leash.exists() and os.getppid() == parent:
        time.sleep(EVERY)
    end_all()
    os._exit(128 + signal.SIGTERM)
