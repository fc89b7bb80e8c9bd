"""Fills the template of the page."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from conformance.report.failures import places
from conformance.report.html import strip
from conformance.report.html.assembly import view
from conformance.report.html.facts import entry_facts, failure_facts
from conformance.report.html.view import Entry, Source, View, mark
from conformance.report.values import count, listed
from conformance.spec.clauses import Spec


def render(sources: Iterable[Source], spec: Spec, *, clauses_only: bool = False) -> str:
    """Return one page that shows some reports side by side, with the text of the clauses of `spec`.

    Text of a target stays text: everything is escaped, and the page's own policy runs no script but its own.

    Args:
        sources: the reports, in the order in which they are shown.
        spec: the specification whose text is shown; a clause that it lacks is shown without text.
        clauses_only: each clause that fails is shown as a finding of its own, in place of the causes.
    """
    shown = view(sources, spec.version, spec.clauses, clauses_only=clauses_only)
    style, script = asset("page.css"), asset("page.js")
    return (
        environment()
        .get_template("page.html.jinja")
        .render(
            view=shown,
            scale=strip.scale(shown.rows),
            dots=strip.dots,
            facts=_facts(shown, spec),
            failure=lambda finding: failure_facts(finding, spec.clauses),
            colours=_colours(shown),
            style=Markup(style),
            script=Markup(script),
            policy=policy(style, script),
        )
    )


@cache
def environment() -> Environment:
    """Return the environment of the templates: it escapes values and raises for missing names."""
    made = Environment(
        loader=PackageLoader("conformance.report.html", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "breakable": breakable,
        "markdown": markdown,
        "count": count,
        "listed": listed,
        "places": places,
        "mark": mark,
    }
    return made


def asset(name: str) -> str:
    """Return the text of a file beside this one."""
    return resources.files(__package__ or "").joinpath(name).read_text(encoding="utf-8")


def breakable(name: str) -> Markup:
    """Return a name that may break into lines after a colon, a dot or a slash."""
    return Markup("<wbr>").join(re.split(r"(?<=[:./])", name))


def markdown(text: str) -> Markup:
    """Return the Markdown of a clause as HTML; HTML in it is shown as text."""
    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))


def policy(style: str, script: str) -> str:
    """Return a content security policy by which the page loads nothing and runs only its own script."""
    nothing = "default-src 'none'; base-uri 'none'; form-action 'none'"
    return f"{nothing}; style-src {_hash(style)}; script-src {_hash(script)}"


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _facts(shown: View, spec: Spec) -> dict[str, Any]:
    """Return the data of the script: the columns, and of each clause the panel's facts on each of them."""

    def facts(entry: Entry) -> dict[str, Any]:
        return entry_facts(entry, spec.clauses)

    return {
        "columns": [
            {"key": c.key, "run": c.run, "target": c.target, "cell": c.cell, "backend": c.backend}
            for c in shown.columns
        ],
        "clauses": {
            row.id: {str(shown.columns.index(column)): facts(entry) for column, entry in row.entries.items()}
            for row in shown.rows
        },
    }


def _colours(shown: View) -> dict[tuple[str, str], int]:
    """Return a colour of the palette for each target of each run."""
    keys = dict.fromkeys((column.run, column.target) for column in shown.columns)
    return {key: number % 6 for number, key in enumerate(keys)}
