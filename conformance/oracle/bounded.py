"""Copies of the reference that compute with bounds, as the reference itself does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import CodeType, MappingProxyType, ModuleType
from typing import Any

from conformance.bounds.arrays import FUNCTIONS
from conformance.oracle import source

PRIMITIVES = {f.__name__: f for f in FUNCTIONS if f.__module__ in source.MODULES}
"""The functions in the copies that have a bound of their own, by name, without those of the adjoints."""


def bounded(
    changed: Mapping[str, CodeType],
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
    """Replace the copies of such functions by the functions themselves, except a changed one."""
    for name, value in names.items():
        original = PRIMITIVES.get(name)
        if original and _text(value) == _text(original):
            names[name] = original
    if "ACTIVATIONS" in names:
        names["ACTIVATIONS"].update({n: names.get(f.__name__, f) for n, f in names["ACTIVATIONS"].items()})


def _text(function: Any) -> Any:
    """Return the text that two functions share if they compute the same."""
    code = function.__wrapped__.__code__
    return code.co_code, code.co_consts, code.co_names
