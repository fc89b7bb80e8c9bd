"""The result by area of the specification: which parts of an implementation conform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.report.status import JUDGED, UNSETTLED, group_by, joint_outcome
from conformance.spec.clauses import Clause
from conformance.verdict import Outcome, Verdict

GROUPS = {
    "CfC step": "formula",
    "LTC step": "formula",
    "Wired CfC step": "formula",
    "Wired LTC step": "formula",
    "Mixed memory": "formula",
    "Backbone": "formula",
    "Wirings": "wirings",
    "Elapsed time": "time",
    "Step and state": "state",
    "Initial values": "initial values",
    "Gradients": "gradients",
    "Gradients of sequences": "gradients",
    "Shapes and variables": "shapes",
    "Sequences": "sequences",
    "Sequences with elapsed time": "sequences",
    "Serialization": "saving",
    "Training": "training",
    "Precision": "precision",
    "Sizes": "sizes",
    "Errors": "errors",
}
"""The areas of the specification, as its headings name them, in the words of the summary."""

WORST: tuple[Outcome, ...] = (
    "fail",
    "error",
    "not reproducible",
    "known failure",
    "pass",
    "host",
    "not applicable",
)
"""Outcomes by what they say about an area: a clause that passes says more than one that was not judged."""


@dataclass(frozen=True)
class AreaResult:
    """The outcome of some areas of the specification together."""

    name: str
    outcome: Outcome
    affected: int
    """The number of clauses with this outcome."""
    judged: int

    @property
    def extent(self) -> str:
        """Return the number of clauses that do not pass, of those that were judged, in words; or nothing."""
        return "" if self.outcome in WORST[4:] else f"{self.affected} of {self.judged}"


def area_of(clause: str, clauses: Mapping[str, Clause]) -> str:
    """Return the area of a clause; of one that the specification lacks, the beginning of its name."""
    return clauses[clause].area if clause in clauses else clause.split(".", 1)[0]


def results_by_area(verdicts: Iterable[Verdict], clauses: Mapping[str, Clause]) -> list[AreaResult]:
    """Return the results of one target, by area, in the order of the specification."""

    def group(verdict: Verdict) -> str:
        area = area_of(verdict.clause, clauses)
        return GROUPS.get(area, area.lower())

    return [_result(name, members) for name, members in group_by(verdicts, group).items()]


def _result(name: str, verdicts: list[Verdict]) -> AreaResult:
    outcomes = [joint_outcome(group) for group in group_by(verdicts, lambda v: v.clause).values()]
    worst = min(outcomes, key=WORST.index)
    judged = sum(outcome in JUDGED | UNSETTLED for outcome in outcomes)
    return AreaResult(name, worst, outcomes.count(worst), judged)
