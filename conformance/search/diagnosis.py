"""Finds the known fault that explains a failure: the cell's step is that of a mutant in every case.

A mutant explains a failure only if its step, with a bound of its own, gives the answer in the failing case
and in every other case that was kept for that formula; if several do, none is named alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from conformance.bounds.arrays import ErrorBounded, lift
from conformance.driver.implementation import HarnessFault, NotSupported, RequestRefused
from conformance.judging.assertions import joined, ratio
from conformance.judging.subject import Example, Nonconformance, Subject, Tally
from conformance.mutants import Mutant, mutants
from conformance.oracle.bounded import bounded
from conformance.oracle.cell import CELLS
from conformance.search.intermediates import first_departure
from conformance.spec.cases import StepCase, Values, step_case
from conformance.spec.families import Config, Sizes
from conformance.verdict import Failure

CELL = "conformance.oracle.cell"

STEPS = {
    "cfc": ("activations", "backbone", "cfc"),
    "ltc": ("activations", "backbone", "ltc"),
    "wired_cfc": ("activations", "cfc", "wired_cfc"),
    "wired_ltc": ("activations", "solvers", "wired_ltc"),
}
"""The modules of the reference that compute a family's step."""

SEEDS = 6
SIZES = (Sizes(2, 3, 4, 5), Sizes(3, 3, 3, 3))
"""Sizes of the cases that are kept beside the failing one; in the second all sizes are equal."""

MOST = 4
"""The most faults that are named; if more fit, nothing is explained."""


@dataclass
class Diagnosis:
    """The state of the diagnosis of one formula of a cell on one backend at one precision."""

    kept: list[tuple[StepCase, Values, Values]] = field(default_factory=list)
    """Each case, with the output and state of the implementation."""
    fits: list[Mutant] | None = None
    """The mutants whose step gives the answers in all cases; None before they were computed."""


def diagnosed(subject: Subject, failure: Failure) -> Failure:
    """Return the failure with the faults that explain it; unchanged if none does, or it is not of a step."""
    case = subject.example.case
    if failure.excess is None or not isinstance(case, StepCase):
        return failure
    diagnosis = subject.diagnoses.setdefault(_key(subject, case), Diagnosis())
    apart = replace(subject, example=Example(), tally=Tally())
    departs: dict[str, Any] = {}
    try:
        _keep(apart, diagnosis, case)
        departs = first_departure(apart, case)
    except HarnessFault:  # the failure stands without
        subject.implementation.restart()
    found: dict[str, Any] = {}
    if 0 < len(fits := diagnosis.fits or []) <= MOST:
        named = [{"name": mutant.name, "what": mutant.what} for mutant in fits]
        found = {"cases": len(diagnosis.kept), "faults": named}
    if departs:
        found["departs"] = departs
    return replace(failure, diagnosis=found)


def _key(subject: Subject, case: StepCase) -> tuple[Any, ...]:
    form = [case.config.get(name) for name in subject.family.forms[0]]
    where = (subject.implementation.target, subject.cell["name"], subject.backend, subject.dtype)
    return (*where, str(dict(subject.variant)), str([_class(value) for value in form]))


def _class(value: Any) -> Any:
    return value["class_name"] if isinstance(value, dict) else value


def _keep(subject: Subject, diagnosis: Diagnosis, case: StepCase) -> None:
    """Add the failing case, the first time also similar ones, and keep only the mutants that fit all."""
    first = diagnosis.fits is None
    added = list(_answered(subject, [case, *(_alike(subject, case) if first else ())]))
    diagnosis.kept += added
    candidates = _candidates(subject) if first else iter(diagnosis.fits or [])
    diagnosis.fits = [mutant for mutant in candidates if _fits(subject, mutant, added)]


def _alike(subject: Subject, case: StepCase) -> Iterator[StepCase]:
    """Yield other cases of the same formula, large enough to distinguish most faults."""
    for seed in range(SEEDS):
        sizes = SIZES[seed % len(SIZES)]
        time = ("column", "flat")[seed // 2 % 2]
        config = _resized(case.config, sizes)
        dtype = subject.dtype
        yield step_case(subject.family, config, sizes, recipe="normal", seed=seed, time=time, dtype=dtype)


def _resized(config: Config, sizes: Sizes) -> Config:
    """Return the config with other sizes, where it has them as numbers and not as a graph."""
    numbers = {"units": sizes.units, "backbone_units": sizes.backbone_units}
    return {name: numbers[name] if name in numbers and value else value for name, value in config.items()}


def _answered(subject: Subject, cases: list[StepCase]) -> Iterator[tuple[StepCase, Values, Values]]:
    """Yield the cases that the implementation answers with numbers, with its answers."""
    for case in cases:
        try:
            answer = subject.step(case)
            state = joined(subject, case.config, answer["state"])
        except (Nonconformance, NotSupported, RequestRefused):
            continue
        yield case, np.asarray(answer["output"]), state


def _candidates(subject: Subject) -> Iterator[Mutant]:
    """Return the mutants of the family's step; for a cell behind an LSTM, all of them."""
    parts = STEPS.get(subject.family.name, (*sum(STEPS.values(), ()), "mixed_memory"))
    modules = {f"reference.{part}" for part in parts} | {
        CELL,
        f"conformance.spec.families.{subject.family.name}",
    }
    return (mutant for mutant in mutants().values() if mutant.module in modules)


def _fits(subject: Subject, mutant: Mutant, kept: list[tuple[StepCase, Values, Values]]) -> bool:
    step = _Step(subject, mutant)
    return bool(kept) and all(step.explains(case, output, state) for case, output, state in kept)


class _Step:
    """A mutant's step, computed with bounds."""

    def __init__(self, subject: Subject, mutant: Mutant) -> None:
        self.subject = subject
        self.cell: Any = bounded({mutant.module: mutant.changed()})[CELL].Cell
        variant, arithmetic = subject.variant, subject.arithmetic

        def formula(cell: Any, parameters: Any, inputs: Any, state: Any, time: Any) -> Any:
            """Compute with bounds, after any change that the mutant makes to its arguments."""
            lifted = {path: lift(value, arithmetic) for path, value in parameters.items()}
            given = [None if a is None else lift(a, arithmetic) for a in (inputs, state, time)]
            return cell.family.reference(lifted, *given, cell.config, variant)

        self.cell.formula = formula

    def explains(self, case: StepCase, output: Values, state: Values) -> bool:
        """Tell whether output and state are those of the mutant, within its bound."""
        model = self.subject.model(case.config, case.input_dim)
        model["cell"] = next(name for name, family in CELLS.items() if family == self.subject.family.name)
        try:
            with np.errstate(all="ignore"):
                wanted = self.cell.of(model).step(case.parameters, case.inputs, case.state, case.timespans)
        except Exception:  # whatever a mutant raises, it computes nothing
            return False
        return all(_within(got, want) for got, want in zip((output, state), wanted, strict=True))


def _within(got: Values, want: ErrorBounded) -> bool:
    return got.shape == want.shape and bool(np.all(ratio(np.abs(got - want.value), want.error) <= 1.0))
