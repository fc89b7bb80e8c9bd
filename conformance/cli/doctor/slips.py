"""The most frequent slips of an adapter: parameters of one shape swapped, a kernel transposed, no epsilon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from conformance.judging.subject import Subject
from conformance.spec.cases import StepCase


@dataclass(frozen=True)
class Slip:
    """A change of a case that stands for a slip, and the changed case for the reference."""

    description: str
    case: StepCase


def slips(subject: Subject, case: StepCase) -> Iterator[Slip]:
    """Yield the possible slips of a cell, each as the case with which the reference would agree."""
    yield from swapped(case)
    yield from transposed(case)
    if subject.family.full(case.config).get("epsilon"):
        yield Slip("epsilon left out", replace(case, config={**case.config, "epsilon": 0.0}))


def swapped(case: StepCase) -> Iterator[Slip]:
    """Yield a case for each swap: of two parts with parameters of the same shapes, and of two parameters."""
    shapes = {path: value.shape for path, value in case.parameters.items()}
    parts: dict[str, dict[str, str]] = {}
    for path in shapes:
        part, kind = split(path)
        parts.setdefault(part, {})[kind] = path
    for one, other in combinations(parts, 2):
        pairs = [(parts[one][kind], parts[other].get(kind, "")) for kind in parts[one]]
        if len(parts[one]) == len(parts[other]) and all(shapes[a] == shapes.get(b) for a, b in pairs):
            yield Slip(f"{one} and {other} swapped", with_swapped(case, pairs))
    for a, b in combinations(shapes, 2):
        if shapes[a] == shapes[b]:
            yield Slip(f"{a} and {b} swapped", with_swapped(case, [(a, b)]))


def split(path: str) -> tuple[str, str]:
    """Return the part of the cell that a parameter belongs to, and its kind: "kernel", "bias" or ""."""
    for kind in ("kernel", "bias"):
        if path.endswith(("/" + kind, "_" + kind)):
            return path[: -len(kind) - 1], kind
    return path, ""


def with_swapped(case: StepCase, pairs: list[tuple[str, str]]) -> StepCase:
    """Return the case in which each of these parameters has the value of the other."""
    values = case.parameters
    swapped = {one: values[other] for pair in pairs for one, other in (pair, pair[::-1])}
    return replace(case, parameters={**values, **swapped})


def transposed(case: StepCase) -> Iterator[Slip]:
    """Yield the case with square matrices transposed: all of them, then each alone."""
    square = [p for p, v in case.parameters.items() if v.ndim == 2 and v.shape[0] == v.shape[1] > 1]
    for paths in (square, *([path] for path in square if len(square) > 1)):
        if paths:
            turned = {path: case.parameters[path].T.copy() for path in paths}
            yield Slip(
                f"{', '.join(paths)} transposed", replace(case, parameters={**case.parameters, **turned})
            )
