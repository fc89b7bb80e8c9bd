"""Finds the first intermediate of a step that departs, for an implementation that reports its intermediates.

SPEC.md has their names, under "Intermediates". Their right values are those of variables and functions of the
reference while it computes: a copy of its source records them, so no formula is repeated here.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Container
from typing import Any

import numpy as np

from conformance.bounds.arrays import ErrorBounded
from conformance.driver.implementation import NotSupported, RequestRefused
from conformance.judging import assertions
from conformance.judging.assertions import assert_close
from conformance.judging.subject import Nonconformance, Subject
from conformance.oracle import source
from conformance.oracle.bounded import bounded
from conformance.spec.cases import StepCase
from conformance.spec.families.cfc import signed

MODULES = [name for name in source.MODULES if name.startswith("reference.")]


def first_departure(subject: Subject, case: StepCase) -> dict[str, Any]:
    """Return the "name" of the first departing intermediate, how it departs ("said"), and the "right" ones.

    Return {} if the implementation reports no intermediate of this step, or none departs.
    """
    told = _told(subject, case)
    right: list[str] = []
    for name, want in wanted(subject, case).items() if told else ():
        if name not in told:
            continue
        try:
            assert_close(subject, name, told[name], want)
        except Nonconformance as departure:
            return {"name": name, "said": departure.failure.summary, "right": right}
        right.append(name)
    return {}


def _told(subject: Subject, case: StepCase) -> dict[str, Any]:
    """Return the reported intermediates of a step, and its output, and its state if it differs."""
    if "intermediates" not in subject.implementation.describe().get("capabilities", ()):
        return {}
    given: dict[str, Any] = {"state": subject.tensors(case), "timespans": case.timespans}
    try:
        intermediates = subject.request("intermediates", **subject.case_params(case), **given)[
            "intermediates"
        ]
        answer = subject.step(case)
        results = {
            "state": assertions.joined(subject, case.config, answer["state"]),
            "output": answer["output"],
        }
    except (Nonconformance, NotSupported, RequestRefused):
        return {}
    if subject.family.shows_state(case.config):
        del results["state"]
    told = {name: np.asarray(value) for name, value in intermediates.items() if np.ndim(value) == 2}
    return {**told, **results} if told else {}


def wanted(subject: Subject, case: StepCase) -> dict[str, ErrorBounded]:
    """Return every intermediate of the reference's step, with its bound, in order; results last."""
    names = subject.family.intermediates(subject.family.full(case.config))
    intermediates: dict[str, ErrorBounded] = {}
    times = Counter[str]()

    def noted(place: str, value: Any) -> Any:
        intermediates[names[place].format(i=times[place])] = value
        times[place] += 1
        return value

    copies = bounded({module: source.changed_code(module, noting(module, names)) for module in MODULES})
    for copy in copies.values():
        vars(copy)[noted.__name__] = noted
    family = copies["conformance.spec.families"].FAMILIES[subject.family.name]
    output, state = subject.reference(case, family=family)
    return {**signed(intermediates, subject.variant), "state": state, "output": output}


def noting(module: str, places: Container[str]) -> ast.Module:
    """Return the tree of a module of the reference, changed to record the values at these places.

    A place is a function, for the value it returns, or a variable in one: "gate", "gate.slope"; in a loop,
    where it has a value for each turn, "backbone.for.z".
    """
    tree = _Noting(places).visit(ast.parse(source.text(module)))
    assert isinstance(tree, ast.Module)
    return ast.fix_missing_locations(tree)


class _Noting(ast.NodeTransformer):
    def __init__(self, places: Container[str]) -> None:
        self.places, self.path = places, list[str]()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._inside(node.name, node)

    def visit_For(self, node: ast.For) -> ast.AST:
        return self._inside("for", node)

    def visit_Return(self, node: ast.Return) -> ast.AST:
        node.value = self._noted(self.path, node.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if isinstance(node.targets[0], ast.Name):
            node.value = self._noted([*self.path, node.targets[0].id], node.value)
        return node

    def _inside(self, name: str, node: ast.AST) -> ast.AST:
        self.path.append(name)
        self.generic_visit(node)
        self.path.pop()
        return node

    def _noted(self, path: list[str], value: Any) -> Any:
        place = ".".join(path)
        if place not in self.places:
            return value
        return ast.Call(ast.Name("noted", ast.Load()), [ast.Constant(place), value], [])
