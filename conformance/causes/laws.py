"""A law: the specification with some changes, by which a cell can be judged as by the specification."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import permutations
from types import CodeType, MappingProxyType, ModuleType
from typing import Any

import numpy as np

from conformance.bounds.arrays import Arithmetic, ErrorBounded, lift
from conformance.judging.assertions import joined
from conformance.judging.subject import Subject
from conformance.mutants import Mutant
from conformance.mutants.rewrite import Rewrite
from conformance.mutants.written import rewrites
from conformance.oracle import source
from conformance.oracle.bounded import bounded
from conformance.oracle.cell import COMPLEX_STEP
from conformance.spec.cases import StepCase, Values
from conformance.spec.families.base import Variant
from conformance.verdict import Cause
from reference import fold

CELL = "conformance.oracle.cell"
DIFFERENCE = 1e-5
"""The step of a difference that stands for the complex step of the suite's gradients."""

FAMILIES, SEQUENCE = "conformance.spec.families", "reference.sequence"


class Inapplicable(Exception):
    """A law does not compute what is asked: a change raises there, or two changes exclude each other."""


@dataclass(frozen=True)
class Change:
    """One change of the specification: a documented variant, or a known fault."""

    cause: Cause
    variant: Variant
    mutant: Mutant | None = None

    @classmethod
    def convention(cls, variant: Variant) -> Change:
        """Return the change to a documented variant."""
        said = ", ".join(f"{name}={value}" for name, value in variant.items())
        return cls(Cause("convention", said, f"computes with {said}, a documented variant"), variant)

    @classmethod
    def fault(cls, mutant: Mutant) -> Change:
        """Return the change by a known fault."""
        return cls(Cause("fault", mutant.name, mutant.what), {}, mutant)


class Law:
    """The specification of a family under some changes."""

    def __init__(self, family: str, changes: Sequence[Change]) -> None:
        """Raise Inapplicable if two changes cannot be made together."""
        self.family, self.changes = family, tuple(changes)
        self.variant = _joined([change.variant for change in changes])
        self.code = _composed([change.mutant for change in changes if change.mutant])

    @property
    def computes(self) -> bool:
        """Tell whether changed code computes the steps; for a variant alone, the reference itself does."""
        return bool(self.code)

    @property
    def causes(self) -> list[Cause]:
        """Return the causes that its changes are."""
        return [change.cause for change in self.changes]

    @cached_property
    def bounded(self) -> Mapping[str, ModuleType]:
        """Return copies of the reference that compute by the law with bounds."""
        return bounded(self.code, self._modules, _unchanged_bounded()) | self._unchanged_cell

    @cached_property
    def plain(self) -> Mapping[str, ModuleType]:
        """Return copies of the reference that compute by the law with plain arrays, real or complex."""
        return source.with_changes(self.code, self._modules, _unchanged()) | self._unchanged_cell

    @property
    def _modules(self) -> tuple[str, ...]:
        """Return the modules that compute a step of the family, or a sequence of steps."""
        cell = (CELL,) if CELL in self.code else ()
        return (*source.needed(f"{FAMILIES}.{self.family}"), SEQUENCE, *cell)

    @property
    def _unchanged_cell(self) -> dict[str, ModuleType]:
        """Return the module of the cell, which is given its family, unless it is changed itself."""
        return {} if CELL in self.code else {CELL: _unchanged()[CELL]}

    def fold(self, *arguments: Any, **options: Any) -> Any:
        """Fold a step over a sequence, as `reference.fold` does."""
        return self.bounded[SEQUENCE].fold(*arguments, **options)

    def step(self, subject: Subject, case: StepCase) -> tuple[ErrorBounded, ErrorBounded]:
        """Return output and state of a step with their bounds. Raises Inapplicable."""
        return self._computed(subject, case, self.bounded, subject.arithmetic)

    def value(self, subject: Subject, case: StepCase) -> tuple[Values, Values]:
        """Return output and state of a step without bounds. Raises Inapplicable."""
        return self._computed(subject, case, self.plain, None)

    def _computed(
        self,
        subject: Subject,
        case: StepCase,
        copies: Mapping[str, ModuleType],
        arithmetic: Arithmetic | None,
    ) -> tuple[Any, Any]:
        family = vars(copies[f"{FAMILIES}.{self.family}"])[self.family.upper()]
        config = subject.family.full(case.config)
        cell = copies[CELL].Cell(family, config, case.input_dim, subject.dtype, subject.dtype)

        def formula(parameters: Any, inputs: Any, state: Any, time: Any) -> Any:
            return family.reference(parameters, inputs, state, time, config, self.variant)

        cell.formula = formula
        given = [case.parameters, case.inputs, case.state, case.timespans]
        if arithmetic is not None:
            given = [_lifted(array, arithmetic) for array in given]
        try:
            with np.errstate(all="ignore"):
                output, state = cell.step(*given)
        except Exception as raised:  # whatever a change makes of a case, it computes nothing there
            raise Inapplicable(str(raised)) from None
        return output, state


class OwnStep:
    """A law whose step is the cell's own: judges sequences if the step is wrong for an unknown cause."""

    variant: Variant = MappingProxyType({})
    computes = True

    def __init__(self, cause: Cause) -> None:
        self.causes = [cause]

    def fold(self, *arguments: Any, **options: Any) -> Any:
        """Fold a step over a sequence, as the specification requires."""
        return fold(*arguments, **options)

    def step(self, subject: Subject, case: StepCase) -> tuple[ErrorBounded, ErrorBounded]:
        """Return what the cell answers, with twice the bounds of the specification's own step."""
        wanted = replace(subject, law=None).reference(case)
        arrays = {"inputs": case.inputs, "state": case.state}
        plain: dict[str, Any] = {n: a.value if isinstance(a, ErrorBounded) else a for n, a in arrays.items()}
        answers = self.value(subject, replace(case, **plain))
        bounds = [ErrorBounded(a, w.arithmetic, 2.0 * w.error) for a, w in zip(answers, wanted, strict=True)]
        return bounds[0], bounds[1]

    def value(self, subject: Subject, case: StepCase) -> tuple[Values, Values]:
        """Return what the cell answers; for a complex step, its slope by central differences."""
        point = {**case.parameters, "inputs": case.inputs, "state": case.state, "timespans": case.timespans}
        along = {name: a.imag / COMPLEX_STEP for name, a in point.items() if np.iscomplexobj(a)}
        answer = self._asked(subject, case, point, along, 0.0)
        if not along:
            return answer
        ahead, back = (self._asked(subject, case, point, along, by) for by in (DIFFERENCE, -DIFFERENCE))
        slopes = [(a - b) / (2.0 * DIFFERENCE) for a, b in zip(ahead, back, strict=True)]
        return answer[0] + 1j * COMPLEX_STEP * slopes[0], answer[1] + 1j * COMPLEX_STEP * slopes[1]

    def _asked(
        self, subject: Subject, case: StepCase, point: Mapping[str, Any], along: Mapping[str, Any], by: float
    ) -> tuple[Values, Values]:
        """Return what the cell answers, moved by so much along a direction."""
        there = {n: a.real + by * along[n] if n in along else a for n, a in point.items()}
        arrays = {name: there.pop(name) for name in ("inputs", "state", "timespans")}
        apart = subject.apart()
        answer = apart.step(replace(case, parameters=there, **arrays))
        return np.asarray(answer["output"]), joined(apart, case.config, answer["state"])


def _lifted(value: Any, arithmetic: Arithmetic) -> Any:
    if isinstance(value, Mapping):
        return {path: lift(array, arithmetic) for path, array in value.items()}
    return None if value is None else lift(value, arithmetic)


@cache
def _unchanged() -> dict[str, ModuleType]:
    return source.with_changes({})


@cache
def _unchanged_bounded() -> dict[str, ModuleType]:
    return bounded({})


def _joined(variants: Sequence[Variant]) -> Variant:
    joint: dict[str, Any] = {}
    for variant in variants:
        if joint.keys() & variant.keys():
            raise Inapplicable("two conventions about one thing")
        joint |= variant
    return joint


def _composed(mutants: Sequence[Mutant]) -> dict[str, source.Code]:
    """Return the code of the changed modules, each with all its changes."""
    by_module: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_module.setdefault(mutant.module, []).append(mutant)
    return {module: _merged(module, together) for module, together in by_module.items()}


def _merged(module: str, mutants: Sequence[Mutant]) -> source.Code:
    """Return the code of a module with several changes. Raise Inapplicable if they touch one passage."""
    if len(mutants) == 1:
        return mutants[0].code
    merged = list(source.code(module))
    if any(len(mutant.code) != len(merged) for mutant in mutants):
        raise Inapplicable("a change of the whole module")
    for mutant in mutants:
        for i in changed_statements(mutant):
            if merged[i] is not source.code(module)[i]:
                return _rewritten(module, mutants)
            merged[i] = mutant.code[i]
    return tuple(merged)


def _rewritten(module: str, mutants: Sequence[Mutant]) -> source.Code:
    """Return the code of a module in which several passages of its text are rewritten, in any order."""
    passages = {rewrite.name: rewrite for rewrite in rewrites()}
    if not all(mutant.name in passages for mutant in mutants):
        raise Inapplicable("two changes of one passage")
    code, by_statement = list(source.code(module)), dict[int, list[Rewrite]]()
    for mutant in mutants:
        for i in changed_statements(mutant):
            by_statement.setdefault(i, []).append(passages[mutant.name])
    for i, together in by_statement.items():
        code[i] = _rewritten_statement(module, i, together)
    return tuple(code)


def _rewritten_statement(module: str, index: int, together: Sequence[Rewrite]) -> CodeType:
    """Return the code of a statement of a module in which several passages are rewritten, in any order."""
    for order in permutations(together):
        text = source.statement(module, index)
        for rewrite in order:
            text = text.replace(rewrite.old, rewrite.new) if text.count(rewrite.old) == 1 else ""
        if text:
            return source.compiled(ast.parse(text).body[0], f"<{module}, changed>")
    raise Inapplicable("two changes of one passage")


@cache
def changed_statements(mutant: Mutant) -> tuple[int, ...]:
    """Return the positions of the statements of its module that a mutant changes."""
    pairs = zip(source.tree(mutant.module).body, mutant.changed().body, strict=True)
    return tuple(i for i, (old, new) in enumerate(pairs) if old is not new and ast.dump(old) != ast.dump(new))
