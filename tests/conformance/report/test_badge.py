"""The badge of reports: SVG, and the JSON that badge services read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from conformance.cli import main as cli
from conformance.report import badge as badges
from conformance.report import jsonfile, terminal
from conformance.verdict import Report, Verdict
from tests.conformance.report import browser, sample_report

SVG = "{http://www.w3.org/2000/svg}"


def report(*outcomes: str) -> Report:
    """A run with a clause for each outcome, judged at both tiers on torch."""
    verdicts = [
        Verdict(f"clause.n{n}", "MUST", "ncps", "CfCCell", "torch", tier, outcome)  # type: ignore[arg-type]
        for n, outcome in enumerate(outcomes)
        for tier in ("float64", "float32")
    ]
    return Report("0.2", "0.1.0", 1, "", {}, [], verdicts, 1.0)


def test_it_counts_the_clauses_that_hold_of_those_that_were_judged() -> None:
    assert badges.badge([report("pass", "pass", "not applicable")]).message == "2/2 · spec 0.2"
    assert badges.badge([report("pass", "fail", "host")]).message == "1/2 · spec 0.2"
    assert badges.badge([report("pass", "error")]).message == "could not be judged · spec 0.2"


def test_reports_together_are_as_good_as_the_worst() -> None:
    good, bad, open_ = report("pass", "pass"), report("pass", "fail"), report("pass", "error")
    assert badges.badge([good, bad]).status == badges.badge([bad, open_]).status == "departs"
    assert badges.badge([good, bad]).message == "1/2 · spec 0.2"
    assert badges.badge([good, open_]).status == "could not be judged"
    older = replace(good, spec="0.1")
    assert badges.badge([good, older]).message == "2/2 · spec 0.1/0.2"


def test_it_counts_what_the_verdict_counts() -> None:
    made = report("pass", "pass", "host", "not applicable")
    assert "judged 2 of 4 MUST clauses" in terminal.text(made)
    assert badges.badge([made]).message == "2/2 · spec 0.2"


def test_a_quick_look_says_so() -> None:
    quick = badges.badge([replace(report("pass"), budget={"smoke": True})])
    assert quick.message == "1/1 · quick look · spec 0.2"
    assert "quick look" in quick.title


@pytest.mark.parametrize(
    ("partial", "do"),
    [
        ({"budget": {"clauses": ["time.*"]}}, "it is of --clause time.* alone: run without --clause"),
        ({"budget": {"shard": "1/3"}}, "`conformance merge` the shards first"),
        ({"complete": False}, "run it again"),
    ],
)
def test_a_partial_report_is_refused(tmp_path: Path, partial: dict[str, Any], do: str) -> None:
    jsonfile.write(replace(sample_report.green(), **partial), tmp_path / "a.json")
    done = CliRunner().invoke(cli.main, ["badge", str(tmp_path / "a.json"), "-o", str(tmp_path / "b.svg")])
    assert done.exit_code == 2
    assert do in done.output and done.output.count("\n") == 1
    assert not (tmp_path / "b.svg").exists()


def test_the_endpoint_is_what_badge_services_read() -> None:
    found = badges.endpoint(badges.badge([report("pass")]))
    assert found == {
        "schemaVersion": 1,
        "label": "CfC/LTC conformance",
        "message": "1/1 · spec 0.2",
        "color": "brightgreen",
        "isError": False,
    }
    assert badges.endpoint(badges.badge([report("fail")]))["isError"] is True


def test_the_picture_says_what_it_shows_and_escapes_it() -> None:
    shown = badges.badge([report("pass")], label='<b onload="x">&')
    root = ElementTree.fromstring(badges.svg(shown))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == root.findtext(f"{SVG}title") == shown.title
    assert [text.text for text in root.iter(f"{SVG}text")] == ['<b onload="x">&', "1/1 · spec 0.2"]


def test_the_command_writes_either_or_both(tmp_path: Path) -> None:
    jsonfile.write(sample_report.green(), tmp_path / "a.json")
    given = ["badge", str(tmp_path / "a.json")]
    files = ["-o", str(tmp_path / "b.svg"), "--endpoint", str(tmp_path / "b.json")]
    assert CliRunner().invoke(cli.main, [*given, *files]).exit_code == 0
    assert ElementTree.parse(tmp_path / "b.svg").getroot().tag == f"{SVG}svg"
    assert json.loads((tmp_path / "b.json").read_text("utf-8"))["schemaVersion"] == 1
    done = CliRunner().invoke(cli.main, given)
    assert done.exit_code == 2
    assert "--endpoint" in done.output


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["CfC/LTC conformance", "110/110 · spec 0.2", "could not be judged · spec 0.2"]
)
def test_widths_are_about_what_a_browser_measures(text: str) -> None:
    style = "font: 11px Verdana, 'DejaVu Sans', Geneva, sans-serif"
    with browser.browser() as running:
        page = running.new_page()
        page.set_content(f'<span style="{style}">{text}</span>')
        measured = page.evaluate("document.querySelector('span').getBoundingClientRect().width")
    assert badges.width(text) == pytest.approx(measured, rel=0.08)
