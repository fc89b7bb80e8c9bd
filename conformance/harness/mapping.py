"""Parameters by the specification's names, checked against those that a cell has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .adapter import BadParams, ContractBroken, NotSupported


def check(own: Mapping[str, tuple[int, ...]], given: Any) -> None:
    """`given` has a value of the right shape for every name, and no other; `own` has the shapes.

    Raises NotSupported where the names differ, for then the cell is another one, and BadParams else.
    """
    if not isinstance(given, dict) or not given:
        raise BadParams(f"parameters: needed are {sorted(own)}, given {sorted(given or {})}")
    if given.keys() != own.keys():
        raise NotSupported(not_mapped(set(own), set(given)))
    for name, shape in own.items():
        if np.shape(given[name]) != shape:
            raise BadParams(f"parameters: {name} has shape {shape}, not {np.shape(given[name])}")


def output_and_state(answer: Any, who: str) -> tuple[Any, list[Any]]:
    """(output, the tensors of the state) of what a step or a sequence returned.

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


def dtype_of(tensor: Any) -> str:
    """The name of a tensor's dtype, whatever its framework."""
    return str(getattr(tensor.dtype, "name", tensor.dtype)).removeprefix("torch.")


def check_shapes(tensors: Sequence[Any], cotangents: Sequence[Any]) -> None:
    """What a step returns has the shapes of its cotangents. Raises ContractBroken, by shape."""
    got, want = ([tuple(tensor.shape) for tensor in side] for side in (tensors, cotangents))
    if got != want:
        raise ContractBroken(f"a step returns output and state of shapes {got}, but should of {want}")


def not_mapped(own: set[str], given: set[str]) -> str:
    """What stands between the variables of the specification and those of a cell, by name."""
    said = {"no variable is": given - own, "the specification has no": own - given}
    parts = [f"{what} {', '.join(sorted(names))}" for what, names in said.items() if names]
    listed = "; ".join(parts)
    return f"the cell's variables cannot be mapped: {listed}; an adapter maps names of one's own"
