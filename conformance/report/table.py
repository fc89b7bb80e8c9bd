"""The table of a run: a clause a row, a cell on a backend a column, the worst error / bound at each tier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from conformance.report.areas import area_of
from conformance.report.status import TIERS, group_by, joint_outcome
from conformance.report.values import ratio
from conformance.spec.clauses import Clause
from conformance.verdict import Outcome, Verdict

MARKS: dict[Outcome, tuple[str, str, str]] = {
    "pass": ("✓", "green", "conforms"),
    "fail": ("✗", "bold red", "departs"),
    "known failure": ("~", "yellow", "a known failure"),
    "host": ("◌", "yellow", "the host's fault"),
    "not applicable": ("–", "dim", "not applicable"),
    "error": ("!", "bold magenta", "error"),
    "not reproducible": ("?", "bold magenta", "not reproducible"),
}
"""The notation of an outcome: mark, style, meaning."""

CALM: frozenset[Outcome] = frozenset({"pass", "not applicable", "host", "known failure"})
"""Outcomes that need no table of their own."""
GAP = 2

Column = tuple[str, str]
"""A cell and a backend."""


@dataclass(frozen=True)
class Layout:
    """The columns of a table: one (cell, backend) each, or all the backends of a cell together."""

    columns: tuple[tuple[Column, ...], ...]

    @property
    def joint(self) -> bool:
        return any(len(column) > 1 for column in self.columns)


def tables(verdicts: list[Verdict], clauses: Mapping[str, Clause], width: int) -> list[Table]:
    """Return the verdicts of one target as few tables as are readable at `width` columns.

    One table with a column per cell and backend if that fits. Otherwise, if something departs, a table per
    cell. Otherwise, or if that does not fit either, one column per cell, as many as fit beside each other, in
    which the backends share a mark if they agree and the numbers are the worst of any.
    """
    whole = _table(verdicts, clauses, _layout(verdicts, joint=False))
    if _fits(whole, width):
        return [whole]
    by_cell = group_by(verdicts, lambda verdict: verdict.cell).values()
    apart = [_table(group, clauses, _layout(group, joint=False)) for group in by_cell]
    if not all(v.outcome in CALM for v in verdicts) and all(_fits(table, width) for table in apart):
        return apart
    return _joint_tables(list(by_cell), clauses, width)


def _joint_tables(by_cell: list[list[Verdict]], clauses: Mapping[str, Clause], width: int) -> list[Table]:
    """Return tables with a column per cell, as many cells in each as fit."""

    def table(verdicts: list[Verdict]) -> Table:
        return _table(verdicts, clauses, _layout(verdicts, joint=True))

    full_tables: list[Table] = []
    group: list[Verdict] = []
    for verdicts in by_cell:
        if group and not _fits(table([*group, *verdicts]), width):
            full_tables.append(table(group))
            group = []
        group = [*group, *verdicts]
    return [*full_tables, table(group)]


def _layout(verdicts: list[Verdict], *, joint: bool) -> Layout:
    by_cell = group_by(columns(verdicts), lambda column: column[0])
    if joint:
        return Layout(tuple(tuple(group) for group in by_cell.values()))
    return Layout(tuple((column,) for group in by_cell.values() for column in group))


def columns(verdicts: Iterable[Verdict]) -> list[Column]:
    """Return the judged cells and backends, in their order."""
    return list(dict.fromkeys((verdict.cell, verdict.backend) for verdict in verdicts))


def _table(verdicts: list[Verdict], clauses: Mapping[str, Clause], layout: Layout) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, GAP - 1, 0, 0), header_style="dim", show_edge=False
    )
    should = any(verdict.level == "SHOULD" for verdict in verdicts)
    table.add_column("clause", vertical="bottom", no_wrap=True)
    for column, header in zip(layout.columns, _headers(layout), strict=True):
        table.add_column(Text(header), vertical="bottom", no_wrap=True, min_width=9 + len(column) - 1)
    by_area = group_by(verdicts, lambda verdict: area_of(verdict.clause, clauses))
    for area, group in by_area.items():
        table.add_row(Text(area, "bold"))
        for clause, rows in group_by(group, lambda verdict: verdict.clause).items():
            table.add_row(_name(clause, rows[0].level if should else "MUST"), *_marks(rows, layout))
    return table


def _headers(layout: Layout) -> list[str]:
    """Return the headers: the cell over the first of its columns, then the backend, then the tiers."""
    headers, previous = [], ""
    for column in layout.columns:
        cell = column[0][0] if column[0][0] != previous else ""
        previous = column[0][0]
        backends = "all backends" if layout.joint else column[0][1]
        headers.append(f"{cell}\n{backends}\n{' ' * len(column)}{'f64':>4}{'f32':>4}")
    return headers


def _name(clause: str, level: str) -> Text:
    return Text(f"  {clause}", "" if level == "MUST" else "italic") + Text(
        "" if level == "MUST" else " should", "dim"
    )


def _marks(rows: list[Verdict], layout: Layout) -> list[Text]:
    marks = []
    for column in layout.columns:
        here = [row for row in rows if (row.cell, row.backend) in column]
        marks.append(_mark(here, column) if here else Text())
    return marks


def _mark(verdicts: list[Verdict], column: tuple[Column, ...]) -> Text:
    """Return the outcome, once if the backends agree, else a mark each, and the worst at each tier."""
    by_column = group_by(verdicts, lambda verdict: (verdict.cell, verdict.backend))
    outcomes = [joint_outcome(by_column[key]) if key in by_column else None for key in column]
    shown = outcomes[:1] if len(set(outcomes)) == 1 else outcomes
    text = Text.assemble(*(MARKS[outcome][:2] if outcome else " " for outcome in shown))
    text.append(" " * (len(column) - len(shown)))
    for tier in TIERS:
        worst = [v.worst for v in verdicts if v.tier == tier and v.worst is not None]
        text.append(
            f"{ratio(max(worst)) if worst else '':>4}", "bold red" if worst and max(worst) > 1 else "dim"
        )
    return text


def _fits(table: Table, width: int) -> bool:
    """Tell whether the table needs no more than `width` columns, its rows and headers whole."""
    widths = []
    for column in table.columns:
        cells = [text for text in (column.header, *column.cells) if isinstance(text, Text | str)]
        lines = [line for text in cells for line in str(text).split("\n")]
        widths.append(max([column.min_width or 0, *map(len, lines)]))
    return sum(widths) + GAP * (len(widths) - 1) <= width


def legend(verdicts: list[Verdict], *, joint: bool) -> list[Text]:
    """Return the meanings of the marks and numbers that are used."""
    used = {verdict.outcome for verdict in verdicts}
    marks = Text("   ").join(
        Text.assemble((mark, style), (f" {meaning}", "dim"))
        for outcome, (mark, style, meaning) in MARKS.items()
        if outcome in used
    )
    lines = [
        marks,
        Text("f64, f32: the worst error / bound at that precision; 1 is the most that conforms", "dim"),
    ]
    if joint:
        order = ", ".join(dict.fromkeys(backend for _, backend in columns(verdicts)))
        lines.append(Text(f"one mark: on all backends; several: on {order}", "dim"))
    return lines
