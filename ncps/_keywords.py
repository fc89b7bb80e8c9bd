"""Errors for unknown keyword arguments of a constructor, with a suggestion of the nearest name."""

from __future__ import annotations

import contextlib
import difflib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ParamSpec, cast

from ncps._arguments import shown
from ncps._pypi import ARGUMENTS, NEEDED

P = ParamSpec("P")

UNRECOGNISED = "Unrecognized keyword arguments"
"""The text in Keras's error for unknown keyword arguments, before a dict of them, and in no other error."""


@contextlib.contextmanager
def suggesting(kind: type, given: Mapping[str, Any]) -> Iterator[None]:
    """Replace the message of Keras's constructor for arguments among `given` that it does not recognise.

    Args:
        kind: The class that is constructed.
        given: Dict of the keyword arguments that are passed to Keras.

    Raises:
        ValueError: where Keras raises it for an unknown argument, with the nearest name. Other errors of
            Keras pass unchanged.
    """
    try:
        yield
    except ValueError as error:
        said, known = str(error), names(kind)
        unknown = {n: v for n, v in given.items() if n not in known and repr(n) in said}
        if not unknown or UNRECOGNISED not in said:
            raise
        raise ValueError(_refusal(kind.__name__, unknown, known)) from error


def hand_on(base: type) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Make a constructor that lists its arguments for people and tools, and passes those given to `base`.

    The signature shows each argument with its default, and `base` gets only the arguments that were given.
    """

    def decorate(constructor: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(constructor)
        def construct(self, *arguments, **given):
            base.__init__(self, *arguments, **given)

        construct.__signature__ = inspect.signature(constructor)  # Keras looks at no wrapped function
        return cast(Callable[P, None], construct)

    return decorate


def named(constructor: Callable[P, None]) -> Callable[P, None]:
    """Return `constructor`, which has no `**kwargs`, with an error that suggests the nearest name.

    Raises:
        TypeError: for an unknown argument, as in Python.
    """
    _, *parameters = inspect.signature(constructor).parameters.values()
    known = {p.name for p in parameters}
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return constructor

    @functools.wraps(constructor)
    def construct(*arguments: P.args, **given: P.kwargs) -> None:
        if not given.keys() <= known:
            raise TypeError(_refusal(type(arguments[0]).__name__, given, known))
        constructor(*arguments, **given)

    return construct


def names(kind: type) -> set[str]:
    """Return the argument names of the constructor of `kind`; `**kwargs` stand for those of the next base."""
    known: set[str] = set()
    for base in kind.__mro__:
        if "__init__" not in vars(base):
            continue
        _, *parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
        known |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return known


def _refusal(owner: str, given: Mapping[str, Any], known: set[str]) -> str:
    name = min(given.keys() - known)
    call = f"{owner}({name}={shown(given[name])})"
    if name in ARGUMENTS and NEEDED.get(name, name) in {name, *known}:
        return f"{call}: {name} {ARGUMENTS[name]}"
    near = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "there are " + ", ".join(sorted(known))
    return f"{call}: there is no argument {name!r}; {hint}"
