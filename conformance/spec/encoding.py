"""The values of an example as JSON, and back to the last bit; reading executes nothing.

Numbers, texts, lists and configs stand as they are. A value without a JSON form is an object of one name that
begins with `$`: `{"$array": [[0.5]], "dtype": "float32", "shape": [1, 1]}`, `{"$tuple": [2, 2]}`, `{"$step":
{...}}` and so on. A float that is not finite is the text "NaN", "Infinity" or "-Infinity", inside an array as
inside `$float`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from conformance.spec.cases import SequenceCase, StepCase
from conformance.spec.families import Sizes
from conformance.spec.families.mixed_memory import CELLS
from reference.wirings import KINDS

RECORDS: dict[str, type] = {"$step": StepCase, "$sequence": SequenceCase, "$sizes": Sizes}
TAGS = {type: tag for tag, type in RECORDS.items()}

NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = {name: np.dtype(name) for name in ("bool", *WHOLE, "float16", "float32", "float64")}

NAMED = {*CELLS, *KINDS}
"""The names that a config may use: the cells and the wirings of the specification."""

MOST_VALUES = 1_000_000
LARGEST_SIZE = 4096


class NotAnExample(ValueError):
    """The input is not of the expected form; the message says where."""


def plain(value: Any) -> Any:
    """Return `value` as JSON: dataclasses are objects, arrays lists, numbers that are not finite text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return _numbers(value)
    return str(value)


def encode(value: Any) -> Any:
    """Return `value` as JSON. Raises TypeError for a value that no example holds."""
    if isinstance(value, np.ndarray):
        return {"$array": _numbers(value.tolist()), "dtype": str(value.dtype), "shape": list(value.shape)}
    if isinstance(value, np.generic):
        return {"$number": _numbers(value.item()), "dtype": str(value.dtype)}
    if type(value) in TAGS:
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {TAGS[type(value)]: encode(fields)}
    if isinstance(value, tuple):
        return {"$tuple": [encode(item) for item in value]}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, Mapping) and not any(str(key).startswith("$") for key in value):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": _numbers(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"an example cannot hold {value!r}; it holds values of JSON, arrays, cases and sizes")


def _numbers(value: Any) -> Any:
    """Return nested lists of numbers, with those that are not finite as text."""
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def decode(plain: Any) -> Any:
    """Return the value that `encode` wrote. Raises NotAnExample."""
    if isinstance(plain, list):
        return [decode(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    tag = next((name for name in plain if name.startswith("$")), None)
    if tag is None:
        return checked_config(plain)
    if tag not in DECODERS:
        raise NotAnExample(f"unknown value {tag!r}; known: {', '.join(DECODERS)}")
    try:
        return DECODERS[tag](plain)
    except NotAnExample:
        raise
    except (KeyError, TypeError, ValueError, OverflowError) as wrong:
        raise NotAnExample(f"{tag}: {type(wrong).__name__}: {wrong}") from None


def checked_config(plain: dict[str, Any]) -> dict[str, Any]:
    """Return arguments by name. A framework would import the names in a config, so only known ones pass."""
    if "class_name" in plain and not (set(plain) == {"class_name", "config"} and _known(plain["class_name"])):
        raise NotAnExample(
            f"a config names the class {plain['class_name']!r}: it must hold class_name and config alone, "
            f"and name one of {', '.join(sorted(NAMED))}"
        )
    for name, value in plain.items():
        if type(value) is int and abs(value) > LARGEST_SIZE and not name.endswith("seed"):
            raise NotAnExample(f"{name}={value}: the largest size of an example is {LARGEST_SIZE}")
    return {name: decode(value) for name, value in plain.items()}


def _known(name: Any) -> bool:
    return isinstance(name, str) and name in NAMED


def _array(plain: dict[str, Any]) -> Any:
    dtype, shape = _dtype(plain), tuple(int(size) for size in plain["shape"])
    if min(shape, default=1) < 0 or math.prod(shape) > MOST_VALUES or len(shape) > 8:
        raise NotAnExample(f"an array of shape {shape}: there may be {MOST_VALUES} values in 8 dimensions")
    values = [_number(value) for value in _leaves(plain["$array"])]
    if len(values) != math.prod(shape):
        raise NotAnExample(f"an array of shape {shape} needs {math.prod(shape)}; it has {len(values)} values")
    return _exact(values, dtype).reshape(shape)


def _exact(values: list[Any], dtype: np.dtype[Any]) -> np.ndarray[Any, np.dtype[Any]]:
    with np.errstate(over="ignore"):
        array = np.array(values, dtype)
    kinds = {"b": bool, "f": int | float, "i": int, "u": int}
    if not all(
        isinstance(v, kinds[dtype.kind]) and isinstance(v, bool) == (dtype.kind == "b") for v in values
    ):
        raise NotAnExample(f"an array of {dtype} holds values of other types")
    return array


def _leaves(nested: Any) -> Iterator[Any]:
    if isinstance(nested, list):
        for item in nested:
            yield from _leaves(item)
    else:
        yield nested


def _number(value: Any) -> Any:
    return NOT_FINITE[value] if isinstance(value, str) else value


def _dtype(plain: dict[str, Any]) -> np.dtype[Any]:
    if plain["dtype"] not in DTYPES:
        raise NotAnExample(f"dtype {plain['dtype']!r}; known: {', '.join(DTYPES)}")
    return DTYPES[plain["dtype"]]


def _scalar(plain: dict[str, Any]) -> Any:
    return _exact([_number(plain["$number"])], _dtype(plain))[0]


def _record(tag: str) -> Callable[[dict[str, Any]], Any]:
    def build(plain: dict[str, Any]) -> Any:
        values = decode(plain[tag])
        if tag == "$sizes" and not all(type(v) is int and 0 < v <= LARGEST_SIZE for v in values.values()):
            raise NotAnExample(f"sizes must be whole numbers up to {LARGEST_SIZE}")
        return RECORDS[tag](**values)

    return build


DECODERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "$array": _array,
    "$number": _scalar,
    "$float": lambda plain: float(_number(plain["$float"])),
    "$tuple": lambda plain: tuple(decode(list(plain["$tuple"]))),
    **{tag: _record(tag) for tag in RECORDS},
}
