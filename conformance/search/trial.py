"""One trial: a clause's test, run on a subject over many examples, becomes a verdict."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from conformance.driver.implementation import (
    HarnessFault,
    ImplementationRaised,
    MethodUnresponsive,
    NotSupported,
    RequestRefused,
)
from conformance.judging.fitting import fit_to_cell, is_about_training
from conformance.judging.registry import Check
from conformance.judging.subject import Subject
from conformance.judging.tally import Tally
from conformance.search.confirming import ended, play, repeats
from conformance.search.document import document_failure
from conformance.search.explaining import Explaining
from conformance.search.host_bugs import quirk_met
from conformance.search.plan import Plan
from conformance.search.record import Recording
from conformance.search.searching import search
from conformance.search.seeding import derived
from conformance.verdict import Failure, Outcome, Verdict

ENOUGH = 0.95
"""The share of its examples that a clause must decide, or else more are drawn; decided values are counted."""

MORE, MORE_QUICKLY = 50, 10
"""The least number of examples in each further search; the second is for a quick look."""

MOST_SEARCHES = 4
"""The most further searches. A quick look has more but smaller ones, with as many examples in all."""

HALF = 0.5
"""The share of all examples that a clause must have decided in the end; one that decides less is an error."""

MOST_CAUSES = 3
"""The most failures of one clause that are searched, each for another cause."""


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
        return _fault(check, subject, plan, ended(subject, again))
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
                explaining.add_clause(ended(subject, fault))
                subject.implementation.restart()
            break
        if failure is None:
            break
        if turn == MOST_CAUSES:
            explaining.add_unexplained(failure.summary)
            break
        if not repeats(check, subject, plan):
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
    failure = document_failure(check, subject, plan, ended(subject, fault))
    if repeats(check, subject, plan):
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
