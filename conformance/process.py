"""What carries lines to a harness and back: a process of its own, or a server in this one."""

from __future__ import annotations

import atexit
import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import weakref
from typing import Protocol

from conformance.harness import wire
from conformance.harness.__main__ import load_package

STDERR_BYTES = 1 << 16
"""How much of what a harness printed is kept."""
DYING_SECONDS = 2.0
"""How long a harness that has closed its answers may take to be gone."""
_CHUNK = 1 << 16


class HarnessFault(Exception):
    """The harness broke the protocol; it has been ended, and `Implementation.restart` starts a fresh one."""


class HarnessDied(HarnessFault):
    """the harness died with status {returncode}: {stderr}"""

    def __init__(self, returncode: int | None, stderr: str) -> None:
        super().__init__(
            f"the harness died with status {returncode}: {stderr[-2000:] or 'it printed nothing'}"
        )
        self.returncode, self.stderr = returncode, stderr


class HarnessHung(HarnessFault):
    """the harness did not answer {method} within {seconds} s"""

    def __init__(self, method: str, seconds: float) -> None:
        super().__init__(f"the harness did not answer {method} within {seconds:g} s")
        self.method, self.seconds = method, seconds


class WireFault(HarnessFault):
    """the harness broke the protocol: {detail}"""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the harness broke the protocol: {detail}")
        self.detail = detail


class Connection(Protocol):
    """What carries lines to a harness and back."""

    def exchange(self, line: bytes, method: str, seconds: float) -> bytes:
        """The line that answers a line. Raises HarnessDied, HarnessHung or WireFault."""
        ...

    def stderr(self) -> str:
        """The end of what was printed."""
        ...

    def close(self) -> None:
        """End it. May be called twice."""
        ...


class Process:
    """A harness in a process group of its own, spoken to over pipes that never block the driver."""

    def __init__(self, command: list[str], variables: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **variables},
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._requests, self._answers = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._requests, False)
        os.set_blocking(self._answers, False)
        self._tail = _Tail(self._process.stderr.fileno())
        self._buffer = bytearray()
        self._closed = False
        _ALIVE.add(self)

    def exchange(self, line: bytes, method: str, seconds: float) -> bytes:
        deadline = time.monotonic() + seconds
        unsent = memoryview(line)
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            selector.register(self._requests, selectors.EVENT_WRITE)
            while unsent or b"\n" not in self._buffer:
                ready = selector.select(max(deadline - time.monotonic(), 0))
                if not ready:
                    raise HarnessHung(method, seconds)
                for key, _ in ready:
                    if key.fd == self._answers:
                        self._receive()
                    else:
                        unsent = self._send(unsent)
                        if not unsent:
                            selector.unregister(self._requests)
        return self._take_line()

    def stderr(self) -> str:
        return self._tail.text()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        _ALIVE.discard(self)
        self.kill()
        self._process.wait()
        self._tail.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    def kill(self) -> None:
        """End it and what it started, without waiting."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

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
        if len(self._buffer) > wire.MAX_BYTES and b"\n" not in self._buffer:
            raise WireFault(f"a message of more than {wire.MAX_BYTES} bytes")

    def _death(self) -> HarnessFault:
        """What a closed pipe means: half a message is a fault of its own."""
        try:
            status: int | None = self._process.wait(DYING_SECONDS)
        except subprocess.TimeoutExpired:
            status = None
        self._tail.join()
        if self._buffer:
            return WireFault(f"half a message, then the end (status {status}): {bytes(self._buffer[:200])!r}")
        return HarnessDied(status, self.stderr())

    def _take_line(self) -> bytes:
        end = self._buffer.index(b"\n") + 1
        line = bytes(self._buffer[:end])
        del self._buffer[:end]
        return line


class _Tail:
    """Drains a pipe in a thread and keeps the end of what came."""

    def __init__(self, descriptor: int) -> None:
        self._data = bytearray()
        self._thread = threading.Thread(target=self._drain, args=(descriptor,), daemon=True)
        self._thread.start()

    def _drain(self, descriptor: int) -> None:
        while chunk := os.read(descriptor, _CHUNK):
            self._data = (self._data + chunk)[-STDERR_BYTES:]

    def join(self) -> None:
        """Wait until all has come; not for long, for a grandchild may hold the pipe open."""
        self._thread.join(DYING_SECONDS)

    def text(self) -> str:
        return self._data.decode(errors="replace")


class InProcess:
    """The same server in this process, for a debugger. Lines are encoded and decoded as over the wire."""

    def __init__(self, target: str, path: str | None, variables: dict[str, str]) -> None:
        backend = variables.get("KERAS_BACKEND")
        keras = sys.modules.get("keras")
        running = None if keras is None else keras.backend.backend()
        if backend is not None and running not in (None, backend):
            raise ValueError(f"in process: Keras already runs on {running!r} here, and cannot on {backend!r}")
        if path is not None:
            sys.path.insert(0, os.path.abspath(path))
        os.environ.update(variables)
        self._server = load_package("server").Server(target)

    def exchange(self, line: bytes, method: str, seconds: float) -> bytes:
        answer: bytes = self._server.answer(line)
        return answer

    def stderr(self) -> str:
        return ""

    def close(self) -> None:
        pass


_ALIVE: weakref.WeakSet[Process] = weakref.WeakSet()


def end_all() -> None:
    """Kill every harness of this process at once, and wait for none."""
    for process in list(_ALIVE):
        process.kill()


@atexit.register
def _close_all() -> None:
    for process in list(_ALIVE):
        process.close()
