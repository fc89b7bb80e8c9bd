"""Conventions of published packages that differ from the specification's default on purpose.

A report shows them beside its findings; they are checked by use and excuse nothing.
"""

from __future__ import annotations

from typing import Any

_TIME = "sigma(+time_a t + time_b)"
_DENSE = "time heads without the wiring's mask"
_LINEAR = "heads without an activation"
_SIGNED = "kernels times the signs of the synapses"
_WIRED = {"head_activation": "linear", "sparse_time_heads": False, "signed_synapses": True}

CONVENTIONS: dict[str, dict[str, tuple[dict[str, Any], str]]] = {
    "ncps.torch": {
        "cfc": ({"time_sign": 1}, f"{_TIME}: ncps/torch/cfc_cell.py"),
        "wired_cfc": (
            {"time_sign": 1, "sparse_time_heads": False},
            f"{_TIME}, {_DENSE}: ncps/torch/cfc_cell.py",
        ),
        "mixed_memory": ({"time_sign": 1}, f"{_TIME}: ncps/torch/cfc_cell.py"),
    },
    "ncps.keras": {
        "cfc": ({"head_activation": "linear"}, f"{_LINEAR}: ncps/keras/cfc_cell.py"),
        "wired_cfc": (_WIRED, f"{_LINEAR}, {_DENSE}, {_SIGNED}: ncps/keras/wired_cfc_cell.py"),
    },
    "ncps.tf": {
        "cfc": ({"head_activation": "linear"}, f"{_LINEAR}: ncps/tf/cfc_cell.py"),
        "wired_cfc": (_WIRED, f"{_LINEAR}, {_DENSE}, {_SIGNED}: ncps/tf/wired_cfc_cell.py"),
    },
    "kerasncp.tf": {
        "cfc": ({"head_activation": "linear"}, f"{_LINEAR}: kerasncp/tf/cfc_cell.py"),
    },
}
"""By package and family, the variant of the specification, and its source."""


def declared(cell: type, family: str | None) -> dict[str, Any] | None:
    """Return {"values", "source"} of the convention that a class follows; None if none is known."""
    package = ".".join(cell.__module__.split(".")[:2])
    convention = CONVENTIONS.get(package, {}).get(str(family))
    if convention is None or "cfc" not in cell.__name__.lower():
        return None
    values, source = convention
    return {"values": values, "source": source}
