"""Finds the adapter that serves a target, by its name."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from .adapter import Adapter, BadParams
from .hints import NO_HINTS, Hints
from .lean_imports import withhold


def resolve(target: str, hints: Hints = NO_HINTS) -> Adapter:
    """Return the adapter of `module` or `module:Class`.

    Raises the errors of the module's import, and BadParams if it holds nothing that can be judged.
    """
    from .keras.cells import KerasCells

    withhold()
    module_name, _, class_name = target.partition(":")
    if find_spec("tf_keras"):  # installed for the sake of `tf.keras` as it was in Keras 2
        os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    module = import_module(module_name)
    if not class_name:
        return KerasCells(target, _cells_of(module), hints)
    if not hasattr(module, class_name):
        classes = [name for name in _public(module) if isinstance(getattr(module, name), type)]
        raise BadParams(f"{target}: {module.__file__} has no {class_name}; its classes: {', '.join(classes)}")
    return _adapter_of(target, class_name, getattr(module, class_name), hints)


def _adapter_of(target: str, name: str, member: Any, hints: Hints) -> Adapter:
    """Return the adapter for a class, by its type; a Keras layer on torch is a torch module too."""
    from .keras.cells import KerasCells
    from .own import Cell, OwnCell
    from .torch.modules import TorchModules

    if _is(member, Adapter):
        adapter: Adapter = member(target)
        return adapter
    if _is(member, Cell):
        return OwnCell(target, member())
    if _is(member, _loaded("torch", "nn", "Module")) and not _is(member, _loaded("keras", "Layer")):
        return TorchModules(target, name, member, hints)
    if _is(member, _loaded("tf_keras", "layers", "Layer")):
        from .keras.keras2 import Keras2Cells

        return Keras2Cells(target, member, hints.family)
    return KerasCells(target, {name: member}, hints)


def _is(member: Any, base: Any) -> bool:
    return isinstance(member, type) and isinstance(base, type) and issubclass(member, base)


def _loaded(module: str, *names: str) -> Any:
    """Return the member of a module by a path of names, if the module has been imported; else None."""
    member: Any = sys.modules.get(module)
    for name in names:
        member = getattr(member, name, None)
    return member


def _public(module: Any) -> list[str]:
    """Return the names that a module offers."""
    return list(
        getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    )


def _cells_of(module: Any) -> dict[str, Any]:
    """Return the cells of known families that a module offers under its own public names."""
    from .keras.names import family_of

    cells = {name: getattr(module, name) for name in _public(module) if name.endswith("Cell")}
    known = {name: cell for name, cell in cells.items() if family_of(cell) is not None}
    if not known:
        raise BadParams(
            f"{module.__name__} ({module.__file__}) offers no CfC or LTC cell; name one, module:Class"
        )
    return known
