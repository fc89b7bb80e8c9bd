"""The decorator of a suite's test: `@clause("cfc.step.default")` above a few lines that draw and judge."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from conformance.judging.subject import Subject

FORMULA, PRECISION = "float64", "float32"
"""The two tiers of a numerical clause: the formula, and the precision."""

TIERS = (FORMULA, PRECISION)

Draw = Callable[[st.SearchStrategy[Any]], Any]

Body = Callable[[Subject, Draw], None]

COMPILING = ("jax", "tensorflow")
"""Backends on which an example costs a compilation, unless an earlier example had the same program."""

COMPILED_SHARE = 0.4
"""The share of the examples of a clause without numbers that is tried on these backends: nearly each example
is a new program."""


@dataclass(frozen=True)
class Check:
    """A test of the suite, and the clause it proves."""

    clause: str
    body: Body
    examples: int
    smoke: int
    tiers: tuple[str | None, ...] = (None,)
    argument: str | None = None
    """The constructor argument without which the clause is not applicable."""
    backends: int = 1
    """The number of backends that the clause needs."""

    @property
    def numerical(self) -> bool:
        """Tell whether the clause is judged at a precision."""
        return self.tiers != (None,)

    def budget(self, backend: str) -> int:
        """Return the number of examples of an ordinary run on a backend."""
        share = COMPILED_SHARE if backend in COMPILING and not self.numerical else 1.0
        return math.ceil(share * self.examples)


CHECKS: dict[str, Check] = {}
"""Every check of the suite that has been imported, by the clause it proves."""


def every() -> dict[str, Check]:
    """Return every check of the suite; import its modules first."""
    suite = importlib.import_module("conformance.suite")
    for module in pkgutil.iter_modules(suite.__path__):
        importlib.import_module(f"{suite.__name__}.{module.name}")
    return CHECKS


def clause(
    identifier: str,
    *,
    examples: int = 20,
    smoke: int = 2,
    tiers: tuple[str | None, ...] = (None,),
    argument: str | None = None,
    backends: int = 1,
) -> Callable[[Body], Callable[[Any], None]]:
    """Make a test of `body(subject, draw)`, which proves the clause `identifier`.

    Args:
        identifier: the clause's id in SPEC.md.
        examples: the default budget.
        smoke: the budget of `--smoke`; 0 leaves the clause out.
        tiers: the precisions at which the clause is judged; (None,) where it is not numerical.
        argument: the constructor argument without which the clause is not applicable.
        backends: how many backends the clause needs.
    """

    def decorate(body: Body) -> Callable[[Any], None]:
        check = Check(identifier, body, examples, smoke, tiers, argument, backends)
        CHECKS[identifier] = check

        def test(trial: Callable[[Check], None]) -> None:
            __tracebackhide__ = True
            trial(check)

        test.__doc__ = body.__doc__
        test.check = check  # type: ignore[attr-defined]
        return test

    return decorate


def numerical(identifier: str, **options: Any) -> Callable[[Body], Callable[[Any], None]]:
    """Make a test of a clause that is judged at both tiers, by 50 examples each."""
    return clause(identifier, **{"examples": 50, "smoke": 4, "tiers": TIERS, **options})
