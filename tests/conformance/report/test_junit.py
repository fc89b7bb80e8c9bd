"""JUnit XML: what a CI server reads of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from conformance.cli import main as cli
from conformance.report import junit
from conformance.verdict import Failure
from tests.conformance.report import sample_report
from tests.conformance.report.test_report import report, verdict
from tests.planted import PLANTED


def cases(**more: Any) -> dict[tuple[str, str], ElementTree.Element]:
    """The test cases of a report, read back from text, by class and name."""
    failed = Failure("it is off by 1", script="print('\x1b[1m')")
    made = report(
        verdict("time.zero"),
        verdict("time.zero", tier="float32"),
        verdict("state.pure", "fail", tier=None, target="yours:Cell", cell="Cell", failure=failed),
        verdict("state.rows", "error", tier=None, reason="Traceback\nit broke"),
        verdict("state.sizes", "not applicable", tier=None, reason="the cell says none"),
        verdict("serialization.deepcopy", "fail", tier=None, level="SHOULD", failure=failed),
        verdict("time.large", "known failure", reason="is known", known={"entry": 1, "stale": "passes now"}),
        **more,
    )
    root = ElementTree.fromstring(ElementTree.tostring(junit.to_xml(made), encoding="unicode"))
    (suite,) = root
    for attribute, kind in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        assert int(suite.attrib[attribute]) == len(suite.findall(f".//{kind}"))
    return {(case.attrib["classname"], case.attrib["name"]): case for case in suite}


def test_a_case_names_its_clause_and_its_class_what_was_judged() -> None:
    found = cases()
    assert len(found) == 7, "no two have one name"
    assert not list(found["ncps CfCCell on jax in float32", "time.zero"])
    (failure,) = found["yours:Cell on jax", "state.pure"]
    assert failure.tag == "failure"
    assert failure.attrib["message"] == "state.pure (MUST) fail: it is off by 1"
    assert "print('\\x1b[1m')" in (failure.text or "")
    (error,) = found["ncps CfCCell on jax", "state.rows"]
    assert error.tag == "error" and "it broke" in (error.text or "")


def test_what_fails_no_run_fails_no_case() -> None:
    found = cases()
    kinds = {name: [(told.tag, told.get("type")) for told in case] for (_, name), case in found.items()}
    assert kinds["state.sizes"] == [("skipped", "pytest.skip")]
    assert kinds["serialization.deepcopy"] == kinds["time.large"] == [("skipped", "pytest.xfail")]
    strict = cases(known_failures={"strict": True})["ncps CfCCell on jax in float64", "time.large"]
    assert [told.tag for told in strict] == ["failure"]


def test_a_run_that_is_not_complete_has_a_case_that_says_so() -> None:
    (error,) = cases(complete=False, notes=["cut short"])["conformance", "a complete run"]
    assert (error.tag, error.text) == ("error", "cut short")


def test_a_failure_names_its_cause_before_its_own_summary() -> None:
    root = junit.to_xml(sample_report.caused())
    said = {
        (case.attrib["classname"].partition(" in ")[0], case.attrib["name"]): failure.attrib["message"]
        for case in root.iter("testcase")
        for failure in case.iter("failure")
    }
    jax, torch = "ncps CfCCell on jax", "ncps CfCCell on torch"
    convention = "follows from cause 1: computes with head_activation=linear, a documented variant; "
    itself = "(MUST) fail: the output is that of heads in each other's place"
    assert said[jax, "cfc.step.no_gate"] == f"{convention}cfc.step.no_gate {itself}"
    fault = "follows from cause 2: The gate's offset is multiplied by time too; "
    assert said[jax, "time.zero"] == f"{convention}{fault}time.zero {itself}"
    place = "follows from cause 3: step raises ValueError: no such dtype, cells.py:41 in call; "
    assert said[jax, "dtype.policy"].startswith(place)
    assert said[torch, "cfc.step.default"] == f"cfc.step.default {itself}"
    assert said[torch, "backbone.absent"].startswith("follows from cause 4: cfc.step.default: the output is")


@pytest.mark.frameworks
def test_a_run_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.xml"
    few = ["--backend", "numpy", "--clause", "time.zero", "--smoke", "--jobs", "1", "--junit", str(path)]
    done = CliRunner().invoke(cli.main, ["run", "faults:UnspoiledLTC", "--path", str(PLANTED), *few])
    assert done.exit_code == 0, done.output
    named = {(c.attrib["classname"], c.attrib["name"]) for c in ElementTree.parse(path).iter("testcase")}
    place = "faults:UnspoiledLTC on numpy in"
    assert named == {(f"{place} {tier}", "time.zero") for tier in ("float64", "float32")}
