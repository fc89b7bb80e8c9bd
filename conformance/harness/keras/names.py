"""Names of Keras cells: the family by the class and variables, and the specification's names by the paths.

Names come from paths only. A variable whose path is not in the table below stays without a name, whatever its
shape.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ..hints import named_by

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
"""Per family whose cells hold others: a path, its beginning and the rest, and the families of the rest."""


SIGNS: dict[str, set[str]] = {
    "mixed_memory": {"input_kernel", "recurrent_kernel"},
    "wired_ltc": {"gleak", "w", "sensory_w"},
    "wired_cfc": {"layer_0/ff1_kernel"},
    "cfc": {"ff1_kernel"},
    "ltc": {"tau_kernel/kernel"},
}
"""Variables that only cells of a family have."""


def family_of_variables(paths: list[str], names: Mapping[str, str]) -> str | None:
    """Return the family whose variables a built cell has, by their paths in it; None if of no family."""
    for family, signs in SIGNS.items():
        if signs <= set(canonical_names(family, paths, names)):
            return family
    return None


def family_of(cell: Callable[..., Any]) -> str | None:
    """Return the family by the name of the class, or of the nearest base that has one; None if unknown.

    A class without such a name is a CfC if its own constructor takes `mode`.
    """
    if not isinstance(cell, type):
        return None
    arguments = arguments_of(cell)
    wired = "wired_" if "wiring" in arguments else ""
    for base in cell.__mro__:
        name = base.__name__.lower()
        if "mixedmemory" in name:
            return "mixed_memory" if "cell" in arguments else None
        if family := next((family for family in ("cfc", "ltc") if family in name), None):
            return wired + family
    own = inspect.signature(cell.__init__).parameters  # type: ignore[misc]
    return "cfc" if "mode" in own and not wired else None


FRAMEWORKS = ("keras", "tf_keras", "torch", "builtins")


def arguments_of(cell: type, beyond: tuple[str, ...] = FRAMEWORKS) -> dict[str, inspect.Parameter]:
    """Return the constructor's named arguments; `**kwargs` leads to the next base, up to the framework's."""
    return _constructor(cell, beyond)[0]


def is_open(cell: type) -> bool:
    """Tell whether a constructor leaves what it does not name to the framework's."""
    return _constructor(cell, FRAMEWORKS)[1]


def _constructor(cell: type, beyond: tuple[str, ...]) -> tuple[dict[str, inspect.Parameter], bool]:
    """Return named arguments of the constructors up to the packages `beyond`, and whether those follow."""
    arguments: dict[str, inspect.Parameter] = {}
    for base in cell.__mro__:
        if base.__module__.split(".")[0] in beyond:
            return arguments, True
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        arguments = {**{p.name: p for p in named}, **arguments}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return arguments, False
    return arguments, True


def canonical_names(family: str, own: list[str], names: Mapping[str, str]) -> list[str | None]:
    """Return the specification's name of each path in a cell, None for one that has or shares none.

    `names` are the cell's own mapping, and come first.
    """
    usual = _in_order(own) if family == "wired_cfc" else own
    pairs = zip(own, usual, strict=True)
    candidates = [named_by(names, path) or _canonical(family, like) for path, like in pairs]
    often = Counter(candidates)
    return [name if often[name] == 1 else None for name in candidates]


_PYPI_LAYER = re.compile(r"cf_c_cell(?:_(\d+))?(?=/)")
"""The path of a cell inside PyPI's wired cell; Keras numbers them as they are made, in running order."""


def _in_order(paths: list[str]) -> list[str]:
    """Return the paths with PyPI's cells called layer_0, layer_1 and so on."""
    numbers = sorted({int(match[1] or 0) for path in paths if (match := _PYPI_LAYER.match(path))})
    return [_PYPI_LAYER.sub(lambda f: f"layer_{numbers.index(int(f[1] or 0))}", p, count=1) for p in paths]


def _canonical(family: str, path: str) -> str | None:
    for pattern, name in PATHS[family]:
        match = re.fullmatch(pattern, path)
        if match:
            return match.expand(name)
    if family in _PARTS:
        pattern, families = _PARTS[family]
        match = re.fullmatch(pattern, path)
        names = [_canonical(part, match[2]) for part in families] if match else []
        return next((match[1] + name for name in names if match and name), None)
    return None
