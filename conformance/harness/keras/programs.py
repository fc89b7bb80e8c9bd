"""Counts the programs that a backend compiles: by XLA on jax, as traces of functions on tensorflow."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

COMPILED = "/jax/core/compile/backend_compile_duration"
"""The event of jax for each program that it compiles, or loads from its cache."""


class Programs:
    """Counts programs from now on; on a backend that compiles nothing there are none."""

    def __init__(self, backend: str) -> None:
        self.count = 0
        if backend == "jax":
            monitoring: Any = import_module("jax.monitoring")
            monitoring.register_event_duration_secs_listener(self._hear)

    def traced(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose calls are counted; a compiled function calls it once for each trace."""

        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            self.count += 1
            return function(*arguments, **named)

        return call

    def _hear(self, event: str, *rest: Any, **more: Any) -> None:
        self.count += event == COMPILED
