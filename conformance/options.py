"""The options of a run: one table, from which the command line and the pytest plugin both take theirs."""

from __future__ import annotations

import argparse
import difflib
import fnmatch
import math
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import click
import pytest

from conformance.clauses import Spec, load
from conformance.implementation import BACKENDS, EXEC, command_of
from conformance.shards import Shard

Kind = Literal["names", "text", "file", "folder", "count", "integer", "seconds", "choice", "flag"]
Variant = Literal["auto", "strict"]

TARGET = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*)(:(?P<name>\S+))?")
HERE = Path(__file__).resolve().parent


class UsageError(ValueError):
    """What was asked cannot be done; the message is one line that says what can."""


@dataclass(frozen=True)
class Option:
    """One option of a run, whoever offers it."""

    name: str
    kind: Kind
    help: str
    metavar: str | None = None
    default: Any = None
    choices: tuple[str, ...] = ()
    pytest: bool = True
    """Whether the plugin offers it; where pytest has a name of its own for it, it does not."""

    @property
    def field(self) -> str:
        return self.name.replace("-", "_")


TARGETS = Option(
    "target", "names", "What to judge: ncps, MODULE:CLASS or exec:COMMAND; default: ncps.", "NAME[,NAME...]"
)
"""For pytest, whose own arguments are tests; on the command line the targets are the arguments."""

OPTIONS = (
    Option(
        "backend",
        "names",
        "Backends to judge on; default: every importable one of Keras, and what other targets run on.",
        "NAME[,NAME...]",
    ),
    Option("python", "text", "The interpreter that runs what is judged; default: this one.", "PATH"),
    Option("path", "folder", "A folder to import the target from, before anything installed.", "DIR"),
    Option(
        "variant",
        "choice",
        "auto: where the specification is not followed, say which documented variant is; strict: do not.",
        default="auto",
        choices=("auto", "strict"),
    ),
    Option(
        "max-examples",
        "count",
        "Examples of a numerical clause at each tier, of others in proportion; default: 50.",
        "N",
    ),
    Option("smoke", "flag", "A quick look: few examples, no slow clauses."),
    Option("seed", "integer", "Draw the same cases again: every test's seed is derived from this one.", "N"),
    Option("clause", "names", "Only clauses whose id matches.", "GLOB[,GLOB...]"),
    Option("spec", "text", "Judge by an earlier version of the specification.", "VERSION"),
    Option("shard", "text", "Judge only part I of N, for N machines: see `conformance merge`.", "I/N"),
    Option("json", "file", "Write the whole report to this file.", "FILE"),
    Option("examples", "folder", "Write each failing example to a file in this folder.", "DIR"),
    Option(
        "known-failures", "file", "What is known to fail, and fails no run: docs/known-failures.md.", "FILE"
    ),
    Option("strict", "flag", "A known failure that passes now, or matches nothing, fails the run."),
    Option(
        "write-known-failures", "file", "Add what fails in this run, with its examples, to this file.", "FILE"
    ),
    Option("timeout", "seconds", "How long a request may take; compilation gets more.", "S", default=60.0),
    Option("time-limit", "seconds", "End the run after this long; its report is partial then.", "S"),
    Option("in-process", "flag", "Run the cells in this process, one backend and one tier, for a debugger."),
    Option("junit", "file", "Write a JUnit XML report to this file.", "FILE", pytest=False),
    Option("markdown", "file", "Write a summary in Markdown to this file.", "FILE", pytest=False),
    Option(
        "jobs",
        "count",
        "Harnesses to run beside each other; default: the number of cores.",
        "N",
        pytest=False,
    ),
)


@dataclass(frozen=True)
class RunOptions:
    """What a run was asked for.

    Empty `backends` means every one there is: those of Keras until `resolve`, those that other targets are
    written for until `settled`. Empty `clauses` means every clause.
    """

    targets: tuple[str, ...] = ("ncps",)
    backends: tuple[str, ...] = ()
    named: bool = field(default=False, compare=False)
    """Whether `backends` are those that were asked for, and no others."""
    python: str = sys.executable
    path: Path | None = None
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
    write_known_failures: Path | None = None
    timeout: float = 60.0
    time_limit: float | None = None
    in_process: bool = False
    junit: Path | None = None
    markdown: Path | None = None
    jobs: int | None = None

    @property
    def groups(self) -> int:
        """How many harnesses the tests are divided between: one a target, backend and regime."""
        return len(self.targets) * max(1, len(self.backends)) * (1 if self.in_process else 2)

    @property
    def workers(self) -> int:
        """How many processes run tests beside each other; 0 is none but this one."""
        wanted = min(self.jobs or cores(), self.groups)
        return 0 if self.in_process or wanted < 2 else wanted


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# From a caller's values to RunOptions

PATHS = ("path", "json", "junit", "markdown", "examples", "known_failures", "write_known_failures")


def run_options(values: Mapping[str, Any]) -> RunOptions:
    """What was asked, from values by option name, None for the default.

    Raises:
        UsageError: a target, backend or number that cannot be.
    """
    given = {name: value for name, value in values.items() if value is not None}
    given |= {name: _path(given[name]) for name in PATHS if name in given}
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


def from_pytest(config: pytest.Config) -> RunOptions:
    """The options of a pytest run that loads the plugin. Raises UsageError."""
    fields = ["target", *(option.field for option in OPTIONS if option.pytest)]
    return run_options({field: config.getoption(f"conformance_{field}", None) for field in fields})


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    """The names of a list that may be separated by commas, given once or several times, without repeats."""
    texts = [value] if isinstance(value, str) else value
    names = [name.strip() for text in texts for name in text.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def _targets(value: str | Iterable[str]) -> tuple[str, ...]:
    """As `_names`; `exec:` takes all that follows it, for a command may hold commas."""
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
    if options.time_limit is not None and not 0 < options.time_limit < math.inf:
        raise UsageError(f"--time-limit {options.time_limit:g}: must be a positive number of seconds")
    for name in ("json", "junit", "markdown", "write_known_failures"):
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
        near = " (did you mean 'ncps'?)" if difflib.get_close_matches(target, ["ncps"]) else ""
        raise UsageError(f"unknown target {target!r}{near}: a target is 'ncps', MODULE:CLASS or exec:COMMAND")


def _check_writable(name: str, path: Path) -> None:
    """Before a run that takes minutes: whether its file can be written in the end."""
    folder = next(parent for parent in path.parents if parent.exists())
    if path.is_dir() or not folder.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        why = "it is a folder" if path.is_dir() else f"{path if path.exists() else folder} is not writable"
        raise UsageError(f"--{name} {path}: cannot be written, {why}")


def _check_commands(options: RunOptions) -> None:
    for name, given in (("python", options.python != sys.executable), ("path", options.path is not None)):
        if given:
            raise UsageError(f"--{name}: says nothing to {options.targets[0]}, which is started as it stands")


def _check_in_process(options: RunOptions) -> None:
    if len(options.backends) > 1 or len(options.targets) > 1:
        raise UsageError("--in-process: runs one target on one backend; name one of each")
    if options.targets[0].startswith(EXEC):
        raise UsageError(f"--in-process: {options.targets[0]} is a process of its own")
    if Path(options.python) != Path(sys.executable):
        raise UsageError("--in-process: runs in this interpreter; leave out --python")


def unknown(what: str, name: str, known: Iterable[str], see: str = "conformance list") -> str:
    """One line for a name that is not known: the nearest that is, and all that are where they are few."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    listed = ", ".join(names) if len(names) <= 12 else f"{len(names)}, see `{see}`"
    return f"unknown {what} {name!r}{hint}; known: {listed}"


# What only the machine and the specification can tell


def resolve(options: RunOptions, clauses: Iterable[str]) -> RunOptions:
    """The same options with every default filled in that depends on the machine: the backends of Keras.

    Raises:
        UsageError: a glob that matches none of `clauses`, or a backend that the interpreter cannot import.
    """
    selected(options, clauses)
    if options.shard and options.seed is None:
        raise UsageError(f"--shard {options.shard}: give every shard the same --seed, for they are one run")
    if all(target.startswith(EXEC) for target in options.targets):
        return options
    found = importable_backends(options.python)
    asked = [backend for backend in options.backends if backend in BACKENDS]
    missing = [backend for backend in asked if backend not in found]
    if missing if found else "ncps" in options.targets:
        what = f"--backend {','.join(missing)}: not importable" if missing else "Keras is not importable"
        raise UsageError(f"{what} by {options.python}; importable: {', '.join(found) or 'none'}")
    backends = options.backends or (found[:1] if options.in_process else found)
    return replace(options, backends=backends)


def backends_of(options: RunOptions, description: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a target is judged: Keras's cells on several backends, any other on the one that it names.

    Args:
        description: what its harness answered to `describe`; `host` is "keras", or the name of the backend.
    """
    host = description["host"]
    return tuple(name for name in options.backends if name in (BACKENDS if host == "keras" else (host,)))


def settled(options: RunOptions, described: Mapping[str, Mapping[str, Any]]) -> RunOptions:
    """The same options with the backends on which at least one target runs, in their order.

    Args:
        described: what the harness of each target answered to `describe`.

    Raises:
        UsageError: `--backend` names one that no target has, or none that some target has.
    """
    hosts = {target: str(description["host"]) for target, description in described.items()}
    own = [host for host in hosts.values() if host != "keras"]
    known = dict.fromkeys([*(BACKENDS if "keras" in hosts.values() else ()), *own])
    candidates = replace(options, backends=options.backends + (() if options.named else tuple(own)))
    for name in options.backends if options.named else ():
        if name not in known:
            raise UsageError(unknown("backend", name, known))
    for target, description in described.items():
        if not backends_of(candidates, description):
            raise UsageError(_misplaced(options, target, hosts[target]))
    used = [name for name in known if any(name in backends_of(candidates, d) for d in described.values())]
    ordered = [name for name in candidates.backends if name in used]
    return replace(options, backends=tuple(dict.fromkeys(ordered)))


def _misplaced(options: RunOptions, target: str, host: str) -> str:
    asked = f"--backend {','.join(options.backends) or 'is not given'}"
    if host == "keras":
        return f"{asked}: {target} runs on Keras; name one of its backends too: {', '.join(BACKENDS)}"
    return f"{asked}: {target} runs on {host!r} alone; name it too, or leave out --backend"


def specification(options: RunOptions) -> Spec:
    """The version of the specification to judge by. Raises UsageError for one that is not known."""
    try:
        return load(options.spec)
    except ValueError as wrong:
        raise UsageError(f"--spec {options.spec}: {wrong}") from None


def selected(options: RunOptions, clauses: Iterable[str]) -> list[str]:
    """The ids of `clauses` that a run is about. Raises UsageError for a glob that matches none."""
    ids = list(clauses)
    for glob in options.clauses:
        if not fnmatch.filter(ids, glob):
            raise UsageError(unknown("clause", glob, ids))
    globs = options.clauses or ("*",)
    return [id for id in ids if any(fnmatch.fnmatchcase(id, glob) for glob in globs)]


PROBE = """
import importlib.util as u
needs = {{"numpy": "jax"}}  # Keras's numpy backend takes some functions of jax
have = [b for b in {backends!r} if u.find_spec(needs.get(b, b))] if u.find_spec("keras") else []
print("backends:" + ",".join(have))
"""


def importable_backends(python: str) -> tuple[str, ...]:
    """The Keras backends whose packages `python` finds; none where it has no Keras. Nothing is imported.

    Raises:
        UsageError: `python` is no Python interpreter.
    """
    command = [python, "-c", PROBE.format(backends=BACKENDS)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as fault:
        raise UsageError(f"--python {python}: cannot be run ({type(fault).__name__})") from fault
    line = next((line for line in done.stdout.splitlines() if line.startswith("backends:")), "")
    return _names(line.removeprefix("backends:"))


# To the two that offer them

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def click_options(command: Decorated) -> Decorated:
    """Decorates a click command with every option of the table, in its order."""
    return some_options(*(option.name for option in OPTIONS))(command)


def some_options(*names: str) -> Callable[[Decorated], Decorated]:
    """Decorates a click command with these options of the table."""

    def decorate(command: Decorated) -> Decorated:
        for option in reversed(OPTIONS):
            if option.name in names:
                command = _click_option(option)(command)
        return command

    return decorate


def _click_option(option: Option) -> Callable[[Decorated], Decorated]:
    types: dict[Kind, Any] = {
        "count": click.IntRange(min=1),
        "integer": click.IntRange(min=0),
        "seconds": float,
        "choice": click.Choice(option.choices),
    }
    settings: dict[str, Any] = {"help": option.help, "metavar": option.metavar, "default": option.default}
    if option.kind == "flag":
        settings = {"help": option.help, "is_flag": True}
    elif option.kind == "names":
        settings |= {"multiple": True, "default": ()}
    return click.option(
        f"--{option.name}",
        option.field,
        type=types.get(option.kind),
        show_default=option.default is not None,
        **settings,
    )


def add_to_pytest(parser: pytest.Parser) -> None:
    """Offers the options to pytest, as `--conformance-NAME` and, where no other plugin has it, `--NAME`."""
    group = parser.getgroup("conformance", "conformance of liquid neural cells")
    for option in (TARGETS, *OPTIONS):
        if option.pytest:
            _add_to_pytest(group, option)


def _add_to_pytest(group: pytest.OptionGroup, option: Option) -> None:
    dest = f"conformance_{option.field}"
    settings: dict[str, Any] = {"help": option.help, "default": option.default, "dest": dest}
    if option.kind == "flag":
        settings |= {"action": "store_true", "default": False}
    elif option.kind == "names":
        settings |= {"action": "append", "metavar": option.metavar}
    elif option.kind == "choice":
        settings |= {"choices": option.choices}
    else:
        types: dict[Kind, Any] = {"count": _at_least(1), "integer": _at_least(0), "seconds": float}
        settings |= {"type": types.get(option.kind, str), "metavar": option.metavar}
    long = f"--conformance-{option.name}"
    try:
        group.addoption(f"--{option.name}", long, **settings)
    except (ValueError, argparse.ArgumentError):  # another plugin has the short name
        group.addoption(long, **settings)


def _at_least(least: int) -> Callable[[str], int]:
    def integer(text: str) -> int:
        if int(text) < least:
            raise ValueError(text)
        return int(text)

    return integer


def command_line(options: RunOptions) -> str:
    """The command that asks for the same run."""
    words = ["conformance", "run", *options.targets]
    for option, value in _asked(options):
        words += [f"--{option.name}"] if value is True else [f"--{option.name}", str(value)]
    return shlex.join(words)


def _asked(options: RunOptions) -> Iterator[tuple[Option, Any]]:
    """The options that are not the default, with what they were given; names as one text."""
    lists = {"backend": options.backends, "clause": options.clauses}
    for option in OPTIONS:
        value = ",".join(lists[option.name]) if option.name in lists else getattr(options, option.field)
        default = sys.executable if option.name == "python" else option.default
        if value is not False and value not in (None, "", default):
            yield option, value


def pytest_arguments(options: RunOptions) -> list[str]:
    """The pytest command line of a run, which reads no configuration or conftest of the caller's."""
    arguments = ["--pyargs", "conformance.suite", "-p", "conformance.plugin", "--noconftest"]
    arguments += [f"--rootdir={HERE}", f"--confcutdir={HERE}", "-c", str(HERE / "runner.toml")]
    if options.workers:
        arguments += ["-p", "xdist.plugin", "-n", str(options.workers), "--dist", "loadgroup"]
        arguments.append("--no-loadscope-reorder")  # the slowest harness first, not that with most tests
    if options.in_process:
        arguments.append("--capture=no")  # a debugger needs stdin
    if options.junit is not None:
        arguments.append(f"--junitxml={options.junit}")
    return arguments + _own_arguments(options)


def _own_arguments(options: RunOptions) -> list[str]:
    """The options that differ from the defaults, under the names that no other plugin has."""
    found = [f"--conformance-target={target}" for target in options.targets]
    for option, value in _asked(options):
        if option.pytest:
            found.append(f"--conformance-{option.name}" + ("" if value is True else f"={value}"))
    return found
