"""Golden vectors: cases with the answers that the specification requires, as plain test data.

One JSON file a clause, by schemas/vectors.json. The shipped ones lie in `golden/`; the project's tests make
and certify them, at 50 digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from conformance.spec import clauses
from conformance.spec.cases import Case, SequenceCase, StepCase
from conformance.spec.encoding import NotAnExample, checked_config
from conformance.spec.families import FAMILIES
from conformance.stored.examples import load, validate

FORMAT = "ncps-conformance vectors"
FORMAT_VERSION = 1
SCHEMA = "vectors.json"
GOLDEN = Path(__file__).with_name("golden")


@dataclass(frozen=True)
class Vector:
    """One case, and its required results."""

    clause: str
    spec: str
    name: str
    why: str
    family: str
    plain: Mapping[str, Any]
    """Return it as plain JSON, the form of its file."""

    @property
    def layered(self) -> bool:
        """Tell whether it is for a sequence layer that takes elapsed time."""
        return self.clause.startswith("layer.")

    def case(self, dtype: str) -> Case:
        """Return the case, in arrays of `dtype`. Raises NotAnExample if it does not fit its family."""
        try:
            return self._case(dtype)
        except (KeyError, TypeError, ValueError, OverflowError, IndexError) as wrong:
            raise NotAnExample(f"vector {self.name!r}: {type(wrong).__name__}: {wrong}") from None

    def _case(self, dtype: str) -> Case:
        plain, family = self.plain, FAMILIES[self.family]
        config = checked_config(plain["config"])
        inputs = np.array(plain["inputs"], dtype)
        given = {name: np.array(value, dtype) for name, value in plain["parameters"].items()}
        shapes = family.shapes(family.full(config), inputs.shape[-1])
        if (got := {path: value.shape for path, value in given.items()}) != shapes:
            raise ValueError(f"its parameters have shapes {got}, not {shapes}")
        state = plain["state"] and np.concatenate([np.array(one, dtype) for one in plain["state"]], axis=-1)
        times = None if plain["timespans"] is None else np.array(plain["timespans"], dtype)
        if plain["kind"] == "step":
            return StepCase(config, given, inputs, state, times)
        mask = None if plain["mask"] is None else np.array(plain["mask"], bool)
        return SequenceCase(config, given, inputs, state, mask, times, dict(plain["options"]))

    def expected(self, what: str) -> Any:
        """Return the output, (batch, [time,] outputs), or the last state, its tensors side by side."""
        return _joined(self.plain["expected"][what], what)

    def bound(self, what: str, tier: str) -> Any:
        """Return the bound on the error of an answer at this tier."""
        return _joined(self.plain["bounds"][tier][what], what)


def _joined(value: Any, what: str) -> Any:
    if what == "output":
        return np.array(value, np.float64)
    return np.concatenate([np.array(one, np.float64) for one in value], axis=-1)


def vectors(document: Any) -> list[Vector]:
    """Return the vectors in a document. Raises NotAnExample."""
    validate(document, SCHEMA)
    known = clauses.load()
    id, spec = document["clause"], document["spec"]
    if spec not in known.versions or id not in known.at(spec).clauses:
        raise NotAnExample(
            f"of clause {id!r} of specification {spec}; this package knows {', '.join(known.versions)}"
        )
    about = {"clause": id, "spec": spec}
    cases = document["cases"]
    return [Vector(**about, **{n: c[n] for n in ("name", "why", "family")}, plain=c) for c in cases]


def shipped(clause: str = "*") -> Iterator[Path]:
    """Return the files of the clauses that a glob matches."""
    return (path for path in sorted(GOLDEN.glob("*.json")) if path.match(f"{clause}.json"))


def read(path: Path) -> Any:
    """Return the document in a file, which holds vectors or an example. Raises NotAnExample."""
    document = load(path)
    if not isinstance(document, dict) or "format" not in document:
        raise NotAnExample("holds neither vectors nor an example")
    return document
