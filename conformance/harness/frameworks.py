"""The frameworks of an author's own cell: arrays to and from them, and derivatives."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from .adapter import BadParams, ContractBroken, NotSupported
from .mapping import check_shapes
from .requests import Array
from .torch.building import array

Run = Callable[..., tuple[Any, list[Any]]]
"""A step as a function of nests of tensors: (output, the tensors of the state)."""


class NumPy:
    """Arrays as they are; no derivatives."""

    differentiates = False

    def tensor(self, array: Array) -> Any:
        """Return a copy, so that no array of a request is changed."""
        return np.array(array)

    def numpy(self, tensor: Any) -> Array:
        """Return a copy. Raises ContractBroken for a value that is no array."""
        try:
            made = np.array(tensor)
        except (TypeError, ValueError) as wrong:
            raise ContractBroken(f"no array can be made of {type(tensor).__name__}: {wrong}") from None
        return made.astype(np.float32) if made.dtype.name == "bfloat16" else made  # of ml_dtypes

    def holds_float64(self) -> bool:
        return True

    def versions(self) -> dict[str, str]:
        return {}

    def gradients(self, run: Run, given: Any, cotangents: Any) -> Any:
        """Differentiate sum(output * cotangent) + sum(state * its cotangent) by each of `given`."""
        raise NotSupported("NumPy has no derivatives")

    def tensors(self, nest: Any) -> Any:
        """Return a nest of arrays as one of tensors; None stays None."""
        return mapped(self.tensor, nest)

    def numpy_all(self, nest: Any) -> Any:
        """Return a nest of tensors as one of arrays; None stays None."""
        return mapped(self.numpy, nest)


class Torch(NumPy):
    differentiates = True

    def __init__(self) -> None:
        self.torch: Any = import_module("torch")

    def tensor(self, array: Array) -> Any:
        self.torch.set_default_dtype(self.torch.float64 if array.dtype == np.float64 else self.torch.float32)
        return self.torch.tensor(array)

    def numpy(self, tensor: Any) -> Array:
        return array(tensor) if isinstance(tensor, self.torch.Tensor) else super().numpy(tensor)

    def versions(self) -> dict[str, str]:
        return {"torch": self.torch.__version__}

    def gradients(self, run: Run, given: Any, cotangents: Any) -> Any:
        tensors = flat(mapped(lambda tensor: tensor.requires_grad_(), given))
        total = _total(run(*given), self.tensors(cotangents))
        gradients = self.torch.autograd.grad(total, tensors, allow_unused=True)
        zeros = self.torch.zeros_like
        slopes = iter([zeros(x) if g is None else g for x, g in zip(tensors, gradients, strict=True)])
        return mapped(lambda _: next(slopes), given)


class Jax(NumPy):
    differentiates = True

    def __init__(self) -> None:
        self.jax: Any = import_module("jax")

    def tensor(self, array: Array) -> Any:
        return self.jax.numpy.asarray(array)

    def holds_float64(self) -> bool:
        return bool(self.jax.config.jax_enable_x64)

    def versions(self) -> dict[str, str]:
        return {"jax": self.jax.__version__}

    def gradients(self, run: Run, given: Any, cotangents: Any) -> Any:
        _, pullback = self.jax.vjp(run, *given)
        return pullback(tuple(self.tensors(cotangents)))


class TensorFlow(NumPy):
    differentiates = True

    def __init__(self) -> None:
        self.tf: Any = import_module("tensorflow")

    def tensor(self, array: Array) -> Any:
        return self.tf.constant(array)

    def versions(self) -> dict[str, str]:
        return {"tensorflow": self.tf.__version__}

    def gradients(self, run: Run, given: Any, cotangents: Any) -> Any:
        tensors = flat(given)
        with self.tf.GradientTape() as tape:
            tape.watch(tensors)
            total = _total(run(*given), self.tensors(cotangents), self.tf.reduce_sum)
        slopes = iter(tape.gradient(total, tensors, unconnected_gradients="zero"))
        return mapped(lambda _: next(slopes), given)


_FRAMEWORKS: dict[str, type[NumPy]] = {
    "numpy": NumPy,
    "torch": Torch,
    "jax": Jax,
    "tensorflow": TensorFlow,
}


def framework(backend: str) -> NumPy:
    """Return the framework of this name. Raises BadParams for an unknown name."""
    if backend not in _FRAMEWORKS:
        raise BadParams(f"backend {backend!r}: must be one of {', '.join(_FRAMEWORKS)}")
    return _FRAMEWORKS[backend]()


def mapped(function: Callable[[Any], Any], nest: Any) -> Any:
    """Apply `function` to every leaf of a nest of dicts, lists and tuples, in order; None stays None."""
    if isinstance(nest, dict):
        return {name: mapped(function, item) for name, item in nest.items()}
    if isinstance(nest, (list, tuple)):
        return type(nest)(mapped(function, item) for item in nest)
    return None if nest is None else function(nest)


def flat(nest: Any) -> list[Any]:
    """Return the leaves of a nest, in order."""
    leaves: list[Any] = []
    mapped(leaves.append, nest)
    return leaves


def _total(
    answer: tuple[Any, list[Any]], cotangents: tuple[Any, list[Any]], add: Callable[[Any], Any] | None = None
) -> Any:
    tensors, weights = [answer[0], *answer[1]], [cotangents[0], *cotangents[1]]
    check_shapes(tensors, weights)
    products = [tensor * weight for tensor, weight in zip(tensors, weights, strict=True)]
    return sum(add(product) if add else product.sum() for product in products)
