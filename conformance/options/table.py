"""The options of a run: one declaration each, of which the command line and the pytest plugin make theirs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from conformance.driver.process import cores
from conformance.options.kinds import (
    COUNT,
    FILE,
    FLAG,
    FOLDER,
    INTEGER,
    NAMES,
    NEW_FILE,
    NEW_FOLDER,
    SECONDS,
    SHARD,
    TARGETS,
    TEXT,
    Kind,
    choice,
)
from conformance.options.shards import Shard
from conformance.spec.families import FAMILIES

Variant = Literal["auto", "strict"]

FEW_CLAUSES = 4
"""The most clauses, named by their ids, that one process judges sooner than several would start."""


@dataclass(frozen=True)
class Option:
    """One option of a run, for the command line and for pytest."""

    kind: Kind
    help: str
    metavar: str | None = None
    name: str = ""
    """Its name on the command line; by default that of its attribute."""
    default: Any = None
    shows_default: bool = False
    """True if the help shows the default, False if its text says all."""
    pytest: bool = True
    """True if the plugin offers it; False where pytest has a name of its own for it."""
    attribute: str = ""
    """The name of its attribute of RunOptions."""

    @property
    def field(self) -> str:
        """Return the name by which its value is given from Python."""
        return self.name.replace("-", "_")


def option(kind: Kind, help: str, metavar: str | None = None, default: Any = None, **rest: Any) -> Any:
    """Declare an attribute of RunOptions that is an option: see `Option` for the arguments."""
    declared = Option(kind, help, metavar, default=default, **rest)
    return field(default=default, metadata={"option": declared})


@dataclass(frozen=True)
class RunOptions:
    """The options of a run, as the caller gave them, in the order of the help.

    Empty `backends` means all: those of Keras until `resolve`, those of the other targets until `settled`.
    Empty `clauses` means every clause.
    """

    targets: tuple[str, ...] = option(
        TARGETS,
        "What to judge: ncps, MODULE:CLASS or exec:COMMAND; default: ncps.",
        "NAME[,NAME...]",
        name="target",
        default=("ncps",),
    )
    """An option of pytest, whose own arguments are tests; the command line takes arguments."""
    backends: tuple[str, ...] = option(
        NAMES,
        "Backends to judge on; default: every importable one of Keras, and what other targets run on.",
        "NAME[,NAME...]",
        name="backend",
        default=(),
    )
    named: bool = field(default=False, compare=False)
    """True if `backends` are those that the caller named, and no others."""
    python: str = option(
        TEXT,
        "The interpreter that runs what is judged; default: this one.",
        "PATH",
        default=sys.executable,
    )
    path: Path | None = option(
        FOLDER, "A folder to import the target from, before anything installed.", "DIR"
    )
    family: str | None = option(
        choice(*FAMILIES),
        "The cell family of the target, where its variables, name and arguments do not show it.",
    )
    names: Path | None = option(
        FILE, "Names of the target's variables in the specification: docs/judge-your-cell.md.", "FILE"
    )
    variant: Variant = option(
        choice("auto", "strict"),
        "auto: where the specification is not followed, say which documented variant is; strict: do not.",
        default="auto",
        shows_default=True,
    )
    max_examples: int | None = option(
        COUNT, "Examples of a numerical clause at each tier, of others in proportion; default: 50.", "N"
    )
    smoke: bool = option(FLAG, "A quick look: few examples, no slow clauses.", default=False)
    seed: int | None = option(
        INTEGER, "Draw the same cases again: every test's seed is derived from this one.", "N"
    )
    clauses: tuple[str, ...] = option(
        NAMES, "Only clauses whose id matches.", "GLOB[,GLOB...]", name="clause", default=()
    )
    spec: str | None = option(TEXT, "Judge by an earlier version of the specification.", "VERSION")
    shard: Shard | None = option(
        SHARD, "Judge only part I of N, for N machines: see `conformance merge`.", "I/N"
    )
    json: Path | None = option(NEW_FILE, "Write the whole report to this file.", "FILE")
    examples: Path | None = option(NEW_FOLDER, "Write each failing example to a file in this folder.", "DIR")
    known_failures: Path | None = option(
        FILE, "What is known to fail, and fails no run: docs/known-failures.md.", "FILE"
    )
    strict: bool = option(
        FLAG, "A known failure that passes now, or matches nothing, fails the run.", default=False
    )
    min_judged: int | None = option(
        COUNT,
        "Fewer MUST clauses judged than this is no conformance, so that a gate sees what is offered no more.",
        "N",
    )
    write_known_failures: Path | None = option(
        NEW_FILE, "Add what fails in this run, with its examples, to this file.", "FILE"
    )
    timeout: float = option(
        SECONDS,
        "How long a request may take, the first of its shape four times as long: it may compile.",
        "S",
        default=60.0,
        shows_default=True,
    )
    time_limit: float | None = option(
        SECONDS, "End the run after this long; its report is partial then.", "S"
    )
    in_process: bool = option(
        FLAG, "Run the cells in this process, one backend and one tier, for a debugger.", default=False
    )
    junit: Path | None = option(NEW_FILE, "Write a JUnit XML report to this file.", "FILE", pytest=False)
    markdown: Path | None = option(
        NEW_FILE, "Write a summary in Markdown to this file.", "FILE", pytest=False
    )
    jobs: int | None = option(
        COUNT,
        "Harnesses to run beside each other; default: the number of cores, 1 for a few clauses named by id.",
        "N",
        pytest=False,
    )

    @property
    def groups(self) -> int:
        """Return the number of harnesses that share the tests: one a target, backend and regime."""
        return len(self.targets) * max(1, len(self.backends)) * (1 if self.in_process else 2)

    @property
    def workers(self) -> int:
        """Return the number of processes that run tests in parallel; 0 is none but this one."""
        wanted = min(self.jobs or (1 if self._few_clauses else cores()), self.groups)
        return 0 if self.in_process or wanted < 2 else wanted

    @property
    def _few_clauses(self) -> bool:
        """Tell whether the run takes less time than more processes would take to start."""
        named = not any(sign in name for name in self.clauses for sign in "*?[")
        return named and 0 < len(self.clauses) <= FEW_CLAUSES

    @property
    def judges_alone(self) -> bool:
        """Tell whether one process runs all tests, with harnesses beside it."""
        return not self.workers and not self.in_process


def _declared() -> Iterator[Option]:
    """Yield the options that the attributes of RunOptions declare."""
    for attribute in fields(RunOptions):
        if declared := attribute.metadata.get("option"):
            name = declared.name or attribute.name.replace("_", "-")
            yield replace(declared, name=name, attribute=attribute.name)


TARGET, *_others = _declared()
OPTIONS = tuple(_others)
