"""Copies of the reference that compute with bounds, as the reference itself does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType, ModuleType
from typing import Any

from conformance.bounds.arrays import FUNCTIONS
from conformance.oracle import source

PRIMITIVES = {f.__name__: f for f in FUNCTIONS if f.__module__ in source.MODULES}
"""The functions in the copies that have a bound of their own, by name, without those of the adjoints."""


def bounded(
    changed: Mapping[str, source.Code],
    modules: Sequence[str] = source.MODULES,
    shared: Mapping[str, ModuleType] = MappingProxyType({}),
) -> dict[str, ModuleType]:
    """Return copies of `source.with_changes` for arrays of `ErrorBounded`, as those in `shared` are."""
    copies = source.with_changes(changed, modules, shared)
    for name, copy in copies.items():
        if shared.get(name) is not copy:
            _bound(vars(copy))
    return copies


def _bound(names: dict[str, Any]) -> None:
    """Replace the copies of such functions by the functions themselves; a changed one computes as written."""
    for name, value in names.items():
        if name in PRIMITIVES:
            names[name] = PRIMITIVES[name] if _unchanged(value) else getattr(value, "__wrapped__", value)
    if "ACTIVATIONS" in names:
        names["ACTIVATIONS"].update({n: names.get(f.__name__, f) for n, f in names["ACTIVATIONS"].items()})


def _unchanged(function: Any) -> bool:
    """Tell whether a copy of a primitive computes the same, in itself and by the primitives that it calls."""
    original = PRIMITIVES[function.__name__]
    if function is original:
        return True
    if not hasattr(function, "__wrapped__") or _text(function) != _text(original):
        return False
    inner = function.__wrapped__
    called = PRIMITIVES.keys() & set(inner.__code__.co_names) - {inner.__name__}  # erf names math's
    return all(_unchanged(inner.__globals__[name]) for name in called)


def _text(function: Any) -> Any:
    """Return the text that two functions share if they compute the same."""
    code = function.__wrapped__.__code__
    return code.co_code, code.co_consts, code.co_names
