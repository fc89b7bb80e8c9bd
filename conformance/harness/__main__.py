"""Serve one implementation over stdin and stdout.

    PYTHON conformance/harness TARGET [--path DIR] [--family NAME] [--names JSON]

Nothing but `os` and `sys`, which every interpreter has loaded already, is imported before the protocol has
file descriptors of its own and the import path is in order: what an import prints, natively too, goes to
stderr.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType

PACKAGE = "conformance_harness"
"""The name of the folder inside a harness process; an author's own adapter imports its base from here."""


def main(arguments: list[str]) -> int:
    """Serve until stdin ends; returns the exit status."""
    requests, answers = keep_protocol()
    target, options = parse(arguments)
    order_import_path(options.get("path"))
    server = load_package("server")
    served = server.Server(target, options.get("family"), options.get("names"))
    return int(server.serve(served, requests, answers))


def keep_protocol() -> tuple[int, int]:
    """Move the protocol to private descriptors: fd 0 becomes empty, fd 1 becomes stderr."""
    requests, answers = os.dup(0), os.dup(1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return requests, answers


def parse(arguments: list[str]) -> tuple[str, dict[str, str]]:
    """Return TARGET and the options; `argparse` is not imported yet, for the reason above."""
    target, *rest = arguments or [""]
    options = {name.removeprefix("--"): value for name, value in zip(rest[::2], rest[1::2], strict=False)}
    if not target or len(rest) % 2 or not options.keys() <= {"path", "family", "names"}:
        raise SystemExit(
            "usage: PYTHON conformance/harness TARGET [--path DIR] [--family NAME] [--names JSON]"
        )
    return target, options


def order_import_path(first: str | None) -> None:
    """Order the import path: `--path` first, then installed packages, the caller's directory last.

    So PyPI's `ncps` is judged even from the root of this repository, which holds a folder of that name.
    """
    folder, here = os.path.dirname(os.path.abspath(__file__)), os.getcwd()
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) not in (folder, here)] + [here]
    if first is not None:
        sys.path.insert(0, os.path.abspath(first))


def load_package(module: str) -> ModuleType:
    """Load this folder as the package `conformance_harness` by spec, and one module of it."""
    import importlib.util

    if PACKAGE not in sys.modules:
        folder = os.path.dirname(os.path.abspath(__file__))
        initial = os.path.join(folder, "__init__.py")
        spec = importlib.util.spec_from_file_location(PACKAGE, initial, submodule_search_locations=[folder])
        assert spec is not None and spec.loader is not None
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[PACKAGE])
    return importlib.import_module(f"{PACKAGE}.{module}")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
