"""One trial: a clause's test, run on a subject over many examples, becomes a verdict."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import Flaky

from conformance.driver.implementation import (
    HarnessFault,
    ImplementationRaised,
    MethodUnresponsive,
    NotSupported,
    RequestRefused,
)
from conformance.judging import variants
from conformance.judging.fitting import fitted, trains
from conformance.judging.registry import Check
from conformance.judging.subject import Nonconformance, Subject, Tally
from conformance.search import script
from conformance.search.diagnosis import diagnosed
from conformance.search.example import document
from conformance.search.host_bugs import quirk_met
from conformance.search.record import Recording, Shrinking, Unshrinkable
from conformance.search.seeding import derived, seed_alone
from conformance.spec import clauses
from conformance.spec.families.base import Variant
from conformance.verdict import Failure, Outcome, Verdict

ENOUGH = 0.95
"""The share of its budget that a clause has to decide, 47.5 of 50; examples count by decided values."""

MORE, MOST_SEARCHES = 50, 4
"""The least number of examples, and the most searches, with which a clause that decides less draws on: each
search has the budget or this number, whichever is more."""

HALF = 0.5
"""The share of all its examples that a clause has to decide then; one that decides less is in error."""

MOST_REMEMBERED = 2_000
"""Examples of one search. Hypothesis remembers each that it tried, so a long search is several."""

MOST_REFUSED = 10
"""Rejected examples, with none judged, after which the clause is reported as not applicable."""


@dataclass(frozen=True)
class Plan:
    """The parameters of a search."""

    examples: int
    seed: int
    database: str | None = None
    variant: str = "auto"
    explain: bool = True
    """True if a failure is explained, by a smaller example and a known fault: this takes most of the time."""
    spec: clauses.Spec = field(default_factory=clauses.load)
    """The specification by which it judges."""


def judge_clause(check: Check, subject: Subject, plan: Plan) -> Verdict:
    """Return the verdict of `check` on `subject`; every error becomes a verdict."""
    return _concluded(check, subject, plan, lambda: _judge(check, subject, plan))


def judge_example(check: Check, subject: Subject, plan: Plan, drawn: Sequence[Any]) -> Verdict:
    """Return the verdict of `check` on one example of values drawn before; nothing is searched."""
    return _concluded(check, subject, replace(plan, examples=1), lambda: _replay(check, subject, plan, drawn))


def judge_start(check: Check, subject: Subject, plan: Plan, fault: HarnessFault) -> Verdict:
    """Return the verdict of `check` if a harness does not describe itself; the fault is confirmed once."""
    try:
        subject.implementation.restart()
        subject.implementation.describe()
    except HarnessFault as again:
        return _verdict(check, subject, plan, "fail", failure=_ended(subject, again))
    except (ImplementationRaised, NotSupported, RequestRefused):  # an answer, if no description
        pass
    return _verdict(check, subject, plan, "not reproducible", reason=str(fault))


def judge_unasked(check: Check, subject: Subject, plan: Plan, reason: str) -> Verdict:
    """Return the verdict of `check` if no request is possible, with the reason."""
    return _verdict(check, subject, plan, "error", reason=reason)


def _concluded(check: Check, subject: Subject, plan: Plan, judge: Callable[[], Verdict]) -> Verdict:
    start = time.monotonic()
    try:
        verdict = _inapplicable(check, subject, plan) or _judged(check, subject, plan, judge)
    except MethodUnresponsive as hangs:
        subject.tally.given_up = True
        verdict = _verdict(check, subject, plan, "error", reason=str(hangs))
    except NotSupported as refused:
        verdict = _verdict(check, subject, plan, "not applicable", reason=str(refused))
    except Exception:
        verdict = _verdict(check, subject, plan, "error", reason=traceback.format_exc(limit=-8))
    return replace(verdict, seconds=time.monotonic() - start)


def _judged(check: Check, subject: Subject, plan: Plan, judge: Callable[[], Verdict]) -> Verdict:
    try:
        return judge()
    except HarnessFault as fault:
        return _confirm_fault(check, subject, plan, fault)


def _inapplicable(check: Check, subject: Subject, plan: Plan) -> Verdict | None:
    if check.argument and not subject.offer.has(check.argument):
        return _verdict(check, subject, plan, "not applicable", reason=f"no argument {check.argument!r}")
    if check.backends > 1 + len(subject.other_backends):
        reason = f"it takes {check.backends} backends, and the run has one"
        return _verdict(check, subject, plan, "not applicable", reason=reason)
    return None


def _judge(check: Check, subject: Subject, plan: Plan) -> Verdict:
    failure = _find(check, subject, plan)
    if failure is None:
        return _passed(check, subject, plan)
    if not _repeats(check, subject, plan):
        reason = f"seen once, and not again in a fresh process: {failure.summary}"
        return _verdict(check, subject, plan, "not reproducible", reason=reason, failure=failure)
    variant = {} if plan.variant == "strict" else variants.find(subject)
    if not variant:
        return _verdict(check, subject, plan, "fail", failure=_explained(subject, plan, failure))
    return _under_a_variant(check, subject, plan, failure, variant)


def _find(check: Check, subject: Subject, plan: Plan) -> Failure | None:
    """Look for a failure; draw on while too little is decided."""
    failure, tally = search(check, subject, plan), subject.tally
    if failure or tally.decided >= ENOUGH * tally.examples:
        return failure
    for part in range(MOST_SEARCHES):
        seed = derived(plan.seed, f"more/{part}")
        failure = search(check, subject, replace(plan, examples=max(plan.examples, MORE), seed=seed))
        if failure or _decides(subject):
            return failure
    return None


def _decides(subject: Subject) -> bool:
    """Tell whether at least half of the tried examples are decided."""
    return subject.tally.decided >= HALF * subject.tally.examples


def _explained(subject: Subject, plan: Plan, failure: Failure) -> Failure:
    """Return the failure, with the known fault that causes it."""
    return diagnosed(subject, failure) if plan.explain else failure


def _replay(check: Check, subject: Subject, plan: Plan, drawn: Sequence[Any]) -> Verdict:
    training = trains(check.clause)
    subject.tally = Tally()
    failure = play(check, subject, plan, [fitted(subject, value, training=training) for value in drawn])
    subject.tally.end()
    quirk = quirk_met(check.clause, subject) if failure else None
    if quirk:
        return _verdict(check, subject, plan, "host", reason=quirk, failure=failure)
    if failure is None and not _decides(subject):
        return _verdict(check, subject, plan, "error", reason=_undecided(subject))
    return _verdict(check, subject, plan, "fail" if failure else "pass", failure=failure)


def _passed(check: Check, subject: Subject, plan: Plan) -> Verdict:
    tally = subject.tally
    if tally.host:
        return _verdict(check, subject, plan, "host", reason="; ".join(sorted(tally.host)))
    ran = tally.examples + tally.refused
    if ran < min(plan.examples, check.examples):  # a larger budget may exhaust the cases there are
        return _verdict(check, subject, plan, "error", reason=f"{ran} of {plan.examples} examples ran")
    if not _decides(subject):
        return _verdict(check, subject, plan, "error", reason=_undecided(subject))
    return _verdict(check, subject, plan, "pass", reason=tally.refusal)


def _undecided(subject: Subject) -> str:
    tally = subject.tally
    kinks = f"{tally.kinks} of {tally.examples} examples lie at a kink"
    if not tally.values:
        return f"no value was judged: {kinks}"
    said = f"{tally.undecided} of {tally.values} values undecided: their bounds are too wide to judge by"
    return f"{said}; {kinks}" if tally.kinks else said


def _under_a_variant(
    check: Check, subject: Subject, plan: Plan, failure: Failure, variant: Variant
) -> Verdict:
    """Return a failure, and what remains of it under the variant of the specification that fits the steps.

    The kept example is one that fails by the specification itself.
    """
    with subject.under(variant):
        try:
            remaining = _find(check, subject, plan)
            if remaining is not None:
                remaining = _explained(subject, plan, remaining)
            elif not _decides(subject):
                remaining = failure
        except (HarnessFault, NotSupported):  # nothing is known of the variant, and the failure stands
            remaining = failure
    return _verdict(
        check,
        subject,
        plan,
        "fail",
        variant=dict(variant),
        holds_under_variant=remaining is None,
        failure=replace(remaining, example=failure.example) if remaining else failure,
    )


def _confirm_fault(check: Check, subject: Subject, plan: Plan, fault: HarnessFault) -> Verdict:
    """Return a death, hang or wire fault, confirmed once in a fresh process."""
    failure = _kept(check, subject, plan, _ended(subject, fault))
    if _repeats(check, subject, plan):
        return _verdict(check, subject, plan, "fail", failure=failure)
    with suppress(HarnessFault):
        subject.implementation.restart()  # what survived may die of it yet, at the next clause's cost
    return _verdict(check, subject, plan, "not reproducible", reason=str(fault), failure=failure)


def search(check: Check, subject: Subject, plan: Plan) -> Failure | None:
    """Look for an example that breaks the clause, and shrink it.

    Raises:
        NotSupported: the implementation rejected every example.
        HarnessFault: it died, hung or broke the protocol before anything else failed.
    """
    for begin in range(0, plan.examples, MOST_REMEMBERED):
        part = replace(plan, examples=min(MOST_REMEMBERED, plan.examples - begin), seed=plan.seed + begin)
        if failure := _search(check, subject, part):
            return failure
    if subject.tally.refused and not subject.tally.examples:
        raise NotSupported(subject.tally.refusal)
    return None


def _search(check: Check, subject: Subject, plan: Plan) -> Failure | None:
    shrinking = Shrinking()

    def once(data: st.DataObject) -> None:
        recording = Recording(shrinking)
        subject.example = recording
        subject.tally.begin()
        try:
            check.body(subject, recording.drawing(data.draw))
        except Nonconformance as departure:
            quirk = quirk_met(check.clause, subject)
            if quirk is None:
                shrinking.failed(recording, departure.failure)
                raise
            subject.tally.host[quirk] = subject.tally.host.get(quirk, 0) + 1
        except (HarnessFault, MethodUnresponsive) as reason:
            raise Unshrinkable(reason) from reason
        except NotSupported as refused:
            if not shrinking.begun:
                subject.tally.refuse(refused.reason)
                if subject.tally.refused == MOST_REFUSED and not subject.tally.examples:
                    raise Unshrinkable(NotSupported(subject.tally.refusal)) from refused
            return
        if not shrinking.begun:
            subject.tally.end()

    explaining = (Phase.shrink,) if plan.explain else ()
    configured = settings(
        max_examples=plan.examples,
        deadline=None,
        database=DirectoryBasedExampleDatabase(plan.database) if plan.database else None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate, *explaining),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
    )
    try:
        with seed_alone():
            configured(seed(plan.seed)(given(st.data())(once)))()  # `seed` outermost would unset the database
    except Unshrinkable as stopped:
        if not shrinking.begun:
            raise stopped.reason from None
        return _last(check, subject, plan, shrinking)
    except Nonconformance as departure:
        return _kept(check, subject, plan, departure.failure)
    except Flaky:
        return _last(check, subject, plan, shrinking)
    return None


def _last(check: Check, subject: Subject, plan: Plan, shrinking: Shrinking) -> Failure:
    """Return the latest example that failed, for a fresh process to decide."""
    subject.example, failure = shrinking.last
    return _kept(check, subject, plan, failure)


def _kept(check: Check, subject: Subject, plan: Plan, failure: Failure) -> Failure:
    """Return the failure of the current example, with a script for a person and a document for `replay`."""
    recorded, tier = subject.example, subject.dtype if check.numerical else None
    assert isinstance(recorded, Recording)
    example = document(check.clause, plan.spec.version, tier, subject, recorded.drawn, failure)
    return replace(failure, script=script.write(subject), example=example)


def _repeats(check: Check, subject: Subject, plan: Plan) -> bool:
    """Tell whether the last example fails again in a fresh process."""
    recorded = subject.example
    assert isinstance(recorded, Recording)
    try:
        subject.renew()
        return play(check, subject, plan, recorded.drawn) is not None
    except MethodUnresponsive:
        raise
    except (HarnessFault, NotSupported):  # a fresh process does not get so far
        return False


def play(check: Check, subject: Subject, plan: Plan, drawn: Sequence[Any]) -> Failure | None:
    """Return the failure of the example of these values; None if it passes. Hypothesis is not needed.

    Raises:
        NotSupported: the implementation does not offer what the clause is about.
    """
    recording, values = Recording(Shrinking()), iter(drawn)
    subject.example = recording
    try:
        check.body(subject, recording.drawing(lambda _: next(values)))
    except Nonconformance as departure:
        return _kept(check, subject, plan, departure.failure)
    except HarnessFault as fault:
        failure = _kept(check, subject, plan, _ended(subject, fault))
        subject.implementation.restart()  # for the clauses that come after
        return failure
    return None


def _ended(subject: Subject, fault: HarnessFault) -> Failure:
    """Return the failure of a harness that ended or hung, in one line with its last output."""
    return subject.departure(" ".join(str(fault).split())).failure


def _verdict(check: Check, subject: Subject, plan: Plan, outcome: Outcome, **more: Any) -> Verdict:
    tally = subject.tally
    return Verdict(
        clause=check.clause,
        level=plan.spec.clauses[check.clause].level,
        target=subject.implementation.target,
        cell=subject.cell["name"],
        backend=subject.backend,
        tier=subject.dtype if check.numerical else None,
        outcome=outcome,
        examples=tally.examples,
        expected=plan.examples,
        shapes=len(tally.shapes),
        values=tally.values,
        undecided=tally.undecided,
        refused=tally.refused,
        kinks=tally.kinks,
        worst=tally.worst,
        **more,
    )
