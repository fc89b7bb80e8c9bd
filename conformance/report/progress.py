"""The progress display of a run: a line per group, that is, per harness."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from conformance.report.causes import short_place
from conformance.report.screen import silence
from conformance.report.status import UNSETTLED
from conformance.report.values import duration
from conformance.verdict import Verdict

QUARTERS = 4
"""The number of progress lines of a group on a plain stream, if its total is known."""
EVERY = 25
"""The number of verdicts between two progress lines, if the total is unknown."""
LOOKED_BACK = 600.0
"""The seconds from which a terminal's bar estimates the time that is left: clauses differ in length."""


class RunProgress:
    """Follows a run on `console`: bars on a terminal, a line at intervals elsewhere.

    It is called with each verdict. `expect` sets the totals; without it there are only counts. `begin` shows
    the clause that is being judged; the time of a group is counted from its first clause.

        with RunProgress(console) as progress:
            progress.expect({"ncps on jax": 120, "ncps on torch": 118})
            progress.begin("ncps on jax", "shape.smallest")
            progress(verdict)
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.console, self.clock = console, clock
        self.begun: dict[str, float] = {}
        """The time at which the first clause of each group was begun."""
        self.totals: dict[str, int] = {}
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.causes: set[tuple[str, str, str]] = set()
        """The causes that were printed, by target, cell and name."""
        self.bars: dict[str, TaskID] = {}
        self.progress = Progress(
            *_columns(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            speed_estimate_period=LOOKED_BACK,
        )

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def expect(self, totals: Mapping[str, int]) -> None:
        """Set the number of verdicts of each group."""
        for group, total in totals.items():
            self.totals[group] = total
            self.progress.update(self._bar(group), total=total)

    def begin(self, group: str, clause: str) -> None:
        """Show the clause that a group judges now."""
        bar = self._bar(group)
        if group not in self.begun:
            self.begun[group] = self.clock()
            self.progress.reset(bar, total=self.totals.get(group))
        self.progress.update(bar, clause=clause)

    def __call__(self, verdict: Verdict) -> None:
        """Count the verdict on a clause."""
        group = group_of(verdict)
        self.done[group] += 1
        if verdict.outcome == "fail" or verdict.outcome in UNSETTLED:
            self.failed[group] += 1
            self._tell(verdict)
        failed = _failed(self.failed[group])
        self.progress.update(self._bar(group), advance=1, failed=failed)
        if not self.console.is_terminal and self._is_time(group):
            of = f"of {self.totals[group]}" if group in self.totals else "judged"
            parts = (f"{group}: {self.done[group]} {of}", failed, self._left(group))
            self._say(", ".join(filter(None, parts)))

    def _left(self, group: str) -> str:
        """Return how long the rest of a group takes if it goes on as before; "" if that is not known."""
        done, rest = self.done[group], self.totals.get(group, 0) - self.done[group]
        if group not in self.begun or rest <= 0:
            return ""
        seconds = (self.clock() - self.begun[group]) * rest / done
        return f"about {duration(seconds)} left"

    def _tell(self, verdict: Verdict) -> None:
        """Print a failure, unless it follows from a cause that is printed; a cause with its proof."""
        tier = f" in {verdict.tier}" if verdict.tier else ""
        place = f"{verdict.cell} on {verdict.backend}{tier}"
        named = {(verdict.target, verdict.cell, cause.name): cause for cause in verdict.causes}
        new = [named[key] for key in named if key not in self.causes]
        self.causes |= set(named)
        if new or not named:
            self._say(f"{verdict.clause} ({verdict.level}), {place}: {verdict.outcome}")
        for cause in new:
            if cause.kind != "clause":
                at = f", {short_place(cause.place)}" if cause.place else ""
                self._say(f"  cause: {cause.what.rstrip('.')}{at}; what follows from it is not printed again")

    def _bar(self, group: str) -> TaskID:
        if group not in self.bars:
            self.bars[group] = self.progress.add_task(
                group, total=self.totals.get(group), clause="waits for its turn", failed="", start=False
            )
        return self.bars[group]

    def _is_time(self, group: str) -> bool:
        done, total = self.done[group], self.totals.get(group, 0)
        if not total:
            return done % EVERY == 0
        return done * QUARTERS // total > (done - 1) * QUARTERS // total

    def _say(self, line: str) -> None:
        try:
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)
        except OSError:  # as on a full disk: the run goes on
            silence(self.console.file)


def group_of(verdict: Verdict) -> str:
    """Return the line of progress that a verdict belongs to."""
    return f"{verdict.target} on {verdict.backend}"


def _columns() -> list[ProgressColumn]:
    return [
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("[red]{task.fields[failed]}"),
        TextColumn("[dim]{task.fields[clause]}"),
    ]


def _failed(number: int) -> str:
    return f"{number} failed" if number else ""
