"""`conformance doctor`: the facts about a target, and whether its adapter or its formula is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import click
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from conformance.cli.commands.refusals import refusals
from conformance.cli.doctor import Compared, Examination, Health, examine
from conformance.driver.pool import HarnessKey, Pool
from conformance.options import resolve, run_options, settled, some_options
from conformance.options.describing import CannotBeJudged, described
from conformance.report.screen import screen
from conformance.report.terminal import untimed
from conformance.report.values import show_case
from conformance.spec import clauses
from conformance.spec.cases import Values

EXIT: dict[Health, int] = {"agrees": 0, "departs": 1, "wrong adapter": 3}
MARKS: dict[str, tuple[str, str]] = {
    "answers": ("✓", "green"),
    "not offered": ("–", "dim"),
    "raises": ("✗", "red"),
    "agrees": ("✓", "bold green"),
    "departs": ("✗", "bold red"),
    "wrong adapter": ("!", "bold magenta"),
}
LABEL = 11
TOGETHER = "\u00a0"
"""A no-break space."""
SHOWN = 4
"""Values of a tensor that are shown."""
DIGITS = (7, 9, 12, 17)
"""Numbers of digits: the first that distinguishes a value from the one beside it is used."""
PRINTED = 12
"""The last lines of the harness's output that are shown."""


@click.command()
@click.argument("target")
@click.option("--backend", metavar="NAME", help="The backend; default: the first one of the target.")
@click.option("--python", metavar="PATH", help="The interpreter that runs it; default: this one.")
@click.option("--path", metavar="DIR", help="A folder to import the target from.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds for one request.")
@some_options("family", "names")
def doctor(**values: Any) -> None:
    """Examine TARGET: its arguments, its parameters' names, its answers, and a step beside the reference.

    Tells a wrong adapter from a wrong implementation before a whole run. Exit status: 0 the step is the
    specification's, 1 it departs, 2 usage, 3 the adapter is to be checked.
    """
    with refusals():
        asked = resolve(run_options(values), clauses.load().clauses)
        with Pool(asked) as pool:
            description = described(asked, asked.targets[0], pool)
            options = settled(asked, {asked.targets[0]: description})
            seen = list(examinations(asked.targets[0], options.backends[0], description, pool))
    with screen() as console:
        _print_found(console, asked.targets[0], description)
        for examination in seen:
            render(examination, console)
    sys.exit(max(EXIT[examination.health] for examination in seen))


def examinations(
    target: str, backend: str, description: Mapping[str, Any], pool: Pool
) -> Iterator[Examination]:
    """Yield an examination of each cell. Raises CannotBeJudged if there is none."""
    if not description["cells"]:
        raise CannotBeJudged(f"{target} offers no cell")
    implementation = pool.at(HarnessKey.of(target, backend, "float64"))
    for cell in description["cells"]:
        yield replace(examine(implementation, cell), printed=implementation.stderr())


def render(seen: Examination, console: Console) -> None:
    """Print one examination, its diagnosis last."""
    title = f"{seen.cell['name']} · {seen.cell['family']} on {seen.backend}, {seen.dtype}"
    console.print()
    console.print(Rule(Text(title, "bold"), align="left", style="dim"))
    grid = _grid()
    for label, text in _lines(seen):
        grid.add_row(label, text)
    console.print(grid)
    for compared in seen.step:
        console.print()
        console.print(_beside(seen, compared))
    if seen.variant:
        console.print(Text(f"variant: {show_case(seen.variant)}", "dim"))
    if seen.printed.strip():
        console.print()
        console.print(Text("the harness printed", "dim"))
        for line in seen.printed.strip().splitlines()[-PRINTED:]:
            console.print(Text(f"  {line}", "dim"))
    mark, style = MARKS[seen.health]
    console.print()
    console.print(Text(f"{mark} {seen.diagnosis}", style))


def _print_found(console: Console, target: str, about: Mapping[str, Any]) -> None:
    grid = _grid()
    name = " ".join(str(about[key]) for key in ("name", "version") if about.get(key))
    grid.add_row("found", Text(f"{name or target} in {about.get('file', 'a process of its own')}"))
    if about.get("adapter") not in (None, about.get("file")):
        grid.add_row("adapter", Text(str(about["adapter"])))
    grid.add_row("with", Text(", ".join(f"{n} {v}" for n, v in about.get("versions", {}).items())))
    cells = ", ".join(f"{cell['name']} ({cell['family']})" for cell in about["cells"])
    grid.add_row("cells", Text(cells))
    for line in untimed(about):
        grid.add_row("", Text(line, "yellow"))
    console.print(grid)


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=LABEL, style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _lines(seen: Examination) -> Iterator[tuple[str, Text]]:
    yield "arguments", Text(", ".join(_argument(seen, name) for name in seen.cell["arguments"]))
    if seen.absent:
        listed = ", ".join(f"{name}={value!r}" for name, value in seen.absent.items())
        yield "not there", Text(f"judged by the specification's default: {listed}", "dim")
    if seen.cell.get("unknown"):
        yield "not judged", Text(", ".join(seen.cell["unknown"]), "dim")
    yield from _parameters(seen)
    yield "answers", _answers(seen)
    for answer in seen.answers:
        if answer.message:
            mark, style = MARKS[answer.outcome]
            yield "", Text(f"{mark} {answer.method}: {answer.message}", style)
    if seen.milliseconds is not None:
        yield "one step", Text(f"{seen.milliseconds:.2g} ms, the median of some, the wire included")
    for dtype in seen.refused:
        yield "no step", Text(f"in {dtype}", "yellow")
    said = seen.cell.get("variant")
    if said:
        yield "declares", Text(f"{show_case(said['values'])}{_kept(seen, said)} ({said['source']})")


def _kept(seen: Examination, said: Mapping[str, Any]) -> str:
    """Tell in words whether the cell computes as it declares; "" if unknown."""
    if seen.variant:
        return ", and computes so" if seen.variant == said["values"] else ", but computes otherwise"
    return ", but computes as the default says" if seen.health == "agrees" else ""


def _argument(seen: Examination, name: str) -> str:
    only = seen.cell.get("values", {}).get(name)
    return f"{name} ({', '.join(map(str, only))})" if only else name


def _parameters(seen: Examination) -> Iterator[tuple[str, Text]]:
    parameters = seen.parameters
    names = [f"{name}{TOGETHER}{_shape(shape)}" for name, shape in parameters.mapped.items()]
    yield "mapped", Text(", ".join(names) or "no parameter", "" if names else "red")
    if parameters.missing:
        missing = ", ".join(f"{name}{TOGETHER}{_shape(shape)}" for name, shape in parameters.missing.items())
        yield "missing", Text(missing, "bold red")
    for name, (got, want) in parameters.reshaped.items():
        yield "reshaped", Text(f"{name} has {_shape(got)}, the specification {_shape(want)}", "bold red")
    if parameters.unmapped:
        yield "unmapped", Text(", ".join(parameters.unmapped), "yellow")


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "number"


def _answers(seen: Examination) -> Text:
    parts = []
    for answer in seen.answers:
        mark, style = MARKS[answer.outcome]
        parts.append(Text.assemble((f"{mark}{TOGETHER}", style), answer.method))
    return Text("   ").join(parts)


def _beside(seen: Examination, compared: Compared) -> Table:
    """Return the first values of a tensor: got, wanted, bound, and under the variant that fits."""
    under = next((c for c in seen.under_variant if c.what == compared.what), None)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(compared.what)
    for title in ("got", "wanted", "bound", "err/bound", *(("variant", "err/bound") if under else ())):
        table.add_column(title, justify="right", no_wrap=True)
    for i in range(min(SHOWN, compared.want.shape[-1])):
        got, want = _told_apart(_value(compared.got, i), _value(compared.want, i))
        cells = [Text(f"  [0, {i}]"), Text(got), Text(want)]
        cells += [Text(f"{compared.bound[0, i]:.1g}"), _excess(compared, i)]
        variant = (Text(_told_apart(_value(under.want, i))[0]), _excess(under, i)) if under else ()
        table.add_row(*cells, *variant)
    return table


def _value(values: Values, i: int) -> float | None:
    """Return the value i of the first sample; None if there is none."""
    return float(values[0, i]) if values.shape[-1] > i else None


def _told_apart(*values: float | None) -> list[str]:
    """Return values with enough digits to show that they differ."""
    different = len(set(values))
    for digits in DIGITS:
        shown = ["–" if value is None else f"{value:.{digits}g}" for value in values]
        if len(set(shown)) == different:
            break
    return shown


def _excess(compared: Compared, i: int) -> Text:
    excess = compared.excess[0, i]
    return Text(f"{excess:.2g}", "green" if excess <= 1 else "red")
