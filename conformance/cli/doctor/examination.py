"""The facts about a cell, and the line that says what to check."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from conformance.judging.assertions import ratio
from conformance.judging.subject import family_of
from conformance.spec.cases import Values
from conformance.spec.families.base import Variant
from conformance.verdict import Cause

Health = Literal["agrees", "departs", "wrong adapter"]


@dataclass(frozen=True)
class Answer:
    """The outcome of one real request."""

    method: str
    outcome: Literal["answers", "not offered", "raises"]
    message: str = ""


@dataclass(frozen=True)
class Parameters:
    """The parameters of a built cell against those of the specification."""

    mapped: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    missing: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    reshaped: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)
    """By name, the shape found and the shape wanted."""
    unmapped: tuple[str, ...] = ()
    """Variables that have no name in the specification."""

    @property
    def complete(self) -> bool:
        return not self.missing and not self.reshaped


@dataclass(frozen=True)
class Compared:
    """One tensor of a step beside the reference's."""

    what: str
    got: Values
    want: Values
    bound: Values

    @property
    def excess(self) -> Values:
        """Return error over bound; 1 is the largest that conforms."""
        if self.got.shape != self.want.shape:
            return np.full(self.want.shape, np.inf)
        worst = ratio(np.abs(self.got - self.want), self.bound)
        return np.where(np.isfinite(self.got), worst, np.inf)

    @property
    def agrees(self) -> bool:
        return bool((self.excess <= 1.0).all())


@dataclass(frozen=True)
class Examination:
    """All facts about one cell on one backend."""

    cell: Mapping[str, Any]
    backend: str
    dtype: str
    config: Mapping[str, Any]
    parameters: Parameters
    answers: tuple[Answer, ...]
    milliseconds: float | None
    """The time of one step, the median of several, the wire included; None if there is no step."""
    step: tuple[Compared, ...]
    variant: Variant
    """The documented variant that fits; {} is none."""
    under_variant: tuple[Compared, ...]
    several: str
    """The error of a step of several samples, each with its own time; "" if none."""
    slip: str = ""
    """The one slip with which the step is that of the reference, as two parameters swapped; "" if none is
    known."""
    causes: tuple[Cause, ...] = ()
    """The changes of the specification by which it computes, as a run names them; (): none are known."""
    printed: str = ""
    """The end of the harness's output."""
    authored: bool = False
    """True if the arguments are those that an author lists, and not those of a class that was read."""
    refused: tuple[str, ...] = ()
    """The dtypes in which it takes no step."""

    @property
    def health(self) -> Health:
        if not self.parameters.complete or not self.step or self.strange:
            return "wrong adapter"
        agrees = all(c.agrees for c in self.step) and not self.several and not self.causes
        return "agrees" if agrees else "departs"

    @property
    def diagnosis(self) -> str:
        """Return one line that says what to check."""
        return diagnose(self)

    @property
    def absent(self) -> dict[str, Any]:
        """Return the specification's arguments that the cell lacks, with the defaults it is judged by."""
        defaults = family_of(self.cell).defaults
        return {name: value for name, value in defaults.items() if name not in self.cell["arguments"]}

    @property
    def strange(self) -> list[str]:
        """Return the author's arguments that the specification does not have: they would be ignored."""
        if not self.authored:
            return []
        family = family_of(self.cell)
        known = {**family.full(dict(self.config)), **family.choices}
        complaints = []
        for name in self.cell["arguments"]:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                complaints.append(f"{name}: no argument of a {family.name}{hint}")
            there = [form[name] for form in family.forms if name in form]
            only = self.cell.get("values", {}).get(name) or () if there else ()
            listed = ", ".join(map(str, there))
            complaints += [f"{name}={v!r}: the specification has {listed}" for v in only if v not in there]
        return complaints


def diagnose(seen: Examination) -> str:
    """Return the most likely error, the adapter's first: a wrong name makes every number wrong."""
    parameters = seen.parameters
    raised = next((a.message for a in seen.answers if a.method == "parameters" and a.outcome == "raises"), "")
    if raised:
        return f"the cell cannot be built: {raised}"
    if parameters.missing:
        names = ", ".join(parameters.missing)
        other = f"; other variables: {', '.join(parameters.unmapped)}" if parameters.unmapped else ""
        how = "in the adapter's `parameters`" if seen.authored else "by --names FILE or an adapter"
        return f"no variable is mapped to parameter {names}{other}; map the cell's own names {how}"
    if parameters.reshaped:
        name, (got, want) = next(iter(parameters.reshaped.items()))
        hint = ": transposed?" if got == want[::-1] else ""
        return f"parameter {name} has shape {got}, but the specification has {want}{hint}"
    if not seen.step:
        said = next((a.message for a in seen.answers if a.method == "step"), "no step is offered")
        return f"no step was taken: {said or 'the answer has another shape'}"
    if seen.strange:
        return f"the adapter lists arguments that the specification lacks: {'; '.join(seen.strange)}"
    if seen.several:
        rest = "" if all(c.agrees for c in seen.step) else f"; and {_departure(seen)}"
        return f"a step of several samples is wrong: {seen.several}{rest}"
    if seen.health == "agrees":
        return "adapter and step are sound: judge it with `conformance run`"
    return _departure(seen)


def _departure(seen: Examination) -> str:
    if seen.causes:
        proven = max(cause.proven for cause in seen.causes)
        said = " And: ".join(cause.what.rstrip(".") + "." for cause in seen.causes)
        return f"the step departs from the specification, proven on {proven} steps: {said}"
    if seen.slip:
        where = (
            "the adapter or the formula" if seen.authored else "the formula, or the names of the variables"
        )
        return f"the step is that of the specification with {seen.slip}: look at {where}"
    worst = max(float(np.max(compared.excess)) for compared in seen.step)
    names = ", ".join(compared.what for compared in seen.step if not compared.agrees)
    return (
        f"the step departs, and no documented variant fits: {names} is off by {worst:.2g} times the bound; "
        "check how the parameters are mapped, then the formula"
    )
