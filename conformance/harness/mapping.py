"""Parameters by the specification's names, checked against those that a cell has."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from .adapter import BadParams, ContractBroken, NotSupported

HOW_TO_MAP = "to map names of your own, give --names FILE, or the class an attribute specification_names"
"""The remedy if a cell's variables have other names; documented in docs/judge-your-cell.md."""


def check(own: Mapping[str, tuple[int, ...]], given: Any, unnamed: Sequence[str] = ()) -> None:
    """Raise unless `given` has a value of the right shape for every name, and no other; `own` has the shapes.

    `unnamed` are the paths of variables without a known name of the specification.

    Raises:
        BadParams: nothing is given.
        NotSupported: the names differ, so the cell is another one.
        ContractBroken: a variable has another shape than in the specification.
    """
    if not isinstance(given, dict) or not given:
        raise BadParams(f"parameters: needed are {sorted(own)}, given {sorted(given or {})}")
    if given.keys() != own.keys():
        raise NotSupported(not_mapped(set(own), set(given), unnamed))
    for name, shape in own.items():
        if np.shape(given[name]) != shape:
            raise ContractBroken(f"{name} has shape {shape}, but should have {np.shape(given[name])}")


def output_and_state(answer: Any, who: str) -> tuple[Any, list[Any]]:
    """Return (output, the tensors of the state) of the result of a step or a sequence.

    Raises:
        ContractBroken: it is something else.
    """
    if not isinstance(answer, (list, tuple)) or len(answer) != 2:
        size = f" of {len(answer)}" if isinstance(answer, (list, tuple)) else ""
        raise ContractBroken(f"{who} returns (output, state), not {type(answer).__name__}{size}")
    output, state = answer
    tensors = list(state) if isinstance(state, (list, tuple)) else [state]
    for what, tensor in (("output", output), *(("state", tensor) for tensor in tensors)):
        if not hasattr(tensor, "shape") or not hasattr(tensor, "dtype"):
            raise ContractBroken(f"{who} returns a tensor as its {what}, not {type(tensor).__name__}")
    return output, tensors


def one_or_all(items: Sequence[Any]) -> Any:
    """Return the only one of some items, or a list of all."""
    return items[0] if len(items) == 1 else list(items)


def dtype_of(tensor: Any) -> str:
    """Return the name of a tensor's dtype, for any framework."""
    return str(getattr(tensor.dtype, "name", tensor.dtype)).removeprefix("torch.")


def check_shapes(tensors: Sequence[Any], cotangents: Sequence[Any]) -> None:
    """Raise ContractBroken, with both shapes, unless the tensors have the shapes of their cotangents."""
    got, want = ([tuple(tensor.shape) for tensor in side] for side in (tensors, cotangents))
    if got != want:
        raise ContractBroken(f"a step returns output and state of shapes {got}, but should of {want}")


def not_mapped(own: set[str], given: set[str], unnamed: Sequence[str] = ()) -> str:
    """Return the message on the names that the specification's or the cell's variables lack."""
    said = {"no variable is": given - own, "the specification has no": own - given | set(unnamed)}
    parts = [f"{what} {', '.join(sorted(names))}" for what, names in said.items() if names]
    listed = "; ".join(parts)
    return f"the cell's variables cannot be mapped: {listed}; {HOW_TO_MAP}"


def shown_form(family: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Return the form of a built cell that its variables, by the specification's names, show."""
    shown: dict[str, Any] = {}
    if family in ("cfc", "wired_cfc") and any("w_tau" in name.split("/") for name in shapes):
        shown["mode"] = "pure"
    if family in ("cfc", "ltc"):
        kernels = [s for n, s in shapes.items() if n.startswith("backbone_") and n.endswith("/kernel")]
        shown["backbone_layers"] = len(kernels)
        shown |= {"backbone_units": kernels[0][-1]} if kernels else {}
    if family == "wired_ltc":
        shown |= {f"{side}_mapping": _mapping(side, shapes) for side in ("input", "output")}
    return shown


def _mapping(side: str, names: Container[str]) -> str | None:
    if f"{side}_w" not in names:
        return None
    return "affine" if f"{side}_b" in names else "linear"
