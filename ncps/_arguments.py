"""Checks of constructor arguments: each returns a plain Python value, or raises an error that explains."""

import math
import numbers
import operator

import numpy as np

from ncps import activations


def shown(value):
    """Return `value` as typed in Python source, with strings in double quotes."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def refusal(error, owner, name, value, allowed):
    """Return an exception of type `error` with a message such as `CfCCell(mode="prue"): mode must be ...`."""
    return error(f"{owner}({name}={shown(value)}): {name} must be {allowed}")


def integer(owner, name, value, *, minimum, maximum=None, limit=""):
    """Return `value` as an int from `minimum` to `maximum`; accept NumPy integers, no booleans and no floats.

    `limit` explains the maximum in the message.
    """
    allowed = f"an integer of at least {minimum}"
    if maximum is not None:
        allowed += f" and at most {maximum}" + (f", {limit}" if limit else "")
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise refusal(TypeError, owner, name, value, allowed)
    number = operator.index(value)
    if number < minimum or (maximum is not None and number > maximum):
        raise refusal(ValueError, owner, name, value, allowed)
    return number


def entries(owner, name, value, wanted):
    """Raise an error unless `value`, an entry of a config, is a dict with at least the keys `wanted`."""
    if not isinstance(value, dict):
        raise TypeError(f"{owner}: {name} must be a dict with {', '.join(wanted)}, not {value!r}")
    if lacking := [key for key in wanted if key not in value]:
        raise ValueError(f"{owner}: {name} lacks {', '.join(lacking)}; get_config gives it")


def optional_integer(owner, name, value, *, minimum):
    """Return `value` as `integer` does, or None for None."""
    return None if value is None else integer(owner, name, value, minimum=minimum)


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def rate(owner, name, value):
    """Return `value` as a float in [0, 1)."""
    allowed = "a number of at least 0 and below 1"
    if not _is_number(value):
        raise refusal(TypeError, owner, name, value, allowed)
    if not 0 <= value < 1:
        raise refusal(ValueError, owner, name, value, allowed)
    return float(value)


def non_negative(owner, name, value):
    """Return `value` as a finite float of at least 0."""
    allowed = "a finite number of at least 0"
    if not _is_number(value):
        raise refusal(TypeError, owner, name, value, allowed)
    if not 0 <= value < math.inf:
        raise refusal(ValueError, owner, name, value, allowed)
    return float(value)


def interval(owner, name, value, *, minimum=None):
    """Return `value` as a list `[low, high]` of finite floats with `minimum` <= `low` <= `high`."""
    allowed = "a pair (low, high) of finite numbers, low at most high"
    if minimum is not None:
        allowed += f", and at least {minimum:g}"
    if not isinstance(value, (list, tuple)) or not all(map(_is_number, value)):
        raise refusal(TypeError, owner, name, value, allowed)
    lowest = -math.inf if minimum is None else minimum
    if len(value) != 2 or not lowest <= value[0] <= value[1] or not all(map(math.isfinite, value)):
        raise refusal(ValueError, owner, name, value, allowed)
    return [float(v) for v in value]


def choice(owner, name, value, choices):
    """Return `value`, which must be one of `choices`: strings, and possibly None."""
    allowed = "one of " + ", ".join(repr(c) for c in choices)
    if not isinstance(value, (str, *map(type, choices))):
        raise refusal(TypeError, owner, name, value, allowed)
    if value not in choices:
        raise refusal(ValueError, owner, name, value, allowed)
    return value


def activation(owner, name, value):
    """Return the activation function that `value` names, or `value` itself if it is a function."""
    try:
        return activations.get(value)
    except (ValueError, TypeError) as error:
        allowed = "'lecun_tanh', the name of a Keras activation such as 'tanh' or 'relu', a callable or None"
        kind = ValueError if isinstance(value, (str, dict)) else TypeError
        raise refusal(kind, owner, name, value, allowed) from error


def boolean(owner, name, value):
    """Return `value` as True or False; accept NumPy booleans and no numbers."""
    if not isinstance(value, (bool, np.bool_)):
        raise refusal(TypeError, owner, name, value, "True or False")
    return bool(value)
