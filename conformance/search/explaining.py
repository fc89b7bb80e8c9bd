"""Explains the failures of one clause: by causes that are known, or by one that is looked for."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

from conformance.causes.exceptions import common
from conformance.causes.known import KnownCauses
from conformance.causes.laws import Law, OwnStep
from conformance.driver.implementation import HarnessFault
from conformance.judging import assertions
from conformance.judging.registry import Check, Draw
from conformance.judging.subject import Nonconformance, Subject
from conformance.judging.tally import Tally
from conformance.search.document import document_failure
from conformance.search.host_bugs import quirk_met
from conformance.search.intermediates import first_departure
from conformance.search.plan import Plan
from conformance.search.record import Recording, Shrinking
from conformance.spec.cases import SequenceCase, StepCase
from conformance.spec.families.base import Variant
from conformance.verdict import Cause, Failure


class Explaining:
    """The causes of a clause's failures, as far as they are known."""

    def __init__(self, check: Check, subject: Subject, plan: Plan) -> None:
        self.check, self.subject, self.plan = check, subject, plan
        where = (subject.implementation.target, subject.cell["name"], subject.backend)
        self.known: KnownCauses = subject.causes.setdefault(where, KnownCauses(subject.family.name))
        self.causes: dict[str, Cause] = {}
        """The causes that were seen, by name."""
        self.variant: dict[str, Any] = {}
        """The documented variant that is among them."""
        self.failure: Failure | None = None
        """The failure to show: one that is explained no further, or else the first."""
        self.root: Law | None = None
        """The law that was found for the failure which is being shrunk."""
        self.laws: Sequence[Law] = ()
        self.shrinking = Shrinking(0)
        self.kind: tuple[str, bool] = ("", False)
        """The kind of the failure that is being shrunk."""
        self.beyond: tuple[Failure, Law | OwnStep] | None = None
        """An exception that is raised where the failing values hold under a law, and the law."""
        self.trouble = ""
        """The error in which a search for a cause ended."""

    def begin(self, shrinking: Shrinking) -> None:
        """Begin a search under all that is known."""
        self.root, self.laws, self.shrinking = None, list(self.known.laws()), shrinking
        self.beyond = None

    def learn(self, recording: Recording, failure: Failure) -> None:
        """Look for the cause of an example that is not drawn but given, unless it is known."""

        def nothing_more(_: st.SearchStrategy[Any]) -> Any:
            raise LookupError("the example has no more values")

        self.begin(Shrinking(0))
        if not self.explains(recording, failure, nothing_more) and failure.raised:
            self.known.add_exception(failure)

    def explains(self, recording: Recording, failure: Failure, draw: Draw) -> bool:
        """Tell whether a failing example is no news; the cause of the first that is news is looked for."""
        self.beyond = None
        if not self.plan.explain:
            return False
        numerical = failure.excess is not None
        if not numerical and (cause := self.known.met(failure)):
            self._follow(failure, [cause])
            return True
        if self.shrinking.begun and _kind(failure) != self.kind:
            return True  # a smaller example of another failure is none of this one
        if not numerical:
            self.kind = _kind(failure)
            return False
        own = self.known.own_step(self.subject, recording.case)
        for law in (*self.laws, *([own] if own else ())):
            held, raised = self.judge_under(law, recording, draw)
            known = self.known.met(raised) if raised else None
            if held or known:
                self._follow(failure, [*law.causes, *([known] if known else [])], law.variant)
                return True
            self.beyond = self.beyond or ((raised, law) if raised else None)
        if cause := self.known.met(failure) or self.known.departed(self.subject, recording.case):
            self._follow(failure, [cause])
            return True
        if not self.shrinking.begun:
            self._begin_with(recording, failure, draw)
            return False
        return self.root is not None and not self.holds(self.root, recording, draw)

    def holds(self, law: Law | OwnStep, recording: Recording, draw: Draw) -> bool:
        """Tell whether an example holds under a law, and is decided."""
        return self.judge_under(law, recording, draw)[0]

    def judge_under(
        self, law: Law | OwnStep, recording: Recording, draw: Draw
    ) -> tuple[bool, Failure | None]:
        """Judge an example again under a law, by the answers that were given.

        Return whether it holds and is decided; and the failure if an exception is raised instead.
        """
        drawn = iter(list(recording.drawn))

        def again(strategy: st.SearchStrategy[Any]) -> Any:
            for value in drawn:
                return value
            return draw(strategy)

        under = replace(
            self.subject,
            law=law if law.computes else None,
            variant=law.variant,
            example=recording.again(),
            tally=Tally(),
        )
        try:
            self.check.body(under, again)
        except HarnessFault:  # it was asked for more than the example shows
            self.subject.implementation.restart()
            return False, None
        except Nonconformance as departure:  # under the law it may be the host's fault, as that of any cell
            raised = departure.failure if departure.failure.raised and _decides(under) else None
            return quirk_met(self.check.clause, under) is not None, raised
        except Exception:  # whatever a change makes of an example, it does not explain it
            return False, None
        return _decides(under), None

    def add_clause(self, failure: Failure) -> Cause:
        """Add the clause itself to the causes, or the one that met the symptom first; return it."""
        cause = self.known.met(failure) or Cause("clause", self.check.clause, failure.summary)
        self._add([cause])
        self.known.add_symptom(failure, cause)
        return cause

    def add_unexplained(self, summary: str) -> None:
        """Add the clause itself to the causes: something failed besides that is not explained."""
        self._add([Cause("clause", self.check.clause, " ".join(summary.split()))])

    def conclude(self, failure: Failure) -> bool:
        """Add a failure that is confirmed, with its cause; return whether others may have other causes."""
        self.known.shrunk += self.shrinking.calls
        if self.root is not None:
            self._add(self.root.causes, self.root.variant)
        elif failure.raised:
            self._add([self.known.add_exception(failure)])
        elif self.beyond:
            raised, law = self.beyond
            self._add([*law.causes, self.known.add_exception(raised)], law.variant)
        else:
            cause = self.add_clause(failure)
            if failure.excess is not None:
                self.known.add_unexplained(self.subject, self.subject.example.case, cause)
        self.failure = replace(failure, departs=self._departure())
        return self.plan.explain and (self.root is not None or bool(failure.raised or self.beyond))

    def _begin_with(self, recording: Recording, failure: Failure, draw: Draw) -> None:
        """Look for the cause of the first failure that is news. An error of the search takes nothing back."""
        self.kind = _kind(failure)
        try:
            self.subject.prepare_confirmation()
            law = self._look(recording, draw)
            self.root = law if law and self.holds(law, recording, draw) else None
        except HarnessFault:
            with suppress(HarnessFault):
                self.subject.implementation.restart()
        except Exception:
            self.trouble = traceback.format_exc(limit=-3)

    def _departure(self) -> dict[str, Any]:
        """Return the first intermediate that departs in the example to show, where they are reported."""
        case = self.subject.example.case
        if not isinstance(case, StepCase) or not self.plan.explain:
            return {}
        try:
            return first_departure(self.subject.apart(), case)
        except HarnessFault:  # the failure stands without
            self.subject.implementation.restart()
            return {}

    def _look(self, recording: Recording, draw: Draw) -> Law | None:
        case, variants = recording.case, self.plan.variant != "strict"
        if isinstance(case, StepCase):
            return self.known.find(self.subject, case, variants=variants)
        if isinstance(case, SequenceCase):
            step = case.at(0, assertions.initial_state(self.subject, case))
            law = self.known.find(self.subject, step, variants=variants)
            return law or self.known.find_in_sequence(lambda law: self.holds(law, recording, draw))
        return None

    def _follow(
        self, failure: Failure, causes: Sequence[Cause], variant: Variant = MappingProxyType({})
    ) -> None:
        if self.shrinking.begun:
            return
        if self.failure is None:
            self.failure = document_failure(self.check, self.subject, self.plan, failure)
        self._add(causes, variant)

    def _add(self, causes: Sequence[Cause], variant: Variant = MappingProxyType({})) -> None:
        self.causes |= {cause.name: cause for cause in causes}
        self.variant |= variant


def _decides(subject: Subject) -> bool:
    """Tell whether at least half of the compared values are decided, and there are some."""
    return subject.tally.values > 0 and 2 * subject.tally.undecided <= subject.tally.values


def _kind(failure: Failure) -> tuple[str, bool]:
    """Return what tells two kinds of failures apart: the exception, and whether numbers are compared."""
    return common(failure) if failure.raised else "", failure.excess is not None
