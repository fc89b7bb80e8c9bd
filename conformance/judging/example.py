"""One example of a clause: its requests, with their answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.driver.implementation import ImplementationRaised, NotSupported
from conformance.spec.cases import Case


@dataclass
class Example:
    """One example of a property: its requests, for the script, and its special traits."""

    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    case: Case | None = None
    on_first_request: Callable[[str], None] | None = None
    answers: list[tuple[str, Mapping[str, Any], Any]] = field(default_factory=list)
    """Each request and its answer, or the exception that it raised."""
    number: int = 0
    """Its number in the search, by which it is compiled or runs eagerly."""
    replayed: dict[str, list[Any]] | None = None
    """The answers of an example that is judged again, by their requests; None: requests are made."""
    refused: bool = False
    """True if the last request was rejected. If another follows, it was expected, and is no failure."""

    def record(self, method: str, params: dict[str, Any]) -> None:
        if not self.requests and self.on_first_request:
            self.on_first_request(digest(method, params))
        if self.refused:
            self.requests.pop()
            self.refused = False
        self.requests.append((method, params))

    def again(self) -> Example:
        """Return an example that is given the same answers, as far as it makes the same requests."""
        replayed: dict[str, list[Any]] = {}
        for method, params, answer in self.answers:
            replayed.setdefault(digest(method, params), []).append(answer)
        return Example(number=self.number, replayed=replayed)

    def answer(self, method: str, params: dict[str, Any], ask: Callable[[], Any]) -> Any:
        """Return the answer of `ask`, or of the example that this one repeats."""
        known = self.replayed.get(digest(method, params)) if self.replayed is not None else None
        if known:
            answer = known.pop(0)
        else:
            try:
                answer = ask()
            except (ImplementationRaised, NotSupported) as refusal:
                answer = refusal
            self.answers.append((method, params, answer))
        if isinstance(answer, Exception):
            raise answer
        return answer


def digest(method: str, params: Mapping[str, Any]) -> str:
    """Return a digest that distinguishes two requests."""
    hasher = hashlib.sha256(method.encode())

    def add(value: Any) -> None:
        if isinstance(value, Mapping):
            for key, item in value.items():
                hasher.update(str(key).encode())
                add(item)
        elif isinstance(value, np.ndarray):
            hasher.update(value.tobytes() + repr(value.shape).encode())
        elif isinstance(value, list | tuple):
            for item in value:
                add(item)
        else:
            hasher.update(repr(value).encode())

    add(params)
    return hasher.hexdigest()
