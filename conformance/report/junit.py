"""A report as JUnit XML, for the pages of CI servers: a test case is a clause, its class the subject."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from conformance.report import jsonfile
from conformance.report.causes import CauseFound, causes_found, followed, short_place
from conformance.report.status import UNSETTLED, meaning, of_target, targets
from conformance.verdict import Report, Verdict

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 cannot hold, escaped or not."""


def write(report: Report, path: Path) -> None:
    """Write the report to `path`, all of it or nothing. Raises OSError."""
    text = ElementTree.tostring(to_xml(report), encoding="unicode", xml_declaration=False)
    jsonfile.save_text(f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n', path)


def to_xml(report: Report) -> Element:
    """Return the report as the element `testsuites`."""
    root = Element("testsuites")
    suite = SubElement(root, "testsuite", name="conformance", time=f"{report.seconds:.3f}")
    causes = {target: causes_found(of_target(report, target)) for target in targets(report)}
    for verdict in report.verdicts:
        follows = followed([verdict], causes[verdict.target])
        _add(suite, verdict, follows, strict=bool(report.known_failures.get("strict")))
    if not report.complete:
        case = SubElement(suite, "testcase", classname="conformance", name="a complete run")
        _tell(case, "error", "the run was not complete", "\n".join(report.notes))
    for count, kind in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        suite.set(count, str(len(list(suite.iter(kind)))))
    suite.set("skipped", str(len(list(suite.iter("skipped")))))
    return root


def place(verdict: Verdict) -> str:
    """Return the subject in words: "pkg:Cell on jax in float64", with the cell if the target has several."""
    target, cell = verdict.target, verdict.cell
    named = target if target.rpartition(":")[2] == cell else f"{target} {cell}"
    return f"{named} on {verdict.backend}" + (f" in {verdict.tier}" if verdict.tier else "")


def _add(suite: Element, verdict: Verdict, follows: list[CauseFound], *, strict: bool) -> None:
    seconds = f"{verdict.seconds:.3f}"
    about = {"classname": _text(place(verdict)), "name": verdict.clause, "time": seconds}
    case = SubElement(suite, "testcase", about)
    result, said = meaning(verdict, strict=strict)
    said = "; ".join([*map(_followed, follows), said])
    shown = verdict.failure.script if verdict.failure else ""
    if result == "fails":
        kind = "error" if verdict.outcome in UNSETTLED else "failure"
        _tell(case, kind, said, "\n\n".join(filter(None, (said, shown))))
    elif result != "holds":
        _tell(case, "skipped", said, type=f"pytest.{'xfail' if result == 'may fail' else 'skip'}")


def _followed(cause: CauseFound) -> str:
    """Return a cause that a failure follows from, by its number among those of the target."""
    at = f", {short_place(cause.place)}" if cause.place else ""
    return f"follows from cause {cause.number}: {cause.title}{at}"


def _tell(case: Element, kind: str, message: str, text: str = "", **attributes: str) -> None:
    headline = message.rstrip("\n").partition("\n")[0]
    SubElement(case, kind, {"message": _text(headline), **attributes}).text = _text(text)


def _text(text: str) -> str:
    """Return `text` with characters that XML cannot hold in Python's escapes."""
    return NO_XML.sub(lambda match: ascii(match[0])[1:-1], text)
