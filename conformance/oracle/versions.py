"""Versions of an array, computed side by side: each differs from the others in one element.

A derivative by the complex step takes a computation for each element. Those of many elements are one here,
whose arrays have the versions along an axis of their own, in front; the formulas do not see it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any


class Versions(np.lib.mixins.NDArrayOperatorsMixin):
    """Versions of one array, that take part in NumPy's operations with each other and with plain arrays.

    What they do not support raises TypeError or AttributeError.
    """

    __array_priority__ = 1.0

    def __init__(self, values: Array) -> None:
        """Take the versions, (versions, *shape), of an array of `shape`."""
        self.values = values
        self.ndim = values.ndim - 1

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape[1:])

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    @property
    def real(self) -> Versions:
        return Versions(self.values.real)

    @property
    def imag(self) -> Versions:
        return Versions(self.values.imag)

    def astype(self, dtype: Any) -> Versions:
        return Versions(self.values.astype(dtype))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Versions:
        return Versions(self.values[_of_each(index)])

    def __setitem__(self, index: Any, part: Any) -> None:
        each = _of_each(index)
        ndim = self.values[each].ndim - 1
        self.values[each] = _widened(part, ndim) if isinstance(part, Versions) else part

    def __bool__(self) -> bool:
        raise TypeError("versions of an array may differ, and so have no truth value")

    def __array__(self, *_: Any, **__: Any) -> Array:
        raise TypeError("versions of an array are no single array")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            return NotImplemented
        if ufunc is np.matmul and min(map(_ndim, operands)) < 2:
            return NotImplemented
        return Versions(ufunc(*_aligned(operands)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in FUNCTIONS:
            return FUNCTIONS[function](*args, **kwargs)
        if function.__module__.startswith("numpy"):
            return NotImplemented
        primitive = function.__wrapped__  # of the reference; one of a single array takes each number alone
        return primitive(*args) if len(args) > 1 else Versions(primitive(self.values))


def moved_in_each(value: Array, elements: Array, step: complex) -> Versions:
    """Return versions of `value`, each moved by `step` in one of the elements, numbered as they lie."""
    versions = np.empty((len(elements), value.size), complex)
    versions[:] = np.ravel(value)
    versions[np.arange(len(elements)), elements] += step
    return Versions(versions.reshape(-1, *value.shape))


def _of_each(index: Any) -> tuple[Any, ...]:
    """Return the index of a part of each version."""
    return (slice(None), *(index if isinstance(index, tuple) else (index,)))


def _ndim(a: Any) -> int:
    return a.ndim if isinstance(a, Versions) else np.ndim(a)


def _aligned(operands: Sequence[Any]) -> list[Array]:
    """Return arrays whose axes meet as NumPy broadcasts those of the operands, the versions in front."""
    most = max(map(_ndim, operands))
    return [_widened(a, most) if isinstance(a, Versions) else a for a in operands]


def _widened(a: Versions, ndim: int) -> Array:
    """Return the versions of an array with axes of size 1 in front of its own, `ndim` in all."""
    values = a.values
    if a.ndim == ndim:
        return values
    return values.reshape(values.shape[0], *(1,) * (ndim - a.ndim), *values.shape[1:])


def _behind(axis: int) -> int:
    """Return the axis as it is counted behind that of the versions."""
    return axis if axis < 0 else axis + 1


def _repeated(a: Array, number: int) -> Array:
    """Return `number` equal versions of a plain array."""
    return np.broadcast_to(a, (number, *np.shape(a)))


def _joining(join: Callable[..., Array]) -> Callable[..., Versions]:
    """Return `join`, which takes several arrays and an axis, for arrays of which some are versions."""

    def joined(arrays: Sequence[Any], axis: int = 0) -> Versions:
        number = next(len(a.values) for a in arrays if isinstance(a, Versions))
        versions = [a.values if isinstance(a, Versions) else _repeated(a, number) for a in arrays]
        return Versions(join(versions, axis=_behind(axis)))

    return joined


def _where(condition: Any, then: Any, otherwise: Any) -> Versions:
    return Versions(np.where(*_aligned((condition, then, otherwise))))


def _broadcast_to(a: Versions, shape: tuple[int, ...]) -> Versions:
    return Versions(np.broadcast_to(_widened(a, len(shape)), (len(a.values), *shape)))


def _reshape(a: Versions, shape: tuple[int, ...]) -> Versions:
    return Versions(a.values.reshape(len(a.values), *shape))


def _split(a: Versions, at: Any, axis: int = 0) -> list[Versions]:
    return [Versions(part) for part in np.split(a.values, at, axis=_behind(axis))]


def _sum(a: Versions, axis: int | None = None) -> Versions:
    every = tuple(range(1, a.values.ndim))
    return Versions(np.sum(a.values, axis=every if axis is None else _behind(axis)))


def _transpose(a: Versions) -> Versions:
    return Versions(np.transpose(a.values, (0, *range(a.ndim, 0, -1))))


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
    np.zeros_like: lambda a: Versions(np.zeros_like(a.values)),
}
"""What the formulas take of NumPy besides operators."""
