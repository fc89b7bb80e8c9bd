"""Copies of the reference that compute with bounds, as the reference itself does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import CodeType, MappingProxyType, ModuleType
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
    name = function.__name__
    if function is PRIMITIVES[name]:
        return True
    inner = getattr(function, "__wrapped__", None)
    if inner is None or _text(inner.__code__) != _text(_code(name)):
        return False
    called = PRIMITIVES.keys() & set(inner.__code__.co_names) - {inner.__name__}  # erf names math's
    return all(_unchanged(inner.__globals__[other]) for other in called)


@cache
def _code(name: str) -> CodeType:
    """Return the code of a primitive, compiled as that of its copies is."""
    statements = source.code(PRIMITIVES[name].__module__)
    inside = (part for statement in statements for part in statement.co_consts if isinstance(part, CodeType))
    return next(part for part in inside if part.co_name == name)


def _text(code: CodeType) -> Any:
    """Return the text that the codes of two functions share if they compute the same."""
    return code.co_code, code.co_consts, code.co_names
