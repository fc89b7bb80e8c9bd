"""The subject of a test: one cell of one implementation, at one precision."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from conformance.bounds.arrays import Arithmetic, ErrorBounded, lift
from conformance.driver.implementation import (
    ImplementationProtocol,
    ImplementationRaised,
    MethodUnresponsive,
    NotSupported,
)
from conformance.driver.messages import one_line
from conformance.driver.pool import Pool
from conformance.judging.arguments import CellArguments
from conformance.judging.compiling import runs_eagerly
from conformance.judging.example import Example
from conformance.judging.naming import unmapped
from conformance.judging.tally import Tally
from conformance.spec.cases import Case, StepCase, Values, as_lists
from conformance.spec.families import FAMILIES, Config, Family, Sizes
from conformance.spec.families.base import Variant
from conformance.verdict import Failure
from reference import fold


class Nonconformance(AssertionError):
    """A clause does not hold."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.summary)
        self.failure = failure


class Law(Protocol):
    """A changed specification."""

    def step(self, subject: Subject, case: StepCase) -> tuple[ErrorBounded, ErrorBounded]: ...

    def value(self, subject: Subject, case: StepCase) -> tuple[Values, Values]: ...

    def fold(self, *arguments: Any, **options: Any) -> Any: ...


def family_of(cell: Mapping[str, Any]) -> Family:
    """Return the family of a cell of `describe`, with the defaults that the cell itself shows."""
    family = FAMILIES[cell["family"]]
    return replace(family, defaults={**family.defaults, **cell.get("fixed", {})})


@dataclass
class Subject:
    """One cell of one implementation at one precision."""

    implementation: ImplementationProtocol
    cell: Mapping[str, Any]
    """The cell as the harness's `describe` has it: name, family, arguments, defaults."""
    dtype: str = "float32"
    variant: Variant = field(default_factory=dict)
    pool: Pool | None = None
    """The pool that starts the same target on another backend, or in a fresh process."""
    other_backends: tuple[str, ...] = ()
    variants: dict[tuple[str, ...], Variant] = field(default_factory=dict)
    """The variant that each cell, backend and precision was found to follow."""
    law: Law | None = None
    """What it is judged by in place of the specification, to see whether it explains a failure."""
    causes: MutableMapping[tuple[str, ...], Any] = field(default_factory=dict)
    """What is known of the causes of failures, by target, cell and backend."""
    quick: bool = False
    """True in a quick look at a backend that compiles: in few sizes, with few compiled examples."""
    tally: Tally = field(default_factory=Tally)
    example: Example = field(default_factory=Example)

    def number(self, clause: str) -> int:
        """Return the number of the next example of a clause; in a quick look each clause begins elsewhere."""
        begin = zlib.crc32(f"{clause} {self.cell['name']}".encode()) if self.quick else 0
        return begin + self.tally.examples

    @cached_property
    def family(self) -> Family:
        """Return the family; where the constructor lacks an argument, the default is the cell's value."""
        return family_of(self.cell)

    @property
    def timed(self) -> bool:
        """Tell whether a step takes elapsed time."""
        return bool(self.cell.get("timed", True))

    @property
    def without_time(self) -> str:
        """Say that a step takes no elapsed time, and what it raises if it is given some."""
        raised = self.cell.get("untimed")
        why = f": a step that is given some raises {one_line(raised)}" if raised else ""
        return f"the cell takes no elapsed time{why}"

    @property
    def takes_policy(self) -> bool:
        """Tell whether the cell's constructor takes a dtype policy."""
        return bool(self.cell.get("policies", True))

    @property
    def backend(self) -> str:
        return self.implementation.backend

    @cached_property
    def arithmetic(self) -> Arithmetic:
        return Arithmetic(self.dtype)

    @property
    def forms(self) -> list[Config]:
        """Return the formulas that the cell offers: all of the family's, or the default one."""
        accepted = [form for form in self.family.forms if all(self.accepts(name) for name in form)]
        forms = [f for f in accepted if all(self.offer.allows(name, value) for name, value in f.items())]
        return forms or [{}]

    @property
    def steady_forms(self) -> list[Config]:
        """Return the formulas that can be judged at any elapsed time.

        Raises NotSupported if there are none.
        """
        steady = [form for form in self.forms if self.family.steady(form)]
        if not steady:
            raise NotSupported("the cell has no formula that can be judged at every elapsed time")
        return steady

    def needs(self, method: str, *params: str) -> None:
        """Raise NotSupported unless the harness knows these later parameters of the method."""
        for name in params:
            if not self.knows(method, name):
                raise NotSupported(f"{method} with {name!r}, which the harness does not know")

    def knows(self, method: str, param: str) -> bool:
        """Tell whether the harness knows a later parameter of a method."""
        return param in self.implementation.describe().get("optional_params", {}).get(method, ())

    @cached_property
    def offer(self) -> CellArguments:
        """Return the arguments of the cell, and the values that they may have."""
        return CellArguments.of(self.cell)

    def accepts(self, argument: str) -> bool:
        """Tell whether the cell's constructor takes `argument`."""
        return self.offer.accepts(argument)

    def config(self, sizes: Sizes, *, layers: int | None = None, **arguments: Any) -> Config:
        """Return a config of the family, without the arguments that this cell does not have.

        The backbone, unless `layers` are given, is the typical one, or the only one that the cell has.
        A default that the cell does not allow is replaced by the first value that it allows.

        Raises:
            NotSupported: the cell allows no such formula, or no backbone of so many layers.
        """
        for name, value in arguments.items():
            listed = self.offer.values.get(name) and not isinstance(value, dict)
            if listed and not self.offer.allows(name, value):
                raise NotSupported(f"{self.cell['name']} has no {name}={value!r}")
        only = self.offer.values.get("backbone_layers")
        if layers is not None and not self.offer.allows("backbone_layers", layers):
            raise NotSupported(f"{self.cell['name']} has no backbone_layers={layers}")
        layers = only[0] if layers is None and only else layers
        config = self.offer.trimmed(self.family.config(sizes, layers=layers, **arguments))
        defaults = {n: v for n, v in config.items() if n not in arguments and not isinstance(v, dict)}
        return {**config, **self._allowed(defaults)}

    def _allowed(self, defaults: Config) -> Config:
        """Replace each value that the cell does not allow by the first that it allows."""
        return {n: self.offer.choose(n, [v, *self.offer.values.get(n, [])])[0] for n, v in defaults.items()}

    def model(
        self, config: Config, input_dim: int, *, dtype: str | None = None, seed: int = 0
    ) -> dict[str, Any]:
        """Return the cell that a request is about."""
        return {
            "cell": self.cell["name"],
            "config": config,
            "input_dim": input_dim,
            "dtype": dtype or self.dtype,
            "seed": seed,
        }

    def request(self, method: str, *, to: ImplementationProtocol | None = None, **params: Any) -> Any:
        """Return the implementation's answer; an exception that it raises is a departure."""
        try:
            return self.attempt(method, to=to, **params)
        except ImplementationRaised as raised:
            said = one_line(raised.message)
            place = "" if raised.place is None else str(raised.place)
            exception = {"type": raised.type, "message": said, "place": place}
            raise self.departure(f"{method} raises {raised.type}: {said}", raised=exception) from None

    def attempt(self, method: str, *, to: ImplementationProtocol | None = None, **params: Any) -> Any:
        """Return the implementation's answer.

        Raises:
            ImplementationRaised, NotSupported: as the implementation does.
            Nonconformance: variables that have their names in the default config lack them in this config.
        """
        if runs_eagerly(self.backend, self.example.number, method, params, quick=self.quick):
            params |= {"eager": True} if method == "step" or self.knows(method, "eager") else {}
        self.example.record(method, params)
        asked = to or self.implementation
        try:
            return self.example.answer(method, params, lambda: asked.request(method, **params))
        except ImplementationRaised:
            self.example.refused = True
            raise
        except MethodUnresponsive:
            raise
        except NotSupported:
            wrong = None
            if params.get("parameters"):
                wrong = unmapped(self.family, self.config(Sizes()), asked, params)
            if wrong is None:
                raise
            raise self.departure(wrong) from None

    def departure(self, summary: str, **evidence: Any) -> Nonconformance:
        """Return a departure, with the current case, or else the last request."""
        case = self.example.case or (self.example.requests[-1][1] if self.example.requests else {})
        return Nonconformance(Failure(summary, case=as_lists(case), **evidence))

    def case_params(self, case: Case) -> dict[str, Any]:
        """Return the parameters of a request about `case`: model, values and inputs."""
        self.example.case = case
        self.example.tags |= {self.dtype, *(v for v in case.config.values() if isinstance(v, str))}
        self.tally.shapes.add(case.shape)
        model = self.model(case.config, case.input_dim)
        return {"model": model, "parameters": dict(case.parameters), "inputs": case.inputs}

    def outputs(self, config: Config) -> int:
        """Return the size of the output of a cell with this config."""
        return self.family.output_size(self.family.full(config))

    def state_size(self, config: Config) -> int:
        """Return the size of the whole state, its tensors side by side."""
        return self.family.state_size(config)

    def tensors(self, case: Case) -> list[Values] | None:
        """Return the tensors of the case's state."""
        return None if case.state is None else self.family.split(case.config, case.state)

    def step(self, case: StepCase, **options: Any) -> dict[str, Any]:
        """Return the answer to `step`: output, state (a list) and the other requested values."""
        given = {"state": self.tensors(case), "timespans": case.timespans}
        answer: dict[str, Any] = self.request("step", **{**self.case_params(case), **given, **options})
        return answer

    def reference(
        self, case: StepCase, variant: Variant | None = None, family: Family | None = None
    ) -> tuple[ErrorBounded, ErrorBounded]:
        """Return the output and the new state that the specification requires, with their bounds.

        `family` is a copy of the cell's own family, if a copy of the reference is to compute them.
        """
        if self.law and variant is None and family is None:
            return self.law.step(self, case)
        bounded = {path: lift(value, self.arithmetic) for path, value in case.parameters.items()}
        arrays = [lift(array, self.arithmetic) for array in (case.inputs, case.state, case.column)]
        config, chosen = self.family.full(case.config), self.variant if variant is None else variant
        reference = (family or self.family).reference
        with np.errstate(all="ignore"):
            return reference(bounded, arrays[0], arrays[1], arrays[2], config, chosen)

    def computed(self, case: StepCase) -> tuple[Values, Values]:
        """Return output and new state as `reference` does, but without bounds; arrays may be complex."""
        if self.law:
            return self.law.value(self, case)
        config = self.family.full(case.config)
        return self.family.reference(
            case.parameters, case.inputs, case.state, case.column, config, self.variant
        )

    def fold(self, *arguments: Any, **options: Any) -> Any:
        """Fold a step over a sequence, as the specification requires."""
        return (self.law.fold if self.law else fold)(*arguments, **options)

    def elsewhere(self, backend: str) -> ImplementationProtocol:
        """Return the same target in another process: of another backend, or of the same one."""
        if self.pool is None:
            raise NotSupported("no second process can be started for this target")
        return self.pool.elsewhere(self.implementation.target, backend, same=backend == self.backend)

    def apart(self) -> Subject:
        """Return the subject for requests that are neither counted nor recorded, by the specification."""
        return replace(self, example=Example(number=self.example.number), tally=Tally(), law=None)

    def prepare_confirmation(self) -> None:
        """Let the process that confirms failures start, while something else is done."""
        if self.pool is not None:
            self.pool.confirming(self.implementation)

    def confirmers(self) -> Iterator[ImplementationProtocol]:
        """Yield the process that is kept for failing examples, then a fresh one; or the latter alone."""
        if self.pool is not None and (kept := self.pool.confirming(self.implementation)):
            self.pool.close_readers()
            yield kept
            kept.restart()
            yield kept
        else:
            self.renew()
            yield self.implementation

    def renew(self) -> None:
        """Start fresh processes, which keep nothing of earlier requests."""
        if self.pool is not None:
            self.pool.close_readers()
        self.implementation.restart()
