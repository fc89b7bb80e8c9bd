"""Copies of an array, computed side by side: each differs from the others in one element.

A derivative by the complex step takes one computation for each element. Here many elements share one
computation: its arrays have the copies along an additional first axis, which the formulas do not see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any


class Perturbed(np.lib.mixins.NDArrayOperatorsMixin):
    """Copies of one array, that take part in NumPy's operations with each other and with plain arrays.

    What they do not support raises TypeError or AttributeError.
    """

    __array_priority__ = 1.0

    def __init__(self, values: Array) -> None:
        """Take the copies, (copies, *shape), of an array of `shape`."""
        self.values = values
        self.ndim = values.ndim - 1

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape[1:])

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    @property
    def real(self) -> Perturbed:
        return Perturbed(self.values.real)

    @property
    def imag(self) -> Perturbed:
        return Perturbed(self.values.imag)

    def astype(self, dtype: Any) -> Perturbed:
        return Perturbed(self.values.astype(dtype))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Perturbed:
        return Perturbed(self.values[_of_each(index)])

    def __setitem__(self, index: Any, part: Any) -> None:
        each = _of_each(index)
        ndim = self.values[each].ndim - 1
        self.values[each] = _widened(part, ndim) if isinstance(part, Perturbed) else part

    def __bool__(self) -> bool:
        raise TypeError("copies of an array may differ, and so have no truth value")

    def __array__(self, *_: Any, **__: Any) -> Array:
        raise TypeError("copies of an array are no single array")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            return NotImplemented
        if ufunc is np.matmul and min(map(_ndim, operands)) < 2:
            return NotImplemented
        return Perturbed(ufunc(*_aligned(operands)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in FUNCTIONS:
            return FUNCTIONS[function](*args, **kwargs)
        if function.__module__.startswith("numpy"):
            return NotImplemented
        primitive = function.__wrapped__  # of the reference; with one argument it works element by element
        return primitive(*args) if len(args) > 1 else Perturbed(primitive(self.values))


def perturbed_in_each(value: Array, elements: Array, step: complex) -> Perturbed:
    """Return copies of `value`: in each, `step` is added at one of `elements`, flat indices."""
    copies = np.empty((len(elements), value.size), complex)
    copies[:] = np.ravel(value)
    copies[np.arange(len(elements)), elements] += step
    return Perturbed(copies.reshape(-1, *value.shape))


def _of_each(index: Any) -> tuple[Any, ...]:
    """Return the index of a part of each copy."""
    return (slice(None), *(index if isinstance(index, tuple) else (index,)))


def _ndim(a: Any) -> int:
    return a.ndim if isinstance(a, Perturbed) else np.ndim(a)


def _aligned(operands: Sequence[Any]) -> list[Array]:
    """Return arrays whose axes meet as NumPy broadcasts those of the operands, the copies in front."""
    most = max(map(_ndim, operands))
    return [_widened(a, most) if isinstance(a, Perturbed) else a for a in operands]


def _widened(a: Perturbed, ndim: int) -> Array:
    """Return the copies of an array with axes of size 1 in front of its own, `ndim` in all."""
    values = a.values
    if a.ndim == ndim:
        return values
    return values.reshape(values.shape[0], *(1,) * (ndim - a.ndim), *values.shape[1:])


def _behind(axis: int) -> int:
    """Return the axis as it is counted behind that of the copies."""
    return axis if axis < 0 else axis + 1


def _repeated(a: Array, number: int) -> Array:
    """Return `number` equal copies of a plain array."""
    return np.broadcast_to(a, (number, *np.shape(a)))


def _joining(join: Callable[..., Array]) -> Callable[..., Perturbed]:
    """Return `join`, which takes several arrays and an axis, for arrays of which some are copies."""

    def joined(arrays: Sequence[Any], axis: int = 0) -> Perturbed:
        number = next(len(a.values) for a in arrays if isinstance(a, Perturbed))
        copies = [a.values if isinstance(a, Perturbed) else _repeated(a, number) for a in arrays]
        return Perturbed(join(copies, axis=_behind(axis)))

    return joined


def _where(condition: Any, then: Any, otherwise: Any) -> Perturbed:
    return Perturbed(np.where(*_aligned((condition, then, otherwise))))


def _broadcast_to(a: Perturbed, shape: tuple[int, ...]) -> Perturbed:
    return Perturbed(np.broadcast_to(_widened(a, len(shape)), (len(a.values), *shape)))


def _reshape(a: Perturbed, shape: tuple[int, ...]) -> Perturbed:
    return Perturbed(a.values.reshape(len(a.values), *shape))


def _split(a: Perturbed, at: Any, axis: int = 0) -> list[Perturbed]:
    return [Perturbed(part) for part in np.split(a.values, at, axis=_behind(axis))]


def _sum(a: Perturbed, axis: int | None = None) -> Perturbed:
    every = tuple(range(1, a.values.ndim))
    return Perturbed(np.sum(a.values, axis=every if axis is None else _behind(axis)))


def _transpose(a: Perturbed) -> Perturbed:
    return Perturbed(np.transpose(a.values, (0, *range(a.ndim, 0, -1))))


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.broadcast_to: _broadcast_to,
    np.concatenate: _joining(np.concatenate),
    np.ndim: lambda a: a.ndim,
    np.reshape: _reshape,
    np.shape: lambda a: a.shape,
    np.split: _split,
    np.stack: _joining(np.stack),
    np.sum: _sum,
    np.transpose: _transpose,
    np.where: _where,
    np.zeros_like: lambda a: Perturbed(np.zeros_like(a.values)),
}
"""What the formulas take of NumPy besides operators."""
