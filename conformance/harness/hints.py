"""A caller's hints about a target that its class does not show: its family, and names of its variables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .adapter import BadParams

FAMILIES = ("cfc", "ltc", "wired_cfc", "wired_ltc", "mixed_memory")

REQUIRED = {
    "cfc": "units",
    "ltc": "units",
    "wired_cfc": "wiring",
    "wired_ltc": "wiring",
    "mixed_memory": "cell",
}
"""The argument that every request names, by family."""


@dataclass(frozen=True)
class Hints:
    """The family of a target, and the specification's names of its variables by their paths in the cell."""

    family: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, family: str | None, names: str | None) -> Hints:
        """Read both as the command line gives them, `names` as JSON. Raises BadParams for another family."""
        if family is not None and family not in FAMILIES:
            raise BadParams(f"family: {family!r}; allowed are {', '.join(FAMILIES)}")
        return cls(family, json.loads(names) if names else {})


NO_HINTS = Hints()


def names_of(cell: Any, given: Mapping[str, str]) -> dict[str, str]:
    """Return the mapping of a class: its attribute `specification_names`, then what the caller gives."""
    return {**getattr(cell, "specification_names", {}), **given}


def named_by(names: Mapping[str, str], path: str) -> str | None:
    """Return the specification's name of a path by such a mapping, None where it has none.

    `{i}` in both stands for a number, as in `{"hidden_{i}/kernel": "backbone_{i}/kernel"}`.
    """
    for pattern, name in names.items():
        match = re.fullmatch(re.escape(pattern).replace(r"\{i\}", r"(\d+)"), path)
        if match:
            return name.replace("{i}", match[1]) if match.groups() else name
    return None
