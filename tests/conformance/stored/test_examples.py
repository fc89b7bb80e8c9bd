"""A failing example as a file: it comes back bit for bit, and plays again where it is taken."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.cli import main as cli
from conformance.driver.implementation import HarnessDied, NotSupported
from conformance.judging.fitting import fit_to_cell
from conformance.judging.registry import Check, every
from conformance.judging.subject import Nonconformance, Subject
from conformance.mutants import mutants
from conformance.oracle.reference_cells import ReferenceCells
from conformance.report import jsonfile
from conformance.search import document as failing_example
from conformance.search import script
from conformance.search.confirming import play
from conformance.search.plan import Plan
from conformance.search.record import Recording, Shrinking
from conformance.search.trial import judge_clause, judge_example
from conformance.spec import clauses
from conformance.spec.cases import SequenceCase, StepCase
from conformance.spec.encoding import NotAnExample, decode, encode, plain
from conformance.spec.families import FAMILIES, Sizes
from conformance.stored import examples
from conformance.verdict import Failure, Verdict
from tests.conformance.search import test_trial as fakes
from tests.planted import PLANTED

CHECKS = every()
SPEC = clauses.load()
STRICT = {"variant": "strict"}


def subject(implementation: Any, family: str, tier: str | None) -> Subject:
    about = {one["family"]: one for one in implementation.describe()["cells"]}[family]
    return Subject(implementation, about, tier or "float32")


def failing(name: str) -> tuple[Verdict, Check]:
    """Return the verdict that finds a mutant of the reference."""
    mutant = mutants()[name]
    check = CHECKS[mutant.clause]
    judged = subject(mutant.implementation(), mutant.family, check.tiers[0])
    return judge_clause(check, judged, Plan(check.examples, 0, **STRICT)), check


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Return an example that shows the sign of time, as JSON."""
    verdict, _ = failing("LogTauLimitEight")
    assert verdict.outcome == "fail" and verdict.failure and verdict.failure.example
    made: dict[str, Any] = json.loads(jsonfile.pretty(verdict.failure.example))
    return made


def identical(a: Any, b: Any) -> bool:
    """Return whether two are alike to the last bit, in type, dtype and shape."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if dataclasses.is_dataclass(a):
        return all(identical(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(identical(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    return repr(a) == repr(b)


def there_and_back(value: Any) -> Any:
    return decode(json.loads(jsonfile.pretty(encode(value))))


# Values

dtypes = st.sampled_from(("bool", "int64", "uint8", "float16", "float32", "float64"))
shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@st.composite
def arrays(draw: st.DrawFn) -> Any:
    """Draw arrays of any bits but those of a NaN, of which there is one."""
    dtype, shape = np.dtype(draw(dtypes)), draw(shapes)
    raw = np.frombuffer(draw(st.binary(min_size=8 * 27, max_size=8 * 27)), np.uint8)
    size = int(np.prod(shape))
    bits = raw[:size] % 2 == 1 if dtype.kind == "b" else raw[: size * dtype.itemsize].view(dtype)
    values = bits.reshape(shape).copy()
    values[values != values] = np.nan if dtype.kind == "f" else 0
    return values


texts = st.text(max_size=5).filter(lambda text: not text.startswith("$") and text != "class_name")
numbers = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-4096, 4096),
    st.floats(allow_nan=False),
    texts,
    st.just(float("nan")),
)
leaves = numbers | arrays() | arrays().filter(lambda a: a.size).map(lambda a: a.ravel()[0])
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values)
@settings(max_examples=200, deadline=None)
def test_a_value_comes_back_bit_for_bit(value: Any) -> None:
    assert identical(there_and_back(value), value)


@pytest.mark.parametrize(
    "value", [np.float32("nan"), np.array([-0.0, np.inf, -np.inf, np.nan, 5e-324]), -0.0]
)
def test_zeros_keep_their_sign_and_what_is_not_finite_stays_so(value: Any) -> None:
    assert identical(there_and_back(value), value)


@pytest.mark.slow
@pytest.mark.parametrize("id", CHECKS)
def test_whatever_a_clause_draws_comes_back(id: str) -> None:
    """Of every family, as far as the reference goes."""
    for family in SPEC.clauses[id].families:
        drawn = drawn_by(CHECKS[id], subject(ReferenceCells(), family, CHECKS[id].tiers[0]))
        assert drawn and identical(there_and_back(drawn), drawn)


def drawn_by(check: Check, judged: Subject) -> list[Any]:
    """Return what a clause draws for its first example."""
    seen: list[Any] = []

    @settings(max_examples=1, database=None, deadline=None)
    @given(st.data())
    def once(data: st.DataObject) -> None:
        recording = Recording(Shrinking())
        judged.example = recording
        with contextlib.suppress(NotSupported, Nonconformance):
            check.body(judged, recording.drawing(data.draw))
        seen[:] = recording.drawn

    once()
    return seen


def test_what_no_example_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="an example cannot hold"):
        encode(object())


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"$object": "os.system"}, "unknown value"),
        ({"$array": [1.5], "dtype": "object", "shape": [1]}, "dtype 'object'"),
        ({"$array": [1.5, 2.5], "dtype": "float64", "shape": [1]}, "needs 1; it has 2 values"),
        ({"$array": [], "dtype": "float64", "shape": [10**9, 10**9]}, "there may be 1000000 values"),
        ({"$array": [1.5], "dtype": "int64", "shape": [1]}, "holds values of other types"),
        ({"$array": [300], "dtype": "uint8", "shape": [1]}, "OverflowError"),
        ({"$step": {"config": {}}}, "TypeError"),
        ({"$sizes": {"batch": 1.5}}, "whole numbers up to 4096"),
        ({"units": 10**9}, "the largest size"),
        (
            {"activation": {"module": "os", "class_name": "system", "config": {}}},
            "a config names the class 'system'",
        ),
        (
            {"wiring": {"class_name": "AutoNCP", "config": {}, "module": "os"}},
            "a config names the class 'AutoNCP'",
        ),
        ({"class_name": ["AutoNCP"], "config": {}}, "a config names"),
    ],
)
def test_what_is_no_value_of_an_example_is_refused_by_name(plain: Any, message: str) -> None:
    with pytest.raises(NotAnExample, match=message):
        decode(plain)


# Documents


@pytest.mark.slow
def test_a_failure_carries_its_example(document: dict[str, Any]) -> None:
    example = examples.stored(document)
    assert (example.clause, example.spec, example.family) == ("ltc.time_constant", SPEC.version, "ltc")
    assert isinstance(example.drawn[0], StepCase)
    assert "times the bound" in example.summary and example.excess and example.excess > 1
    assert np.shape(example.got) == np.shape(example.want) == np.shape(example.bound)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "LogTauLimitEight",
        "sequence.fold: state = new",
        "sequence.carried: waiting = total[:, k]",
        "wired_cfc.layer_parameters: return {name: a if name in masked else a for name, a in own.items()}",
        "mixed_memory.mixed_memory_step: memory = np.tanh(a) * sigmoid(i)",
    ],
)
def test_an_example_fails_again_where_it_failed_and_holds_elsewhere(name: str) -> None:
    mutant, (verdict, check) = mutants()[name], failing(name)
    example = examples.stored(json.loads(jsonfile.pretty(verdict.failure.example)))  # type: ignore[union-attr]
    plan = Plan(1, 0, **STRICT)
    again = judge_example(
        check, subject(mutant.implementation(), example.family, example.tier), plan, example.drawn
    )
    assert again.outcome == "fail" and again.failure and verdict.failure
    assert (again.failure.summary, again.failure.case) == (verdict.failure.summary, verdict.failure.case)
    right = judge_example(check, subject(ReferenceCells(), example.family, example.tier), plan, example.drawn)
    assert (right.outcome, right.examples, right.failure) == ("pass", 1, None)


@pytest.mark.slow
def test_the_example_of_what_fails_under_a_variant_too_fails_by_the_specification() -> None:
    def answer(fake: fakes.Fake, **params: Any) -> Any:
        found = fakes.linear(fake, **params)
        return {**found, "output": found["output"] + (len(params["inputs"]) == 2)}

    verdict, fake = fakes.judged(answer, explain=True)
    assert verdict.failure and not verdict.holds_under_variant
    drawn = examples.stored(verdict.failure.example).drawn
    check = Check(fakes.STEP, fakes.follows, 30, 5, ("float64",))
    assert play(check, Subject(fake, fakes.CELL, "float64"), Plan(1, 0), drawn) is not None


def test_a_death_is_an_example_too() -> None:
    def dies(fake: fakes.Fake, **params: Any) -> Any:
        raise HarnessDied(-11, "Segmentation fault")

    verdict, _ = fakes.judged(dies)
    assert verdict.failure and "died" in examples.stored(verdict.failure.example).summary


def test_an_argument_that_another_cell_lacks_is_left_out_where_it_is_the_default() -> None:
    drawn = drawn_by(CHECKS[fakes.STEP], subject(ReferenceCells(), "cfc", "float64"))
    check, fake = CHECKS[fakes.STEP], fakes.Fake(fakes.right)
    few = Subject(fake, fakes.CELL, "float64")
    assert judge_example(check, few, Plan(1, 0), drawn).outcome == "pass"
    other = [
        dataclasses.replace(drawn[0], config={**drawn[0].config, "head_activation": "linear"}),
        *drawn[1:],
    ]
    verdict = judge_example(check, few, Plan(1, 0), other)
    assert verdict.outcome == "not applicable" and "'head_activation', which is 'linear'" in verdict.reason


@pytest.mark.parametrize(
    ("config", "training", "wanted"),
    [
        ({"backbone_dropout": 0.0}, True, {}),
        ({"backbone_dropout": 0.2}, False, {}),
        ({"backbone_dropout": 0.2}, True, "no argument 'backbone_dropout', which is 0.2"),
        ({"backbone_layers": 0, "backbone_units": 5, "activation": "relu"}, True, {"backbone_layers": 0}),
        ({"backbone_layers": 1, "backbone_units": 5}, False, "no argument 'backbone_units', which is 5"),
        ({"mode": "no_gate"}, False, {"mode": "no_gate"}),
        ({"mode": "pure"}, False, "no such value of argument 'mode', which is 'pure'"),
    ],
)
def test_an_argument_without_effect_may_be_lacking(
    config: dict[str, Any], training: bool, wanted: dict[str, Any] | str
) -> None:
    cell = {"name": "Few", "family": "cfc", "arguments": ["units", "mode", "backbone_layers"]}
    few = Subject(ReferenceCells(), {**cell, "values": {"mode": ["default", "no_gate"]}})
    if isinstance(wanted, dict):
        assert fit_to_cell(few, {"units": 3, **config}, training=training) == {"units": 3, **wanted}
    else:
        with pytest.raises(NotSupported, match=wanted):
            fit_to_cell(few, {"units": 3, **config}, training=training)


@pytest.mark.parametrize("value", [3, "units", {"return_sequences": True}, np.ones(2)])
def test_what_is_no_config_is_left_as_it_is(value: Any) -> None:
    few = Subject(ReferenceCells(), {"name": "Few", "family": "cfc", "arguments": ["units"]})
    assert fit_to_cell(few, value) is value


@pytest.mark.slow
def test_files_are_named_for_what_failed_and_keep_their_name(
    document: dict[str, Any], tmp_path: Path
) -> None:
    (path,) = examples.write([document], tmp_path)
    assert path.name == "ltc.time_constant-LTCCell-numpy-float64.json"
    assert examples.read(path) and examples.write([document], tmp_path) == [path]
    other = {**document, "target": "exec:node cells.js", "tier": None}
    first, second = examples.write([document, other], tmp_path, by_target=True)
    assert first.parent != second.parent == tmp_path / "exec_node_cells.js"


@pytest.mark.slow
def test_a_report_keeps_an_example_whole(document: dict[str, Any]) -> None:
    spoiled = copy.deepcopy(document)
    spoiled["drawn"] = encode([np.array([np.nan, np.inf, -np.inf]), float("inf")])
    failure = Failure("said", example=spoiled)
    read = jsonfile.numbers(plain(failure))
    assert identical(examples.stored(read["example"]).drawn, decode(spoiled["drawn"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "a report"}, "was expected"),
        ({"clause": "cfc.step.defualt"}, "of a clause 'cfc.step.defualt'"),
        ({"spec": "9.9"}, "of specification 9.9; this package knows 0.1, "),
        ({"clause": "layer.steps", "spec": "0.1"}, "'layer.steps', which specification 0.1 has not"),
        ({"family": "gru"}, "'gru' is not one of"),
        ({"drawn": {"a": 1}}, "drawn"),
        ({"drawn": [{"$tuple": [1], "more": 2}]}, "drawn/0"),
        ({"more": 1}, "Additional properties"),
    ],
)
def test_what_is_no_example_is_refused(
    document: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(NotAnExample, match=message):
        examples.stored({**document, **change})


@pytest.mark.parametrize(
    "text", [b"", b"\xff\xfe", b"{", b"[" * 100_000, b"null", b"{}", b'"drawn"', b"1e999"]
)
def test_a_file_of_anything_is_refused_in_a_line(text: bytes, tmp_path: Path) -> None:
    (path := tmp_path / "a.json").write_bytes(text)
    with pytest.raises(NotAnExample, match=r"a\.json"):
        examples.read(path)


@pytest.mark.parametrize("depth", [5, 50, 150, 300, 900])
@pytest.mark.parametrize("tag", ["$tuple", "$array", None])
def test_what_is_nested_too_deeply_is_refused(document: dict[str, Any], depth: int, tag: str | None) -> None:
    more = {"dtype": "float64", "shape": [1]} if tag == "$array" else {}
    inner: Any = [0.5]
    for _ in range(depth):
        inner = {tag: [inner]} if tag == "$tuple" else [inner]
    value = {tag: inner, **more} if tag == "$array" else inner
    with pytest.raises(NotAnExample) if depth == 900 else contextlib.suppress(NotAnExample):
        examples.stored({**document, "drawn": [value]})


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(("$array", "NaN", "float32", "os")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return every place inside nested lists and objects."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_spoiled_example_is_refused_or_judged_and_never_a_traceback(
    document: dict[str, Any], data: st.DataObject
) -> None:
    spoiled = copy.deepcopy(document)
    *way, last = data.draw(st.sampled_from(places(spoiled["drawn"], ("drawn",))[1:]))
    inner: Any = spoiled
    for key in way:
        inner = inner[key]
    inner[last] = data.draw(json_values)
    try:
        example = examples.stored(spoiled)
    except NotAnExample:
        return
    judged = subject(ReferenceCells(), "ltc", example.tier)
    verdict = judge_example(CHECKS[example.clause], judged, Plan(1, 0), example.drawn)
    assert verdict.outcome in ("pass", "fail", "error", "not applicable")


# The command


def invoke(*arguments: Any) -> Result:
    return CliRunner().invoke(cli.main, ["replay", *map(str, arguments), "--backend", "numpy"])


@pytest.fixture
def file(document: dict[str, Any], tmp_path: Path) -> Path:
    return examples.write([document], tmp_path)[0]


@pytest.mark.frameworks
def test_an_example_that_holds_is_said_to(file: Path) -> None:
    result = invoke(file)
    assert result.exit_code == 0, result.output
    assert result.output == "✓ ltc.time_constant · ncps: LTCCell on numpy in float64 · holds\n"


@pytest.mark.frameworks
def test_an_example_that_fails_is_shown_at_length(tmp_path: Path) -> None:
    check, judged = CHECKS["step.output_is_state"], subject(ReferenceCells(), "ltc", None)
    drawn = drawn_by(check, judged)
    made = failing_example.document(
        check.clause, SPEC.version, None, judged, drawn, Failure("as it failed once")
    )
    examples.write([made], tmp_path)
    result = invoke(tmp_path, "faults:StateInHalf", "--path", PLANTED)
    assert result.exit_code == 1, result.output
    assert "✗ step.output_is_state · MUST · StateInHalf on numpy" in result.output
    for part in (
        "demands    The output of a step",
        "found      state[0, 0] is",
        "case ",
        "import numpy as np",
    ):
        assert part in result.output
    assert invoke(tmp_path, "ncps").exit_code == 0


@pytest.mark.frameworks
def test_a_target_without_such_a_family_cannot_be_judged(file: Path) -> None:
    result = invoke(file, "ncps:CfCCell")
    assert result.exit_code == 3 and "has no cell of the family 'ltc'" in result.output


@pytest.mark.frameworks
def test_examples_that_do_not_apply_stand_by_the_others(document: dict[str, Any], tmp_path: Path) -> None:
    verdict, _ = failing("NoGateIsGated")
    assert verdict.failure and verdict.failure.example
    examples.write([document, verdict.failure.example], tmp_path)
    result = invoke(tmp_path, "ncps:CfCCell")
    assert result.exit_code == 0, result.output
    assert "– ltc.time_constant · ncps:CfCCell · not applicable: ncps:CfCCell has no cell" in result.output
    assert result.output.count("· holds\n") == 1


@pytest.mark.frameworks
def test_an_example_that_the_reference_does_not_follow_accuses_nobody(
    document: dict[str, Any], tmp_path: Path
) -> None:
    spoiled = copy.deepcopy(document)
    spoiled["drawn"][0]["$step"]["config"]["activation"] = "no_such_activation"
    result = invoke(examples.write([spoiled], tmp_path)[0])
    assert result.exit_code == 3, result.output
    assert "does not fit: the reference does not follow the example either: step raises" in result.output


@pytest.mark.frameworks
def test_an_example_of_another_test_does_not_fit(file: Path, document: dict[str, Any]) -> None:
    examples.write([{**document, "drawn": []}], file.parent)
    result = invoke(file)
    assert result.exit_code == 3 and "does not fit" in result.output and "Traceback" not in result.output


def test_what_is_no_file_of_examples_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    for given_ in (tmp_path / "other.json", tmp_path / "no.json"):
        result = invoke(given_)
        assert result.exit_code == 2 and result.output.startswith("conformance: not an example that ")
    assert invoke(file, "no/such target").exit_code == 2


def test_sizes_are_values() -> None:
    assert identical(there_and_back((Sizes(1, 2, 3, 4), "tanh")), (Sizes(1, 2, 3, 4), "tanh"))
    assert SequenceCase.__dataclass_fields__.keys() >= {"mask", "options"}
    assert set(FAMILIES) == set(json.loads(schema())["properties"]["family"]["enum"])


def schema() -> str:
    return (Path(examples.__file__).parent / "schemas" / "example.json").read_text(encoding="utf-8")


# The script


def test_a_script_leaves_out_what_was_rightly_refused() -> None:
    asked = Recording(Shrinking())
    for name in ("first", "second", "third"):
        asked.record(name, {})
        asked.refused = name != "third"
    assert [method for method, _ in asked.requests] == ["third"]


def test_a_refusal_that_is_the_failure_stays_in_the_script() -> None:
    asked = Recording(Shrinking())
    asked.record("wrongly refused", {})
    asked.refused = True
    assert [method for method, _ in asked.requests] == ["wrongly refused"]


def test_a_script_has_words_for_numbers_that_are_not_finite() -> None:
    given = np.array([[np.nan, -np.inf], [np.inf, 1.0]])
    made = eval(script.literal(given), {"np": np})
    np.testing.assert_array_equal(made, given)


@pytest.mark.parametrize(
    ("python", "written"),
    [("venv/bin/python", str(Path("venv/bin/python").absolute())), ("python3", "python3")],
)
def test_a_script_finds_the_interpreter_from_any_folder(python: str, written: str) -> None:
    cells = ReferenceCells()
    cells.options = {"python": python}
    assert f"python={written!r}" in script.write(subject(cells, "cfc", None))
