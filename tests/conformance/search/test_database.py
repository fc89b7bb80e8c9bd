"""Examples that failed are kept where they are told to be, and the next run tries them first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.driver.implementation import HarnessDied
from conformance.judging.example import digest
from conformance.verdict import Verdict
from tests.conformance.search.test_trial import Fake, judged, right
from tests.planted import PLANTED

ROOT = Path(__file__).resolve().parents[3]


class Listening:
    """Answers as an implementation that is right but for two samples or more at one unit, and remembers."""

    def __init__(self, *, mended: bool = False) -> None:
        self.mended = mended
        self.asked: list[str] = []
        self.failed: list[str] = []

    def __call__(self, fake: Fake, **params: Any) -> Any:
        self.asked.append(digest("step", params))
        answer = right(fake, **params)
        if self.mended or len(params["inputs"]) == 1 or params["model"]["config"]["units"] > 1:
            return answer
        self.failed.append(self.asked[-1])
        return self.fault(answer)

    def fault(self, answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "output": answer["output"] + 1e-6}


class Dying(Listening):
    """Dies of it instead."""

    def fault(self, answer: dict[str, Any]) -> dict[str, Any]:
        raise HarnessDied(-9, "")


def searched(answer: Listening, **plan: Any) -> Verdict:
    return judged(answer, variant="strict", **plan)[0]


@pytest.mark.parametrize("kind", [Listening, Dying])
def test_what_failed_once_is_tried_first(kind: type[Listening], tmp_path: Path) -> None:
    first, again, alone = kind(), kind(), kind()
    assert searched(first, database=str(tmp_path)).outcome == "fail"
    assert searched(again, database=str(tmp_path), seed=8).outcome == "fail"
    searched(alone, seed=8)
    assert again.asked[0] == first.failed[-1]
    assert alone.asked[0] != first.failed[-1], "without the database it has to be found"


def test_what_fails_no_more_is_forgotten(tmp_path: Path) -> None:
    wrong, mended, after = Listening(), Listening(mended=True), Listening(mended=True)
    searched(wrong, database=str(tmp_path))
    assert searched(mended, database=str(tmp_path), seed=8).outcome == "pass"
    assert searched(after, database=str(tmp_path), seed=8).outcome == "pass"
    assert wrong.failed[-1] in mended.asked
    assert wrong.failed[-1] not in after.asked


@pytest.mark.frameworks
@pytest.mark.parametrize("seed", [[], ["--seed", "1"]])
def test_a_run_keeps_them_where_it_is_told_unless_it_has_a_seed(seed: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "conformance", "run", "faults:TimeIgnored", "--backend", "numpy"]
    command += ["--path", str(PLANTED)]
    command += ["--clause", "time.zero", "--smoke", "--jobs", "1", "--json", str(tmp_path / "report.json")]
    told = {"HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "kept"), "CI": "true", "GITHUB_ACTIONS": ""}
    subprocess.run([*command, *seed], cwd=ROOT, env={**os.environ, **told}, capture_output=True, check=False)
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert {verdict["outcome"] for verdict in report["verdicts"]} == {"fail"}
    folder = tmp_path / "kept" / "conformance" / report["spec"] / "time.zero"
    kept = sorted(path.name for path in folder.glob("*"))
    assert bool(list(folder.glob("*/*/*"))) == (not seed), "the example itself, not a folder alone"
    assert kept == ([] if seed else ["faults-TimeIgnored-numpy-x64"]), (
        "what follows from a known cause is not kept"
    )
