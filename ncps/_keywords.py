"""Keyword arguments that a constructor does not have: refused, with the one that may have been meant."""

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
"""What Keras says of keyword arguments it does not know, with a dict of them; it says nothing else so."""


@contextlib.contextmanager
def suggesting(kind: type, given: Mapping[str, Any]) -> Iterator[None]:
    """Round Keras's constructor: what it does not recognise among `given` is told in our words.

    Args:
        kind: The class that is made.
        given: Dict of the keyword arguments that Keras is handed.

    Raises:
        ValueError: as Keras does, with the nearest name; whatever else it refuses, in its own words.
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
    """Make a constructor that lists its arguments for people and tools, and hands `base` what it is given.

    Every argument is shown with its default, and `base` still sees which of them were given.
    """

    def decorate(constructor: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(constructor)
        def construct(self, *arguments, **given):
            base.__init__(self, *arguments, **given)

        construct.__signature__ = inspect.signature(constructor)  # Keras looks at no wrapped function
        return cast(Callable[P, None], construct)

    return decorate


def named(constructor: Callable[P, None]) -> Callable[P, None]:
    """`constructor`, without `**kwargs`, that tells of a name it does not have which one may be meant.

    Raises:
        TypeError: as Python does.
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
    """The names that the constructor of `kind` takes; `**kwargs` are the next base's."""
    found: set[str] = set()
    for base in kind.__mro__:
        if "__init__" not in vars(base):
            continue
        _, *parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
        found |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found


def _refusal(owner: str, given: Mapping[str, Any], known: set[str]) -> str:
    name = min(given.keys() - known)
    call = f"{owner}({name}={shown(given[name])})"
    if name in ARGUMENTS and NEEDED.get(name, name) in {name, *known}:
        return f"{call}: {name} {ARGUMENTS[name]}"
    near = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "there are " + ", ".join(sorted(known))
    return f"{call}: there is no argument {name!r}; {hint}"
