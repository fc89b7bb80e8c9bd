"""Gradients of sum(output * cotangent) + sum(state * its cotangent), by each framework's differentiation."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..requests import Array
from .layers import Built
from .running import Function, Runner


def gradients(
    runner: Runner,
    built: Built,
    given: list[Any],
    function: Function,
    tensors: dict[str, Any],
    fixed: dict[str, Any],
    cotangents: list[Array],
) -> tuple[list[Any], dict[str, Any]]:
    """Return gradients, as arrays, by the layer's named parameters in their order, and by `tensors`.

    `function(layer, **tensors, **fixed)` returns an output and states. A gradient that does not exist for the
    framework is zero. Raises NotSupported if Keras has none.
    """
    if runner.backend not in _BY_BACKEND:
        raise runner.not_supported("Keras has no gradients")
    values = [value for _, value in built.values(given)]
    key = ("gradients", *(name for name, value in {**tensors, **fixed}.items() if value is not None))
    if key not in built.compiled:
        built.compiled[key] = _BY_BACKEND[runner.backend](runner, built, function)
    count = sum(len(own) for own in built.parameters)
    by_value, by_tensor = built.compiled[key](values, tensors, fixed, cotangents)
    return runner.arrays(list(by_value[:count])), runner.arrays(by_tensor)


def _jax(runner: Runner, built: Built, function: Function) -> Function:
    jax, pure = import_module("jax"), runner.pure(built, function)

    def total(values: Any, tensors: Any, fixed: Any, cotangents: Any) -> Any:
        return _total(runner, pure(values, {**tensors, **fixed}), cotangents)

    differentiated: Function = jax.jit(jax.grad(total, argnums=(0, 1), allow_int=True))
    return differentiated


def _tensorflow(runner: Runner, built: Built, function: Function) -> Function:
    tf, pure, tree = import_module("tensorflow"), runner.pure(built, function), runner.keras.tree

    def differentiated(values: Any, tensors: Any, fixed: Any, cotangents: Any) -> Any:
        values, tensors, fixed = tree.map_structure(runner.tensor_of_any, (values, tensors, fixed))
        flat = [*values, *_leaves(tensors, tree)]
        with tf.GradientTape() as tape:
            tape.watch([leaf for leaf in flat if leaf.dtype.is_floating])
            total = _total(runner, pure(values, {**tensors, **fixed}), cotangents)
        return _unflattened(tape.gradient(total, flat, unconnected_gradients="zero"), values, tensors, tree)

    return runner.compiled(differentiated)


def _torch(runner: Runner, built: Built, function: Function) -> Function:
    torch, tree = import_module("torch"), runner.keras.tree
    variables = [variable for own in built.parameters for variable in own.values()]

    def differentiated(values: Any, tensors: Any, fixed: Any, cotangents: Any) -> Any:
        for variable, value in zip([v for v, _ in built.values(built.initial)], values, strict=True):
            variable.assign(value)
        tensors = tree.map_structure(
            lambda a: None if a is None else runner.tensor(a).requires_grad_(), tensors
        )
        flat = _leaves(tensors, tree)
        answer = function(built.layer, **tensors, **tree.map_structure(runner.tensor, fixed))
        leaves = [variable.value for variable in variables] + flat
        slopes = torch.autograd.grad(_total(runner, answer, cotangents), leaves, allow_unused=True)
        filled = [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, slopes, strict=True)]
        return _unflattened(filled, variables, tensors, tree)

    return differentiated


def _total(runner: Runner, answer: Any, cotangents: list[Any]) -> Any:
    """Return the sum to differentiate, in the cotangents' dtype, because a half's sum would be rough."""
    ops = runner.keras.ops
    output, states = answer
    total = 0.0
    for tensor, cotangent in zip([output, *states], cotangents, strict=True):
        weights = runner.tensor_of_any(cotangent)
        total = total + ops.sum(ops.cast(tensor, weights.dtype) * weights)
    return total


def _leaves(tensors: Any, tree: Any) -> list[Any]:
    """Return the tensors that are given, in the order in which a structure is mapped, not flattened."""
    leaves: list[Any] = []
    tree.map_structure(lambda t: None if t is None else leaves.append(t), tensors)
    return leaves


def _unflattened(flat: list[Any], values: Any, tensors: Any, tree: Any) -> tuple[list[Any], Any]:
    """Return the gradients of `values`, and those of `tensors` in its structure, None where it has None."""
    rest = iter(flat[len(values) :])
    return flat[: len(values)], tree.map_structure(lambda t: None if t is None else next(rest), tensors)


_BY_BACKEND: dict[str, Callable[[Runner, Built, Function], Function]] = {
    "jax": _jax,
    "tensorflow": _tensorflow,
    "torch": _torch,
}
