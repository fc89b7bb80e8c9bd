"""The table of options in the forms of click and of pytest."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from conformance.options.asked import run_options
from conformance.options.kinds import NAMES
from conformance.options.table import OPTIONS, TARGET, Option, RunOptions

if TYPE_CHECKING:  # half of the time that a command such as `list` takes to begin
    import pytest

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
    shown = {"default": option.default, "show_default": True} if option.shows_default else {}
    settings: dict[str, Any] = {"metavar": option.metavar, **shown, **option.kind.by_click}
    return click.option(f"--{option.name}", option.field, help=option.help, **settings)


def add_to_pytest(parser: pytest.Parser) -> None:
    """Add the options to pytest, as `--conformance-NAME` and, unless another plugin has it, `--NAME`."""
    group = parser.getgroup("conformance", "conformance of liquid neural cells")
    for option in (TARGET, *OPTIONS):
        if option.pytest:
            _add_to_pytest(group, option)


def _add_to_pytest(group: pytest.OptionGroup, option: Option) -> None:
    metavar = {"metavar": option.metavar} if option.metavar else {}
    settings = {
        "help": option.help,
        "dest": f"conformance_{option.field}",
        **metavar,
        **option.kind.by_pytest,
    }
    long = f"--conformance-{option.name}"
    try:
        group.addoption(f"--{option.name}", long, **settings)
    except (ValueError, argparse.ArgumentError):  # another plugin has the short name
        group.addoption(long, **settings)


def command_line(options: RunOptions) -> str:
    """Return the command that requests the same run."""
    words = ["conformance", "run", *options.targets]
    for option, value in _asked(options):
        words += [f"--{option.name}"] if value is True else [f"--{option.name}", str(value)]
    return shlex.join(words)


def _asked(options: RunOptions) -> Iterator[tuple[Option, Any]]:
    """Yield the options that are not the default, with their values; names as one text."""
    for option in OPTIONS:
        value = getattr(options, option.attribute)
        if value != option.default:
            yield option, ",".join(value) if option.kind is NAMES else value


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
    arguments = [f"--conformance-target={target}" for target in options.targets]
    for option, value in _asked(options):
        if option.pytest:
            arguments.append(f"--conformance-{option.name}" + ("" if value is True else f"={value}"))
    return arguments


def from_pytest(config: pytest.Config) -> RunOptions:
    """Return the options of a pytest run that loads the plugin. Raises UsageError."""
    fields = [option.field for option in (TARGET, *OPTIONS) if option.pytest]
    return run_options({field: config.getoption(f"conformance_{field}", None) for field in fields})
