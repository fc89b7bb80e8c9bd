"""A cause is named where it is proven, alone or together with another; what nothing explains has no name."""

from dataclasses import replace
from typing import Any

import pytest

from conformance.causes import candidates
from conformance.causes.evidence import alike, departs, observe
from conformance.causes.known import KnownCauses, formula
from conformance.causes.laws import Change, Inapplicable, Law
from conformance.judging import registry
from conformance.judging.assertions import assert_shape
from conformance.judging.subject import Nonconformance, Subject
from conformance.mutants import mutants
from conformance.mutants.rewrite import Rewrite
from conformance.oracle.reference_cells import ReferenceCells
from conformance.report.causes import causes_found
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec.cases import step_case
from conformance.spec.families import FAMILIES, Sizes
from conformance.verdict import Cause, Failure, Verdict
from tests.planted import pairs

pytestmark = pytest.mark.slow

FAMILY = {
    "TimeAlongUnits": "cfc",
    "TimeOnOffset": "cfc",
    "HeadsExchanged": "cfc",
    "TimePlusOne": "cfc",
    "TauInFloat32": "ltc",
    "ExactDecay": "ltc",
    "Float32Inside": "ltc",
    "EpsilonLeftOut": "wired_ltc",
}
TOGETHER = [
    ("cfc", "TimeOnOffset", "TimePlusOne"),
    ("cfc", "HeadsExchanged", "TimePlusOne"),
    ("ltc", "ExactDecay", "TimePlusOne"),
]
GATE = "return sigmoid(-slope * t + offset)"
GATED = "return f1 * (1.0 - s) + f2 * s"
NO_GATE = "return f1 + gate(parameters, z, t) * f2"
PURE = 'return parameters["A"] - parameters["A"] * f1 * np.exp(-t * rate)'
HEADS = "return head(f1), head(f2)"
IMPLICIT = "return h + t / (t + tau) * (d - h)"
TARGET = 'return z @ parameters["kernel"] + parameters["bias"]'
TAU = "return np.exp(clip(a, -LOG_TAU_LIMIT, LOG_TAU_LIMIT))"
OUTPUT = "return activations.get(name)(v)"
JOINED = "z = np.concatenate([inputs, state], axis=-1)"
SYNAPSES = "w * sigmoid(sigma * (v - mu))"
MAPPED = 'scaled = a * parameters[f"{which}_w"]'
MEAN = "return np.sum(weights * potentials, axis=0) / np.sum(weights, axis=0)"
MEMORY = "memory = memory * sigmoid(f) + np.tanh(a) * sigmoid(i)"
SHOWN = "output, new = step(inputs, np.tanh(memory) * sigmoid(o), timespans)"
UNKNOWN = [
    ("cfc", "reference.cfc", GATE, "return sigmoid(-slope * t + offset + 0.1 * t * offset)"),
    ("cfc", "reference.cfc", GATE, "return sigmoid(-slope * t + offset) ** 2"),
    ("cfc", "reference.cfc", GATE, "return sigmoid(-slope * t + offset * slope)"),
    ("cfc", "reference.cfc", GATE, "return 0.9 * sigmoid(-slope * t + offset)"),
    ("cfc", "reference.cfc", GATE, "return sigmoid(-slope * np.exp(-t) + offset)"),
    ("cfc", "reference.cfc", GATE, "return sigmoid(-slope * t / (1.0 + 0.1 * slope * slope) + offset)"),
    ("cfc", "reference.cfc", GATED, "return f1 * (1.0 - s) + f2 * s * s"),
    ("cfc", "reference.cfc", GATED, "return f1 * (1.0 - s) + f2 * s + 1e-3 * f1"),
    ("cfc", "reference.cfc", GATED, "return f1 * (1.0 - s) + f2 * s + 0.05 * s * (1.0 - s)"),
    ("cfc", "reference.cfc", HEADS, "return head(f1), head(f2 + 0.1 * f1)"),
    ("cfc", "reference.cfc", HEADS, "return head(f1) * 0.98, head(f2)"),
    (
        "cfc",
        "reference.backbone",
        JOINED,
        "z = np.concatenate([inputs + 0.1 * inputs * inputs, state], axis=-1)",
    ),
    ("cfc", "reference.backbone", JOINED, "z = np.concatenate([np.tanh(inputs), state * 1.01], axis=-1)"),
    ("cfc no_gate", "reference.cfc", NO_GATE, "return f1 + gate(parameters, z, t) * f2 * (1.0 + 0.1 * f1)"),
    ("cfc no_gate", "reference.cfc", NO_GATE, "return f1 + gate(parameters, z, t) * f2 + 0.01 * t"),
    ("cfc pure", "reference.cfc", PURE, f"{PURE} * (1.0 + 0.05 * rate)"),
    ("cfc pure", "reference.cfc", PURE, f"{PURE} + 0.02 * f1 * f1"),
    ("ltc", "reference.ltc", IMPLICIT, "return h + t / (t + tau + 0.1) * (d - h)"),
    ("ltc", "reference.ltc", IMPLICIT, "return h + t / (t + tau) * (d - h * h)"),
    ("ltc", "reference.ltc", IMPLICIT, "return h + t / (t + tau) * (d - h) * (1.0 + 0.1 * h)"),
    ("ltc", "reference.ltc", TARGET, f"{TARGET} * 1.03"),
    ("ltc", "reference.ltc", TAU, f"{TAU} * (1.0 + 0.01 * a * a)"),
    ("ltc", "reference.ltc", OUTPUT, f"{OUTPUT} + 0.05 * v"),
    ("wired_cfc", "reference.cfc", GATED, "return f1 * (1.0 - s) + f2 * s + 0.1 * f1 * f2"),
    ("wired_ltc", "reference.wired_ltc", SYNAPSES, "w * sigmoid(sigma * (v - mu)) * (1.0 + 0.1 * v)"),
    ("wired_ltc", "reference.wired_ltc", SYNAPSES, "w * sigmoid(sigma * (v - mu) + 0.1 * v * v)"),
    ("wired_ltc", "reference.wired_ltc", MAPPED, f"{MAPPED} + 0.1 * a * a"),
    ("wired_ltc", "reference.solvers", MEAN, f"{MEAN} + 0.01 * potentials[0]"),
    ("mixed_memory", "reference.mixed_memory", MEMORY, f"{MEMORY} + 0.05 * memory * memory"),
    ("mixed_memory", "reference.mixed_memory", SHOWN, SHOWN.replace("(memory)", "(1.2 * memory)")),
]
"""Faults that are none of the known ones: family and mode, module, passage, and what stands in its place."""


def judged(family: str, *changes: Change, clause: str | None = None):
    """Return the causes that the clauses of a step name, the first that fails first."""
    law = Law(family, changes)
    subject = pairs.subject_of(law)
    checks = [registry.every()[clause]] if clause else pairs.checks_of(family)[:3]
    verdicts = [judge_clause(check, subject, Plan(check.smoke, 0)) for check in checks]
    assert any(verdict.outcome == "fail" for verdict in verdicts)
    return [cause for verdict in verdicts for cause in verdict.causes]


def fault(name: str) -> Change:
    return Change.fault(mutants()[name])


@pytest.mark.parametrize("name", [name for name in FAMILY if name in mutants()])
def test_a_known_fault_is_named_alone_and_proven(name: str) -> None:
    causes = judged(FAMILY[name], fault(name), clause=mutants()[name].clause)
    assert {(cause.kind, cause.name) for cause in causes} == {("fault", name)}
    assert causes[0].proven >= 1


@pytest.mark.parametrize(("family", "first", "second"), TOGETHER)
def test_both_of_two_faults_are_named(family: str, first: str, second: str) -> None:
    assert {cause.name for cause in judged(family, fault(first), fault(second))} == {first, second}


def test_of_two_faults_that_fit_a_formula_that_is_named_which_fits_the_others() -> None:
    causes = judged("wired_cfc", fault("WiredPureTimeIgnored"), clause="wired_cfc.step.pure")
    assert [cause.name for cause in causes] == ["WiredPureTimeIgnored"], "TimeAlwaysOne fits mode pure alone"


def test_of_two_faults_that_fit_at_time_zero_that_is_named_which_fits_other_formulas_there() -> None:
    causes = judged("mixed_memory", fault("WiredTimeHasFloor"), clause="time.zero")
    assert [cause.name for cause in causes] == ["WiredTimeHasFloor"], "TimeHasFloor is that of every cell"


def test_a_fault_is_named_beside_a_convention() -> None:
    convention = Change.convention({"time_sign": +1})
    causes = judged("cfc", convention, fault("TimeOnOffset"), clause="cfc.step.default")
    assert [cause.kind for cause in causes] == ["convention", "fault"]
    assert [cause.name for cause in causes] == ["time_sign=1", "TimeOnOffset"]


@pytest.mark.parametrize(("where", "module", "old", "new"), UNKNOWN)
def test_what_is_no_known_fault_gets_no_false_name(where: str, module: str, old: str, new: str) -> None:
    family, *mode = where.split()
    unknown = Rewrite("Unknown", "", "", module, old, new).mutant()
    subject = pairs.subject_of(Law(family, [Change.fault(unknown)]))
    form = {**FAMILIES[family].forms[0], **({"mode": mode[0]} if mode else {})}
    case = next(observed_case(subject, subject.config(Sizes(2, 3, 4, 5), **form)))
    known = KnownCauses(family)
    assert known.find(subject, case, variants=True) is None
    assert not known.changes and known.in_vain


@pytest.mark.parametrize("family", ["cfc", "ltc"])
def test_a_small_unknown_error_beside_a_known_fault_gets_no_name(family: str) -> None:
    """A change that only rounds has bounds so wide that they contain any small error."""
    last = {
        "cfc": "return gated(parameters, z, timespans, head_activation)",
        "ltc": "return output(v, activation)",
    }
    new = f"{last[family]} * (1.0 + 1e-9 * np.cos(inputs.real.sum()))"
    unknown = Rewrite("Unknown", "", "", f"reference.{family}", last[family], new).mutant()
    subject = pairs.subject_of(Law(family, [fault("TimePlusOne"), Change.fault(unknown)]))
    config = subject.config(Sizes(2, 3, 4, 5), **FAMILIES[family].forms[0])
    case = next(observed_case(subject, config))
    known = KnownCauses(family)
    assert known.find(subject, case, variants=True) is None and not known.changes


@pytest.mark.parametrize("variant", [{"time_sign": 1}, {"head_activation": "linear"}])
def test_a_convention_is_named_behind_an_lstm(variant: dict[str, Any]) -> None:
    subject = pairs.subject_of(Law("mixed_memory", [Change.convention(variant)]))
    case = next(observed_case(subject, subject.config(Sizes(2, 3, 4, 5), cell="CfCCell")))
    law = KnownCauses("mixed_memory").find(subject, case, variants=True)
    assert law is not None and dict(law.variant) == variant


def observed_case(subject, config):
    """Yield a step by a config."""
    sizes = Sizes(2, 3, 4, 5)
    yield step_case(subject.family, config, sizes, recipe="normal", seed=3, time="column", dtype="float64")


def test_what_the_known_changes_explain_is_not_searched_again() -> None:
    law = Law("cfc", [fault("TimePlusOne")])
    subject = pairs.subject_of(law)
    config = subject.config(Sizes(2, 3, 4, 5), mode="default")
    case = next(
        alike(
            subject,
            step_case(
                subject.family,
                config,
                Sizes(2, 3, 4, 5),
                recipe="normal",
                seed=1,
                time="column",
                dtype="float64",
            ),
            range(1),
        )
    )
    known = KnownCauses("cfc", [fault("TimePlusOne")])
    assert all(departs(subject, seen) for seen in observe(subject, [case]))
    assert known.find(subject, case, variants=True) is None
    assert [change.cause.name for change in known.changes] == ["TimePlusOne"]


def test_changes_of_one_passage_exclude_each_other() -> None:
    first = Rewrite("First", "", "", "reference.cfc", GATE, "return sigmoid(slope * t + offset)").mutant()
    second = Rewrite("Second", "", "", "reference.cfc", GATE, "return sigmoid(-slope * t)").mutant()
    with pytest.raises(Inapplicable, match="two changes of one passage"):
        Law("cfc", [Change.fault(first), Change.fault(second)])


def test_a_change_of_the_whole_module_excludes_others() -> None:
    """GateInFloat32 adds a statement; the other two rewrite one passage."""
    with pytest.raises(Inapplicable, match="the whole module"):
        Law("cfc", [fault(name) for name in ("TimeOnOffset", "SlopeByExp", "GateInFloat32")])


def test_two_changes_of_one_function_are_made_together() -> None:
    law = Law("cfc", [fault("TimePlusOne"), fault("HeadsExchanged")])
    assert [change.cause.name for change in law.changes] == ["TimePlusOne", "HeadsExchanged"]
    assert list(law.code) == ["conformance.oracle.cell"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_law_without_changes_is_the_specification(family: str) -> None:
    law = Law(family, [])
    subject = pairs.subject_of(law)
    timed = [case for case in pairs.cases_of(subject) if case.timespans is not None]
    for case in timed[:5]:
        for got, want in zip(law.step(subject, case), subject.reference(case), strict=True):
            assert (got.value == want.value).all() and (got.error == want.error).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_candidate_makes_a_law(family: str) -> None:
    for change in (*candidates.written_faults(family), *candidates.generated_faults(family)):
        assert Law(family, [change]).plain


def test_conventions_about_one_thing_exclude_each_other() -> None:
    both = [Change.convention({"head_activation": name}) for name in ("linear", "lecun_tanh")]
    with pytest.raises(Inapplicable, match="two conventions"):
        Law("cfc", both)


def test_a_symptom_is_counted_under_the_clause_that_met_it_first() -> None:
    subject = pairs.subject_of(Law("cfc", [fault("TimePlusOne")]))
    known = KnownCauses("cfc")
    shapes = (((2, 2), 4), ((3, 4), 6), ((2, 2, 1), 4))
    flat, larger, other = (symptom_of(subject, "output", shape, units) for shape, units in shapes)
    assert flat.symptom == larger.symptom != other.symptom
    cause = Cause("clause", "cfc.step.default", flat.summary)
    known.add_symptom(flat, cause)
    assert known.met(larger) is cause
    assert known.met(other) is None and known.met(Failure("something else")) is None


class TwoStates(ReferenceCells):
    """Each step returns its state twice."""

    def step(self, request: Any) -> dict[str, Any]:
        answer = super().step(request)
        return {**answer, "state": [*answer["state"], *answer["state"]]}


class SlopesTwice(ReferenceCells):
    """Each gradient of a step or a sequence by its inputs is twice what it should be."""

    def gradients(self, request: Any) -> dict[str, Any]:
        answer = super().gradients(request)
        return {**answer, "inputs": 2.0 * answer["inputs"]}

    def sequence_gradients(self, request: Any) -> dict[str, Any]:
        answer = super().sequence_gradients(request)
        return {**answer, "inputs": 2.0 * answer["inputs"]}


def verdicts_on(cells: ReferenceCells, *clauses: str) -> list[Verdict]:
    """Return the verdicts on the first cell, of clauses judged one after the other in a quick look."""
    subject = Subject(cells, cells.describe()["cells"][0], "float64")
    checks = map(registry.every().__getitem__, clauses)
    return [judge_clause(check, subject, Plan(check.smoke, 0)) for check in checks]


def test_derivatives_that_are_wrong_while_steps_are_right_have_one_cause() -> None:
    clauses = ("cfc.step.default", "gradient.inputs", "gradient.state", "gradient.sequence.inputs")
    verdicts = verdicts_on(SlopesTwice(), *clauses)
    assert [verdict.outcome for verdict in verdicts] == ["pass", "fail", "pass", "fail"]
    assert [cause.name for verdict in verdicts for cause in verdict.causes] == ["gradient.inputs"] * 2


def test_clauses_that_meet_one_symptom_have_one_cause() -> None:
    verdicts = verdicts_on(TwoStates(), "cfc.step.default", "time.zero", "state.rows")
    assert [verdict.outcome for verdict in verdicts] == ["fail", "fail", "pass"]
    assert [cause.name for verdict in verdicts for cause in verdict.causes] == ["cfc.step.default"] * 2
    (one,) = causes_found(verdicts)
    assert one.known_by == "the same symptom in each"
    other = replace(verdicts[1], failure=Failure("another", symptom="another"))
    assert causes_found([verdicts[0], other])[0].known_by == "by itself"


def test_symptoms_differ_by_what_is_wrong_and_not_by_sizes() -> None:
    subject = pairs.subject_of(Law("cfc", [fault("TimePlusOne")]))
    said = {
        symptom_of(subject, what, shape, 4).symptom
        for what, shape in (
            ("state 0", (2, 3)),
            ("state 1", (2, 3)),
            ("output at step 1", (2, 3)),
            ("output at step 12", (3, 5)),
            ("gradient by ff1_kernel", (2, 3)),
            ("gradient by ff2_kernel", (2, 3)),
            ("rows [1, 0] of the batch: output", (2, 3)),
            ("rows [2, 0, 1] of the batch: output", (3, 3)),
        )
    }
    assert len(said) == 6


def test_the_first_clause_whose_values_fail_stands_for_others() -> None:
    subject = pairs.subject_of(Law("cfc", [fault("TimePlusOne")]))
    config = subject.config(Sizes(2, 3, 4, 5), mode="default")
    case = next(observed_case(subject, config))
    known = KnownCauses("cfc")
    key = formula(subject, case)
    first, second = (Cause("clause", name, "") for name in ("cfc.step.default", "time.zero"))
    known.add_unexplained(subject, case, first)
    assert key not in known.in_vain, "nothing was looked for"
    known.in_vain[key] = None
    known.add_unexplained(subject, case, first)
    known.add_unexplained(subject, case, second)
    assert known.in_vain[key] is first


def symptom_of(subject, what: str, shape: tuple[int, ...], units: int) -> Failure:
    with pytest.raises(Nonconformance) as departure:
        assert_shape(subject, what, shape, (shape[0], units))
    return departure.value.failure
