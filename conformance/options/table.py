"""The table of a run's options, from which the command line and the pytest plugin both take theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from conformance.spec.families import FAMILIES

FAMILY_NAMES = tuple(FAMILIES)

Kind = Literal["names", "text", "file", "folder", "count", "integer", "seconds", "choice", "flag"]


@dataclass(frozen=True)
class Option:
    """One option of a run, for the command line and for pytest."""

    name: str
    kind: Kind
    help: str
    metavar: str | None = None
    default: Any = None
    choices: tuple[str, ...] = ()
    pytest: bool = True
    """True if the plugin offers it; False where pytest has a name of its own for it."""

    @property
    def field(self) -> str:
        return self.name.replace("-", "_")


TARGETS = Option(
    "target", "names", "What to judge: ncps, MODULE:CLASS or exec:COMMAND; default: ncps.", "NAME[,NAME...]"
)
"""The targets, as an option of pytest, whose own arguments are tests; the command line takes arguments."""

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
        "family",
        "choice",
        "The cell family of the target, where its variables, name and arguments do not show it.",
        choices=FAMILY_NAMES,
    ),
    Option(
        "names",
        "file",
        "Names of the target's variables in the specification: docs/judge-your-cell.md.",
        "FILE",
    ),
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
        "min-judged",
        "count",
        "Fewer MUST clauses judged than this is no conformance, so that a gate sees what is offered no more.",
        "N",
    ),
    Option(
        "write-known-failures", "file", "Add what fails in this run, with its examples, to this file.", "FILE"
    ),
    Option(
        "timeout",
        "seconds",
        "How long a request may take, the first of its shape four times as long: it may compile.",
        "S",
        default=60.0,
    ),
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
