"""The harness processes of a run: one for each target, backend and precision, kept while it is needed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote

from conformance.driver.implementation import Implementation, ImplementationProtocol, start
from conformance.driver.process import cores

SLOWEST_FIRST = ("tensorflow", "jax", "torch", "openvino", "numpy")


@dataclass(frozen=True)
class HarnessKey:
    """The location of a test: one harness process, or several if a model moves between backends."""

    target: str
    backend: str
    regime: str
    exchange: bool = False
    confirms: bool = False
    """True if it sees only examples that failed in the other process of its group."""
    reads: bool = False
    """True if nothing is built there: the process loads what the other process of its group has saved."""

    @classmethod
    def of(cls, target: str, backend: str, tier: str | None, *, exchange: bool = False) -> HarnessKey:
        """Return the key of a test, with its precision, because a host is set to float64 when it starts."""
        return cls(target, backend, "x64" if tier == "float64" else "x32", exchange)

    @property
    def group(self) -> str:
        """Return the name of the group of tests that share harnesses, escaped as in a URL for test ids."""
        target = quote(self.target, safe=":*")
        return f"{target}:exchange" if self.exchange else f"{target}:{self.backend}:{self.regime}"

    @staticmethod
    def target_of(group: str) -> str:
        """Return the target of a group."""
        parts = 1 if group.endswith(":exchange") else 2
        return unquote(group.rsplit(":", parts)[0])

    @property
    def rank(self) -> tuple[str, int, bool, bool]:
        """Return the sort key of the groups: the slowest first, and float64, where a formula shows best."""
        slowest = 2 if self.exchange else speed(self.backend)
        return (self.target, slowest, self.exchange, self.regime != "x64")


def speed(backend: str) -> int:
    """Return the rank of a backend, the slowest of Keras first; a backend that is not Keras's is last."""
    return SLOWEST_FIRST.index(backend) if backend in SLOWEST_FIRST else len(SLOWEST_FIRST)


class HarnessOptions(Protocol):
    """The options of a run that its harnesses are started with."""

    @property
    def python(self) -> str: ...

    @property
    def path(self) -> Path | None: ...

    @property
    def family(self) -> str | None: ...

    @property
    def names(self) -> Path | None: ...

    @property
    def timeout(self) -> float: ...

    @property
    def workers(self) -> int: ...

    @property
    def in_process(self) -> bool: ...


class Pool:
    """Starts harnesses on request; a context manager, which ends them."""

    def __init__(self, options: HarnessOptions, *, keeps: bool = False) -> None:
        self.options = options
        self.running: dict[HarnessKey, Implementation] = {}
        self.ahead: dict[HarnessKey, Implementation] = {}
        """Harnesses that were started and are not used yet."""
        self._compiled = 0
        """Programs of harnesses that have ended."""
        self.order: tuple[HarnessKey, ...] = ()
        """The places of a run in the order of its tests, if the next one is to be started ahead."""
        self.group = ""
        self.keeps = keeps
        """True if harnesses of other groups stay, because they are used in turn."""

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def at(self, place: HarnessKey) -> Implementation:
        """Return the harness of `place`; close those of other groups first."""
        if place.group != self.group and not self.keeps:
            self._end(self.running)
            self.group = place.group
        if place not in self.running:
            self.running[place] = self.start_ahead(place)
            del self.ahead[place]
            self._start_next(place)
        return self.running[place]

    def _start_next(self, place: HarnessKey) -> None:
        """Start the harness that is needed next, which imports while this one is at work."""
        later = self.order[self.order.index(place) + 1 :] if place in self.order else ()
        if later and later[0] not in self.running:
            with suppress(OSError):  # its own tests report it
                self.start_ahead(later[0])

    def end_ahead(self, target: str) -> None:
        """End the harnesses of a target that were started and are not used."""
        self._end({place: self.ahead.pop(place) for place in [*self.ahead] if place.target == target})

    @property
    def programs(self) -> int:
        """Return the number of programs that all harnesses have compiled."""
        return self._compiled + sum(implementation.programs for implementation in self.running.values())

    def start_ahead(self, place: HarnessKey) -> Implementation:
        """Start the harness of a place that is used later."""
        if place not in self.ahead:
            self.ahead[place] = self.start(place)
        return self.ahead[place]

    def start(self, place: HarnessKey) -> Implementation:
        """Start a process of its own."""
        asked = self.options
        return start(
            place.target,
            place.backend,
            python=asked.python,
            path=asked.path,
            family=asked.family,
            names=asked.names,
            regime=place.regime,
            timeout=asked.timeout,
            threads=max(1, cores() // max(1, asked.workers)),
            in_process=asked.in_process,
        )

    def elsewhere(self, target: str, backend: str, *, same: bool) -> Implementation:
        """Return the same target in another process: of another backend, or this one with nothing built."""
        place = HarnessKey(target, backend, "x32", exchange=not same, reads=same)
        other = self.at(place)
        if other.closed:
            other.restart()
        return other

    def confirming(self, implementation: ImplementationProtocol) -> Implementation | None:
        """Return a second process of a harness, for failing examples alone; None in the own process."""
        place = next((p for p, running in self.running.items() if running is implementation), None)
        if place is None or self.options.in_process:
            return None
        other = replace(place, confirms=True)
        if other not in self.running:
            self.running[other] = self.start(other)
            self.running[other].share_hangs(self.running[place])
        elif self.running[other].closed:
            self.running[other].restart()
        return self.running[other]

    def close_readers(self) -> None:
        """End the processes that load, so that the next request starts a fresh one."""
        for place, reader in self.running.items():
            if place.reads:
                reader.close()

    def close(self) -> None:
        """End every process."""
        self._end(self.running)
        self._end(self.ahead)

    def _end(self, harnesses: dict[HarnessKey, Implementation]) -> None:
        for implementation in harnesses.values():
            implementation.close()
            self._compiled += implementation.programs
        harnesses.clear()
