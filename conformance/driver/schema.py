"""The protocol of docs/protocol.md as JSON Schema: locates an error in a message."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

from conformance.harness import wire

ASKED_FOR: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "step": lambda params: {"outputs": params.get("repeat", 1) > 1, "after": params.get("echo")},
    "sequence": lambda params: {"state": (params.get("options") or {}).get("return_state")},
    "roundtrip": lambda params: {
        "config": params["kind"] in ("config", "get_config"),
        "config_again": params["kind"] == "config",
        **dict.fromkeys(("before", "after"), params["kind"] != "get_config"),
    },
}
"""By method: the requirements on an answer that depend on the request."""


class Malformed(ValueError):
    """{path}: {what}"""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.path, self.what = path, what


@cache
def schema() -> dict[str, Any]:
    """Return the schema; `$defs` has an entry for each kind of message and of value."""
    loaded: dict[str, Any] = json.loads(
        resources.files(__package__).joinpath("schema.json").read_text("utf-8")
    )
    return loaded


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({**schema(), "$ref": f"#/$defs/{name}"})


def check(name: str, value: Any, root: str) -> None:
    """Raise Malformed unless `value`, whose path begins with `root`, is a `name` of the schema."""
    wrong = best_match(_validator(name).iter_errors(value))
    if wrong is not None:
        constant = f"{wrong.instance!r} is not {wrong.validator_value!r}"
        what = constant if wrong.validator == "const" else _shortened(wrong.message)
        raise Malformed(root + wrong.json_path.removeprefix("$"), what)


class Checker:
    """Checks answers, each form once: answers that differ only in the numbers of arrays are equally valid."""

    def __init__(self) -> None:
        self._good: set[int] = set()

    def __call__(self, method: str, params: Mapping[str, Any], line: bytes) -> None:
        """Raise Malformed unless `line` answers the request; lines that are no JSON are left to the wire."""
        form = hash((method, repr(_asked(method, params)), _ARRAY.sub(_size, line)))
        if form in self._good:
            return
        try:
            message = json.loads(line)
            wire.check_depth(message)
        except (ValueError, RecursionError):
            return
        check_answer(method, params, message)
        self._good.add(form)


_ARRAY = re.compile(rb'"base64": ?"([A-Za-z0-9+/]*=*)"|"id": ?\d+')


def _size(match: re.Match[bytes]) -> bytes:
    return b"id" if match[1] is None else b"%d" % len(match[1])


def check_request(message: Mapping[str, Any]) -> None:
    """Raise Malformed unless this is a request that a driver may write."""
    check("request", message, "request")
    check(f"{message['method']}.params", message["params"], "params")


def check_answer(method: str, params: Mapping[str, Any], message: Any) -> None:
    """Raise Malformed unless `message` answers a request; arrays are in the form of the wire, not decoded."""
    check("response", message, "answer")
    if "error" in message:
        return
    result = message["result"]
    check(f"{method}.result", result, "result")
    for name in _asked(method, params):
        if result.get(name) is None:
            raise Malformed("result", f"{name!r} was asked for and is missing")
    for path, array in arrays(result, "result"):
        try:
            wire.decode_array(array)
        except wire.WireError as error:
            raise Malformed(path, str(error)) from error


def _asked(method: str, params: Mapping[str, Any]) -> list[str]:
    """Return the requirements of this request on its answer."""
    if method not in ASKED_FOR:
        return []
    return [name for name, needed in ASKED_FOR[method](params).items() if needed]


def arrays(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every array of a message, with its path."""
    if isinstance(value, dict) and "base64" in value:
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from arrays(item, f"{path}.{name}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from arrays(item, f"{path}[{i}]")


def _shortened(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:150]} … {text[-140:]}"
