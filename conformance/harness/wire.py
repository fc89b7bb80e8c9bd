"""Messages and arrays on the wire: JSON, one message a line; arrays as dtype, shape and base64.

Both ends use this module. Declared sizes are checked before anything is allocated for them.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Any

import numpy as np

MAX_BYTES = 1 << 28
"""The longest message, and the largest array, in bytes."""
MAX_RANK = 16
MAX_DEPTH = 64
"""The deepest nesting of lists and objects in a message."""

DTYPES = {
    name: np.dtype(name).newbyteorder("<")
    for name in ("bool", "int32", "int64", "uint32", "float32", "float64")
}
HALVES = ("float16", "bfloat16")
"""Halves travel as float32, which holds them exactly; `cast_from` names the original dtype."""
_KEYS = ({"dtype", "shape", "base64"}, {"dtype", "shape", "base64", "cast_from"})


class WireError(ValueError):
    """The input is not a message, or not an array, of this protocol."""


class DtypeRefused(WireError):
    """Numbers of this dtype cannot be sent."""


def dumps(message: Any) -> bytes:
    """Return one message as one line, newline included. Raises WireError if it is too long or not JSON."""
    try:
        text = json.dumps(encode(message), allow_nan=False, separators=(",", ":"))
    except WireError:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"cannot be sent as JSON: {error}") from error
    if len(text) >= MAX_BYTES:
        raise WireError(f"a message of {len(text)} bytes; at most {MAX_BYTES - 1} are allowed")
    return text.encode() + b"\n"


def loads(line: bytes) -> Any:
    """Return the message in a line, arrays decoded. Raises WireError if there is none."""
    if len(line) > MAX_BYTES:
        raise WireError(f"a line of more than {MAX_BYTES} bytes")
    try:
        message = json.loads(line, parse_constant=_refuse, parse_float=_finite)
        check_depth(message)
        return decode(message)
    except (ValueError, RecursionError) as error:
        if isinstance(error, WireError):
            raise
        raise WireError(f"not a JSON message: {error}: {line[:80]!r}") from error


def check_depth(value: Any) -> None:
    """Raise WireError if lists and objects are nested deeper than `MAX_DEPTH`."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [one for item in level for one in _items(item) if isinstance(one, (dict, list))]
        if not level:
            return
    raise WireError(f"nested more than {MAX_DEPTH} deep")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _items(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse(constant: str) -> Any:
    raise WireError(f"{constant[:40]} is not JSON")


def encode(value: Any) -> Any:
    """Return a JSON value with every NumPy array or scalar in it as {"dtype", "shape", "base64"}."""
    if isinstance(value, (np.ndarray, np.generic)):
        return encode_array(np.asarray(value))
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def encode_array(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return an array, little-endian and in C order."""
    name, extra = array.dtype.name, {}
    if name in HALVES:
        extra, name, array = {"cast_from": name}, "float32", array.astype(np.float32)
    if name not in DTYPES:
        raise DtypeRefused(f"an array of dtype {name}; allowed are {', '.join((*DTYPES, *HALVES))}")
    data = np.asarray(array, DTYPES[name]).tobytes()
    return {"dtype": name, "shape": list(array.shape), "base64": base64.b64encode(data).decode(), **extra}


def decode(value: Any) -> Any:
    """Invert `encode`: every object with exactly the keys of an array becomes one."""
    if isinstance(value, dict):
        if value.keys() in _KEYS:
            return decode_array(value)
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value


def decode_array(value: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Return a writable array. Raises WireError unless dtype, shape and number of bytes agree."""
    dtype, shape, text = (value.get(name) for name in ("dtype", "shape", "base64"))
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise WireError(f"dtype {dtype!r}; allowed are {', '.join(DTYPES)}")
    size = _checked_size(shape) * DTYPES[dtype].itemsize
    if not isinstance(text, str) or len(text) != 4 * math.ceil(size / 3) or size > MAX_BYTES:
        raise WireError(f"{dtype} of shape {shape} is {size} bytes, which the base64 text is not")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise WireError(f"not base64: {error}") from error
    if len(data) != size:
        raise WireError(f"{dtype} of shape {shape} is {size} bytes, not {len(data)}")
    flat = np.frombuffer(bytearray(data), DTYPES[dtype])
    return flat.astype(flat.dtype.newbyteorder("="), copy=False).reshape(shape)


def _checked_size(shape: Any) -> int:
    if not isinstance(shape, list) or len(shape) > MAX_RANK:
        raise WireError(f"shape {shape!r} must be a list of at most {MAX_RANK} sizes")
    if not all(type(size) is int and 0 <= size <= MAX_BYTES for size in shape):
        raise WireError(f"shape {shape!r} must hold integers from 0 to {MAX_BYTES}")
    return math.prod(shape)
