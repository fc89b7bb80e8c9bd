"""The tables of docs/keras-versions: what they say of reports, and what is a contradiction of the ledger."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from conformance.report import jsonfile
from conformance.search.host_bugs import Quirk, ledger
from conformance.verdict import Failure, Report, Verdict
from tests.conformance.report import sample_report

ROOT = Path(__file__).resolve().parents[3]
MASK = next(quirk for quirk in ledger() if quirk.id == "keras.mask.output")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Yield the module, with folders of its own."""
    monkeypatch.syspath_prepend(str(ROOT / ".ci"))
    import keras_standings

    (tmp_path / "reports").mkdir()
    monkeypatch.setattr(keras_standings, "HOME", tmp_path)
    monkeypatch.setattr(keras_standings, "KEPT", tmp_path / "tables")
    yield keras_standings
    del sys.modules["keras_standings"]


def a_report(*verdicts: Verdict) -> Report:
    """Return a report of jax and torch."""
    about = [
        {"target": "ncps", "backend": b, "versions": {"keras": "3.8.0", b: "1.2", "numpy": "2.3"}}
        for b in ("jax", "torch")
    ]
    budget = {**sample_report.green().budget, "backends": ["jax", "torch"], "clauses": ["*"]}
    return replace(sample_report.green(), budget=budget, implementations=about, verdicts=list(verdicts))


def verdict(backend: str, outcome: str, reason: str = "", clause: str = "state.pure") -> Verdict:
    failure = Failure("step raises AttributeError: a | b") if outcome == "fail" else None
    given = {"level": "MUST", "target": "ncps", "cell": "CfCCell", "tier": None}
    return Verdict(clause, backend=backend, outcome=outcome, reason=reason, failure=failure, **given)  # type: ignore[arg-type]


def shows(kept: ModuleType, version: str, *seen: tuple[Quirk, str], error: str = "free") -> None:
    """Keep what the scripts said: that these faults are there, and no other."""
    found = {b: {q.id: "" if (q, b) in seen else error for q in ledger()} for b in ("jax", "numpy")}
    kept.path(f"{version}-quirks").write_text(json.dumps(found), "utf-8")


def as_claimed(version: str) -> list[tuple[Quirk, str]]:
    """Return the quirks that the ledger has for a version of Keras, each with its backends."""
    return [(q, b) for q in ledger() for b in q.backends if q.concerns("keras", version)]


def test_a_backend_that_departs_is_shown_as_the_floor_set_has_it_and_why(kept: ModuleType) -> None:
    wrong = a_report(verdict("jax", "fail"), verdict("torch", "pass"))
    mended = replace(wrong, budget={**wrong.budget, "backends": ["jax"]}, verdicts=[verdict("jax", "pass")])
    jsonfile.write(wrong, kept.path("3.8.0-newest"))
    jsonfile.write(mended, kept.path("3.8.0-floor"))
    shows(kept, "3.8.0", *as_claimed("3.8.0"))
    assert {b: (s.frameworks, s.counts) for b, s in kept.best("3.8.0").items()} == {
        "jax": ("floor", (1, 1, 1)),
        "torch": ("newest", (1, 1, 1)),
    }
    table = kept.standings_table(["3.8.0"])
    assert "| 3.8.0 | torch | conforms | 1 / 1 / 1 | torch 1.2, numpy 2.3 | none |" in table
    assert "- Keras 3.8.0 on jax with jax 1.2, numpy 2.3: 1 MUST clauses do not hold" in table
    assert list(kept.complaints("3.8.0")) == []


def test_a_backend_that_departs_with_every_set_is_a_complaint(kept: ModuleType) -> None:
    jsonfile.write(a_report(verdict("jax", "fail"), verdict("torch", "pass")), kept.path("3.8.0-newest"))
    shows(kept, "3.8.0", *as_claimed("3.8.0"))
    (said,) = kept.complaints("3.8.0")
    assert said.startswith("Keras 3.8.0 on jax") and "AttributeError" in said


def test_another_version_than_was_asked_for_is_a_complaint(kept: ModuleType) -> None:
    jsonfile.write(a_report(verdict("jax", "pass"), verdict("torch", "pass")), kept.path("3.9.0-newest"))
    shows(kept, "3.9.0", *as_claimed("3.9.0"))
    assert set(kept.complaints("3.9.0")) == {"Keras 3.9.0 was asked for, and 3.8.0 judged"}


def test_a_fault_of_keras_that_was_met_is_named_and_is_no_departure(kept: ModuleType) -> None:
    met = verdict("jax", "host", f"{MASK.id}: {MASK.what}", "sequence.mask")
    jsonfile.write(a_report(met, verdict("jax", "pass"), verdict("torch", "pass")), kept.path("3.8.0-newest"))
    assert kept.best("3.8.0")["jax"].met == [MASK.id]
    assert kept.best("3.8.0")["jax"].counts == (1, 1, 2)


@pytest.mark.parametrize("error", ["free", "TypeError: no such argument"])
def test_what_is_not_there_and_should_be_is_a_contradiction(kept: ModuleType, error: str) -> None:
    gone = [pair for pair in as_claimed("3.15.1") if pair != (MASK, "jax")]
    shows(kept, "3.15.1", *gone, error=error)
    ((found, backend, said),) = kept.contradictions("3.15.1")
    assert (found, backend) == (MASK, "jax") and repr(error) in said


def test_what_is_there_on_a_backend_that_is_not_named_is_a_contradiction(kept: ModuleType) -> None:
    other = next(quirk for quirk in ledger() if quirk.backends == ("torch",))
    shows(kept, "3.15.1", *as_claimed("3.15.1"), (other, "numpy"))
    assert [(q, b) for q, b, _ in kept.contradictions("3.15.1")] == [(other, "numpy")]
    assert "| **numpy, torch: not tried** |" in kept.quirks_table(["3.15.1"])


def test_a_version_whose_frameworks_do_not_import_is_said_to_be_untried(kept: ModuleType) -> None:
    said = "ModuleNotFoundError: No module named 'openvino.runtime'"
    kept.path("3.8.0-quirks").write_text(json.dumps({"openvino": said}), "utf-8")
    assert list(kept.contradictions("3.8.0")) == []
    table = kept.quirks_table(["3.8.0"])
    assert "| openvino: not tried |" in table
    assert f"- Keras 3.8.0 on openvino could not be tried: {said}" in table
