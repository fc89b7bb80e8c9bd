"""The cells in JavaScript conform, judged like any program that speaks the protocol; wrong ones are found."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import conformance.suite
from conformance import start
from conformance.driver.implementation import ImplementationRaised
from conformance.judging.registry import CHECKS
from conformance.judging.subject import Subject
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.verdict import Verdict
from tests.conformance.harness.nodejs import HARNESS, ROOT, command, node

pytestmark = pytest.mark.slow

WRONG = Path(__file__).with_name("wrong_javascript.mjs")

for module in pkgutil.iter_modules(conformance.suite.__path__):
    importlib.import_module(f"conformance.suite.{module.name}")


def test_they_conform(tmp_path: Path) -> None:
    written = tmp_path / "report.json"
    words = [sys.executable, "-m", "conformance", "run", HARNESS, "--smoke", "--jobs", "1"]
    done = subprocess.run([*words, "--json", str(written)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(written.read_text(encoding="utf-8"))
    assert report["targets"] == {HARNESS: "conforms"}
    assert {verdict["backend"] for verdict in report["verdicts"]} == {"node"}
    outcomes = {(v["cell"], v["clause"]): v["outcome"] for v in report["verdicts"]}
    assert {cell for cell, _ in outcomes} == {"CfCCell", "LTCCell"}
    missing = {clause for (_, clause), outcome in outcomes.items() if outcome != "pass"}
    assert missing == {
        "gradient.sequence.mask",
        "layer.backwards.elapsed",
        "layer.overridden",
        "training.frozen",
        "shape.symbolic",
        "shape.computed",
        "shape.dynamic",
        "layer.mask.implicit",
        "layer.symbolic",
    }, "what does not apply without symbolic models or masks in gradients, and nothing else"


def judged(target: str, clause: str, cell: str = "CfCCell", dtype: str = "float64") -> Verdict:
    """The verdict of a clause on a target that is a command."""
    with start(target) as implementation:
        (about,) = (found for found in implementation.describe()["cells"] if found["name"] == cell)
        subject = Subject(implementation, about, dtype)
        return judge_clause(CHECKS[clause], subject, Plan(CHECKS[clause].examples, seed=1))


FAULTS = {
    "heads_swapped": ("cfc.step.default", "output"),
    "time_ignored": ("time.per_sample", "output"),
    "state_before_input": ("backbone.absent", "output"),
    "float32_throughout": ("cfc.step.pure", "output"),
    "mask_ignored": ("layer.mask", "output"),
    "config_loses_the_mode": ("serialization.config.complete", "another 'mode'"),
    "state_remembered": ("state.repeatable", "output of the same call"),
    "gradient_halved": ("gradient.inputs", "inputs"),
    "dies": ("cfc.step.default", "died with status 3"),
    "answers_without_dtypes": (
        "cfc.step.default",
        "the answer to step: result: 'dtypes' is a required property",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_one_is_found(fault: str) -> None:
    clause, said = FAULTS[fault]
    assert judged(HARNESS, clause).outcome == "pass"
    verdict = judged(command(WRONG, fault), clause)
    assert verdict.outcome == "fail" and verdict.failure is not None
    assert said in verdict.failure.summary


def test_an_unclipped_time_constant_is_found_in_float32() -> None:
    assert judged(HARNESS, "ltc.time_constant", "LTCCell", "float32").outcome == "pass"
    verdict = judged(command(WRONG, "tau_not_clipped"), "ltc.time_constant", "LTCCell", "float32")
    assert verdict.outcome == "fail"


def test_the_script_of_a_failure_runs() -> None:
    verdict = judged(command(WRONG, "heads_swapped"), "cfc.step.default")
    assert verdict.failure is not None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(verdict.failure.script, {})
    assert "'output': array" in printed.getvalue() and "'node'" in verdict.failure.script


def test_an_error_has_the_frames_of_the_cells() -> None:
    model = {"cell": "CfCCell", "config": {"units": 0}, "input_dim": 1}
    with start(HARNESS) as implementation, pytest.raises(ImplementationRaised) as raised:
        implementation.request("build", model=model)
    files = {Path(frame.file).name for frame in raised.value.frames}
    assert files == {"cfc.mjs", "cell.mjs", "checks.mjs"}
    assert raised.value.place is not None
    assert re.fullmatch(r"checks.mjs:\d+ in refuse", str(raised.value.place))
    assert raised.value.place.code.startswith("throw new RangeError")


def test_their_own_tests_pass() -> None:
    done = subprocess.run([node(), "--test"], cwd=ROOT / "javascript", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert re.search(r"(#|ℹ) pass [1-9]", done.stdout)


def test_the_sample_of_their_readme_runs() -> None:
    text = (ROOT / "javascript" / "README.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"```js\n(.*?)```", text, re.DOTALL)
    sample += "if (output.shape.join() !== '1,2,8' || again.config.units !== 8) process.exit(1);"
    words = [node(), "--input-type=module", "--eval", sample]
    done = subprocess.run(words, cwd=ROOT / "javascript", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_describe_and_step_are_enough(tmp_path: Path) -> None:
    least = tmp_path / "least.mjs"
    folder = (ROOT / "javascript").as_uri()
    least.write_text(
        f"""
        import {{ serve }} from "{folder}/server.mjs";
        import {{ Service }} from "{folder}/service.mjs";
        const cells = [{{ name: "CfCCell", family: "cfc", arguments: ["units"] }}];
        const capabilities = ["describe", "step"];
        const about = {{ protocol: "1", host: "node", cells, capabilities }};
        const service = new Service();
        await serve({{ describe: () => about, step: (request) => service.step(request) }});
        """,
        encoding="utf-8",
    )
    target = command(least)
    assert judged(target, "cfc.step.default").outcome == "pass"
    assert judged(target, "cfc.step.default", dtype="float32").outcome == "pass"
    assert judged(target, "state.pure").outcome == "pass"
    lacking = judged(target, "gradient.inputs")
    assert (lacking.outcome, lacking.reason) == (
        "not applicable",
        "not supported here: gradients is not offered",
    )
