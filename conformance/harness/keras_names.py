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

_CFC_HEADS = [
    (r"ff([12])_(?:kernel|weight)", r"ff\1_kernel"),
    (r"(ff[12]_bias)", r"\1"),
    (r"(time_[ab]/(?:kernel|bias))", r"\1"),
    (r"(w_tau|A)", r"\1"),
]

_BACKBONE = [(_LAYER_IN_SEQUENTIAL + r"backbone_?(\d+)/(kernel|bias)", r"backbone_\1/\2")]

PATHS: dict[str, list[tuple[str, str]]] = {
    "cfc": [*_BACKBONE, *_CFC_HEADS],
    "ltc": [*_BACKBONE, (r"(kernel|bias|tau_kernel/kernel|tau_kernel/bias)", r"\1")],
    "wired_cfc": [],
    "wired_ltc": [
        (r"(gleak|vleak|cm)", r"\1"),
        (r"((?:sensory_)?(?:w|mu|sigma|erev))", r"\1"),
        (r"((?:input|output)_[wb])", r"\1"),
    ],
    "mixed_memory": [(r"(input_kernel|recurrent_kernel|bias)", r"\1")],
}
"""Per family: a variable's path inside its cell, ours or PyPI `ncps`'s, and the specification's name."""

_PARTS = {
    "wired_cfc": (r"(layer_\d+/)(.*)", ("cfc",)),
    "mixed_memory": (r"(cell/)(.*)", ("cfc", "ltc", "wired_cfc", "wired_ltc")),
}
"""Per family whose cells hold others: a path, its beginning and the rest, and the families of that."""


def family_of(cell: Callable[..., Any]) -> str | None:
    """The family; by the names of the class and its bases, else by its arguments; None if unknown."""
    if not isinstance(cell, type):
        return None
    arguments = arguments_of(cell)
    names = " ".join(base.__name__.lower() for base in cell.__mro__)
    if "mixedmemory" in names:
        return "mixed_memory" if "cell" in arguments else None
    wired = "wired_" if "wiring" in arguments else ""
    for family in ("cfc", "ltc"):
        if family in names:
            return wired + family
    return "cfc" if "mode" in arguments and not wired else None


def arguments_of(cell: type) -> dict[str, inspect.Parameter]:
    """The constructor's named arguments; a `**kwargs` is followed to the next base, up to the framework's."""
    found: dict[str, inspect.Parameter] = {}
    for base in cell.__mro__:
        if base.__module__.split(".")[0] in ("keras", "tf_keras", "torch", "builtins"):
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
    own = [path.removeprefix(f"{cell_path}/") for path in paths]
    names = [_canonical(family, path) for path in (_in_order(own) if family == "wired_cfc" else own)]
    often = Counter(names)
    return [name if often[name] == 1 else None for name in names]


_PYPI_LAYER = re.compile(r"cf_c_cell(?:_(\d+))?(?=/)")
"""A cell inside PyPI's wired cell; Keras numbers them as they are made, which is in running order."""


def _in_order(paths: list[str]) -> list[str]:
    """The paths with PyPI's cells called layer_0, layer_1 and so on."""
    numbers = sorted({int(found[1] or 0) for path in paths if (found := _PYPI_LAYER.match(path))})
    return [_PYPI_LAYER.sub(lambda f: f"layer_{numbers.index(int(f[1] or 0))}", p, count=1) for p in paths]


def _canonical(family: str, path: str) -> str | None:
    for pattern, name in PATHS[family]:
        match = re.fullmatch(pattern, path)
        if match:
            return match.expand(name)
    if family in _PARTS:
        pattern, families = _PARTS[family]
        match = re.fullmatch(pattern, path)
        found = [_canonical(part, match[2]) for part in families] if match else []
        return next((match[1] + name for name in found if match and name), None)
    return None
