"""The kinds of options: the values that each takes, from Python, from the command line and from pytest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from conformance.driver.implementation import EXEC
from conformance.options.shards import Shard


class UsageError(ValueError):
    """The request cannot be met; the message is one line that says what is possible."""


def _unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of option; kinds are compared by identity."""

    must_be: str
    """The values that it takes, in words."""
    accepts: Callable[[Any], bool]
    """Tells whether a value is of the right type: a caller from Python may give anything."""
    read: Callable[[Any], Any] = _unchanged
    """Returns the value of `RunOptions`. Raises UsageError."""
    by_click: dict[str, Any] = field(default_factory=dict)
    """What makes an option of this kind, as arguments of `click.option`."""
    by_pytest: dict[str, Any] = field(default_factory=dict)
    """The same, as arguments of `OptionGroup.addoption`."""


def read_names(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names of a list, separated by commas, given once or several times, without repeats."""
    texts = [value] if isinstance(value, str) else value
    names = [name.strip() for text in texts for name in text.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def read_targets(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return targets, as `read_names`; `exec:` takes all that follows it, for a command may hold commas."""
    texts = [value] if isinstance(value, str) else value
    targets: list[str] = []
    for text in texts:
        listed, begun, command = text.partition(EXEC)
        targets += [*read_names(listed), *([f"{EXEC}{command.strip()}"] if begun else [])]
    return tuple(dict.fromkeys(targets))


def read_path(text: str) -> Path:
    """Return an absolute path."""
    return Path(text).expanduser().absolute()


def read_shard(text: str) -> Shard:
    """Return a shard. Raises UsageError."""
    try:
        return Shard.parse(text)
    except ValueError as wrong:
        raise UsageError(f"--shard {wrong}") from None


def _are_names(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _integer(least: int) -> Kind:
    def accepts(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    def integer(text: str) -> int:
        if not accepts(int(text)):
            raise ValueError(text)
        return int(text)

    by_click, by_pytest = {"type": click.IntRange(min=least)}, {"type": integer}
    return Kind(f"an integer of at least {least}", accepts, by_click=by_click, by_pytest=by_pytest)


def choice(*values: str) -> Kind:
    """Return the kind of option that has one of these values."""
    by_click, by_pytest = {"type": click.Choice(values)}, {"choices": values}
    return Kind(" or ".join(map(repr, values)), values.__contains__, by_click=by_click, by_pytest=by_pytest)


_SEVERAL: dict[str, Any] = {
    "by_click": {"multiple": True, "default": ()},
    "by_pytest": {"action": "append"},
}
NAMES = Kind("a name, or several", _are_names, read_names, **_SEVERAL)
TARGETS = Kind("a name, or several", _are_names, read_targets, **_SEVERAL)
TEXT = Kind("a text", _is_text, os.fspath)
SHARD = Kind("a text", _is_text, read_shard)
FILE = Kind("a path", _is_text, read_path)
FOLDER = replace(FILE)
NEW_FILE = replace(FILE)
"""A file that the run writes."""
NEW_FOLDER = replace(FILE)
"""A folder that the run writes to."""
COUNT = _integer(1)
INTEGER = _integer(0)
SECONDS = Kind(
    "a positive number of seconds", _is_number, by_click={"type": float}, by_pytest={"type": float}
)
FLAG = Kind(
    "True or False",
    lambda value: isinstance(value, bool),
    by_click={"is_flag": True, "default": False},
    by_pytest={"action": "store_true"},
)
