"""The request for a run: builds RunOptions from a caller's values, and rejects invalid ones with an error."""

from __future__ import annotations

import difflib
import math
import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conformance.driver import names
from conformance.driver.implementation import BACKENDS, EXEC, command_of
from conformance.options.kinds import NEW_FILE, NEW_FOLDER, SECONDS, UsageError
from conformance.options.table import OPTIONS, TARGET, Option, RunOptions

MODULE_AND_CLASS = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*)(:(?P<name>\S+))?")

FILE = re.compile(r"(?P<folder>(.*[/\\])?)(?P<module>[^\W\d]\w*)\.py(:(?P<name>[^\W\d]\w*))?")
"""A target in the form of a file and a name in it."""


def run_options(values: Mapping[str, Any]) -> RunOptions:
    """Return the options from values by option name, None for the default.

    Raises:
        UsageError: an invalid target, backend or number.
    """
    given = {name: value for name, value in values.items() if value is not None}
    for option in (TARGET, *OPTIONS):
        if option.field in given:
            value = _read(option, given.pop(option.field))
            given |= {option.attribute: value} if value != () else {}
    options = RunOptions(**given, named="backends" in given)
    _check(options)
    return options


def _read(option: Option, value: Any) -> Any:
    """Return a value as RunOptions has it. Raises UsageError for one of the wrong type."""
    if not option.kind.accepts(value):
        raise UsageError(f"--{option.name} {value!r}: must be {option.kind.must_be}")
    return option.kind.read(value)


def _check(options: RunOptions) -> None:
    for target in options.targets:
        _check_target(target)
    for backend in options.backends:
        if backend not in BACKENDS and set(options.targets) == {"ncps"}:
            raise UsageError(unknown("backend", backend, BACKENDS))
    if options.path is not None and not options.path.is_dir():
        raise UsageError(f"--path {options.path}: no such folder")
    if options.names is not None:
        _check_names(options.names)
    for option in OPTIONS:
        if (value := getattr(options, option.attribute)) is not None:
            _check_value(option, value)
    if options.write_known_failures and not options.write_known_failures.suffix:
        raise UsageError(
            f"--write-known-failures {options.write_known_failures}: add a suffix, as in known.toml; "
            "the folder of its examples has the same name without the suffix"
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
    match = MODULE_AND_CLASS.fullmatch(target)
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
    if dot and MODULE_AND_CLASS.fullmatch(target):
        return f"{module}:{name}"
    return "'ncps'" if difflib.get_close_matches(target, ["ncps"]) else ""


def _check_value(option: Option, value: Any) -> None:
    if option.kind is SECONDS and not 0 < value < math.inf:
        raise UsageError(f"--{option.name} {value:g}: must be {SECONDS.must_be}")
    if option.kind in (NEW_FILE, NEW_FOLDER):
        _check_writable(option, value)


def _check_writable(option: Option, path: Path) -> None:
    """Raise UsageError, before a run of minutes, if its file or folder cannot be written at the end."""
    nearest = next(place for place in (path, *path.parents) if place.exists())
    folder = nearest.is_dir()
    why = f"{nearest} is not writable" if not os.access(nearest, os.W_OK) else ""
    if nearest != path and not folder:
        why = f"{nearest} is not a folder"
    elif nearest == path and folder != (option.kind is NEW_FOLDER):
        why = "it is a folder" if folder else "it is not a folder"
    if why:
        raise UsageError(f"--{option.name} {path}: cannot be written, {why}")


def _check_names(path: Path) -> None:
    try:
        names.read(path)
    except names.NoMapping as wrong:
        raise UsageError(f"--names {wrong}") from None


def _check_commands(options: RunOptions) -> None:
    said = {name: getattr(options, name) is not None for name in ("path", "family", "names")}
    for name, given in {"python": options.python != sys.executable, **said}.items():
        if given:
            raise UsageError(f"--{name}: has no effect on {options.targets[0]}, a command; leave it out")


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
