"""JSON-RPC 2.0 over a pair of file descriptors: dispatch, and the attribution of errors.

-32001  the implementation raised: `data` holds type, message, the end of the traceback, and its own frames
-32002  not supported here: the message says why
-32700, -32600, -32601, -32602  the request is wrong;  -32603  a bug of the harness itself
"""

from __future__ import annotations

import inspect
import os
import platform
import sys
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from . import wire
from .adapter import Adapter, BadParams, ContractBroken, NotSupported, RequestAdapter, theirs
from .frames import own_frames
from .hints import Hints
from .requests import METHODS, OPTIONAL_PARAMS, REQUESTS
from .targets import resolve

PROTOCOL = "1"
TRACEBACK_CHARACTERS = 4000
RAISED, NOT_SUPPORTED = -32001, -32002
PARSE_ERROR, INVALID_REQUEST, UNKNOWN_METHOD, BAD_PARAMS, BUG = -32700, -32600, -32601, -32602, -32603
_HERE = os.path.dirname(os.path.abspath(__file__))


class RpcError(Exception):
    """A JSON-RPC error: code, message, data."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data


class Server:
    """Answers requests about one target.

    The first request imports it, so that a failed import is an answer.
    """

    def __init__(self, target: str, family: str | None = None, names: str | None = None) -> None:
        self.target, self.family, self.names = target, family, names
        self._adapter: Adapter | None = None

    def answer(self, line: bytes) -> bytes | None:
        """Return the line that answers a line; None for a notification, which JSON-RPC leaves unanswered."""
        identifier: Any = None
        try:
            request = _checked(line)
            identifier = request.get("id")
            body = {"result": self._call(request["method"], request.get("params", {}))}
            if "id" not in request:
                return None
            programs = self._adapter.programs if self._adapter else 0
            body |= {"programs": programs} if programs else {}
            return wire.dumps({"jsonrpc": "2.0", "id": identifier, **body})
        except RpcError as error:
            return _failure(identifier, error)
        except wire.DtypeRefused as error:  # complex numbers, objects: what is judged made them
            data = {"type": "ContractBroken", "message": f"it returned {error}", "traceback": ""}
            return _failure(identifier, RpcError(RAISED, data["message"], data))
        except wire.WireError as error:
            return _failure(identifier, RpcError(BUG, f"the answer cannot be sent: {error}"))

    def describe(self) -> dict[str, Any]:
        """Return the description: the target, its host, and its methods."""
        adapter = self.adapter
        return {
            "protocol": PROTOCOL,
            "target": self.target,
            "host": adapter.host,
            "cells": adapter.cells(),
            "capabilities": ["describe", *adapter.capabilities()],
            "optional_params": _known_params(adapter),
            **adapter.facts(),
            "versions": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                **adapter.facts().get("versions", {}),
            },
        }

    @property
    def adapter(self) -> Adapter:
        if self._adapter is None:
            self._adapter = resolve(self.target, Hints.of(self.family, self.names))
        return self._adapter

    def _call(self, method: str, params: dict[str, Any]) -> Any:
        if method not in ("describe", *METHODS):
            raise RpcError(UNKNOWN_METHOD, f"no method {method!r}; there are describe, {', '.join(METHODS)}")
        try:
            if method != "describe":
                return _answered(self.adapter, method, params)
            _check_arguments(self.describe, params)
            return self.describe()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise _translated(error, self.target) from error


def serve(server: Server, requests: int, answers: int) -> int:
    """Answer line by line until the requests end; returns the exit status."""
    with os.fdopen(requests, "rb") as source, os.fdopen(answers, "wb") as sink:
        while line := source.readline(wire.MAX_BYTES + 1):
            reply = server.answer(line)
            if reply is not None:
                sink.write(reply)
                sink.flush()
            if len(line) > wire.MAX_BYTES:
                return 1
    return 0


def _checked(line: bytes) -> dict[str, Any]:
    try:
        request = wire.loads(line)
    except wire.WireError as error:
        raise RpcError(PARSE_ERROR, str(error)) from error
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        raise RpcError(INVALID_REQUEST, "a request is an object with a method")
    if not isinstance(request.get("id", ""), (int, str)):
        raise RpcError(INVALID_REQUEST, "the id of a request is a whole number or a text")
    if request.get("jsonrpc") != "2.0" or not isinstance(request.get("params", {}), dict):
        raise RpcError(INVALID_REQUEST, 'a request has "jsonrpc": "2.0" and its params, if any, by name')
    return request


def _known_params(adapter: Adapter) -> dict[str, list[str]]:
    """Return, by method, the later parameters of the protocol that the adapter takes."""
    if isinstance(adapter, RequestAdapter):
        return OPTIONAL_PARAMS
    taken = {m: inspect.signature(getattr(adapter, m, REQUESTS[m])).parameters for m in OPTIONAL_PARAMS}
    return {m: [name for name in names if name in taken[m]] for m, names in OPTIONAL_PARAMS.items()}


def _answered(adapter: Adapter, method: str, params: dict[str, Any]) -> Any:
    """Return the adapter's answer to a request.

    Raises:
        NotSupported: it has no such method.
        BadParams: a parameter is missing or unknown.
    """
    if not hasattr(adapter, method):
        raise NotSupported(f"{method} is not offered")
    function = getattr(adapter, method)
    if isinstance(adapter, RequestAdapter):
        request = _request(method, params)
        with adapter.answering(request):
            return function(request)
    _check_arguments(function, params)
    return function(**params)


def _request(method: str, params: dict[str, Any]) -> Any:
    try:
        return REQUESTS[method](**params)
    except TypeError as error:  # a parameter is missing or unknown
        raise BadParams(str(error)) from error


def _check_arguments(function: Callable[..., Any], params: dict[str, Any]) -> None:
    try:
        inspect.signature(function).bind(**params)
    except TypeError as error:
        raise BadParams(str(error)) from error


def _translated(error: BaseException, target: str) -> RpcError:
    """Attribute an exception: one that our own code did not mean to raise is a bug of the harness."""
    if isinstance(error, BadParams):
        return RpcError(BAD_PARAMS, str(error))
    if isinstance(error, NotSupported):
        return RpcError(NOT_SUPPORTED, str(error))
    data = {
        "type": type(error).__name__,
        "message": str(error),
        "traceback": "".join(traceback.format_exception(error))[-TRACEBACK_CHARACTERS:],
        "frames": own_frames(error, target),
    }
    if _raised_here(error) and not isinstance(error, ContractBroken):
        return RpcError(BUG, f"the harness failed: {data['type']}: {data['message']}", data)
    return RpcError(RAISED, f"{data['type']}: {data['message']}", data)


def _raised_here(error: BaseException) -> bool:
    raiser = traceback.extract_tb(error.__traceback__)[-1]
    inside = os.path.abspath(raiser.filename).startswith(_HERE + os.sep)
    return inside and raiser.name != theirs.__name__


def _failure(identifier: Any, error: RpcError) -> bytes:
    body: dict[str, Any] = {"code": error.code, "message": str(error)}
    if error.data is not None:
        body["data"] = error.data
    print(f"{error.code}: {error}", file=sys.stderr)
    return wire.dumps({"jsonrpc": "2.0", "id": identifier, "error": body})
