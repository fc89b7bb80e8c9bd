"""Connections that carry lines to a harness and back: a process of its own, or a server in this one."""

from __future__ import annotations

import atexit
import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
import uuid
import weakref
from typing import Protocol

from conformance.driver import descendants
from conformance.harness import wire
from conformance.harness.__main__ import load_package

STDERR_BYTES = 1 << 16
"""The number of bytes of a harness's output that are kept."""
DYING_SECONDS = 5.0
"""The seconds that a harness may live on after it has closed its answers."""
PAUSE = 0.01
"""The seconds between two checks whether it has ended."""
EVERY = 0.2
"""The seconds between two checks whether a silent harness lives: a child may hold its pipes open."""
_CHUNK = 1 << 16
_PIPE = 1 << 20
"""More bytes than a pipe holds, so that one read takes all that is in it."""
_SHOWN = 200
"""The number of characters of an invalid message that an error shows."""


class HarnessFault(Exception):
    """The harness died, hung or broke the protocol, and is ended; `Implementation.restart` starts another."""

    @property
    def symptom(self) -> str:
        """Return what it has in common with others of the same cause."""
        return str(self)


class HarnessDied(HarnessFault):
    """the harness died with status {returncode}: {stderr}; None if it still runs, but closed its stdout"""

    def __init__(self, returncode: int | None, stderr: str) -> None:
        how = "answers no more" if returncode is None else f"died with status {_status(returncode)}"
        super().__init__(f"the harness {how}: {stderr[-2000:].strip() or 'it printed nothing'}")
        self.returncode, self.stderr = returncode, stderr

    @property
    def symptom(self) -> str:
        return str(self).partition(":")[0]


def _status(returncode: int) -> str:
    """Return an exit status, with the name of the signal if one ended the process."""
    names = {-number: number.name for number in signal.Signals}
    said = f"{returncode} ({names[returncode]})" if returncode in names else str(returncode)
    return f"{said}; memory may have run out" if returncode == -signal.SIGKILL else said


class HarnessHung(HarnessFault):
    """the harness did not answer {method} within {seconds} s"""

    def __init__(self, method: str, seconds: float) -> None:
        super().__init__(f"the harness did not answer {method} within {seconds:g} s")
        self.method, self.seconds = method, seconds

    @property
    def symptom(self) -> str:
        return "the harness did not answer in time"


class WireFault(HarnessFault):
    """the harness broke the protocol: {detail}"""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the harness broke the protocol: {detail}")
        self.detail = detail


class Connection(Protocol):
    """A connection that carries lines to a harness and back."""

    def exchange(self, line: bytes, method: str, seconds: float) -> bytes:
        """Send a line and return the answering line. Raises HarnessDied, HarnessHung or WireFault."""
        ...

    def unasked(self) -> bytes:
        """Return the bytes that came after the last answer, which belong to no answer."""
        ...

    def stderr(self) -> str:
        """Return the end of the harness's stderr, including all that was printed before the last answer."""
        ...

    def close(self) -> None:
        """End it. May be called twice."""
        ...


class Process:
    """A harness in a process group of its own, spoken to over pipes that never block the driver."""

    def __init__(self, command: list[str], variables: dict[str, str]) -> None:
        self._mark = uuid.uuid4().hex
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **variables, descendants.MARK: self._mark},
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._requests, self._answers = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._printed = self._process.stderr.fileno()
        for pipe in (self._requests, self._answers, self._printed):
            os.set_blocking(pipe, False)
        self._tail = bytearray()
        """The end of the output."""
        self._prints = True
        """True while its stderr is open."""
        self._buffer = bytearray()
        self._complete = False
        """True if the buffer holds a whole line."""
        self._closed = False
        _ALIVE.add(self)

    def exchange(self, line: bytes, method: str, seconds: float) -> bytes:
        left, before = seconds, time.monotonic()
        unsent = memoryview(line)
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            selector.register(self._requests, selectors.EVENT_WRITE)
            if self._prints:
                selector.register(self._printed, selectors.EVENT_READ)
            while unsent or not self._complete:
                ready = self._wait(selector, left)
                now = time.monotonic()
                left, before = left - min(now - before, 2 * EVERY), now  # this process may have been stopped
                if not ready and left <= 0:
                    raise HarnessHung(method, seconds)
                if self._answers in ready:
                    self._receive()
                if self._requests in ready:
                    unsent = self._send(unsent)
                    if not unsent:
                        selector.unregister(self._requests)
        return self._take_line()

    def unasked(self) -> bytes:
        return bytes(self._buffer[:_SHOWN])

    def stderr(self) -> str:
        if not self._closed:
            self._drain()
        return self._tail.decode(errors="replace")

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        _ALIVE.discard(self)
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    def kill(self) -> None:
        """End it and what it started, without waiting for it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        descendants.end(self._mark)

    def _wait(self, selector: selectors.BaseSelector, left: float) -> set[int]:
        """Return the pipes of the protocol that are ready; take what was printed meanwhile."""
        ended = self._process.poll() is not None  # checked before its last output is read
        ready = {key.fd for key, _ in selector.select(0 if ended else max(0, min(left, EVERY)))}
        if self._printed in ready and not self._drain():
            selector.unregister(self._printed)
        ready -= {self._printed}
        if ended and not ready:
            raise self._death()
        return ready

    def _send(self, unsent: memoryview) -> memoryview:
        try:
            return unsent[os.write(self._requests, unsent) :]
        except BrokenPipeError:
            raise self._death() from None

    def _receive(self) -> None:
        data = os.read(self._answers, _CHUNK)
        if not data:
            raise self._death()
        self._buffer += data
        self._complete = self._complete or b"\n" in data
        if len(self._buffer) > wire.MAX_BYTES and not self._complete:
            raise WireFault(
                f"a message of more than {wire.MAX_BYTES} bytes; an answer is one line of at most so many"
            )

    def _death(self) -> HarnessFault:
        """Return the error that a closed pipe means: a message cut short is a fault of its own."""
        status = self._status_within(DYING_SECONDS)
        self.kill()
        if self._buffer:
            return WireFault(f"its output ended within a message (status {status}): {self.unasked()!r}")
        lives = "it closed its stdout but still runs. " if status is None else ""
        return HarnessDied(status, lives + self.stderr())

    def _status_within(self, seconds: float) -> int | None:
        """Return the exit status, None if it still runs; read its output meanwhile, or it could not end."""
        deadline = time.monotonic() + seconds
        while (status := self._process.poll()) is None and time.monotonic() < deadline:
            self._drain()
            time.sleep(PAUSE)
        return status

    def _drain(self) -> bool:
        """Read what has been printed to stderr so far; return False if stderr is closed."""
        if self._prints:
            with contextlib.suppress(BlockingIOError):
                chunk = os.read(self._printed, _PIPE)
                self._prints = bool(chunk)
                self._tail = (self._tail + chunk)[-STDERR_BYTES:]
        return self._prints

    def _take_line(self) -> bytes:
        end = self._buffer.index(b"\n") + 1
        line = bytes(memoryview(self._buffer)[:end])
        del self._buffer[:end]
        self._complete = b"\n" in self._buffer
        return line


class InProcess:
    """The same server in this process, for a debugger. Lines are encoded and decoded as over the wire."""

    def __init__(self, target: str, options: dict[str, str], variables: dict[str, str]) -> None:
        backend = variables.get("KERAS_BACKEND")
        keras = sys.modules.get("keras")
        running = None if keras is None else keras.backend.backend()
        if backend is not None and running not in (None, backend):
            raise ValueError(f"in process: Keras already runs on {running!r} here, and cannot on {backend!r}")
        if "path" in options:
            sys.path.insert(0, os.path.abspath(options["path"]))
        os.environ.update(variables)
        hints = options.get("family"), options.get("names")
        self._server = load_package("server").Server(target, *hints)

    def exchange(self, line: bytes, method: str, seconds: float) -> bytes:
        answer: bytes = self._server.answer(line)
        return answer

    def unasked(self) -> bytes:
        return b""

    def stderr(self) -> str:
        return ""

    def close(self) -> None:
        pass


_ALIVE: weakref.WeakSet[Process] = weakref.WeakSet()


def end_all() -> None:
    """Kill every harness of this process at once, without waiting for any."""
    for process in list(_ALIVE):
        process.kill()


@atexit.register
def _close_all() -> None:
    for process in list(_ALIVE):
        process.close()


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
