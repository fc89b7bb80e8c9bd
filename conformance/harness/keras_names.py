"""What a Keras cell's class and variable paths say of it: its family, and the specification's names.

Names come from paths only. A variable whose path is not in the table below stays without a name, whatever its
shape.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

_LAYER_IN_SEQUENTIAL = r"(?:sequential(?:_\d+)?/)?"

PATHS: dict[str, list[tuple[str, str]]] = {
    "cfc": [
        (_LAYER_IN_SEQUENTIAL + r"backbone_?(\d+)/(kernel|bias)", r"backbone_\1/\2"),
        (r"ff([12])_(?:kernel|weight)", r"ff\1_kernel"),
        (r"(ff[12]_bias)", r"\1"),
        (r"(time_[ab]/(?:kernel|bias))", r"\1"),
        (r"(w_tau|A)", r"\1"),
    ],
    "ltc": [
        (_LAYER_IN_SEQUENTIAL + r"backbone_?(\d+)/(kernel|bias)", r"backbone_\1/\2"),
        (r"(kernel|bias|tau_kernel/kernel|tau_kernel/bias)", r"\1"),
    ],
}
"""Per family: a variable's path inside its cell, ours or PyPI `ncps`'s, and the specification's name."""


def family_of(cell: Callable[..., Any]) -> str | None:
    """The family, "cfc", "ltc" or None; by the names of the class and its bases, else by its arguments."""
    if not isinstance(cell, type):
        return None
    arguments = arguments_of(cell)
    names = " ".join(base.__name__.lower() for base in cell.__mro__)
    if "wiring" in arguments or "wired" in names:
        return None
    for family in PATHS:
        if family in names:
            return family
    return "cfc" if "mode" in arguments else None


def arguments_of(cell: type) -> dict[str, inspect.Parameter]:
    """The constructor's named arguments; a `**kwargs` is followed to the next base, up to Keras's own."""
    found: dict[str, inspect.Parameter] = {}
    for base in cell.__mro__:
        if base.__module__.split(".")[0] in ("keras", "builtins"):
            break
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        found = {**{p.name: p for p in named}, **found}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found


def canonical_names(family: str, cell_path: str, paths: list[str]) -> list[str | None]:
    """The specification's name of each path, None for one that has none or shares it with another."""
    names = [_canonical(family, path.removeprefix(f"{cell_path}/")) for path in paths]
    often = Counter(names)
    return [name if often[name] == 1 else None for name in names]


def _canonical(family: str, path: str) -> str | None:
    for pattern, name in PATHS[family]:
        match = re.fullmatch(pattern, path)
        if match:
            return match.expand(name)
    return None
