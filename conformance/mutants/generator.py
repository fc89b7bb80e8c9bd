"""Every small change of a formula: an operator, an operand, a sign, a constant, an order, a branch.

The boundary of a comparison is not moved (< to <=): every function of the reference is continuous there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

NUDGE = 1e-6
"""The relative change of a constant; 0 becomes this. In float64 an error of 1e-8 shows."""

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}

LOOKALIKES = (
    ("ff1_kernel", "ff2_kernel", "time_a/kernel", "time_b/kernel"),
    ("ff1_bias", "ff2_bias", "time_a/bias", "time_b/bias"),
    ("w_tau", "A"),
    ("kernel", "tau_kernel/kernel"),
    ("bias", "tau_kernel/bias"),
)
"""Parameters of one shape, which can be confused with each other."""

ELEMENTWISE = {
    "sigmoid", "absolute", "erf", "relu", "expm1_below_zero", "clip", "head",
    "np.exp", "np.tanh", "np.expm1", "np.log1p",
}  # fmt: skip
"""Functions that return an array of the shape of their first argument."""

Node = TypeVar("Node", bound=ast.AST)


@dataclass(frozen=True)
class Change:
    """One change of a module: `node` becomes `new`."""

    module: str
    statement: ast.stmt
    """The statement of the module that is changed: a function, or a constant."""
    before: str
    after: str
    """The changed statement, test, loop or default."""
    node: ast.AST
    new: ast.AST

    @property
    def function(self) -> str:
        """Return the name of the function that is changed, or "constant"."""
        return self.statement.name if isinstance(self.statement, ast.FunctionDef) else "constant"

    def applied(self, tree: ast.Module) -> ast.Module:
        """Return the module's tree with the change; all but the changed statement is shared with `tree`."""
        body = [
            replaced(statement, self.node, self.new) if statement is self.statement else statement
            for statement in tree.body
        ]
        return ast.Module(body, tree.type_ignores)

    @property
    def name(self) -> str:
        """Return the place of the change and the changed part."""
        return f"{self.module.rpartition('.')[2]}.{self.function}: {self.after}"


def changes(module: str, tree: ast.Module) -> list[Change]:
    """Return every change of a module, each once."""
    by_name: dict[str, Change] = {}
    for statement in tree.body:
        for part in parts(statement):
            for node, new in Alternatives(part).replacements:
                after = ast.unparse(replaced(part, node, new))
                change = Change(module, statement, ast.unparse(part), after, node, new)
                by_name.setdefault(change.name, change)
    return list(by_name.values())


def parts(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the parts to change: a constant, or a function's defaults, simple statements, tests and loops."""
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
        yield statement
    if isinstance(statement, ast.FunctionDef):
        yield from statement.args.defaults
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign | ast.Return):
                yield node
            elif isinstance(node, ast.If | ast.For):
                yield node.test if isinstance(node, ast.If) else node.iter


class Alternatives(ast.NodeVisitor):
    """Visitor that finds the possible replacements of each node of a part."""

    def __init__(self, part: ast.AST) -> None:
        self.replacements: list[tuple[ast.AST, ast.AST]] = []
        """(node, its possible replacement)"""
        self.operands = sorted(set(_operands(part)))
        if isinstance(part, ast.Compare):
            self.propose(part, ast.UnaryOp(ast.Not(), part))
        self.visit(part)

    def propose(self, node: ast.AST, *others: ast.AST) -> None:
        """Propose each of `others` for `node`; skip a number that would replace an array."""
        self.replacements += [
            (node, other) for other in others if isinstance(node, ast.Constant) or not _number(other)
        ]

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Propose another operator, one operand alone, and swapped operands if the order matters."""
        other = OPERATORS.get(type(node.op))
        if other:
            right = ast.UnaryOp(ast.USub(), node.right) if isinstance(node.op, ast.Sub) else node.right
            self.propose(node, ast.BinOp(node.left, other(), node.right), node.left, right)
            if isinstance(node.op, ast.Sub | ast.Div):
                self.propose(node, ast.BinOp(node.right, node.op, node.left))
        for operand in (node.left, node.right):
            if isinstance(operand, ast.Name):
                self.propose(
                    operand, *(ast.Name(name, ast.Load()) for name in self.operands if name != operand.id)
                )
        self.negate(node.left)
        self.generic_visit(node)

    def negate(self, node: ast.expr) -> None:
        """Propose the opposite sign; for a right operand it would repeat another change."""
        if isinstance(node, ast.Name | ast.Subscript):
            self.propose(node, ast.UnaryOp(ast.USub(), node))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """Propose to drop the sign."""
        if isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
            self.propose(node, node.operand)
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Propose a slightly different number."""
        if isinstance(node.value, float):
            self.propose(node, ast.Constant(node.value * (1.0 + NUDGE) or NUDGE))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Propose another parameter of the same shape."""
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        for group in LOOKALIKES:
            if key in group:
                self.propose(node, *(_subscript(node, other) for other in group if other != key))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Propose the argument instead of the call; for a selection, each branch alone, or both swapped."""
        name = ast.unparse(node.func)
        if name == "np.where":
            condition, first, second = node.args
            self.propose(node, ast.Call(node.func, [condition, second, first], []), first, second)
        elif name in ELEMENTWISE or isinstance(node.func, ast.Call):
            self.propose(node, node.args[0])
            self.negate(node.args[0])
        elif name == "reversed":
            self.propose(node, node.args[0])
        self.generic_visit(node)

    def visit_List(self, node: ast.List) -> None:
        """Propose the reverse order."""
        if len(node.elts) > 1:
            self.propose(node, ast.List(node.elts[::-1], node.ctx))
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        """Propose swapped branches."""
        self.propose(node, ast.IfExp(node.test, node.orelse, node.body))
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """Propose each condition alone."""
        self.propose(node, *node.values)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Propose to assign to one of several names alone."""
        if len(node.targets) > 1:
            self.propose(node, *(ast.Assign([target], node.value) for target in node.targets))
        self.generic_visit(node)


def replaced(tree: Node, node: ast.AST, new: ast.AST) -> Node:
    """Return a copy of `tree` in which `new` replaces `node`."""
    copy: Any = ast.fix_missing_locations(Replacement(node, new).visit(tree))
    return copy  # type: ignore[no-any-return]


class Replacement(ast.NodeTransformer):
    """Transformer that replaces one node by another, in a copy."""

    def __init__(self, node: ast.AST, new: ast.AST) -> None:
        self.node, self.new = node, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self.node:
            return self.new
        fields = {name: self._copied(value) for name, value in ast.iter_fields(node)}
        return ast.copy_location(type(node)(**fields), node)

    def _copied(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._copied(item) for item in value]
        return self.visit(value) if isinstance(value, ast.AST) else value


def _operands(part: ast.AST) -> Iterator[str]:
    """Yield the names that are added, subtracted, multiplied or divided."""
    for node in ast.walk(part):
        if isinstance(node, ast.BinOp):
            yield from (side.id for side in (node.left, node.right) if isinstance(side, ast.Name))


def _number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def _subscript(node: ast.Subscript, key: str) -> ast.Subscript:
    return ast.Subscript(node.value, ast.Constant(key), node.ctx)
