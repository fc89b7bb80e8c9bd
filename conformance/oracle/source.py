"""The source of the reference and of its oracle, and copies of it with some modules changed."""

from __future__ import annotations
import __future__

import ast
import builtins
import inspect
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType
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


@cache
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


def statement(module: str, index: int) -> str:
    """Return the source of one statement of a module, its decorators included, with the line's end."""
    node = tree(module).body[index]
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
    return "".join(text(module).splitlines(keepends=True)[first - 1 : node.end_lineno])


Code = tuple[CodeType, ...]
"""The code of a module, a statement each, so that a change of one is compiled alone."""


@cache
def code(module: str) -> Code:
    """Return the code of an unchanged module."""
    return tuple(compiled(statement, str(file(module))) for statement in tree(module).body)


def compiled(statement: ast.stmt, filename: str) -> CodeType:
    """Return the code of one statement of a module."""
    future = __future__.annotations.compiler_flag
    made: CodeType = compile(ast.Module([statement], []), filename, "exec", future, dont_inherit=True)
    return made


def changed_code(module: str, changed: ast.Module) -> Code:
    """Return the code of a module with a changed tree; statements that are the same are compiled once."""
    before = dict(zip(map(id, tree(module).body), code(module), strict=True))
    name = f"<{module}, changed>"
    return tuple(before.get(id(statement)) or compiled(statement, name) for statement in changed.body)


@cache
def imported(module: str) -> frozenset[str]:
    """Return those of `MODULES` that a module imports."""
    return frozenset(
        _home(node.module, alias.name)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ImportFrom) and node.module in MODULES
        for alias in node.names
    )


def _home(module: str, name: str) -> str:
    """Return the module that a name of a module comes from: itself a module, or where a function stands."""
    if f"{module}.{name}" in MODULES:
        return f"{module}.{name}"
    value = getattr(import_module(module), name)
    return value.__module__ if inspect.isfunction(value) and value.__module__ in MODULES else module


@cache
def needed(module: str) -> tuple[str, ...]:
    """Return a module, those that it rests on, and the package, in the order of `MODULES`."""
    modules, more = set[str](), {module, "reference"}
    while more:
        modules |= more
        more = {name for one in more - {"reference"} for name in imported(one)} - modules
    return tuple(name for name in MODULES if name in modules)


def affected(changed: Iterable[str]) -> set[str]:
    """Return those of `MODULES` that compute otherwise if some of them are changed."""
    modules = set(changed)
    for module in MODULES:
        if imported(module) & modules:
            modules.add(module)
    return modules


def with_changes(
    changed: Mapping[str, Code],
    modules: Sequence[str] = MODULES,
    shared: Mapping[str, ModuleType] = MappingProxyType({}),
) -> dict[str, ModuleType]:
    """Return copies of `modules` that import each other, those in `changed` made from its code.

    A copy that no change affects is taken from `shared`, where it is there; the others are fresh.
    """
    copies = {"reference": ModuleType("reference")}
    fresh = affected(changed)

    def importing(name: str, *rest: Any) -> Any:
        return copies[name] if name in copies else builtins.__import__(name, *rest)

    own = {**vars(builtins), "__import__": importing}
    for name in modules:
        if name in shared and name not in fresh:
            copies[name] = shared[name]
        else:
            copy = copies.setdefault(name, ModuleType(name))
            vars(copy).update(__file__=str(file(name)), __builtins__=own)
            for statement in changed.get(name) or code(name):
                exec(statement, vars(copy))
        if name.startswith("reference."):
            setattr(copies["reference"], name.rpartition(".")[2], copies[name])
    return copies
