"""The results of a run: frozen data in, frozen data out. A report is a function of these and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["pass", "fail", "known failure", "host", "not applicable", "error", "not reproducible"]
CauseKind = Literal["convention", "fault", "place", "clause"]
Status = Literal["conforms", "conforms but for known failures", "departs", "could not be judged"]

EXIT_CODES: dict[Status, int] = {
    "conforms": 0,
    "conforms but for known failures": 0,
    "departs": 1,
    "could not be judged": 3,
}


@dataclass(frozen=True)
class Cause:
    """A reason for which clauses fail."""

    kind: CauseKind
    """A documented "convention" or a known "fault", under which what failed holds; the "place" of an
    exception; or the failing "clause" itself, where nothing explains it."""
    name: str
    what: str
    """What is wrong, in one line."""
    place: str = ""
    """The line of the judged code, "file:line in function", where it is known."""
    proven: int = 0
    """The number of steps that depart from the specification and are explained; 0 if it is no formula."""


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
    """The error over its bound; None if the clause is not numerical."""
    script: str = ""
    """Python that can be pasted to see the failure again."""
    raised: dict[str, str] = field(default_factory=dict)
    """The exception that the judged code raised: "type", "message", and "place", the innermost line of its
    own code, where it is known; {}: none."""
    departs: dict[str, Any] = field(default_factory=dict)
    """The first intermediate of a step that departs: its "name", what is "said", and the "right" ones before
    it; {}: none, or the implementation reports no intermediates."""
    symptom: str = ""
    """How it is wrong, in words that are the same in every clause that meets it and whatever the sizes, as a
    shape with an axis too many; "": other clauses do not meet it."""
    example: dict[str, Any] | None = None
    """The failing example in the form of `conformance replay`, by schemas/example.json."""


@dataclass(frozen=True)
class Verdict:
    """The result of one clause on one cell on one backend at one precision."""

    clause: str
    level: str
    target: str
    cell: str
    backend: str
    tier: str | None
    """"float64" (the formula), "float32" (the precision), or None if the clause is not numerical."""
    outcome: Outcome
    reason: str = ""
    """The reason why a clause is not applicable, in error, or attributed to the host; of a pass, why some
    examples were rejected."""
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
    programs: int = 0
    """Programs that the host compiled for it, or loaded from its cache."""
    seconds: float = 0.0
    variant: dict[str, Any] = field(default_factory=dict)
    """The documented variant of the specification that fits if the default does not; {} is the default."""
    holds_under_variant: bool = False
    """True if the clause fails because of that variant alone; it still fails."""
    causes: list[Cause] = field(default_factory=list)
    """The causes of a failure."""
    failure: Failure | None = None
    known: dict[str, Any] = field(default_factory=dict)
    """For a clause that is listed as a known failure: the entry's number, reason and link, and, if it is
    outdated, the reason under "stale"; {} is not listed."""


@dataclass(frozen=True)
class Report:
    """A whole run."""

    spec: str
    suite: str
    seed: int | None
    command: str
    budget: dict[str, Any]
    implementations: list[dict[str, Any]]
    """The description of each harness (`describe`), one entry per target and backend."""
    verdicts: list[Verdict]
    seconds: float
    complete: bool = True
    notes: list[str] = field(default_factory=list)
    known_failures: dict[str, Any] = field(default_factory=dict)
    """The file of known failures, whether it is strict, and its entries that match nothing; {}: none."""


def verdict_from(plain: dict[str, Any]) -> Verdict:
    """Return a verdict from its own JSON."""
    failure, causes = plain["failure"], plain.get("causes", ())
    return Verdict(
        **{
            **plain,
            "failure": None if failure is None else Failure(**failure),
            "causes": [Cause(**cause) for cause in causes],
        }
    )
