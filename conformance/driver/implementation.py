"""The driver's side of the wire: starts a harness, sends requests, and distinguishes faults from answers.

>>> model = {"cell": "CfCCell", "config": {"units": 4}, "input_dim": 3}
>>> with start("ncps", "jax") as implementation:
...     parameters = implementation.request("parameters", model=model)["parameters"]
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from conformance.driver import names as names_file
from conformance.driver.paths import cache
from conformance.driver.process import (
    Connection,
    HarnessDied,
    HarnessFault,
    HarnessHung,
    InProcess,
    Process,
    WireFault,
)
from conformance.driver.schema import Checker, Malformed, check
from conformance.harness import wire
from conformance.harness.requests import METHODS

__all__ = [
    "BACKENDS",
    "Frame",
    "HarnessDied",
    "HarnessFault",
    "HarnessHung",
    "Implementation",
    "ImplementationRaised",
    "MethodUnresponsive",
    "NotSupported",
    "RequestRefused",
    "WireFault",
    "start",
]

EXEC = "exec:"
"""The prefix of a target that is a command, which speaks the protocol by itself."""
HARNESS = Path(__file__).resolve().parents[1] / "harness"
BACKENDS = ("jax", "torch", "tensorflow", "numpy", "openvino")
GIVEN_UP = 4
"""Hangs in a row after which a cell's method is no longer requested: two examples, each tried again once."""
FIRST_FACTOR = 4.0
"""The factor on the timeout of a request whose shape is new to its harness, which may have to compile."""


@dataclass(frozen=True)
class Frame:
    """{file}:{line} in {function}: a call in the target's own code, with the line of its source if known."""

    file: str
    line: int
    function: str
    code: str = ""

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)}:{self.line} in {self.function}"


class ImplementationRaised(Exception):
    """{type}: {message}"""

    def __init__(self, type: str, message: str, traceback: str = "", frames: tuple[Frame, ...] = ()) -> None:
        super().__init__(f"{type}: {message}")
        self.type, self.message, self.traceback = type, message, traceback
        self.frames = frames
        """The frames of the target's own code, outermost first; none if the harness does not report them."""

    @property
    def place(self) -> Frame | None:
        """Return the innermost frame of the target's own code, or None if it is not known."""
        return self.frames[-1] if self.frames else None


class NotSupported(Exception):
    """not supported here: {reason}"""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not supported here: {reason}")
        self.reason = reason


class MethodUnresponsive(NotSupported):
    """{asked} is asked no more: it hung {times} times in a row"""

    def __init__(self, asked: str, times: int) -> None:
        super().__init__(f"{asked} is asked no more: {times} times in a row it was not answered in time")

    def __str__(self) -> str:
        return self.reason


class RequestRefused(Exception):
    """The request was wrong, or the harness has a bug: {code}: {message}"""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"the harness refused the request ({code}): {message}")
        self.code, self.message, self.data = code, message, data


class ImplementationProtocol(Protocol):
    """Anything that answers the requests of the wire: a harness process, or a reference in the driver."""

    target: str
    backend: str
    options: Mapping[str, Any]

    def describe(self) -> dict[str, Any]: ...

    def request(self, method: str, **params: Any) -> Any: ...

    def restart(self) -> None: ...

    def close(self) -> None: ...


class Implementation:
    """One implementation on one backend, in a harness of its own; a context manager."""

    def __init__(
        self,
        target: str,
        backend: str,
        options: Mapping[str, Any],
        timeout: float,
        connect: Callable[[], Connection],
    ) -> None:
        self.target, self.backend, self.timeout = target, backend, timeout
        self.options = options
        """The other arguments of `start` that are not the default."""
        self._connect = connect
        self._connection: Connection | None = connect()
        self._count = 0
        self._seen: set[tuple[str, str]] = set()
        self._described: dict[str, Any] | None = None
        self._compiled, self._compiled_before = 0, 0
        self._hung: Counter[str] = Counter()
        """Consecutive timeouts by method and cell (see `about`); kept over restarts."""
        self._check = Checker() if target.startswith(EXEC) else None

    def __enter__(self) -> Implementation:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def describe(self) -> dict[str, Any]:
        """Return the harness's description: the subject, its host and its methods; requested once."""
        if self._described is None:
            self._described = self._checked_description(self.request("describe"))
            if self._check is not None:  # a command does not know the name that it has here
                self.backend = self.backend or self._described["host"]
                self._described |= {"target": self.target, "backend": self.backend}
        return self._described

    def _checked_description(self, said: Any) -> dict[str, Any]:
        """Check the description: an author's own adapter is checked as a command is."""
        try:
            check("describe.result", said, "result")
        except Malformed as wrong:
            self.close()
            raise WireFault(f"the answer to describe: {wrong}") from None
        description: dict[str, Any] = said
        return description

    def request(self, method: str, **params: Any) -> Any:
        """Return the decoded result.

        Raises:
            ImplementationRaised: the implementation raised an exception.
            NotSupported: it does not offer this; MethodUnresponsive if the method hung too often.
            RequestRefused: the request was wrong.
            HarnessFault: the harness died, hung or broke the protocol.
        """
        asked = about(method, params)
        if self._hung[asked] >= GIVEN_UP:
            raise MethodUnresponsive(asked, self._hung[asked])
        if self._connection is None:
            raise HarnessDied(None, "it was closed, or ended after a fault; call restart")
        self._count += 1
        line = wire.dumps({"jsonrpc": "2.0", "id": self._count, "method": method, "params": params})
        key = (method, shape_key(params))
        seconds = self.timeout * (1.0 if key in self._seen else FIRST_FACTOR)
        try:
            answer = self._connection.exchange(line, method, seconds)
            if self._check is not None:
                self._check(method, params, answer)
            reply = _checked(answer, self._count)
            if more := self._connection.unasked():
                raise WireFault(f"more than one answer to {method}; besides it came {more!r}")
        except Malformed as wrong:
            self.close()
            raise WireFault(f"the answer to {method}: {wrong}") from None
        except HarnessFault as fault:
            self.close()
            if isinstance(fault, HarnessHung):
                self._hung[asked] += 1
            raise
        self._seen.add(key)
        self._compiled = max(self._compiled, _programs(reply))
        self._hung[asked] = 0
        return _result(reply, method)

    @property
    def programs(self) -> int:
        """Return the number of programs that its processes compiled, as far as they report it."""
        return self._compiled_before + self._compiled

    def stderr(self) -> str:
        """Return the end of the output of the harness, its own and the implementation's."""
        return self._connection.stderr() if self._connection is not None else ""

    def share_hangs(self, other: Implementation) -> None:
        """Count timeouts together with another process of the same implementation."""
        self._hung = other._hung

    def restart(self) -> None:
        """Start a fresh process, which has seen no request."""
        self.close()
        self._seen.clear()
        self._described = None
        try:
            self._connection = self._connect()
        except OSError as fault:
            raise HarnessDied(None, f"it cannot be started: {fault.strerror}") from None

    @property
    def closed(self) -> bool:
        """Tell whether it was closed, or ended after a fault: it then answers nothing until a restart."""
        return self._connection is None

    def close(self) -> None:
        """End the harness and everything that it started."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._compiled_before, self._compiled = self.programs, 0


def start(
    target: str,
    backend: str = "",
    *,
    python: str = sys.executable,
    path: str | os.PathLike[str] | None = None,
    family: str | None = None,
    names: str | os.PathLike[str] | None = None,
    regime: str = "x32",
    timeout: float = 60,
    threads: int | None = None,
    in_process: bool = False,
    harness: str | os.PathLike[str] = HARNESS,
) -> Implementation:
    """Start a harness for `target`; return while it is still importing.

    Args:
        target: `ncps`, `module:Class`, or `exec:COMMAND` for a program that speaks the
            protocol (docs/protocol.md); its words are split as a shell would, and run without one.
        backend: the Keras backend; for other targets their own name of it, which may be omitted.
        python: the interpreter in which the target is installed.
        path: a folder that goes first on that interpreter's import path.
        family: the cell family of the target, where its variables and its name do not show it.
        names: a file that maps the paths of its variables to the specification's
            names (`conformance.driver.names`).
        regime: "x64" is for float64: jax has 64-bit numbers only if started with them, and Keras is kept from
            converting float64 to float32.
        timeout: seconds for one answer; `FIRST_FACTOR` times as many for the first request of a shape.
        threads: how many threads the numerical libraries may use; None leaves it to them.
        in_process: serve from this process, for a debugger: one backend only, prints are not captured, and
            nothing is timed out.
        harness: the folder or script to run; tests give others.
    """
    if regime not in ("x32", "x64"):
        raise ValueError(f"start(regime={regime!r}): must be 'x32' or 'x64'")
    variables = environment(backend, regime, threads)
    mapping = None if names is None else json.dumps(names_file.read(names))
    hints = {"path": None if path is None else str(path), "family": family, "names": mapping}
    said = {name: value for name, value in hints.items() if value is not None}
    if target.startswith(EXEC):
        if in_process:
            raise ValueError(f"start({target!r}, in_process=True): a command is a process of its own")
        command = command_of(target)
    else:
        command = [str(python), str(harness), target]
        command += [part for name, value in said.items() for part in (f"--{name}", value)]

    def connect() -> Connection:
        if in_process:
            return InProcess(target, said, variables)
        return Process(command, variables)

    given = {"python": str(python), "path": path and str(path), "family": family}
    given |= {"names": names and str(names), "regime": regime}
    defaults = {"python": sys.executable, "regime": "x32"}
    options = {name: value for name, value in given.items() if value != defaults.get(name)}
    return Implementation(target, backend, options, timeout, connect)


def command_of(target: str) -> list[str]:
    """Return the words of `exec:COMMAND`. Raises ValueError if there are none, or a quote is left open."""
    try:
        words = shlex.split(target.removeprefix(EXEC))
    except ValueError as wrong:
        raise ValueError(f"{target}: {str(wrong).lower()}; COMMAND is quoted as for a shell") from None
    if not words:
        raise ValueError(f"{target}: names no command; a target is exec:COMMAND")
    return words


def environment(backend: str, regime: str, threads: int | None) -> dict[str, str]:
    """Return the variables that a harness is started with, besides the inherited ones."""
    own = {
        **({"KERAS_BACKEND": backend} if backend in BACKENDS else {}),
        "CUDA_VISIBLE_DEVICES": "-1",  # a GPU multiplies float32 in fewer bits than are promised
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1" if regime == "x64" else "0",
        "JAX_COMPILATION_CACHE_DIR": os.environ.get("JAX_COMPILATION_CACHE_DIR", str(cache("jax"))),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
    }
    return own if threads is None else {**own, **_thread_caps(threads)}


def _thread_caps(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    caps = {name: str(threads) for name in (*names, "TF_NUM_INTEROP_THREADS")}
    if threads == 1:
        flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false"
        caps["XLA_FLAGS"] = flags.strip()
    return caps


def about(method: str, params: Mapping[str, Any]) -> str:
    """Return a method, and the cell that it is requested of; the lowest if cells are stacked."""
    model = params.get("model") or next(iter(params.get("models") or ()), None)
    return f"{method} of {model['cell']}" if isinstance(model, dict) and "cell" in model else method


def shape_key(value: Any) -> str:
    """Return the key of requests that share a compilation: all of one but the numbers in its arrays."""
    return json.dumps(value, default=_array_key, sort_keys=True)


def _array_key(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return [value.dtype.name, list(value.shape)]
    raise TypeError(f"a request cannot hold {value!r}; it holds values of JSON and NumPy arrays")


def _checked(line: bytes, identifier: int) -> dict[str, Any]:
    try:
        reply = printable(wire.loads(line))
    except wire.WireError as error:
        raise WireFault(str(error)) from error
    if not isinstance(reply, dict) or reply.get("jsonrpc") != "2.0":
        raise WireFault(f"not a JSON-RPC 2.0 answer: {line[:200]!r}")
    if reply.get("id") != identifier:
        raise WireFault(
            f"an answer to request {reply.get('id')!r} where {identifier} was asked: {line[:200]!r}"
        )
    if "error" in reply and not (
        isinstance(reply["error"], dict) and isinstance(reply["error"].get("code"), int)
    ):
        raise WireFault(f"an error must have a code and a message: {line[:200]!r}")
    if ("result" in reply) == ("error" in reply):
        raise WireFault(f"an answer must have either a result or an error: {line[:200]!r}")
    if "error" in reply:
        check("frames", _data(reply).get("frames"), "answer.error.data.frames")
    return reply


def _programs(reply: dict[str, Any]) -> int:
    """Return the number of programs that an answer reports; 0 if it reports none, as an error does."""
    count = reply.get("programs", 0)
    return count if isinstance(count, int) and count >= 0 else 0


def _data(reply: dict[str, Any]) -> dict[str, Any]:
    """Return the data of an error, which is empty where a harness sends no object."""
    data = reply["error"].get("data")
    return data if isinstance(data, dict) else {}


def printable(value: Any) -> Any:
    """Return a JSON value with every text writable, which half a surrogate pair (a byte) is not."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {printable(name): printable(item) for name, item in value.items()}
    return [printable(item) for item in value] if isinstance(value, list) else value


def _result(reply: dict[str, Any], method: str) -> Any:
    if "result" in reply:
        return reply["result"]
    error = reply["error"]
    code, message, data = error["code"], str(error.get("message", "")), error.get("data")
    if code == -32001:
        raise _raised(_data(reply), message)
    if code == -32002:
        raise NotSupported(message)
    if code == -32601 and method in METHODS:
        raise NotSupported(f"{method} is not offered")
    raise RequestRefused(code, message, data)


def _raised(data: dict[str, Any], message: str) -> ImplementationRaised:
    """Return the exception that the data of an error describe."""
    parts = data.get("type", "Error"), data.get("message", message), data.get("traceback", "")
    frames = tuple(
        Frame(frame["file"], int(frame["line"]), frame["function"], frame.get("code") or "")
        for frame in data.get("frames") or ()
    )
    kind, text, traceback = map(str, parts)
    return ImplementationRaised(kind, text, traceback, frames)
