"""The golden vectors: made anew they are those that are shipped, certified, in form, and they find faults."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from conformance.cli import main as cli
from conformance.judging.subject import Subject
from conformance.mutants import mutants
from conformance.report import jsonfile
from conformance.spec import clauses
from conformance.spec.encoding import NotAnExample
from conformance.spec.families import FAMILIES
from conformance.stored import examples, vectors
from conformance.stored.vectors import GOLDEN, play
from tests.conformance.stored import test_examples
from tests.conformance.stored.vectors import exactly, generate
from tests.planted import PLANTED

SPEC = clauses.load()
FILES = {path.stem: path for path in sorted(GOLDEN.glob("*.json"))}
WANTED = generate.all_clauses()


@cache
def shipped(clause: str) -> Any:
    return json.loads(FILES[clause].read_text(encoding="utf-8"))


def leaves(value: Any) -> list[float]:
    if isinstance(value, list | dict):
        return [
            leaf for item in (value.values() if isinstance(value, dict) else value) for leaf in leaves(item)
        ]
    return [value]


# What is shipped


def test_every_numerical_clause_of_a_step_or_a_sequence_has_vectors() -> None:
    assert FILES.keys() == WANTED.keys()
    areas = r"(cfc|ltc|wired_cfc|wired_ltc|mixed_memory|time|backbone)\."
    left_out = {
        "wired_ltc.constraints",
        "wired_ltc.splitting",
        "wired_ltc.convergence",
        "wired_ltc.relabelling",
        "mixed_memory.state",
    }
    assert {id for id in SPEC.clauses if re.match(areas, id)} - FILES.keys() == left_out
    assert {id for id in FILES if id.startswith(("sequence.", "layer."))} >= {"sequence.mask", "layer.steps"}


def test_they_are_small_and_lie_in_the_package() -> None:
    assert sum(path.stat().st_size for path in FILES.values()) < 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("clause", WANTED)
def test_made_anew_they_are_what_is_shipped(clause: str) -> None:
    """Their bounds to the last of three digits, for they come out of a machine's own tanh."""
    made, found = generate.document(clause, WANTED[clause]), shipped(clause)
    for a, b in zip(made["cases"], found["cases"], strict=True):
        assert np.allclose(leaves(a.pop("bounds")), leaves(copy.copy(b)["bounds"]), rtol=0.011, atol=0.0)
        assert a == {name: value for name, value in b.items() if name != "bounds"}
    assert {**made, "cases": 0} == {**found, "cases": 0}


@pytest.mark.parametrize("clause", FILES)
def test_an_answer_is_right_to_the_last_digit(clause: str) -> None:
    """Expect the same answer from 80 digits as from 50."""
    for case in shipped(clause)["cases"][:3]:
        assert exactly.answer(case, digits=80) == case["expected"]


@pytest.mark.parametrize("clause", FILES)
def test_what_goes_in_is_a_number_of_float32_too(clause: str) -> None:
    for case in shipped(clause)["cases"]:
        given = [*leaves(case["parameters"]), *leaves(case["inputs"]), *leaves(case["timespans"] or [])]
        given += leaves(case["state"] or [])
        assert given == np.array(given, np.float32).tolist()


@pytest.mark.parametrize("clause", FILES)
def test_every_bound_says_something(clause: str) -> None:
    for case in shipped(clause)["cases"]:
        assert leaves(case["bounds"]["float32"]["output"]) >= leaves(case["bounds"]["float64"]["output"])
        for tier, worst in (("float64", 1e-9), ("float32", 1e-2)):
            for what in ("output", "state"):
                scale = max(map(abs, leaves(case["expected"][what])))
                assert max(leaves(case["bounds"][tier][what])) <= worst * scale


def test_the_edges_are_there_and_say_what_they_are_for() -> None:
    cases = {(clause, case["name"]): case for clause in FILES for case in shipped(clause)["cases"]}
    assert all(case["why"] for case in cases.values())
    assert cases["cfc.step.pure", "kink"]["parameters"]["w_tau"][0][0] == 0.0
    assert leaves(cases["cfc.step.default", "time zero"]["timespans"]) == [0.0, 0.0]
    assert max(leaves(cases["time.large", "wired_ltc"]["timespans"])) == 1e6
    assert len(cases["cfc.step.default", "one unit"]["parameters"]["ff1_bias"]) == 1
    assert max(leaves(cases["cfc.step.no_gate", "saturated"]["parameters"])) > 20
    assert cases["time.default", "ltc"]["timespans"] is None
    assert cases["mixed_memory.step", "WiredLTCCell behind"]["graph"] is not None


# What they find


@pytest.mark.slow
def test_the_reference_follows_each() -> None:
    for path in FILES.values():
        assert {verdict.outcome for verdict in play.by_reference(vectors.read(path))} == {"pass"}, path


@pytest.mark.parametrize(
    "name",
    [
        "LogTauLimitEight",
        "sequence.fold: state = new",
        "sequence.carried: waiting = total[:, k]",
        "wired_cfc.wired_cfc_step: masked = HEADS if sparse_time_heads else HEADS",
        "mixed_memory.mixed_memory_step: memory = np.tanh(a) * sigmoid(i)",
    ],
)
def test_a_wrong_formula_fails_them(name: str) -> None:
    mutant = mutants()[name]
    wrong = mutant.implementation()
    found = vectors.vectors(shipped(mutant.clause))

    def opened(family: str) -> Any:
        cell = next(one for one in wrong.describe()["cells"] if one["family"] == family)
        return lambda tier: Subject(wrong, cell, tier)

    verdicts = [verdict for vector in found for verdict in play.play(vector, opened(vector.family))]
    assert {"fail"} <= {verdict.outcome for verdict in verdicts}


# Form


def test_a_document_that_is_none_is_refused() -> None:
    document = shipped("time.zero")
    for change, message in (
        ({"clause": "time.zzz"}, "of clause 'time.zzz'"),
        ({"spec": "0.9"}, "of specification 0.9"),
        ({"cases": []}, "cases"),
        ({"more": 1}, "Additional properties"),
    ):
        with pytest.raises(NotAnExample, match=message):
            vectors.vectors({**document, **change})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("config", {"wiring": {"class_name": "os.system", "config": {}}}, "a config names"),
        ("config", {"units": 10**9}, "largest size"),
        ("parameters", {}, "its parameters have shapes"),
        ("inputs", [[1.0], [1.0, 2.0]], "ValueError"),
    ],
)
def test_a_case_that_does_not_fit_is_refused(name: str, value: Any, message: str) -> None:
    document = copy.deepcopy(shipped("time.zero"))
    document["cases"][0][name] = value
    with pytest.raises(NotAnExample, match=message):
        play.by_reference(document)


def test_the_schema_knows_every_family() -> None:
    schema = json.loads((GOLDEN.parents[1] / "schemas" / "vectors.json").read_text(encoding="utf-8"))
    assert schema["$defs"]["case"]["properties"]["family"]["enum"] == list(FAMILIES)


# The command


def invoke(*arguments: Any) -> Result:
    return CliRunner().invoke(cli.main, ["vectors", *map(str, arguments)])


def test_they_are_exported_with_their_schema_and_check(tmp_path: Path) -> None:
    result = invoke("export", tmp_path, "--clause", "ltc.*")
    assert result.exit_code == 0 and "4 files of specification" in result.output
    names = [path.name for path in tmp_path.glob("*.json")]
    assert sorted(names) == sorted(f"{id}.json" for id in FILES if id.startswith("ltc."))
    assert json.loads((tmp_path / "schema" / "vectors.json").read_text())["type"] == "object"
    result = invoke("check", tmp_path)
    assert result.exit_code == 0 and result.output.count("within the bounds") == 4
    assert invoke("export", tmp_path, "--clause", "nope.*").exit_code == 2


@pytest.mark.frameworks
def test_they_are_played_against_a_target(tmp_path: Path) -> None:
    for clause in ("ltc.step.explicit", "cfc.step.pure", "sequence.mask.initial_state"):
        (tmp_path / f"{clause}.json").write_bytes(FILES[clause].read_bytes())
    result = invoke("check", tmp_path, "--target", "ncps:LTCCell", "--backend", "numpy")
    assert result.exit_code == 0, "what the host does is not the cell's to answer for"
    assert "✓ ltc.step.explicit · 8 answers in float64 and float32 within the bounds" in result.output
    assert "– cfc.step.pure" in result.output and "has no cell of the family 'cfc'" in result.output
    assert "◌ sequence.mask.initial_state" in result.output
    result = invoke("check", tmp_path / "ltc.step.explicit.json", "--target", "ncps", "--backend", "numpy")
    assert result.exit_code == 0, result.output
    for name, code in (("TimeOfFirstSample", 1), ("nosuch", 2)):
        target = ("--target", f"faults:{name}" if code == 1 else name, "--path", PLANTED)
        found = invoke("check", tmp_path / "cfc.step.pure.json", *target, "--backend", "numpy")
        assert found.exit_code == code, found.output


def test_a_wrong_answer_is_shown(tmp_path: Path) -> None:
    document = copy.deepcopy(shipped("time.zero"))
    document["cases"][0]["expected"]["output"][0][1] += 1e-9
    (tmp_path / "a.json").write_text(json.dumps(document))
    result = invoke("check", tmp_path / "a.json")
    assert result.exit_code == 1
    assert "✗ time.zero" in result.output and "cfc: output[0, 1] is" in result.output


def test_an_answer_whose_bound_decides_nothing_does_not_hold(tmp_path: Path) -> None:
    document = copy.deepcopy(shipped("time.zero"))
    for case in document["cases"]:
        case["bounds"] = {tier: filled(of_tier, 1e300) for tier, of_tier in case["bounds"].items()}
    (tmp_path / "a.json").write_text(json.dumps(document))
    result = invoke("check", tmp_path / "a.json")
    assert result.exit_code == 3 and "undecided" in result.output, result.output


def filled(nested: Any, value: float) -> Any:
    """Return the same lists and objects with `value` for every number."""
    if isinstance(nested, dict):
        return {name: filled(item, value) for name, item in nested.items()}
    return [filled(item, value) for item in nested] if isinstance(nested, list) else value


@pytest.mark.frameworks
def test_a_failing_example_put_among_vectors_is_one(tmp_path: Path) -> None:
    verdict, _ = test_examples.failing("LogTauLimitEight")
    assert verdict.failure and verdict.failure.example
    examples.write([verdict.failure.example], tmp_path)
    result = invoke("check", tmp_path)
    assert result.exit_code == 0 and "✓ ltc.time_constant · 1 answer in float64 within" in result.output
    result = invoke("check", tmp_path, "--target", "ncps", "--backend", "numpy")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "other"}', '{"format": "ncps-conformance vectors"}']
)
def test_a_file_of_anything_is_refused_in_a_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    result = invoke("check", tmp_path)
    assert result.exit_code == 2 and result.output.count("\n") == 1, result.output
    assert "a.json" in result.output and "Traceback" not in result.output


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert invoke("check", tmp_path).exit_code == 2
    assert jsonfile.pretty([1]) == "[1]"
