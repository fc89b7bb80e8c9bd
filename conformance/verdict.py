"""What a run says: frozen data in, frozen data out. A report is a function of these and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["pass", "fail", "known failure", "host", "not applicable", "error", "not reproducible"]
Status = Literal["conforms", "conforms but for known failures", "departs", "could not be judged"]

EXIT_CODES: dict[Status, int] = {
    "conforms": 0,
    "conforms but for known failures": 0,
    "departs": 1,
    "could not be judged": 3,
}


@dataclass(frozen=True)
class Failure:
    """The smallest case that breaks a clause, in plain JSON values."""

    summary: str
    """One line that the cell's author can act on."""
    case: dict[str, Any] = field(default_factory=dict)
    got: Any = None
    want: Any = None
    bound: Any = None
    excess: float | None = None
    """How many times the bound the error is; None where the clause is not numerical."""
    script: str = ""
    """Python that can be pasted to see the failure again."""
    diagnosis: dict[str, Any] = field(default_factory=dict)
    """The known "faults", each "name" and "what", whose step is what was got in all "cases"; {} is none."""
    example: dict[str, Any] | None = None
    """The same as `conformance replay` reads it, by schemas/example.json."""


@dataclass(frozen=True)
class Verdict:
    """What one clause says of one cell on one backend at one precision."""

    clause: str
    level: str
    target: str
    cell: str
    backend: str
    tier: str | None
    """"float64" (the formula), "float32" (the precision), or None where the clause is not numerical."""
    outcome: Outcome
    reason: str = ""
    """Why a clause is not applicable, in error, or laid to the host; of a pass, why some were refused."""
    examples: int = 0
    expected: int = 0
    shapes: int = 0
    values: int = 0
    undecided: int = 0
    refused: int = 0
    """Examples that the implementation does not offer, and that are not among `examples`."""
    kinks: int = 0
    """Examples within their bound of a kink, whose gradients are not judged."""
    worst: float | None = None
    """The largest error / bound among the values judged."""
    seconds: float = 0.0
    variant: dict[str, Any] = field(default_factory=dict)
    """The documented variant of the specification that fits where the default does not; {} is the default."""
    holds_under_variant: bool = False
    """Whether the clause fails for that variant's sake alone; it still fails."""
    failure: Failure | None = None
    known: dict[str, Any] = field(default_factory=dict)
    """Of a clause that is listed as a known failure: the entry's number, reason and link, and where it does
    not hold any more, under "stale", why; {} is not listed."""


@dataclass(frozen=True)
class Report:
    """A whole run."""

    spec: str
    suite: str
    seed: int | None
    command: str
    budget: dict[str, Any]
    implementations: list[dict[str, Any]]
    """What each harness said of itself (`describe`), one entry per target and backend."""
    verdicts: list[Verdict]
    seconds: float
    complete: bool = True
    notes: list[str] = field(default_factory=list)
    known_failures: dict[str, Any] = field(default_factory=dict)
    """The file that lists them, whether it is held to strictly, and what in it matches nothing; {}: none."""


def verdict_from(plain: dict[str, Any]) -> Verdict:
    """A verdict from its own JSON."""
    failure = plain["failure"]
    return Verdict(**{**plain, "failure": None if failure is None else Failure(**failure)})
