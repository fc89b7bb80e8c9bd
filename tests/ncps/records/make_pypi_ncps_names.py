"""Records the public names of PyPI `ncps`: `python make_pypi_ncps_names.py`, where that is installed.

Writes `pypi_ncps_names.json` beside itself: by module, each class and function that it offers, with the
arguments of its constructor and of its call, its public methods and properties. The source is read and not
run, so neither torch nor Keras nor TensorFlow is needed.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
from collections.abc import Iterator
from pathlib import Path

CALLS = ("__init__", "call", "forward")
INSTALLED = importlib.metadata.distribution("ncps")
ROOT = Path(str(INSTALLED.locate_file("ncps")))


def parsed(module: str) -> ast.Module:
    """Return the syntax tree of `ncps.torch` or `ncps.torch.cfc`."""
    path = ROOT.joinpath(*module.split(".")[1:])
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text("utf-8"))


def modules() -> list[str]:
    """Return the packages, and the modules of those that import nothing into their own namespace."""
    paths = [path.relative_to(ROOT.parent).with_suffix("") for path in sorted(ROOT.rglob("*.py"))]
    packages = [".".join(path.parent.parts) for path in paths if path.name == "__init__"]
    return packages + [
        ".".join(path.parts) for path in paths if path.parts[1] == "datasets" and path.name != "__init__"
    ]


def offered(module: str) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the public classes and functions of a module, also those that it imports from its own package."""
    for statement in parsed(module).body:
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef)) and not statement.name.startswith("_"):
            yield statement.name, statement
        if isinstance(statement, ast.ImportFrom) and statement.module:
            source = f"{module}.{statement.module}" if statement.level else statement.module
            if ROOT.joinpath(*module.split(".")[1:]).is_dir() and source.startswith(f"{module}."):
                there = dict(offered(source))
                yield from ((alias.name, there[alias.name]) for alias in statement.names)


def names(found: ast.stmt) -> list[str]:
    """Return the names that a user of a class or function writes: arguments, methods, properties."""
    if isinstance(found, ast.FunctionDef):
        return arguments(found)
    methods = [part for part in found.body if isinstance(part, ast.FunctionDef)]
    taken = [name for part in methods if part.name in CALLS for name in arguments(part)]
    return taken + [part.name for part in methods if not part.name.startswith("_")]


def arguments(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in function.args.args if argument.arg != "self"]


def main() -> None:
    found = {
        module: {name: list(dict.fromkeys(names(thing))) for name, thing in offered(module)}
        for module in modules()
    }
    record = {"versions": {"ncps": INSTALLED.version}, "names": found}
    path = Path(__file__).with_name("pypi_ncps_names.json")
    path.write_text(json.dumps(record, separators=(",", ":")) + "\n")
    print(f"{path.name}: {len(found)} modules, {sum(map(len, found.values()))} classes and functions")


if __name__ == "__main__":
    main()
