"""A badge: the joint verdict of several reports, in two words and a number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from conformance.report.status import judged_anywhere, partial, status
from conformance.report.terminal import SIGNS
from conformance.verdict import EXIT_CODES, Report, Status

LABEL = "CfC/LTC conformance"
COLOURS = {"green": "#2c6e49", "yellow": "#80550a", "red": "#a8201a", "magenta": "#69645c"}
"""The colours of the terminal's statuses, dark enough for white text."""
NAMED = {"green": "brightgreen", "yellow": "yellow", "red": "red", "magenta": "lightgrey"}
"""The same colours in the terms of badge services."""


@dataclass(frozen=True)
class Badge:
    """The content of a badge."""

    message: str
    status: Status
    label: str = LABEL

    @property
    def title(self) -> str:
        """Return the text for a screen reader, and for a pointer that rests on the badge."""
        return f"{self.label}: {self.message} ({self.status})"

    @property
    def colour(self) -> str:
        """Return the colour in the terminal's terms."""
        return SIGNS[self.status][1].split()[-1]


def badge(reports: Iterable[Report], label: str = LABEL) -> Badge:
    """Return the badge: MUST clauses that hold everywhere, of those judged anywhere, and the worst status."""
    given = list(reports)
    worst = max((status(report) for report in given), key=_severity)
    judged = judged_anywhere(verdict for report in given for verdict in report.verdicts)
    outcomes = [{verdict.outcome for verdict in group} for group in judged.values()]
    held = [of_clause for of_clause in outcomes if of_clause <= EXCUSED]
    specs = "/".join(sorted({report.spec for report in given}))
    counted = f"{len(held)}/{len(judged)}" if worst != "could not be judged" else worst
    quick = ["quick look"] if any(report.budget.get("smoke") for report in given) else []
    return Badge(" · ".join([counted, *quick, f"spec {specs}"]), worst, label)


def lacking(report: Report) -> str | None:
    """Return the remedy if a report is not that of a whole run, which a badge stands for; None if it is."""
    if report.budget.get("shard"):
        return f"it is shard {report.budget['shard']} of a run: `conformance merge` the shards first"
    if partial(report):
        return f"it is of --clause {','.join(report.budget['clauses'])} alone: run without --clause"
    return None if report.complete else "its run did not finish: run it again, or merge what it lacks"


EXCUSED = {"pass", "host", "not applicable"}
"""Outcomes on one backend with which a clause still holds, if it passes on another."""


def _severity(said: Status) -> tuple[bool, bool, bool]:
    return said != "conforms", EXIT_CODES[said] != 0, EXIT_CODES[said] == EXIT_CODES["departs"]


def endpoint(shown: Badge) -> dict[str, Any]:
    """Return the badge in the JSON format that shields.io and others read from an address."""
    return {
        "schemaVersion": 1,
        "label": shown.label,
        "message": shown.message,
        "color": NAMED[shown.colour],
        "isError": EXIT_CODES[shown.status] != 0,
    }


def svg(shown: Badge) -> str:
    """Return the badge as an SVG picture."""
    made = Environment(
        loader=PackageLoader("conformance.report", ""), autoescape=True, undefined=StrictUndefined
    )
    left, right = width(shown.label) + 2 * MARGIN, width(shown.message) + 2 * MARGIN
    return made.get_template("badge.svg.jinja").render(
        badge=shown, left=left, right=right, colour=COLOURS[shown.colour]
    )


MARGIN = 7.0
WIDTHS = {3.1: "ijlI", 3.6: ".,:;|!'·()[]/ ", 4.3: "ftr", 6.1: "csvxyzkTLJ", 7.6: "CDGHNOQRUV", 9.8: "mwMW%@"}
OTHER = 6.9


def width(text: str) -> float:
    """Return the approximate width of a text at 11 pixels.

    The picture stretches it to that width in any font.
    """
    return round(sum(next((w for w, of in WIDTHS.items() if c in of), OTHER) for c in text), 1)
