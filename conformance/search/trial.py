"""One trial: a clause's test, run on a subject over many examples, becomes a verdict."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
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
from conformance.judging.fitting import fit_to_cell, is_about_training
from conformance.judging.registry import Check, Draw
from conformance.judging.subject import Nonconformance, Subject
from conformance.judging.tally import Tally
from conformance.search.example import kept
from conformance.search.explaining import Explaining
from conformance.search.host_bugs import quirk_met
from conformance.search.plan import Plan
from conformance.search.record import Recording, Shrinking, Unshrinkable
from conformance.search.seeding import derived, seed_alone
from conformance.verdict import Failure, Outcome, Verdict

ENOUGH = 0.95
"""The share of its examples that a clause must decide, or else more are drawn; decided values are counted."""

MORE, MORE_QUICKLY = 50, 10
"""The least number of examples in each further search; the second is for a quick look."""

MOST_SEARCHES = 4
"""The most further searches. A quick look has more but smaller ones, with as many examples in all."""

HALF = 0.5
"""The share of all examples that a clause must have decided in the end; one that decides less is an error."""

MOST_REMEMBERED = 2_000
"""Examples of one search. Hypothesis remembers each that it tried, so a long search is several."""

MOST_CAUSES = 3
"""The most failures of one clause that are searched, each for another cause."""

MOST_REFUSED = 10
"""Rejected examples, with none judged, after which the clause is reported as not applicable."""


def judge_clause(check: Check, subject: Subject, plan: Plan) -> Verdict:
    """Return the verdict of `check` on `subject`; every error becomes a verdict."""
    return _catch_errors(check, subject, plan, lambda: _judge(check, subject, plan))


def judge_example(
    check: Check, subject: Subject, plan: Plan, drawn: Sequence[Any], number: int = 0
) -> Verdict:
    """Return the verdict of `check` on one example of values drawn before; nothing is searched.

    It runs compiled or eagerly as the example of that number does in a search.
    """
    alone = replace(plan, examples=1)
    return _catch_errors(check, subject, alone, lambda: _replay(check, subject, plan, drawn, number))


def learn_cause(check: Check, subject: Subject, plan: Plan, replayed: Verdict) -> None:
    """Look for the cause of the example that failed when it was replayed; clauses judged later know it."""
    if replayed.failure and isinstance(subject.example, Recording):
        Explaining(check, subject, plan).learn(subject.example, replayed.failure)


def judge_start(check: Check, subject: Subject, plan: Plan, fault: HarnessFault) -> Verdict:
    """Return the verdict of `check` if a harness does not describe itself; the fault is confirmed once."""
    try:
        subject.implementation.restart()
        subject.implementation.describe()
    except HarnessFault as again:
        return _fault(check, subject, plan, _ended(subject, again))
    except (ImplementationRaised, NotSupported, RequestRefused):  # an answer, if no description
        pass
    return _verdict(check, subject, plan, "not reproducible", reason=str(fault))


def judge_unasked(check: Check, subject: Subject, plan: Plan, reason: str) -> Verdict:
    """Return the verdict of `check` if no request is possible, with the reason."""
    return _verdict(check, subject, plan, "error", reason=reason)


def _catch_errors(check: Check, subject: Subject, plan: Plan, judge: Callable[[], Verdict]) -> Verdict:
    start = time.monotonic()
    try:
        verdict = _inapplicable(check, subject, plan) or _confirm_harness_faults(check, subject, plan, judge)
    except MethodUnresponsive as hangs:
        subject.tally.given_up = True
        verdict = _verdict(check, subject, plan, "error", reason=str(hangs))
    except NotSupported as refused:
        verdict = _verdict(check, subject, plan, "not applicable", reason=str(refused))
    except Exception:
        verdict = _verdict(check, subject, plan, "error", reason=traceback.format_exc(limit=-8))
    return replace(verdict, seconds=time.monotonic() - start)


def _confirm_harness_faults(
    check: Check, subject: Subject, plan: Plan, judge: Callable[[], Verdict]
) -> Verdict:
    try:
        return judge()
    except HarnessFault as fault:
        return _confirm_fault(check, subject, plan, fault)


def _inapplicable(check: Check, subject: Subject, plan: Plan) -> Verdict | None:
    if check.argument and not subject.offer.has(check.argument):
        return _verdict(check, subject, plan, "not applicable", reason=f"no argument {check.argument!r}")
    if check.backends > 1 + len(subject.other_backends):
        reason = f"it needs {check.backends} backends, but the run has {1 + len(subject.other_backends)}"
        return _verdict(check, subject, plan, "not applicable", reason=reason)
    return None


def _judge(check: Check, subject: Subject, plan: Plan) -> Verdict:
    """Search for failures, each of another cause, until the known causes explain all that fail."""
    explaining = Explaining(check, subject, plan)
    for turn in range(MOST_CAUSES + 1):
        if turn:  # an explained example passes now, so Hypothesis would delete it from the database
            subject.tally, explaining.plan = Tally(), replace(plan, database=None)
        try:
            failure = _find(explaining)
        except (HarnessFault, NotSupported) as fault:
            if explaining.failure is None:
                raise
            if isinstance(fault, HarnessFault):
                explaining.add_clause(_ended(subject, fault))
                subject.implementation.restart()
            break
        if failure is None:
            break
        if turn == MOST_CAUSES:
            explaining.add_unexplained(failure.summary)
            break
        if not _repeats(check, subject, plan):
            reason = f"seen once, and not again in a fresh process: {failure.summary}"
            if explaining.causes:
                explaining.add_unexplained(reason)
                break
            return _verdict(check, subject, plan, "not reproducible", reason=reason, failure=failure)
        if not explaining.conclude(failure):
            break
    if explaining.failure is None:
        return _passed(check, subject, plan)
    return _failed(explaining)


def _failed(explaining: Explaining) -> Verdict:
    """Return the verdict on a clause that fails, with the causes."""
    return _verdict(
        explaining.check,
        explaining.subject,
        explaining.plan,
        "fail",
        reason=explaining.trouble,
        variant=explaining.variant,
        holds_under_variant=bool(explaining.variant)
        and all(c.kind == "convention" for c in explaining.causes.values()),
        causes=list(explaining.causes.values()),
        failure=explaining.failure,
    )


def _find(explaining: Explaining) -> Failure | None:
    """Look for a failure that no known cause explains; draw on while too little is decided."""
    check, subject, plan = explaining.check, explaining.subject, explaining.plan
    failure, tally = search(check, subject, plan, explaining), subject.tally
    if failure or explaining.causes or tally.decided >= ENOUGH * tally.examples:
        return failure
    examples = max(plan.examples, MORE_QUICKLY if subject.quick else MORE)
    for part in range(MOST_SEARCHES * max(plan.examples, MORE) // examples):
        seed = derived(plan.seed, f"more/{part}")
        more = replace(plan, examples=examples, seed=seed)
        failure = search(check, subject, more, explaining)
        if failure or _decides(subject):
            return failure
    return None


def _decides(subject: Subject) -> bool:
    """Tell whether at least half of the tried examples are decided."""
    return subject.tally.decided >= HALF * subject.tally.examples


def _replay(check: Check, subject: Subject, plan: Plan, drawn: Sequence[Any], number: int) -> Verdict:
    training = is_about_training(check.clause)
    subject.tally = Tally()
    values = [fit_to_cell(subject, value, training=training) for value in drawn]
    failure = play(check, subject, plan, values, number)
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


def _confirm_fault(check: Check, subject: Subject, plan: Plan, fault: HarnessFault) -> Verdict:
    """Return the verdict on a harness that died, hung or broke the protocol; try it once more."""
    failure = kept(check, subject, plan, _ended(subject, fault))
    if _repeats(check, subject, plan):
        return _fault(check, subject, plan, failure)
    with suppress(HarnessFault):
        subject.implementation.restart()  # or it may die later of this example, in the next clause
    return _verdict(check, subject, plan, "not reproducible", reason=str(fault), failure=failure)


def _fault(check: Check, subject: Subject, plan: Plan, failure: Failure) -> Verdict:
    """Return the failure of a harness that ended, hung or broke the protocol, with its cause."""
    explaining = Explaining(check, subject, plan)
    explaining.add_clause(failure)
    explaining.failure = failure
    return _failed(explaining)


def search(
    check: Check, subject: Subject, plan: Plan, explaining: Explaining | None = None
) -> Failure | None:
    """Look for an example that breaks the clause for a cause that is not known, and shrink it.

    Raises:
        NotSupported: the implementation rejected every example.
        HarnessFault: it died, hung or broke the protocol before anything else failed.
    """
    for begin in range(0, plan.examples, MOST_REMEMBERED):
        part = replace(plan, examples=min(MOST_REMEMBERED, plan.examples - begin), seed=plan.seed + begin)
        if failure := _search(check, subject, part, explaining):
            return failure
    if subject.tally.refused and not subject.tally.examples:
        raise NotSupported(subject.tally.refusal)
    return None


def _search(check: Check, subject: Subject, plan: Plan, explaining: Explaining | None) -> Failure | None:
    shrinking = Shrinking(explaining.known.shrink_calls) if explaining else Shrinking()
    if explaining:
        explaining.begin(shrinking)

    def once(data: st.DataObject) -> None:  # short, for Hypothesis reads its source in every search
        _judge_once(check, subject, explaining, shrinking, data.draw)

    shrink = (Phase.shrink,) if plan.explain else ()
    configured = settings(
        max_examples=plan.examples,
        deadline=None,
        database=DirectoryBasedExampleDatabase(plan.database) if plan.database else None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate, *shrink),
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
        return kept(check, subject, plan, departure.failure)
    except Flaky:
        if shrinking.last is None:
            raise
        return _last(check, subject, plan, shrinking)
    return None


def _judge_once(
    check: Check, subject: Subject, explaining: Explaining | None, shrinking: Shrinking, draw: Draw
) -> None:
    """Judge one example. Raises Nonconformance if no known cause explains it, Unshrinkable at the end."""
    recording = Recording(shrinking, subject.number(check.clause))
    subject.example = recording
    subject.tally.begin()
    drawing = recording.drawing(draw)
    try:
        check.body(subject, drawing)
    except Nonconformance as departure:
        quirk = quirk_met(check.clause, subject)
        if quirk is not None:
            subject.tally.host[quirk] = subject.tally.host.get(quirk, 0) + 1
        elif explaining is None or not explaining.explains(recording, departure.failure, drawing):
            shrinking.failed(recording, departure.failure)
            raise
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


def _last(check: Check, subject: Subject, plan: Plan, shrinking: Shrinking) -> Failure:
    """Return the latest example that failed, for a fresh process to decide."""
    assert shrinking.last is not None
    subject.example, failure = shrinking.last
    return kept(check, subject, plan, failure)


def _repeats(check: Check, subject: Subject, plan: Plan) -> bool:
    """Tell whether the last example fails again in another process.

    It is tried in the process that sees failing examples only and, if it passes there, in a fresh one.
    """
    recorded = subject.example
    assert isinstance(recorded, Recording)
    confirmers = subject.confirmers()
    while True:
        try:
            if (process := next(confirmers, None)) is None:
                return False
            apart = replace(subject, implementation=process, tally=replace(subject.tally))
            if play(check, apart, plan, recorded.drawn, recorded.number) is not None:
                return True
        except MethodUnresponsive:
            raise
        except (HarnessFault, NotSupported):  # this process does not get so far
            continue


def play(check: Check, subject: Subject, plan: Plan, drawn: Sequence[Any], number: int = 0) -> Failure | None:
    """Return the failure of the example of these values; None if it passes. Hypothesis is not needed.

    Raises:
        NotSupported: the implementation does not offer what the clause is about.
    """
    recording, values = Recording(Shrinking(), number), iter(drawn)
    subject.example = recording
    try:
        check.body(subject, recording.drawing(lambda _: next(values)))
    except Nonconformance as departure:
        return kept(check, subject, plan, departure.failure)
    except HarnessFault as fault:
        failure = kept(check, subject, plan, _ended(subject, fault))
        subject.implementation.restart()  # for the clauses that come after
        return failure
    return None


def _ended(subject: Subject, fault: HarnessFault) -> Failure:
    """Return the failure of a harness that ended or hung, in one line with its last output."""
    return subject.departure(" ".join(str(fault).split()), symptom=fault.symptom).failure


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
