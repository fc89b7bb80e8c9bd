"""Searches for an example that breaks a clause, by Hypothesis."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import Flaky

from conformance.driver.implementation import HarnessFault, MethodUnresponsive, NotSupported
from conformance.judging.registry import Check, Draw
from conformance.judging.subject import Nonconformance, Subject
from conformance.search.document import document_failure
from conformance.search.explaining import Explaining
from conformance.search.host_bugs import quirk_met
from conformance.search.plan import Plan
from conformance.search.record import Recording, Shrinking, Unshrinkable
from conformance.search.seeding import seed_alone
from conformance.verdict import Failure

MOST_REMEMBERED = 2_000
"""Examples of one search. Hypothesis remembers each that it tried, so a long search is several."""

MOST_REFUSED = 10
"""Rejected examples, with none judged, after which the clause is reported as not applicable."""


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
        return document_failure(check, subject, plan, departure.failure)
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
    return document_failure(check, subject, plan, failure)
