"""The changes of the specification that are tried as causes, in the order in which they are preferred."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import combinations, product

from conformance.causes.laws import CELL, Change, Inapplicable, Law
from conformance.mutants import generated, written
from conformance.spec.families import Family

STEPS = {
    "cfc": ("activations", "backbone", "cfc"),
    "ltc": ("activations", "backbone", "ltc"),
    "wired_cfc": ("activations", "cfc", "wired_cfc"),
    "wired_ltc": ("activations", "solvers", "wired_ltc"),
}
"""The modules of the reference that compute a family's step."""


def conventions(family: Family) -> list[Change]:
    """Return the documented variants of a family, the nearest to the specification first."""
    return [Change.convention(variant) for variant in family.variants]


@cache
def written_faults(family: str) -> tuple[Change, ...]:
    """Return the faults of a family's step that are written by hand; behind an LSTM, those of every step."""
    return tuple(Change.fault(m) for m in written.mutants().values() if m.module in _modules(family))


@cache
def generated_faults(family: str) -> tuple[Change, ...]:
    """Return the small changes of the formulas of a family's step, which are generated."""
    return tuple(Change.fault(m) for m in generated.mutants().values() if m.module in _modules(family))


@cache
def of_sequences() -> tuple[Change, ...]:
    """Return the faults of folding a step over a sequence."""
    every = (*written.mutants().values(), *generated.mutants().values())
    return tuple(Change.fault(mutant) for mutant in every if mutant.module == "reference.sequence")


Effective = Callable[[Change], bool]
"""Tells whether a change alters the steps that were seen: one that does not explains nothing there."""


def single(family: Family, base: Sequence[Change], *, variants: bool) -> Iterator[Law]:
    """Yield the laws that add to `base` one change."""
    faults = (*written_faults(family.name), *generated_faults(family.name))
    return _laws(family.name, base, ((change,) for change in (*_documented(family, variants), *faults)))


def double(
    family: Family, base: Sequence[Change], effective: Effective, *, variants: bool
) -> Iterator[Iterator[Law]]:
    """Yield the laws that add to `base` a fault under a convention; then those that add two faults."""
    by_hand = [change for change in written_faults(family.name) if effective(change)]
    faults = [*by_hand, *(change for change in generated_faults(family.name) if effective(change))]
    yield _laws(family.name, base, product(_documented(family, variants), faults))
    yield _laws(family.name, base, combinations(by_hand, 2))


def _documented(family: Family, variants: bool) -> list[Change]:
    return conventions(family) if variants else []


def _laws(family: str, base: Sequence[Change], more: Iterable[Sequence[Change]]) -> Iterator[Law]:
    """Yield the laws of the changes that can be made together."""
    for changes in more:
        with suppress(Inapplicable):
            yield Law(family, (*base, *changes))


def _modules(family: str) -> set[str]:
    parts = STEPS.get(family, (*sum(STEPS.values(), ()), "mixed_memory"))
    return {f"reference.{part}" for part in parts} | {CELL, f"conformance.spec.families.{family}"}
