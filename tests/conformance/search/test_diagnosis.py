"""A failure is laid to a known fault only where that alone gives what was got, case after case."""

import subprocess
import sys

import pytest

from conformance.judging import registry as checks
from conformance.judging.subject import Subject
from conformance.mutants import mutants
from conformance.oracle.reference_cells import ReferenceCells
from conformance.report.failures import details, findings
from conformance.search import diagnosis
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec.families import Sizes
from conformance.verdict import Failure

pytestmark = pytest.mark.slow

FEW = {
    "TimeAlongUnits": ("cfc", "time.per_sample"),
    "TimeOnOffset": ("cfc", "cfc.step.default"),
    "RateOfFirstUnit": ("cfc", "cfc.step.pure"),
    "ExactDecay": ("ltc", "ltc.step.semi_implicit"),
    "LecunScaleRounded": ("cfc", "backbone.activation"),
}


def subject_of(implementation, family, dtype="float64"):
    about = {cell["family"]: cell for cell in implementation.describe()["cells"]}[family]
    return Subject(implementation, about, dtype)


def failure_of(implementation, family, clause, dtype="float64", known=None):
    """The verdict; `known` is what a run knows of failures before."""
    check = checks.every()[clause]
    subject = subject_of(implementation, family, dtype)
    subject.diagnoses = {} if known is None else known
    return judge_clause(check, subject, Plan(check.examples, 0, variant="strict"))


@pytest.mark.parametrize("name", FEW)
def test_a_known_fault_is_named_alone(name):
    verdict = failure_of(mutants()[name].implementation(), *FEW[name])
    assert [fault["name"] for fault in verdict.failure.diagnosis["faults"]] == [name]
    assert verdict.failure.diagnosis["cases"] > diagnosis.SEEDS


def test_copies_are_bounded_whatever_was_imported_before():
    """An adjoint has functions of its own by the names of some of a step's."""
    program = (
        "import conformance.judging.gradients; from conformance.oracle.bounded import bounded; bounded({})"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_it_is_named_in_float32_too():
    verdict = failure_of(mutants()["TimeOnOffset"].implementation(), "cfc", "cfc.step.default", "float32")
    assert [fault["name"] for fault in verdict.failure.diagnosis["faults"]] == ["TimeOnOffset"]


def test_faults_that_the_cases_do_not_tell_apart_are_all_named():
    verdict = failure_of(mutants()["HeadAlwaysTanh"].implementation(), "cfc", "cfc.step.head_activation")
    named = {fault["name"] for fault in verdict.failure.diagnosis["faults"]}
    assert named == {"HeadAlwaysTanh", "HeadTakesBackboneActivation"}  # the backbone's is tanh


class TwoFaults(ReferenceCells):
    """Adds a little to each output of a cell that has a known fault."""

    def __init__(self, name):
        super().__init__("two faults")
        self.faulty = mutants()[name].implementation()

    def request(self, method, **params):
        answer = self.faulty.request(method, **params)
        if method == "step":
            answer["output"] = answer["output"] + 1e-6
            answer["state"] = [answer["output"]]
        return answer


def test_what_no_known_fault_explains_has_no_cause():
    verdict = failure_of(TwoFaults("TimeOnOffset"), "cfc", "cfc.step.default")
    assert verdict.outcome == "fail"
    assert verdict.failure.diagnosis == {}


def test_a_fault_must_explain_each_failure_of_the_formula():
    run = {}
    first = failure_of(mutants()["TimeOnOffset"].implementation(), "cfc", "cfc.step.default", known=run)
    assert first.failure.diagnosis
    other = mutants()["TimeNotOnBias"].implementation()
    other.target = "mutant:TimeOnOffset"  # one target, of which another case shows another fault
    assert failure_of(other, "cfc", "cfc.step.default", known=run).failure.diagnosis == {}
    assert failure_of(other, "cfc", "cfc.step.default").failure.diagnosis, "another run knows nothing of it"


def test_a_failure_that_is_no_number_has_no_cause():
    subject = subject_of(ReferenceCells(), "cfc")
    assert diagnosis.diagnosed(subject, Failure("step raises ValueError")).diagnosis == {}


def test_the_cases_beside_are_large_enough():
    assert max(sizes.batch for sizes in diagnosis.SIZES) > 1
    assert Sizes(3, 3, 3, 3) in diagnosis.SIZES


def test_a_report_says_the_cause():
    verdict = failure_of(mutants()["ExactDecay"].implementation(), "ltc", "ltc.step.semi_implicit")
    (finding,) = findings([verdict])
    said = dict(details(finding, {}, 100))["cause"].plain
    assert said.startswith("of all known faults one alone gives what was got in each of 7 cases:\n")
    assert said.endswith("The semi-implicit step is the exact decay, 1 - exp(-t / tau). (ExactDecay)")
