"""The record of a running example: the values drawn for it, and the failures before it."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from conformance.causes.known import SHRINK_CALLS
from conformance.judging.example import Example
from conformance.judging.registry import Draw
from conformance.verdict import Failure


class Unshrinkable(BaseException):
    """Carries an exception past Hypothesis, which would otherwise look for a smaller example of it."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Shrinking:
    """A limit on the calls that shrinking makes after the first failure."""

    def __init__(self, limit: int = SHRINK_CALLS) -> None:
        self.limit = limit
        self.failures: set[str] = set()
        self.calls = 0
        self.last: tuple[Recording, Failure] | None = None
        """The latest example that failed."""

    @property
    def begun(self) -> bool:
        return bool(self.failures)

    def failed(self, recording: Recording, failure: Failure) -> None:
        self.failures.add(recording.key)
        self.last = recording, failure

    def admit(self, key: str) -> None:
        """Continue with a case that is known to fail, or while calls are left; reject any other."""
        if self.begun and key not in self.failures:
            assume(self.calls < self.limit)
            self.calls += 1


class Recording(Example):
    """An example that records what was drawn, so that it can be replayed without Hypothesis."""

    def __init__(self, shrinking: Shrinking, number: int = 0) -> None:
        super().__init__(on_first_request=self._first, number=number)
        self.shrinking = shrinking
        self.drawn: list[Any] = []
        self.key = ""

    def _first(self, key: str) -> None:
        self.key = key
        self.shrinking.admit(key)

    def drawing(self, draw: Draw) -> Draw:
        """Return `draw`, with each drawn value recorded."""

        def remembered(strategy: st.SearchStrategy[Any]) -> Any:
            self.drawn.append(draw(strategy))
            return self.drawn[-1]

        return remembered
