"""The request for a run: builds RunOptions from a caller's values, and rejects invalid ones with an error."""

from __future__ import annotations

import difflib
import math
import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from conformance.driver import names
from conformance.driver.implementation import BACKENDS, EXEC, command_of
from conformance.driver.process import cores
from conformance.options.shards import Shard
from conformance.options.table import OPTIONS, TARGETS, Kind, Option

Variant = Literal["auto", "strict"]
TARGET = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*)(:(?P<name>\S+))?")

FILE = re.compile(r"(?P<folder>(.*[/\\])?)(?P<module>[^\W\d]\w*)\.py(:(?P<name>[^\W\d]\w*))?")
"""A target in the form of a file and a name in it."""


class UsageError(ValueError):
    """The request cannot be met; the message is one line that says what is possible."""


@dataclass(frozen=True)
class RunOptions:
    """The options of a run, as the caller gave them.

    Empty `backends` means all: those of Keras until `resolve`, those of the other targets until `settled`.
    Empty `clauses` means every clause.
    """

    targets: tuple[str, ...] = ("ncps",)
    backends: tuple[str, ...] = ()
    named: bool = field(default=False, compare=False)
    """True if `backends` are those that the caller named, and no others."""
    python: str = sys.executable
    path: Path | None = None
    family: str | None = None
    names: Path | None = None
    variant: Variant = "auto"
    max_examples: int | None = None
    smoke: bool = False
    seed: int | None = None
    clauses: tuple[str, ...] = ()
    spec: str | None = None
    shard: Shard | None = None
    json: Path | None = None
    examples: Path | None = None
    known_failures: Path | None = None
    strict: bool = False
    min_judged: int | None = None
    write_known_failures: Path | None = None
    timeout: float = 60.0
    time_limit: float | None = None
    in_process: bool = False
    junit: Path | None = None
    markdown: Path | None = None
    jobs: int | None = None

    @property
    def groups(self) -> int:
        """Return the number of harnesses that share the tests: one a target, backend and regime."""
        return len(self.targets) * max(1, len(self.backends)) * (1 if self.in_process else 2)

    @property
    def workers(self) -> int:
        """Return the number of processes that run tests in parallel; 0 is none but this one."""
        wanted = min(self.jobs or cores(), self.groups)
        return 0 if self.in_process or wanted < 2 else wanted


PATHS = ("path", "names", "json", "junit", "markdown", "examples", "known_failures", "write_known_failures")


def run_options(values: Mapping[str, Any]) -> RunOptions:
    """Return the options from values by option name, None for the default.

    Raises:
        UsageError: an invalid target, backend or number.
    """
    given = {name: value for name, value in values.items() if value is not None}
    for option in (TARGETS, *OPTIONS):
        if option.field in given:
            _check_value(option, given[option.field])
    given |= {name: _path(given[name]) for name in PATHS if name in given}
    given |= {"python": os.fspath(given["python"])} if "python" in given else {}
    options = RunOptions(
        targets=_targets(given.pop("target", ())) or ("ncps",),
        backends=(backends := _names(given.pop("backend", ()))),
        named=bool(backends),
        clauses=_names(given.pop("clause", ())),
        shard=_shard(given.pop("shard", None)),
        **given,
    )
    _check(options)
    return options


def _check_value(option: Option, value: Any) -> None:
    """Raise UsageError for a value of the wrong type: a caller from Python may give anything."""
    kinds: dict[Kind, tuple[str, bool]] = {
        "names": ("a name, or several", _of_names(value)),
        "text": ("a text", isinstance(value, str | os.PathLike)),
        "file": ("a path", isinstance(value, str | os.PathLike)),
        "folder": ("a path", isinstance(value, str | os.PathLike)),
        "count": ("an integer of at least 1", _integer(value, 1)),
        "integer": ("an integer of at least 0", _integer(value, 0)),
        "seconds": (
            "a positive number of seconds",
            isinstance(value, int | float) and not isinstance(value, bool),
        ),
        "choice": (" or ".join(map(repr, option.choices)), value in option.choices),
        "flag": ("True or False", isinstance(value, bool)),
    }
    must_be, holds = kinds[option.kind]
    if not holds:
        raise UsageError(f"--{option.name} {value!r}: must be {must_be}")


def _of_names(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
    )


def _integer(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names of a list, separated by commas, given once or several times, without repeats."""
    texts = [value] if isinstance(value, str) else value
    names = [name.strip() for text in texts for name in text.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def _targets(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return targets, as `_names`; `exec:` takes all that follows it, for a command may hold commas."""
    texts = [value] if isinstance(value, str) else value
    found: list[str] = []
    for text in texts:
        names, begun, command = text.partition(EXEC)
        found += [*_names(names), *([f"{EXEC}{command.strip()}"] if begun else [])]
    return tuple(dict.fromkeys(found))


def _shard(text: str | None) -> Shard | None:
    try:
        return None if text is None else Shard.parse(text)
    except ValueError as wrong:
        raise UsageError(f"--shard {wrong}") from None


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _check(options: RunOptions) -> None:
    for target in options.targets:
        _check_target(target)
    for backend in options.backends:
        if backend not in BACKENDS and set(options.targets) == {"ncps"}:
            raise UsageError(unknown("backend", backend, BACKENDS))
    if not 0 < options.timeout < math.inf:
        raise UsageError(f"--timeout {options.timeout:g}: must be a positive number of seconds")
    if options.path is not None and not options.path.is_dir():
        raise UsageError(f"--path {options.path}: no such folder")
    if options.names is not None:
        _check_names(options.names)
    if options.time_limit is not None and not 0 < options.time_limit < math.inf:
        raise UsageError(f"--time-limit {options.time_limit:g}: must be a positive number of seconds")
    for name in ("json", "junit", "markdown", "write_known_failures", "examples"):
        if (path := getattr(options, name)) is not None:
            _check_writable(name.replace("_", "-"), path)
    if options.write_known_failures and not options.write_known_failures.suffix:
        raise UsageError(
            f"--write-known-failures {options.write_known_failures}: give it a name with a suffix, as in "
            "known.toml: its examples go to a folder named without"
        )
    if all(target.startswith(EXEC) for target in options.targets):
        _check_commands(options)
    if options.in_process:
        _check_in_process(options)


def _check_target(target: str) -> None:
    if target.startswith(EXEC):
        try:
            command_of(target)
        except ValueError as wrong:
            raise UsageError(str(wrong)) from None
        return
    match = TARGET.fullmatch(target)
    if match is None or (match["name"] is None and target != "ncps"):
        near = _meant(target)
        hint = f" (did you mean {near}?)" if near else ""
        raise UsageError(f"unknown target {target!r}{hint}: a target is 'ncps', MODULE:CLASS or exec:COMMAND")


def _meant(target: str) -> str:
    """Return the likely meaning of an invalid target: MODULE:CLASS of a file, or of a dotted name."""
    if match := FILE.fullmatch(target):
        folder = match["folder"].rstrip("/\\")
        where = f" --path {shlex.quote(folder)}" if folder else ""
        return f"{match['module']}:{match['name'] or 'CLASS'}{where}"
    module, dot, name = target.rpartition(".")
    if dot and TARGET.fullmatch(target):
        return f"{module}:{name}"
    return "'ncps'" if difflib.get_close_matches(target, ["ncps"]) else ""


def _check_writable(name: str, path: Path) -> None:
    """Raise UsageError, before a run of minutes, if its file or folder cannot be written at the end."""
    nearest = next(place for place in (path, *path.parents) if place.exists())
    folder = nearest.is_dir()
    why = f"{nearest} is not writable" if not os.access(nearest, os.W_OK) else ""
    if nearest != path and not folder:
        why = f"{nearest} is no folder"
    elif nearest == path and folder != (name == "examples"):
        why = "it is a folder" if folder else "it is no folder"
    if why:
        raise UsageError(f"--{name} {path}: cannot be written, {why}")


def _check_names(path: Path) -> None:
    try:
        names.read(path)
    except names.NoMapping as wrong:
        raise UsageError(f"--names {wrong}") from None


def _check_commands(options: RunOptions) -> None:
    said = {name: getattr(options, name) is not None for name in ("path", "family", "names")}
    for name, given in {"python": options.python != sys.executable, **said}.items():
        if given:
            raise UsageError(f"--{name}: says nothing to {options.targets[0]}, which is started as it stands")


def _check_in_process(options: RunOptions) -> None:
    if len(options.backends) > 1 or len(options.targets) > 1:
        raise UsageError("--in-process: runs one target on one backend; name one of each")
    if options.targets[0].startswith(EXEC):
        raise UsageError(f"--in-process: {options.targets[0]} is a process of its own")
    if Path(options.python) != Path(sys.executable):
        raise UsageError("--in-process: runs in this interpreter; leave out --python")


def unknown(
    what: str, name: str, known: Iterable[str], see: str = "conformance list", also: Iterable[str] = ()
) -> str:
    """Return one line about an unknown name: the nearest known name, and all of them if they are few.

    Args:
        see: the command that lists all.
        also: another likely meaning, which is not listed.
    """
    names = list(known)
    near = difflib.get_close_matches(name, [*names, *also], n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    listed = ", ".join(names) if len(names) <= 12 else f"{len(names)}, see `{see}`"
    return f"unknown {what} {name!r}{hint}; known: {listed}"
