"""Error over bound as a strip: a dot for each column and tier on a logarithmic scale, the bound at 1."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.report.html.view import Column, Row, mark
from conformance.report.status import JUDGED, TIERS
from conformance.report.values import ratio

LEAST = 1e-3
"""The least value on the scale; smaller ones stand at the left edge."""


@dataclass(frozen=True)
class Dot:
    """A mark on the strip: a column at a tier."""

    x: float
    """The position, per mille of the width."""
    column: Column
    tier: str
    worst: str
    meaning: str
    excused: bool
    """True if the error is attributed to the host, not the cell."""


@dataclass(frozen=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True)
class Scale:
    """A scale with the bound in the middle: smaller values left, larger ones right, each part logarithmic."""

    most: float

    @property
    def bound(self) -> float:
        """Return the position of the bound, in per mille."""
        return 900.0 if self.most <= 1 else 560.0

    def x(self, value: float) -> float:
        """Return the position of a value, in per mille."""
        if value <= 1:
            return self.bound * (1 - math.log(max(value, LEAST)) / math.log(LEAST))
        if value < self.most:
            return self.bound + (1000 - self.bound) * math.log(value) / math.log(self.most)
        return 1000.0

    @property
    def ticks(self) -> list[Tick]:
        """Return a few values to read the strip by."""
        ticks = [
            Tick(self.x(value), text)
            for value, text in ((1e-3, "≤ .001"), (1e-2, ".01"), (0.1, ".1"), (1, "1"))
        ]
        if self.most > 1:
            exponent = math.log10(self.most)
            step = max(1, round(exponent / 3))
            ticks += [Tick(self.x(10.0**n), f"1e{n}") for n in range(step, int(exponent) + 1, step)]
        return ticks


def scale(rows: Iterable[Row]) -> Scale:
    """Return a scale that holds every finite value of the page."""
    worst = [
        v for row in rows for e in row.entries.values() if (v := e.worst) is not None and math.isfinite(v)
    ]
    most = max(worst, default=0.0)
    if most <= 1:
        return Scale(most)
    power = min(math.ceil(max(math.log10(most), 1)), sys.float_info.max_10_exp)
    return Scale(max(most, 10.0**power))


def dots(row: Row, on: Scale) -> list[Dot]:
    """Return the dots of a clause; none if it is not numerical."""
    return [
        Dot(
            round(on.x(verdict.worst), 1),
            entry.column,
            verdict.tier or TIERS[0],
            ratio(verdict.worst),
            mark(verdict.outcome).meaning,
            verdict.outcome not in JUDGED,
        )
        for entry in row.entries.values()
        for verdict in entry.verdicts
        if verdict.worst is not None
    ]
