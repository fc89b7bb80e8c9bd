"""Judges every published implementation that can be, and makes the page that shows where each stands.

    python .ci/field.py [--peer PYTHON] [--peer-tf PYTHON] [OPTION of conformance run ...]

What `tox run -e field` calls. Writes a report for each package and the page of them all to field/, which is
not kept; and to docs/field/ what is: the standings as JSON and as a table, a picture of the page
where there is a browser, and our badge. Without options a run is a quick look, `--smoke --seed 1`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from conformance.report import jsonfile
from conformance.report.badge import EXCUSED
from conformance.report.causes import causes_found
from conformance.report.status import group_by, must
from conformance.verdict import Report, Verdict

ROOT = Path(__file__).resolve().parent.parent
FOLDER, KEPT = ROOT / "field", ROOT / "docs" / "field"
KERAS = "torch,jax"


@dataclass(frozen=True)
class Entry:
    """One report: what is judged, by whose interpreter, and with which options of its own."""

    name: str
    targets: tuple[str, ...]
    python: str = ""
    options: tuple[str, ...] = ()


ENTRIES = (
    Entry("ncps-keras", ("ncps",), options=("--backend", "jax,torch,tensorflow,numpy")),
    Entry("javascript", ("exec:node javascript/harness.mjs",)),
    Entry("pypi-ncps-torch", ("ncps.torch:CfC", "ncps.torch:LTC"), "peer"),
    Entry(
        "pypi-ncps-keras",
        ("ncps.keras:CfCCell", "ncps.keras:LTCCell", "ncps.keras:WiredCfCCell"),
        "peer",
        ("--backend", KERAS),
    ),
    Entry("pypi-ncps-tf", ("ncps.tf:CfCCell", "ncps.tf:LTCCell", "ncps.tf:WiredCfCCell"), "peer_tf"),
    Entry("pypi-keras-ncp", ("kerasncp.tf.cfc_cell:CfcCell", "kerasncp.tf:LTCCell"), "peer_tf"),
    Entry("pypi-cfc-model", ("cfc_model_cells:TensorFlow",), "peer_tf", ("--path", "examples/own_adapter")),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--peer", default=".tox/peer/bin/python", help="has PyPI's ncps, for torch and Keras 3"
    )
    parser.add_argument(
        "--peer-tf", default=".tox/peer-tf/bin/python", help="has PyPI's packages for Keras 2"
    )
    parser.add_argument("--only", help="judge these entries alone, separated by commas; none of them: ''")
    known, options = parser.parse_known_args()
    wanted = [entry.name for entry in ENTRIES] if known.only is None else known.only.split(",")
    begin = time.monotonic()
    FOLDER.mkdir(exist_ok=True)
    for entry in ENTRIES:
        if entry.name in wanted:
            judge(entry, getattr(known, entry.python, None), options or ["--smoke", "--seed", "1"])
    paths = {entry.name: FOLDER / f"{entry.name}.json" for entry in ENTRIES}
    paths = {name: path for name, path in paths.items() if path.exists()}
    conformance("report", *map(str, paths.values()), "-o", str(FOLDER / "index.html"))
    keep({name: jsonfile.read(path) for name, path in paths.items()})
    print(f"{len(paths)} reports in {time.monotonic() - begin:.0f} s: {FOLDER / 'index.html'}")
    return 0


def judge(entry: Entry, python: str | None, options: list[str]) -> None:
    """Run the suite once; its exit status is its finding and not ours."""
    begin = time.monotonic()
    where = ["--python", python] if python else []
    path = FOLDER / f"{entry.name}.json"
    status = conformance("run", *entry.targets, *where, *entry.options, *options, "--json", str(path))
    print(f"  {entry.name:<18} exit {status}  {time.monotonic() - begin:5.0f} s", flush=True)


def conformance(*arguments: str) -> int:
    """Return the exit status of a command of ours; its progress is shown, its report is in the file."""
    command = [sys.executable, "-m", "conformance", *arguments]
    return subprocess.run(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ | {"COLUMNS": "100"}
    ).returncode


def keep(reports: dict[str, Report]) -> None:
    """Write to docs/field/ what the README and the documentation show."""
    KEPT.mkdir(exist_ok=True)
    rows = [row for name, report in reports.items() for row in standings(name, report)]
    text = json.dumps({"made": f"{date.today()}", "standings": rows}, indent=1, ensure_ascii=False) + "\n"
    (KEPT / "field.json").write_text(text, encoding="utf-8")
    (KEPT / "table.md").write_text(table(rows), encoding="utf-8")
    conformance("badge", str(FOLDER / "ncps-keras.json"), "-o", str(KEPT / "badge.svg"))
    picture(FOLDER / "index.html", KEPT / "field.png")


def standings(name: str, report: Report) -> Iterator[dict[str, Any]]:
    """Yield where each cell of a report stands, on all of its backends together."""
    common = {"spec": report.spec, "seed": report.seed, "smoke": report.budget["smoke"]}
    for (target, cell), group in group_by(report.verdicts, lambda v: (v.target, v.cell)).items():
        about = next(entry for entry in report.implementations if entry["target"] == target)
        yield {
            "entry": name,
            "target": target,
            "cell": cell,
            "version": about.get("version"),
            "backends": sorted({verdict.backend for verdict in group}),
            **outcomes_of(group),
            **common,
            "complete": report.complete,
        }


def outcomes_of(verdicts: list[Verdict]) -> dict[str, Any]:
    """Return the convention that a cell follows, which clauses hold and fail, and the causes."""
    all_causes = causes_found(must(verdicts)) if any(verdict.causes for verdict in verdicts) else []
    by_clause = group_by(must(verdicts), lambda v: v.clause)
    outcomes = {clause: {verdict.outcome for verdict in some} for clause, some in by_clause.items()}
    by_convention = {v.clause for v in verdicts if v.holds_under_variant}
    beyond_convention = {v.clause for v in verdicts if v.outcome == "fail" and not v.holds_under_variant}
    return {
        "convention": next((verdict.variant for verdict in verdicts if verdict.variant), {}),
        "holds": sum("pass" in some and some <= EXCUSED for some in outcomes.values()),
        "fails": [clause for clause, some in outcomes.items() if "fail" in some],
        "fails_by_convention_alone": sorted(by_convention - beyond_convention),
        **(
            {"causes": [[one.cause.kind, one.cause.name, len(one.clauses)] for one in all_causes]}
            if all_causes
            else {}
        ),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return the survey's table as Markdown."""
    lines = [
        "| judged | cell | on | MUST clauses that hold | causes of what fails | for its convention alone |"
    ]
    lines.append("| --- | --- | --- | ---: | ---: | --- |")
    for row in rows:
        convention = ", ".join(f"`{name}={value!r}`" for name, value in row["convention"].items())
        alone = f"{len(row['fails_by_convention_alone'])}: {convention}" if convention else ""
        cells = (f"`{row['target']}`", row["cell"], ", ".join(row["backends"]))
        lines.append(f"| {' | '.join(cells)} | {row['holds']} | {causes(row)} | {alone} |")
    return "\n".join([*lines, "", explained(rows)]) + "\n"


def explained(rows: list[dict[str, Any]]) -> str:
    """Return how many of the failing clauses of all cells follow from a cause other than themselves."""
    known = [row for row in rows if "causes" in row]
    fails = sum(len(row["fails"]) for row in known)
    alone = sum(kind == "clause" and name in row["fails"] for row in known for kind, name, _ in row["causes"])
    follow = f"{fails - alone} follow from a cause and {alone} stand by themselves"
    return f"Of {fails} clauses that fail, counted by cell, {follow}."


def causes(row: dict[str, Any]) -> str:
    """The number of causes, unless the data are older than they, and of the clauses that fail for them."""
    if not row["fails"]:
        return "0"
    return f"{len(row['causes']) if 'causes' in row else '–'} ({len(row['fails'])} clauses)"


def picture(page: Path, path: Path) -> None:
    """Take a picture of the page's matrix with its areas closed; it needs Playwright and a Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        browser = None
    if browser is None:
        return print("no picture: there is no browser")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        shown = running.new_page(viewport={"width": 2300, "height": 1000}, bypass_csp=True)
        shown.goto(page.as_uri())
        shown.add_style_tag(content="main { margin: 0; max-width: none }")  # all columns, and no margin
        shown.get_by_text("close all").click()
        shown.get_by_text("Clause by clause").evaluate("heading => heading.scrollIntoView()")
        shown.screenshot(path=path)
        running.close()


if __name__ == "__main__":
    sys.exit(main())
