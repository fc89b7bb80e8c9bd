"""What becomes of a clause's examples: every outcome, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from conformance.bounds.arrays import ErrorBounded
from conformance.causes.known import SHRINK_CALLS
from conformance.driver.implementation import (
    HarnessDied,
    HarnessHung,
    ImplementationRaised,
    MethodUnresponsive,
    NotSupported,
)
from conformance.judging.assertions import assert_close, assert_step, assert_true
from conformance.judging.registry import TIERS, Check, Draw
from conformance.judging.strategies import steps
from conformance.judging.subject import Subject
from conformance.search.host_bugs import Quirk
from conformance.search.plan import Plan
from conformance.search.searching import MOST_REFUSED
from conformance.search.trial import judge_clause, judge_example
from conformance.stored.examples import stored
from conformance.verdict import Verdict
from reference import cfc_step

CELL = {
    "name": "CfCCell",
    "family": "cfc",
    "arguments": ["units", "mode", "activation", "backbone_units", "backbone_layers", "backbone_dropout"],
}
STEP = "cfc.step.default"
Answer = Callable[..., Any]


class Fake:
    """An implementation whose every answer is that of a function."""

    target, backend, options = "fake:Cell", "numpy", {}

    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked, self.restarts = answer, 0, 0

    def describe(self) -> dict[str, Any]:
        return {"host": "keras", "versions": {"keras": "3.9.0"}}

    def request(self, method: str, **params: Any) -> Any:
        self.asked += 1
        return self.answer(self, **params)

    def restart(self) -> None:
        self.restarts += 1

    def close(self) -> None:
        pass


def computed(params: dict[str, Any], **changed: Any) -> Any:
    """Compute what the specification asks for, or a variant of it."""
    config = params["model"]["config"]
    batch = len(params["inputs"])
    times = np.ones(()) if params["timespans"] is None else params["timespans"]
    options = {"mode": config["mode"], "backbone_layers": config["backbone_layers"], **changed}
    output = cfc_step(
        params["parameters"],
        params["inputs"],
        params["state"][0],
        np.broadcast_to(times.reshape(-1, 1), (batch, 1)),
        activation=config["activation"],
        **options,
    )
    return {"output": output, "state": [output]}


def right(fake: Fake, **params: Any) -> Any:
    return computed(params, head_activation="tanh")


def linear(fake: Fake, **params: Any) -> Any:
    return computed(params, head_activation="linear")


def off_by_a_hair(fake: Fake, **params: Any) -> Any:
    answer = right(fake, **params)
    return {**answer, "output": answer["output"] + 1e-9}


def follows(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(steps(subject, mode="default")))


def judged(answer: Answer, body: Any = follows, **plan: Any) -> tuple[Verdict, Fake]:
    """Judge by 30 examples; a failure is explained only if the plan says so."""
    fake = Fake(answer)
    subject = Subject(fake, CELL, "float64")
    check = Check(STEP, body, 30, 5, TIERS)
    return judge_clause(check, subject, Plan(**{"examples": 30, "seed": 7, "explain": False, **plan})), fake


def test_what_follows_the_specification_passes() -> None:
    verdict, fake = judged(right)
    assert (verdict.outcome, verdict.examples, verdict.failure) == ("pass", 30, None)
    assert verdict.shapes >= 3 and verdict.undecided == 0 and verdict.worst == 0, "the same program"
    assert fake.restarts == 0


def test_a_slip_of_a_billionth_fails_with_the_smallest_case() -> None:
    verdict, fake = judged(off_by_a_hair)
    assert verdict.outcome == "fail" and fake.restarts == 1
    case = verdict.failure.case
    assert np.shape(case["inputs"]) == (1, 1) and case["config"]["units"] == 1
    assert "output[0, 0] is" in verdict.failure.summary and "times the bound" in verdict.failure.summary
    assert verdict.failure.excess > 1e5
    assert verdict.failure.bound[0][0] < 1e-12
    assert "start('fake:Cell', 'numpy')" in verdict.failure.script


def test_what_fails_eagerly_alone_is_replayed_eagerly(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong_eagerly(fake: Fake, eager: bool = False, **params: Any) -> Any:
        return (off_by_a_hair if eager else right)(fake, **params)

    monkeypatch.setattr(Fake, "backend", "tensorflow")
    verdict, fake = judged(wrong_eagerly)
    assert verdict.outcome == "fail" and "eager=True" in verdict.failure.script
    kept = stored(verdict.failure.example)
    subject, plan = Subject(fake, CELL, "float64"), Plan(1, 7, explain=False)
    outcomes = [
        judge_example(Check(STEP, follows, 30, 5, TIERS), subject, plan, kept.drawn, number).outcome
        for number in (kept.number, 0)
    ]
    assert outcomes == ["fail", "pass"]


def test_shrinking_is_capped_by_calls() -> None:
    def of_any_size(fake: Fake, **params: Any) -> Any:
        return {"output": 1.0 + right(fake, **params)["output"], "state": []}

    _, fake = judged(of_any_size)
    assert fake.asked < 30 + 2 * SHRINK_CALLS


def test_an_answer_of_another_shape_fails() -> None:
    verdict, _ = judged(lambda fake, **params: {"output": np.zeros((9, 9)), "state": []})
    assert verdict.outcome == "fail" and "has shape (9, 9), but should have (1, 1)" in verdict.failure.summary


def test_nan_fails() -> None:
    def nan(fake: Fake, **params: Any) -> Any:
        return {"output": np.full_like(params["state"][0], np.nan), "state": []}

    assert judged(nan)[0].outcome == "fail"


def test_an_exception_of_the_implementation_fails_in_its_own_words() -> None:
    def raises(fake: Fake, **params: Any) -> Any:
        raise ImplementationRaised("TypeError", "no such argument")

    verdict, _ = judged(raises)
    assert verdict.outcome == "fail" and verdict.failure.summary == "step raises TypeError: no such argument"


def test_what_is_not_offered_is_not_applicable() -> None:
    def refuses(fake: Fake, **params: Any) -> Any:
        raise NotSupported("no steps here")

    verdict, _ = judged(refuses)
    assert (verdict.outcome, verdict.reason) == ("not applicable", "not supported here: no steps here")


def test_what_is_refused_of_some_examples_is_judged_on_the_others() -> None:
    def of_one_sample(fake: Fake, **params: Any) -> Any:
        if len(params.get("inputs", "of build")) > 1:
            raise NotSupported("batches")
        return right(fake, **params)

    verdict, _ = judged(of_one_sample)
    assert (verdict.outcome, verdict.reason) == ("pass", "batches")
    assert verdict.refused > 0 and verdict.examples > 0
    assert verdict.examples + verdict.refused == 30


def test_what_is_refused_of_some_examples_excuses_no_failure() -> None:
    def of_small_cells(fake: Fake, **params: Any) -> Any:
        if params["model"]["config"]["units"] == 1:  # whither shrinking goes
            raise NotSupported("cells of one unit")
        return off_by_a_hair(fake, **params)

    verdict, _ = judged(of_small_cells)
    assert verdict.outcome == "fail" and verdict.failure.case["config"]["units"] > 1


def test_a_few_refusals_are_enough_to_ask_no_more() -> None:
    def refuses(fake: Fake, **params: Any) -> Any:
        raise NotSupported("no steps here")

    assert judged(refuses)[0].refused == MOST_REFUSED


def test_a_method_that_is_given_up_leaves_its_clause_unsettled() -> None:
    def given_up(fake: Fake, **params: Any) -> Any:
        raise MethodUnresponsive("step", 4)

    verdict, _ = judged(given_up)
    assert verdict.outcome == "error" and "step is asked no more" in verdict.reason


@pytest.mark.parametrize("variant", ["auto", "strict"])
def test_a_death_while_it_shrinks_takes_back_no_failure(variant: str) -> None:
    def dies_at_the_second(fake: Fake, **params: Any) -> Any:
        if fake.asked == 2:
            raise HarnessDied(-11, "")
        return off_by_a_hair(fake, **params)

    verdict, _ = judged(dies_at_the_second, variant=variant)
    assert verdict.outcome == "fail" and "times the bound" in verdict.failure.summary


def test_a_death_while_a_cause_is_looked_for_takes_back_no_failure() -> None:
    def dies_for_larger_cases(fake: Fake, **params: Any) -> Any:
        if len(params["inputs"]) > 1:  # the smallest example has one, those of the search for causes more
            raise HarnessDied(-11, "")
        return off_by_a_hair(fake, **params)

    verdict, _ = judged(dies_for_larger_cases, explain=True)
    assert verdict.outcome == "fail" and [cause.kind for cause in verdict.causes] == ["clause"]


@pytest.mark.slow
def test_what_does_not_start_again_is_not_reproducible_and_its_failure_is_kept() -> None:
    class Mortal(Fake):
        def restart(self) -> None:
            raise HarnessDied(None, "it cannot be started")

    check = Check(STEP, follows, 30, 5, TIERS)
    for answer in (off_by_a_hair, dies):
        verdict = judge_clause(check, Subject(Mortal(answer), CELL, "float64"), Plan(30, 7))
        assert verdict.outcome == "not reproducible" and verdict.failure is not None


def test_where_every_example_lies_at_a_kink_nothing_was_judged() -> None:
    def kinked(subject: Subject, draw: Draw) -> None:
        subject.step(draw(steps(subject, mode="default")))
        subject.tally.kinks += 1

    verdict, _ = judged(right, kinked)
    assert (verdict.outcome, verdict.kinks) == ("error", verdict.examples)
    assert "no value was judged" in verdict.reason and "lie at a kink" in verdict.reason


def dies(fake: Fake, **params: Any) -> Any:
    raise HarnessDied(-11, "Segmentation fault")


def test_a_death_fails_once_it_has_repeated_and_is_not_shrunk() -> None:
    verdict, fake = judged(dies)
    assert verdict.outcome == "fail" and "died with status -11" in verdict.failure.summary
    assert (fake.asked, fake.restarts) == (2, 2), "to confirm it, and to leave a live process behind"


def test_clauses_in_which_a_harness_ends_alike_have_one_cause() -> None:
    def hangs(fake: Fake, **params: Any) -> Any:
        raise HarnessHung("gradients", 3.0)

    subject = Subject(Fake(dies), CELL, "float64")
    checks = [Check(clause, follows, 30, 5, TIERS) for clause in (STEP, "time.zero", "time.large")]
    verdicts = [judge_clause(check, subject, Plan(30, 7)) for check in checks[:2]]
    hung = judge_clause(checks[2], replace(subject, implementation=Fake(hangs)), Plan(30, 7))
    assert [cause.name for verdict in verdicts for cause in verdict.causes] == [STEP, STEP]
    assert [cause.name for cause in hung.causes] == ["time.large"]


def test_a_death_that_does_not_repeat_is_not_reproducible() -> None:
    def dies_once(fake: Fake, **params: Any) -> Any:
        if fake.restarts == 0:
            raise HarnessDied(-9, "")
        return right(fake, **params)

    assert judged(dies_once)[0].outcome == "not reproducible"


def test_a_failure_that_a_fresh_process_does_not_show_is_not_reproducible() -> None:
    def stale(fake: Fake, **params: Any) -> Any:
        return (right if fake.restarts else off_by_a_hair)(fake, **params)

    verdict, _ = judged(stale)
    assert verdict.outcome == "not reproducible" and "not again in a fresh process" in verdict.reason


def test_a_fault_of_the_suite_is_an_error_and_not_a_failure() -> None:
    def broken(subject: Subject, draw: Draw) -> None:
        raise KeyError("a slip of ours")

    verdict, _ = judged(right, broken)
    assert verdict.outcome == "error" and "a slip of ours" in verdict.reason


def test_fewer_examples_than_the_budget_are_an_error() -> None:
    def few(subject: Subject, draw: Draw) -> None:
        draw(st.booleans())

    verdict, _ = judged(right, few)
    assert (verdict.outcome, verdict.reason) == ("error", "2 of 30 examples ran")


def decide(subject: Subject, values: int, *, undecided: int = 0, error: float = 0.0) -> None:
    """Compare so many values of 1, the first of them with a bound that is too wide; the others are off."""
    bound = np.where(np.arange(values) < undecided, 9.0, 1e-12)
    got = 1.0 + np.where(np.arange(values) < undecided, 0.0, error)
    assert_close(subject, "output", got, ErrorBounded(np.ones(values), subject.arithmetic, bound))


def share(draw: Draw) -> float:
    """Draw a number that is evenly spread over [0, 1)."""
    return float(np.random.default_rng(draw(st.integers(0, 2**32))).random())


def undecided_at(rate: float) -> Any:
    """Return a test of one value an example, which is undecided at a rate."""

    def body(subject: Subject, draw: Draw) -> None:
        decide(subject, 1, undecided=int(share(draw) < rate))

    return body


def kinked_at(rate: float) -> Any:
    """Return a test of one value an example, which lies at a kink at a rate."""

    def body(subject: Subject, draw: Draw) -> None:
        if share(draw) < rate:
            subject.tally.kinks += 1
        else:
            decide(subject, 1)

    return body


SEEDS = range(20)
MOST = 20 + 4 * 50
"""The examples of a clause of 20 that draws on as often as it may."""


@pytest.mark.slow
@pytest.mark.parametrize("vague", [undecided_at, kinked_at])
@pytest.mark.parametrize("rate", [0.06, 0.3])
@pytest.mark.parametrize("budget", [2, 20])
def test_what_is_undecided_now_and_then_passes_by_every_seed(vague: Any, rate: float, budget: int) -> None:
    drawn_on = 0
    for seed in SEEDS:
        verdict, _ = judged(right, vague(rate), examples=budget, seed=seed)
        assert verdict.outcome == "pass", (seed, verdict.reason)
        assert verdict.values - verdict.undecided >= 0.95 * budget, "as much is decided as without"
        assert verdict.values + verdict.kinks == verdict.examples and verdict.expected == budget
        drawn_on += verdict.examples > budget
    assert drawn_on > 0


@pytest.mark.slow
@pytest.mark.parametrize("vague", [undecided_at, kinked_at])
@pytest.mark.parametrize("rate", [0.8, 1.0])
def test_what_is_mostly_undecided_is_an_error_by_every_seed(vague: Any, rate: float) -> None:
    for seed in SEEDS[:6]:
        verdict, _ = judged(right, vague(rate), examples=20, seed=seed)
        assert (verdict.outcome, verdict.examples) == ("error", MOST)
        assert f"{verdict.undecided} of {verdict.values} values undecided" in verdict.reason or (
            f"{verdict.kinks} of {MOST} examples lie at a kink" in verdict.reason
        )


def test_what_decides_nothing_is_an_error_by_the_smallest_budget_too() -> None:
    verdict, _ = judged(right, undecided_at(1.0), examples=1)
    assert (verdict.outcome, verdict.undecided, verdict.values) == ("error", 201, 201)


def test_a_clause_that_decides_enough_draws_no_more() -> None:
    def one_of_twenty(subject: Subject, draw: Draw) -> None:
        share(draw)
        decide(subject, 1, undecided=int(subject.tally.examples == 7))

    verdict, _ = judged(right, one_of_twenty, examples=20)
    assert (verdict.outcome, verdict.examples, verdict.undecided) == ("pass", 20, 1)


def test_one_example_of_many_values_does_not_stand_for_those_that_decide_nothing() -> None:
    def once(subject: Subject, draw: Draw) -> None:
        first = subject.tally.examples == 0
        share(draw)
        decide(subject, 5_000 if first else 1, undecided=int(not first))

    verdict, _ = judged(right, once, examples=20)
    assert verdict.outcome == "error" and f"{MOST - 1} of" in verdict.reason


def test_an_example_counts_for_the_share_of_its_values_that_are_decided() -> None:
    for undecided, outcome in ((5, "pass"), (6, "error")):

        def partly(subject: Subject, draw: Draw, undecided: int = undecided) -> None:
            share(draw)
            decide(subject, 10, undecided=undecided)

        assert judged(right, partly, examples=20)[0].outcome == outcome


def test_what_compares_no_values_decides_by_its_examples() -> None:
    verdict, _ = judged(right, lambda subject, draw: assert_true(subject, share(draw) < 1.0, ""), examples=20)
    assert (verdict.outcome, verdict.examples, verdict.values) == ("pass", 20, 0)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.0, 0.3, 0.8])
def test_a_fault_is_found_in_the_values_that_are_decided(rate: float) -> None:
    def faulty(subject: Subject, draw: Draw) -> None:
        number = share(draw)
        decide(subject, 1, undecided=int(number < rate), error=1e-9 * (number > 0.8))

    for seed in SEEDS:
        verdict, _ = judged(right, faulty, examples=50, seed=seed)
        assert verdict.outcome == "fail" and "times the bound" in verdict.failure.summary


def test_a_fault_that_only_further_examples_show_is_found_and_played_again() -> None:
    def late(subject: Subject, draw: Draw) -> None:
        share(draw)
        decide(subject, 1, undecided=int(subject.tally.examples < 20), error=1e-9)

    verdict, fake = judged(right, late, examples=20)
    assert (verdict.outcome, verdict.examples, fake.restarts) == ("fail", 20, 1)


def test_further_examples_are_others_and_the_same_by_the_same_seed() -> None:
    def numbers(seed: int) -> list[float]:
        seen: list[float] = []

        def remember(subject: Subject, draw: Draw) -> None:
            seen.append(share(draw))
            decide(subject, 1, undecided=1)

        judged(right, remember, examples=50, seed=seed)
        return seen

    seen = numbers(3)
    assert seen == numbers(3) and len(seen) == 5 * 50
    assert len({tuple(seen[i : i + 50]) for i in range(0, 250, 50)}) == 5


def test_of_one_example_most_values_have_to_be_decided() -> None:
    check = Check(STEP, lambda subject, draw: decide(subject, 10, undecided=draw(st.just(0))), 30, 5, TIERS)
    for undecided, outcome in ((0, "pass"), (5, "pass"), (6, "error"), (10, "error")):
        verdict = judge_example(check, Subject(Fake(right), CELL, "float64"), Plan(30, 7), [undecided])
        assert (verdict.outcome, verdict.examples, verdict.undecided) == (outcome, 1, undecided)


def test_an_example_at_a_kink_is_no_pass() -> None:
    for rate, outcome in ((0.0, "pass"), (1.0, "error")):
        check = Check(STEP, kinked_at(rate), 30, 5, TIERS)
        verdict = judge_example(check, Subject(Fake(right), CELL, "float64"), Plan(30, 7), [5])
        assert (verdict.outcome, verdict.kinks) == (outcome, int(rate))


def test_what_is_undecided_under_a_variant_does_not_hold_under_it() -> None:
    def vague_under_a_variant(subject: Subject, draw: Draw) -> None:
        if subject.variant:
            draw(steps(subject, mode="default"))
            decide(subject, 1, undecided=1)
        else:
            follows(subject, draw)

    verdict, _ = judged(linear, vague_under_a_variant, explain=True)
    assert verdict.outcome == "fail" and not verdict.holds_under_variant and verdict.failure is not None


def test_an_unbounded_value_decides_nothing() -> None:
    subject = Subject(Fake(right), CELL, "float64")
    want = ErrorBounded(np.array([np.inf, 1.0]), subject.arithmetic, np.array([np.inf, 1e-9]))
    assert_close(subject, "output", np.array([5.0, 1.0]), want)
    assert (subject.tally.values, subject.tally.undecided) == (2, 1)


def test_a_variant_is_named_and_what_holds_under_it_still_fails() -> None:
    verdict, _ = judged(linear, explain=True)
    assert (verdict.outcome, verdict.variant) == ("fail", {"head_activation": "linear"})
    assert verdict.holds_under_variant and verdict.failure is not None
    assert verdict.examples <= 30


def test_under_strict_no_variant_is_looked_for() -> None:
    verdict, _ = judged(linear, explain=True, variant="strict")
    assert (verdict.outcome, verdict.variant, verdict.holds_under_variant) == ("fail", {}, False)


@pytest.mark.slow
def test_what_fails_under_the_variant_too_is_shown_as_it_fails_there() -> None:
    def linear_but_for_two(fake: Fake, **params: Any) -> Any:
        answer = linear(fake, **params)
        return {**answer, "output": answer["output"] + (len(params["inputs"]) == 2)}

    verdict, _ = judged(linear_but_for_two, explain=True)
    assert verdict.outcome == "fail" and not verdict.holds_under_variant


def test_no_variant_is_named_where_none_fits() -> None:
    verdict, _ = judged(off_by_a_hair)
    assert (verdict.variant, verdict.holds_under_variant) == ({}, False)


def test_what_a_host_is_known_for_is_laid_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Quirk("a.quirk", "what it does", "keras", ("numpy",), "3.8", "3.10", (STEP,), ("tanh",), "")
    monkeypatch.setattr("conformance.search.host_bugs.ledger", lambda: (known,))
    verdict, _ = judged(off_by_a_hair)
    assert (verdict.outcome, verdict.reason) == ("host", "a.quirk: what it does")


def test_an_argument_that_a_cell_lacks_makes_its_clause_inapplicable() -> None:
    check = Check("cfc.step.head_activation", follows, 30, 5, TIERS, argument="head_activation")
    verdict = judge_clause(check, Subject(Fake(right), CELL, "float64"), Plan(30, 7))
    assert (verdict.outcome, verdict.reason) == ("not applicable", "no argument 'head_activation'")


def test_the_same_seed_draws_the_same_cases() -> None:
    def numbers(seed: int) -> list[Any]:
        seen: list[Any] = []

        def remember(fake: Fake, **params: Any) -> Any:
            seen.append(params["inputs"].tolist())
            return right(fake, **params)

        judged(remember, seed=seed)
        return seen

    assert numbers(3) == numbers(3) != numbers(4)
