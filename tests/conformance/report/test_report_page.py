"""The page of reports, clicked through in a browser."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from conformance.cli import main as cli
from conformance.report import jsonfile
from conformance.report.html import Source, render
from conformance.report.html.assembly import view
from conformance.report.html.facts import entry_facts
from conformance.report.html.strip import Scale, dots, scale
from conformance.spec import clauses
from conformance.verdict import Cause, CauseKind, Failure, Report, Verdict
from tests.conformance.report import browser, sample_report

pytestmark = pytest.mark.slow

SPEC = clauses.load()
HOSTILE = (
    "<script>document.title='taken'</script>",
    "</script><img src=x onerror=\"document.title='taken'\">",
    "\"'><svg onload=document.title='taken'>",
    "</template><b id='injected'>b</b>",
    "{{ 7 * 7 }} & <!--",
)


def other() -> Report:
    """A second run, of a target of its own on a backend of its own."""
    red = sample_report.red()
    verdicts = [
        replace(v, target="mine:Cell", backend="node", cell="Cell")
        for v in red.verdicts
        if v.cell == "CfCCell" and v.backend == "torch"
    ]
    about = [{"target": "mine:Cell", "backend": "node", "name": "mine", "versions": {"node": "20"}}]
    return replace(red, verdicts=verdicts, implementations=about, seed=8, spec="0.1")


def hostile() -> Report:
    """A run in which everything that a target can say of itself is markup."""
    bad = "".join(HOSTILE)
    failure = Failure(bad, {bad: bad}, got=bad, want=bad, bound=bad, script=bad)
    causes = [Cause(kind, bad, bad, bad) for kind in get_args(CauseKind)]
    about: dict[str, Any] = {"level": "MUST", "target": bad, "cell": bad, "backend": bad, "tier": None}
    verdicts = [
        Verdict("state.sizes", outcome="fail", reason=bad, failure=failure, variant={bad: bad}, **about),
        Verdict("time.zero", outcome="fail", failure=failure, causes=causes, **about),
        Verdict("state.pure", outcome="not applicable", reason=bad, **about),
    ]
    described = [{"target": bad, "backend": bad, "name": bad, "file": bad, "versions": {bad: bad}}]
    return Report("0.2", bad, 1, bad, {"clauses": []}, described, verdicts, 1.0, False, [bad])


def written(folder: Path, *reports: Report) -> Path:
    file = folder / "report.html"
    sources = [Source(f"{number}.json", report) for number, report in enumerate(reports)]
    file.write_text(render(sources, SPEC), encoding="utf-8")
    return file


def shown() -> Any:
    return view([Source("a", sample_report.red()), Source("b", other())], SPEC.version, SPEC.clauses)


# Without a browser


def test_the_page_is_one_file_that_loads_nothing(tmp_path: Path) -> None:
    text = written(tmp_path, sample_report.red()).read_text("utf-8")
    assert "default-src 'none'" in unescape(text)
    assert not re.search(r"<(?:link|img|iframe|script[^>]* src)\b", text)
    assert not re.search(r"(?:src|href)=\"(?!#)", text)


def test_what_a_target_says_is_text_wherever_it_stands(tmp_path: Path) -> None:
    text = written(tmp_path, hostile()).read_text("utf-8")
    for said in HOSTILE[:4]:
        assert said not in text
    assert text.count("<script") == 2  # the facts, and the page's own
    assert text.count("<template") == len(hostile().verdicts)


def test_every_clause_cell_and_backend_of_every_run_has_its_place() -> None:
    found = shown()
    columns = [column.key for column in found.columns]
    assert columns[0] == "A/ncps/CfCCell/jax"
    assert columns[-1] == "B/mine:Cell/Cell/node"
    assert [row.id for row in found.rows] == [
        id for id in SPEC.clauses if id in {v.clause for v in sample_report.red().verdicts}
    ]
    row = next(row for row in found.rows if row.id == "cfc.step.default")
    marks = {column.key: entry.mark.sign for column, entry in row.entries.items()}
    assert marks["A/ncps/CfCCell/jax"] == "✓"
    assert marks["B/mine:Cell/Cell/node"] == "✗"


def test_a_clause_of_another_specification_is_shown_without_its_text(tmp_path: Path) -> None:
    verdict = replace(sample_report.green().verdicts[0], clause="bygone.clause")
    text = written(tmp_path, replace(sample_report.green(), verdicts=[verdict])).read_text("utf-8")
    assert "bygone.clause" in text
    assert "has no such clause" in text


def test_a_known_failure_is_marked_as_one_with_its_reason_and_link(tmp_path: Path) -> None:
    green = sample_report.green()
    known = {"entry": 1, "reason": "linear heads", "link": "https://example.org/7", "stale": ""}
    first = replace(green.verdicts[0], outcome="known failure", reason="linear heads", known=known)
    found = view([Source("a", replace(green, verdicts=[first, *green.verdicts[1:]]))], "0.2", SPEC.clauses)
    assert "known failure" in [mark.outcome for mark in found.marks]
    assert next(found.rows).entries[found.columns[0]].mark.sign == "~"
    said = entry_facts(next(found.rows).entries[found.columns[0]], SPEC.clauses)
    assert said["reasons"] == ["linear heads", "https://example.org/7"]
    assert found.cards[0].conclusion == f"conforms to specification {SPEC.version} but for 1 known failure"


def test_the_page_has_the_causes_of_each_target_before_the_matrix(tmp_path: Path) -> None:
    found = view([Source("a", sample_report.caused()), Source("b", other())], SPEC.version, SPEC.clauses)
    one, two = found.causes
    assert (one.run, one.target, two.run, two.target) == ("A", "ncps", "B", "mine:Cell")
    assert [shown.number for shown, _ in one.examples] == [1, 2, 3, 4, 5]
    assert [example.first.clause for _, example in two.examples] == ["cfc.step.no_gate", "cfc.step.default"]
    assert {finding.first.outcome for _, finding in found.departures} == {"error"}
    text = written(tmp_path, sample_report.caused()).read_text("utf-8")
    assert text.index('id="causes"') < text.index('id="matrix"')
    assert "5 causes of 8 clauses that fail: 6 follow from another." in text
    assert "What could not be judged" in text and "formula <span" in text
    (tmp_path / "by_clause.html").write_text(
        render([Source("a", sample_report.caused())], SPEC, clauses_only=True), encoding="utf-8"
    )
    text = (tmp_path / "by_clause.html").read_text("utf-8")
    assert 'id="causes"' not in text and "What departs" in text


def test_an_entry_that_follows_from_a_cause_is_shaded_apart_and_names_it() -> None:
    found = view([Source("a", sample_report.caused())], SPEC.version, SPEC.clauses)
    rows = {row.id: row for row in found.rows}

    def entry(clause: str, cell: str, backend: str) -> Any:
        column = next(c for c in found.columns if (c.cell, c.backend) == (cell, backend))
        return rows[clause].entries[column]

    itself, follower = (entry(id, "CfCCell", "torch") for id in ("cfc.step.default", "backbone.absent"))
    assert (itself.explained, itself.numbers) == (False, "none")
    assert (follower.explained, follower.numbers) == (True, "4")
    both = entry("time.zero", "CfCCell", "jax")
    assert (both.explained, both.numbers) == (True, "1 and 2")
    assert entry_facts(both, SPEC.clauses)["causes"] == [
        "cause 1: computes with head_activation=linear, a documented variant (proven on 24 steps)",
        "cause 2: The gate's offset is multiplied by time too (proven on 31 steps)",
    ]
    assert "causes" not in entry_facts(itself, SPEC.clauses)
    assert not entry("backbone.absent", "CfCCell", "jax").explained


def test_the_strip_has_the_bound_where_errors_meet_it() -> None:
    for on in (Scale(0.5), Scale(1e6)):
        assert on.x(1.0) == on.bound
        assert on.x(1e-9) == on.x(0.0) == 0.0
        assert on.x(0.1) < on.x(0.2) < on.bound
    assert Scale(1e6).bound < Scale(1e6).x(10.0) < Scale(1e6).x(1e5) <= 1000.0
    for on in (Scale(0.0), Scale(0.5), Scale(1e6)):
        assert on.x(float("inf")) == on.x(float("nan")) == 1000.0


@pytest.mark.parametrize("worst", [1.0, 20.0, 1.0000000000000655e308, sys.float_info.max])
def test_the_strip_holds_any_finite_error(worst: float) -> None:
    row: Any = SimpleNamespace(entries={"a": SimpleNamespace(worst=worst)})
    on = scale([row])
    assert worst <= on.most < float("inf") and 0 < on.x(worst) <= 1000.0 and on.ticks


def test_the_strip_has_a_dot_for_each_column_and_tier() -> None:
    found = shown()
    row = next(row for row in found.rows if row.id == "cfc.step.default")
    marked = {(dot.column.key, dot.tier): dot for dot in dots(row, scale(found.rows))}
    numerical = [
        v
        for v in (*sample_report.red().verdicts, *other().verdicts)
        if v.clause == row.id and v.worst is not None
    ]
    assert len(marked) == len(numerical)
    on = scale(found.rows)
    assert marked["A/ncps/CfCCell/torch", "float64"].x > on.bound > marked["A/ncps/CfCCell/jax", "float64"].x


def test_the_command_writes_the_page_or_says_what_is_wrong(tmp_path: Path) -> None:
    jsonfile.write(sample_report.red(), tmp_path / "a.json")
    (tmp_path / "b.json").write_text("{}", encoding="utf-8")
    (tmp_path / "c.json").write_text("[" * 100_000, encoding="utf-8")
    out = tmp_path / "deep" / "page.html"
    done = CliRunner().invoke(cli.main, ["report", str(tmp_path / "a.json"), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "cfc.step.default" in out.read_text("utf-8") and 'id="causes"' in out.read_text("utf-8")
    command = ["report", str(tmp_path / "a.json"), "-o", str(out), "--clauses-only"]
    assert CliRunner().invoke(cli.main, command).exit_code == 0
    assert 'id="causes"' not in out.read_text("utf-8")
    for wrong, says in (("b.json", "not a report"), ("none.json", "cannot be read"), ("c.json", "not JSON")):
        done = CliRunner().invoke(cli.main, ["report", str(tmp_path / wrong), "-o", str(out)])
        assert done.exit_code == 2
        assert says in done.output
    done = CliRunner().invoke(
        cli.main, ["report", str(tmp_path / "a.json"), "-o", str(tmp_path / "a.json" / "x")]
    )
    assert done.exit_code == 2
    assert "cannot be written" in done.output


# In a browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser.browser() as running:
        yield running


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Any]:
    with browser.page(chromium, written(tmp_path, sample_report.red(), other())) as page:
        yield page


def state(page: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).fragment)


def cell(page: Any, clause: str, label: str) -> Any:
    return page.locator(f'tr[data-clause="{clause}"] td[aria-label*="{label}"]').first


def test_a_click_on_a_cell_shows_the_clause_the_case_and_the_script(opened: Any) -> None:
    cell(opened, "cfc.step.default", "CfCCell on torch").click()
    panel = opened.locator(".panel")
    assert panel.is_visible()
    text = panel.inner_text()
    for said in (
        "cfc.step.default",
        "CfCCell on torch",
        "float64",
        "the output is that of heads in each other's place",
        "timespans=[[0.25]]",
        "[[0.123456789, -0.5, nan]]",
        'with start("ncps", "torch") as implementation:',
        "a step returns head(f1) (1 - s) + head(f2) s.",
    ):
        assert said in text, said
    assert panel.locator(".text pre").count()  # the Markdown of the clause is rendered
    assert state(opened)["clause"] == ["cfc.step.default"]


def test_causes_open_lead_to_their_clauses_and_are_filtered_with_them(chromium: Any, tmp_path: Path) -> None:
    with browser.page(chromium, written(tmp_path, sample_report.caused())) as page:
        causes = page.locator("#causes .cause")
        assert [causes.nth(n).locator(".body").is_visible() for n in range(3)] == [True, False, False]
        causes.nth(1).locator("h3 button").click()
        assert "ltc.step.explicit" in causes.nth(1).locator(".body").inner_text()
        causes.nth(1).locator(".names button", has_text="time.zero").click()
        assert page.locator("#panel-title").inner_text() == "time.zero"
        page.locator(".panel .others button", has_text="CfCCell on jax").click()
        assert "Follows from cause 2: The gate's offset" in page.locator(".panel").inner_text()
        page.keyboard.press("Escape")
        page.locator("input[name=q]").fill("offset is multiplied")
        assert rows(page) == {"ltc.step.explicit", "time.zero"}
        assert [causes.nth(n).is_visible() for n in range(5)] == [True, True, False, False, False]


def test_the_script_is_copied(chromium: Any, tmp_path: Path) -> None:
    file = written(tmp_path, sample_report.red())
    with browser.page(chromium, file, permissions=["clipboard-read", "clipboard-write"]) as page:
        cell(page, "cfc.step.default", "CfCCell on torch").click()
        page.locator(".panel .copy").click()
        page.wait_for_function("document.querySelector('.panel .copy').textContent !== 'copy'")
        if page.locator(".panel .copy").inner_text() == "copied":
            assert page.evaluate("navigator.clipboard.readText()") == sample_report.SCRIPT
        else:
            assert page.evaluate("getSelection().toString()").strip() == sample_report.SCRIPT.strip()


def test_a_link_shows_the_same(opened: Any) -> None:
    opened.locator("input[name=q]").fill("step default")
    opened.locator("select[name=backend]").select_option("torch")
    opened.locator("label.chip", has_text="departs").click()
    cell(opened, "cfc.step.default", "CfCCell on torch").click()
    before = state(opened)
    assert (
        before["q"] == ["step default"] and before["outcome"] == ["fail"] and before["backend"] == ["torch"]
    )
    shown, panel = opened.locator(".shown").inner_text(), opened.locator(".panel").inner_text()
    url = opened.url
    opened.goto("about:blank")
    opened.goto(url)
    assert state(opened) == before
    assert opened.locator(".shown").inner_text() == shown
    assert opened.locator(".panel").inner_text() == panel
    assert opened.locator("input[name=q]").input_value() == "step default"
    opened.goto("about:blank")  # the address of the test's own check
    opened.goto(url)


def rows(page: Any) -> set[str]:
    return set(page.locator("tr.clause:visible").evaluate_all("rows => rows.map(row => row.dataset.clause)"))


def test_filters_leave_what_they_say(opened: Any) -> None:
    opened.locator("[data-do=open]").click()
    verdicts = [*sample_report.red().verdicts, *other().verdicts]
    assert rows(opened) == {verdict.clause for verdict in verdicts}
    opened.locator("label.chip", has_text="the host's fault").click()
    assert rows(opened) == {verdict.clause for verdict in verdicts if verdict.outcome == "host"}
    opened.locator("button[type=reset]").click()
    assert not state(opened)
    opened.locator("select[name=level]").select_option("SHOULD")
    opened.locator("[data-do=open]").click()
    assert rows(opened) == {verdict.clause for verdict in verdicts if verdict.level == "SHOULD"}
    opened.locator("button[type=reset]").click()
    opened.locator("select[name=target]").select_option("mine:Cell")
    heads = opened.locator("thead .backends th:visible").all_inner_texts()
    assert [head.strip() for head in heads] == ["node"]
    opened.locator("input[name=q]").fill("Keras puts the state")  # a reason
    assert rows(opened) == set()
    opened.locator("select[name=target]").select_option("ncps")
    assert rows(opened) == {verdict.clause for verdict in verdicts if verdict.outcome == "host"}


def test_areas_with_something_wrong_are_open_and_others_open_at_a_click(opened: Any) -> None:
    first = opened.locator('tbody[data-calm="0"] button[aria-expanded]').first
    calm = opened.locator('tbody[data-calm="1"]').first
    assert first.get_attribute("aria-expanded") == "true"
    assert calm.locator("tr.clause:visible").count() == 0
    calm.locator(".area button").click()
    assert calm.locator("tr.clause:visible").count() == calm.locator("tr.clause").count()
    assert state(opened)["turn"] == [calm.get_attribute("data-area")]


def test_the_keyboard_moves_opens_closes_and_filters(opened: Any) -> None:
    cell(opened, "cfc.step.default", "CfCCell on jax").focus()
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowDown")
    label = opened.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("cfc.step.no_gate, CfCCell on torch")
    opened.keyboard.press("Enter")
    assert opened.locator("#panel-title").inner_text() == "cfc.step.no_gate"
    assert opened.evaluate("document.activeElement.id") == "panel-title"
    opened.keyboard.press("Escape")
    assert not opened.locator(".panel").is_visible()
    assert opened.evaluate("document.activeElement.getAttribute('aria-label')") == label
    opened.keyboard.press("/")
    opened.keyboard.type("gradient.")
    assert rows(opened) and all("gradient." in text for text in searched(opened))
    opened.keyboard.press("Escape")
    assert opened.locator("input[name=q]").input_value() == ""


def searched(page: Any) -> list[str]:
    found: list[str] = page.locator("tr.clause:visible").evaluate_all("rows => rows.map(r => r.dataset.text)")
    return found


def test_one_cell_of_the_matrix_can_be_tabbed_to(opened: Any) -> None:
    assert opened.locator('.matrix td[tabindex="0"]').count() == 1
    opened.locator("select[name=backend]").select_option("node")
    assert opened.locator('.matrix td[tabindex="0"]:visible').count() == 1


def test_what_a_target_says_runs_nowhere(chromium: Any, tmp_path: Path) -> None:
    with browser.page(chromium, written(tmp_path, hostile(), hostile())) as page:
        page.locator("[data-do=open]").click()
        page.locator(".finding h3 button").last.click()
        page.locator("tr.clause td.bad").first.click()
        assert HOSTILE[0] in page.locator(".panel").inner_text()
        assert page.title() != "taken"
        assert page.locator("#injected").count() == 0


@pytest.mark.parametrize("width", [390, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen_and_everything_can_be_read(
    chromium: Any, tmp_path: Path, width: int, scheme: str
) -> None:
    file = written(tmp_path, sample_report.caused(), other())
    with browser.page(chromium, file, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        cell(page, "cfc.step.default", "CfCCell on jax").click()
        assert page.evaluate("document.querySelector('.panel').scrollWidth") <= width
        pale = page.evaluate(CONTRAST)
        assert not pale, pale


CONTRAST = """() => {
  const rgb = (text) => { const p = text.match(/[\\d.]+/g).map(Number); return [...p, 1].slice(0, 4); };
  const over = (top, under) => [0, 1, 2].map((n) => top[n] * top[3] + under[n] * (1 - top[3]));
  const linear = (v) => v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = (c) => c.slice(0, 3).map(linear)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (e) => {
    const found = [];
    for (let at = e; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (!getComputedStyle(at).backgroundColor.startsWith("rgb")) continue;
      found.push(colour);
      if (colour[3] === 1) break;
    }
    return found.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const pale = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest("svg, option, script, style, [hidden]")) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) pale.push([e.className, e.textContent.slice(0, 30), contrast.toFixed(2)]);
  }
  return pale.slice(0, 5);
}"""


def test_on_paper_failures_are_open_and_controls_are_gone(opened: Any) -> None:
    opened.emulate_media(media="print")
    assert not opened.locator(".filters").is_visible()
    alone = opened.locator(".cause .body, .finding:not(.explained) .body")
    assert alone.count() and all(alone.nth(n).is_visible() for n in range(alone.count()))


def test_the_facts_hold_no_number_that_json_lacks(tmp_path: Path) -> None:
    text = written(tmp_path, sample_report.red()).read_text("utf-8")
    facts = re.search(r'<script type="application/json" id="facts">(.*?)</script>', text, re.DOTALL)
    assert facts is not None
    assert set(json.loads(facts[1])["clauses"]) == {v.clause for v in sample_report.red().verdicts}
