"""Computes the verdict of a run from the verdicts of clauses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, TypeVar

from conformance.verdict import EXIT_CODES, Outcome, Report, Status, Verdict

SEVERITY: tuple[Outcome, ...] = (
    "fail",
    "error",
    "not reproducible",
    "known failure",
    "host",
    "pass",
    "not applicable",
)
"""Outcomes by severity: the first of several stands for all of them."""
TIERS = ("float64", "float32")
JUDGED: frozenset[Outcome] = frozenset({"pass", "fail", "known failure"})
UNSETTLED: frozenset[Outcome] = frozenset({"error", "not reproducible"})

Meaning = Literal["holds", "fails", "may fail", "is not judged"]

Key = TypeVar("Key")
Item = TypeVar("Item")


def group_by(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Group the items by their key; keys and items keep their order."""
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def joint_outcome(verdicts: Iterable[Verdict]) -> Outcome:
    """Return the joint outcome of a clause that was judged several times, at two tiers for example."""
    return min((verdict.outcome for verdict in verdicts), key=SEVERITY.index)


def meaning(verdict: Verdict, *, strict: bool = False) -> tuple[Meaning, str]:
    """Return the meaning of a verdict to a test runner, and its message.

    `strict`: a known failure must fail as listed.
    """
    if strict and verdict.known.get("stale"):
        return "fails", f"{verdict.clause}: listed as a known failure, but {verdict.known['stale']}"
    summary = verdict.failure.summary if verdict.failure else verdict.reason
    said = f"{verdict.clause} ({verdict.level}) {verdict.outcome}: {summary}"
    if verdict.outcome == "pass":
        return "holds", said
    if verdict.outcome in ("host", "not applicable"):
        return "is not judged", said
    return "may fail" if verdict.level == "SHOULD" or verdict.outcome == "known failure" else "fails", said


def must(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts on which conformance depends."""
    return [verdict for verdict in verdicts if verdict.level == "MUST"]


def judged(verdicts: Iterable[Verdict]) -> tuple[int, int]:
    """Return the number of judged MUST clauses of one cell on one backend, and the number requested.

    A clause that is not applicable, in error, or attributed to the host is not judged.
    """
    clauses = group_by(must(verdicts), lambda verdict: verdict.clause)
    return sum(joint_outcome(group) in JUDGED for group in clauses.values()), len(clauses)


def judged_anywhere(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Return the MUST clauses that pass or fail on some cell and backend, with all verdicts on each."""
    clauses = group_by(must(verdicts), lambda verdict: verdict.clause)
    return {id: group for id, group in clauses.items() if any(v.outcome in JUDGED for v in group)}


def targets(report: Report) -> list[str]:
    """Return the targets, in the order of the report."""
    named = [str(entry["target"]) for entry in report.implementations if "target" in entry]
    return list(dict.fromkeys([*named, *(verdict.target for verdict in report.verdicts)]))


def of_target(report: Report, target: str) -> list[Verdict]:
    """Return the verdicts of one target."""
    return [verdict for verdict in report.verdicts if verdict.target == target]


def partial(report: Report) -> bool:
    """Tell whether only some clauses were requested, or some tests of them, or a shard."""
    return any(report.budget.get(part) for part in ("clauses", "left_out", "shard"))


def untested(report: Report) -> bool:
    """Tell whether it is of a shard that has no test, because there are fewer tests than shards."""
    return report.complete and bool(report.budget.get("shard")) and not report.verdicts


def obstacles(report: Report, target: str) -> list[str]:
    """Return the reasons why `target` could not be judged, in a line each; none if it could."""
    verdicts = of_target(report, target)
    if not verdicts:
        return ["no clause was judged"]
    unsettled = {verdict.clause for verdict in must(verdicts) if verdict.outcome in UNSETTLED}
    reasons = [f"{_count(len(unsettled), 'MUST clause')} in error"] if unsettled else []
    reasons += [] if report.complete else ["the run was not complete"]
    if report.budget.get("shard"):
        return reasons
    done, least = len(judged_anywhere(verdicts)), report.budget.get("min_judged") or 0
    reasons += (
        [f"judged {_count(done, 'MUST clause')}, and at least {least} are asked for"] if done < least else []
    )
    if partial(report):
        nothing = not any(verdict.outcome in JUDGED for verdict in verdicts)
        return reasons + (["none of the clauses asked for was judged"] if nothing else [])
    return reasons + _without_numbers(report, verdicts)


def _where(verdict: Verdict) -> str:
    return f"{verdict.clause}, {verdict.cell} on {verdict.backend}" + (
        f" in {verdict.tier}" if verdict.tier else ""
    )


def _without_numbers(report: Report, verdicts: list[Verdict]) -> list[str]:
    """Return the cells of which no numerical MUST clause was judged at one of the run's tiers.

    A tier that the target does not have is excused; the verdict says which one it is judged at.
    """
    tiers = report.budget.get("tiers", TIERS)
    had = {
        (entry.get("target"), entry.get("backend")): [t for t in entry.get("dtypes", ()) if t in TIERS]
        or TIERS
        for entry in report.implementations
    }
    lines = []
    for (cell, backend), group in group_by(verdicts, lambda v: (v.cell, v.backend)).items():
        seen = {verdict.tier for verdict in must(group) if verdict.outcome in JUDGED}
        missing = [
            tier for tier in tiers if tier not in seen and tier in had.get((group[0].target, backend), TIERS)
        ]
        if missing:
            lines.append(
                f"no numerical MUST clause of {cell} on {backend} was judged in {' or '.join(missing)}"
            )
    return lines


def only_tier(report: Report, target: str) -> str:
    """Return the tier at which alone a target was judged though the run has both, "" if there is none."""
    seen = {v.tier for v in of_target(report, target) if v.tier and v.outcome in JUDGED}
    return next(iter(seen)) if len(seen) == 1 < len(report.budget.get("tiers", TIERS)) else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def target_status(report: Report, target: str) -> Status:
    """Return the status of one target; a failing MUST clause outweighs clauses that could not be judged."""
    if any(verdict.outcome == "fail" for verdict in must(of_target(report, target))):
        return "departs"
    if report.known_failures.get("strict") and untrue(report, target):
        return "departs"
    if obstacles(report, target):
        return "could not be judged"
    return "conforms but for known failures" if known(report, target) else "conforms"


def known(report: Report, target: str) -> list[Verdict]:
    """Return the MUST clauses that fail as the file of known failures says."""
    return [verdict for verdict in must(of_target(report, target)) if verdict.outcome == "known failure"]


def untrue(report: Report, target: str) -> list[str]:
    """Return the false statements of the file of known failures, a line each."""
    stale = [verdict for verdict in of_target(report, target) if verdict.known.get("stale")]
    lines = [f"{_where(verdict)}: listed, but {verdict.known['stale']}" for verdict in stale]
    matched = report.known_failures.get("unmatched", ())
    return lines + [
        f"{entry}: listed, but nothing that was judged is so: remove the entry" for entry in matched
    ]


def status(report: Report) -> Status:
    """Return the status of all targets together: the worst of them.

    A shard without a test does not lower the others; a run of such shards alone could not be judged.
    """
    if untested(report):
        return "conforms"
    statuses = {target_status(report, target) for target in targets(report)}
    worst: tuple[Status, ...] = (
        "departs",
        "could not be judged",
        "conforms but for known failures",
        "conforms",
    )
    return next((status for status in worst if status in statuses), "could not be judged")


def exit_code(report: Report) -> int:
    """Return the exit status of a process that made this report."""
    return EXIT_CODES[status(report)]
