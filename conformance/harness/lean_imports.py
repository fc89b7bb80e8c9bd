"""Keeps Keras from importing packages that it does not need, which take a third of its import time."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

DRAWING_AND_TABLES = ("matplotlib", "pandas")
"""Packages that Keras imports if they are installed, for pictures of images and for inputs as tables."""


def unneeded(backend: str | None) -> tuple[str, ...]:
    """Return the packages that Keras imports if they are installed and that no cell needs.

    Checkpoints by orbax import JAX on every backend.
    """
    return (*DRAWING_AND_TABLES, "jax") if backend in ("torch", "tensorflow") else DRAWING_AND_TABLES


class Refusal(Loader):
    """A loader that loads nothing."""

    def exec_module(self, module: ModuleType) -> None:
        """Raise ModuleNotFoundError, as for a package that is not installed."""
        raise ModuleNotFoundError(
            f"{module.__name__} is not imported together with Keras", name=module.__name__
        )


class Withheld(MetaPathFinder):
    """A finder of packages that are not loaded while Keras is imported, though they can be found.

    Before and after it, and in a process that never imports Keras, they are imported as usual.
    """

    def __init__(self, names: Collection[str]) -> None:
        self.names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of a withheld package, with a loader that raises; None for any other."""
        withheld = name in self.names and is_being_imported("keras")
        spec = PathFinder.find_spec(name, path) if withheld else None
        if spec is not None:
            spec.loader = Refusal()
        return spec


def is_being_imported(name: str) -> bool:
    """Tell whether the import of a module has begun and not ended."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


def withhold() -> None:
    """Withhold unneeded packages from Keras, on the backend that the environment names."""
    if not any(isinstance(finder, Withheld) for finder in sys.meta_path):
        sys.meta_path.insert(0, Withheld(unneeded(os.environ.get("KERAS_BACKEND"))))
