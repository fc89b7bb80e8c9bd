"""The table of options in the forms of click and of pytest."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
import pytest

from conformance.options.asked import RunOptions, run_options
from conformance.options.table import OPTIONS, TARGETS, Kind, Option

HERE = Path(__file__).resolve().parents[1]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def click_options(command: Decorated) -> Decorated:
    """Decorate a click command with every option of the table, in its order."""
    return some_options(*(option.name for option in OPTIONS))(command)


def some_options(*names: str) -> Callable[[Decorated], Decorated]:
    """Decorate a click command with these options of the table."""

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
    """Add the options to pytest, as `--conformance-NAME` and, unless another plugin has it, `--NAME`."""
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
    """Return the command that requests the same run."""
    words = ["conformance", "run", *options.targets]
    for option, value in _asked(options):
        words += [f"--{option.name}"] if value is True else [f"--{option.name}", str(value)]
    return shlex.join(words)


def _asked(options: RunOptions) -> Iterator[tuple[Option, Any]]:
    """Yield the options that are not the default, with their values; names as one text."""
    lists = {"backend": options.backends, "clause": options.clauses}
    for option in OPTIONS:
        value = ",".join(lists[option.name]) if option.name in lists else getattr(options, option.field)
        default = sys.executable if option.name == "python" else option.default
        if value is not False and value not in (None, "", default):
            yield option, value


def pytest_arguments(options: RunOptions) -> list[str]:
    """Return the pytest command line of a run, which reads no configuration or conftest of the caller's."""
    arguments = ["--pyargs", "conformance.suite", "-p", "conformance.run.plugin", "--noconftest"]
    arguments += [f"--rootdir={HERE}", f"--confcutdir={HERE}", "-c", str(HERE / "runner.toml")]
    if options.workers:
        arguments += ["-p", "xdist.plugin", "-n", str(options.workers), "--dist", "loadgroup"]
        arguments.append("--no-loadscope-reorder")  # the slowest harness first, not that with most tests
    if options.in_process:
        arguments.append("--capture=no")  # a debugger needs stdin
    return arguments + _own_arguments(options)


def _own_arguments(options: RunOptions) -> list[str]:
    """Return the options that differ from the defaults, under the names that no other plugin has."""
    found = [f"--conformance-target={target}" for target in options.targets]
    for option, value in _asked(options):
        if option.pytest:
            found.append(f"--conformance-{option.name}" + ("" if value is True else f"={value}"))
    return found


def from_pytest(config: pytest.Config) -> RunOptions:
    """Return the options of a pytest run that loads the plugin. Raises UsageError."""
    fields = ["target", *(option.field for option in OPTIONS if option.pytest)]
    return run_options({field: config.getoption(f"conformance_{field}", None) for field in fields})
