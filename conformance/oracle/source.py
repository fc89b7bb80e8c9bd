"""The source of the reference and of its oracle, and copies of it with some modules changed."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

MODULES = (
    "reference.activations",
    "reference.backbone",
    "reference.cfc",
    "reference.ltc",
    "reference.solvers",
    "reference.wired_ltc",
    "reference.wired_cfc",
    "reference.mixed_memory",
    "reference.wirings",
    "reference.sequence",
    "reference",
    "conformance.spec.families.base",
    "conformance.spec.families.dense",
    "conformance.spec.families.cfc",
    "conformance.spec.families.ltc",
    "conformance.spec.families.wired",
    "conformance.spec.families.wired_cfc",
    "conformance.spec.families.wired_ltc",
    "conformance.spec.families.mixed_memory",
    "conformance.spec.families",
    "conformance.oracle.cell",
    "conformance.oracle.layer",
    "conformance.oracle.reference_cells",
)
"""The modules that compute an answer, each after those that it imports."""


def file(module: str) -> Path:
    """Return the file of a module."""
    return Path(str(import_module(module).__file__))


@cache
def text(module: str) -> str:
    """Return the source of a module."""
    return file(module).read_text(encoding="utf-8")


@cache
def tree(module: str) -> ast.Module:
    """Return the syntax tree of a module, which must not be changed."""
    return ast.parse(text(module))


@cache
def code(module: str) -> CodeType:
    """Return the code of an unchanged module, compiled."""
    return compile(tree(module), str(file(module)), "exec")


def with_changes(changed: Mapping[str, ast.Module]) -> dict[str, ModuleType]:
    """Return fresh copies of `MODULES` that import each other, those in `changed` made from its trees."""
    copies = {"reference": ModuleType("reference")}

    def importing(name: str, *rest: Any) -> Any:
        return copies[name] if name in copies else builtins.__import__(name, *rest)

    for name in MODULES:
        copy = copies.setdefault(name, ModuleType(name))
        vars(copy).update(__file__=str(file(name)), __builtins__={**vars(builtins), "__import__": importing})
        made = compile(changed[name], f"<{name}, changed>", "exec") if name in changed else code(name)
        exec(made, vars(copy))
        if name.startswith("reference."):
            setattr(copies["reference"], name.rpartition(".")[2], copy)
    return copies
