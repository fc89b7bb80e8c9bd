"""Judges gradients: in float64 by the slope of the reference, in float32 number by number by its adjoint.

The slope is taken in a random direction by the complex step; the adjoint bounds the effect of rounding on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.bounds import adjoint_rules as adjoint_bounds
from conformance.bounds.arrays import ErrorBounded, lift
from conformance.judging import assertions
from conformance.judging.assertions import assert_close, assert_shape
from conformance.judging.subject import Subject
from conformance.oracle.cell import COMPLEX_STEP
from conformance.spec.cases import Case, SequenceCase, StepCase, Values, array
from reference import fold
from reference.adjoints import Gradients, carried_adjoint, elapsed_backwards_adjoint, fold_adjoint

_ = adjoint_bounds  # imported for the rules that it adds

Cotangents = tuple[Values, Values]
"""Cotangents of the output and of the state, whose tensors are side by side."""

HALF_THE_DIGITS = 2.0**-26


def drawn(subject: Subject, case: Case, seed: int) -> Cotangents:
    """Return random cotangents of the output (for a sequence, of every output) and of the state."""
    assert case.state is not None
    output = (*case.inputs.shape[:-1], subject.outputs(case.config))
    of_output = array(output, "normal", seed, "cotangent of the output", subject.dtype)
    return of_output, array(case.state.shape, "normal", seed, "cotangent of the state", subject.dtype)


def of_sequence(
    subject: Subject, case: SequenceCase, cotangents: Cotangents, wrapper: str | None, **more: Any
) -> dict[str, Any]:
    """Request the gradients of a sequence through the layer of a wrapper; return the answer."""
    answer: dict[str, Any] = subject.request(
        "sequence_gradients",
        **subject.case_params(case),
        initial_state=subject.tensors(case),
        timespans=case.timespans,
        cotangent=cotangents[0],
        state_cotangent=subject.family.split(case.config, cotangents[1]),
        wrapper=wrapper,
        **more,
    )
    return answer


def side_by_side(tensors: Sequence[Any]) -> Values:
    """Return the gradient with respect to a whole state, its tensors joined."""
    return np.concatenate([np.asarray(tensor) for tensor in tensors], axis=-1)


def derivatives(
    subject: Subject, case: Case, gradients: Mapping[str, Any], cotangents: Cotangents, seed: int
) -> None:
    """Raise unless each gradient of `gradients` has the slope of the reference in a random direction.

    The keys are the path of a parameter, "inputs", "state" or "timespans"; None is zero. A case within its
    bound of a kink is counted, and not judged.
    """
    __tracebackhide__ = True
    if kinked(subject, case):
        subject.tally.kinks += 1
        return
    for name, gradient in gradients.items():
        derivative(subject, case, name, gradient, cotangents, seed)


def derivative(
    subject: Subject, case: Case, name: str, gradient: Any, cotangents: Cotangents, seed: int
) -> None:
    """Raise unless the gradient with respect to `name` has the slope of the reference in a direction.

    The two agree to half the digits or, where a step is unstable or a gate saturated, also within the
    roundings that the adjoint allows. If these roundings are the larger, exceed a share of the summed terms,
    and the slopes differ, nothing is decided.
    """
    __tracebackhide__ = True
    shape = np.shape(point(case)[name])
    gradient = np.zeros(shape) if gradient is None else np.asarray(gradient)
    if gradient.size == np.prod(shape):
        gradient = gradient.reshape(shape)
    assert_shape(subject, f"gradient by {name}", gradient, shape)
    direction = array(shape, "normal", seed, name, subject.dtype)
    weight = sum(float(np.sum(np.abs(cotangent))) for cotangent in cotangents)
    bound = HALF_THE_DIGITS * weight * np.max(np.abs(direction))
    want = slope(subject, moved(case, name, 1j * COMPLEX_STEP * direction), cotangents)
    got = float(np.sum(gradient * direction))
    if subject.law:  # a changed specification has no adjoint
        bound += math.sqrt(2.0 * subject.arithmetic.u) * float(np.sum(np.abs(gradient * direction)))
    elif not abs(got - want) <= bound:  # else nothing has to be known of the adjoint, which takes its time
        wanted = adjoint(subject, case, cotangents)[name]
        size, roundings = (np.sum(np.abs(a * direction)) for a in (wanted.value, wanted.error))
        bound += HALF_THE_DIGITS * size
        if not abs(got - want) <= bound:
            if not roundings <= max(bound, assertions.UNDECIDED * size) < np.inf:
                subject.tally.add(np.zeros(0), 1)
                return
            bound += roundings
    slopes_close(subject, f"derivative by {name}", got, want, bound)


def precise(
    subject: Subject, case: StepCase, answer: Mapping[str, Any], state: Values, cotangents: Cotangents
) -> None:
    """Raise unless every number of the gradients `answer` is within the bound of the reference's adjoint.

    `state` is the gradient with respect to the state, its tensors side by side. Under a law, which has no
    adjoint, each gradient must have the slope in a direction.
    """
    __tracebackhide__ = True
    got = {
        "inputs": answer["inputs"],
        "state": state,
        "timespans": answer["timespans"],
        **answer["parameters"],
    }
    if case.timespans is None:
        del got["timespans"]
    if subject.law:
        return derivatives(subject, case, got, cotangents, 0)
    wanted = adjoint(subject, case, cotangents)
    if any(gradient.kink for gradient in wanted.values()):
        subject.tally.kinks += 1
        return
    if case.timespans is None:
        del wanted["timespans"]
    for name, slope in wanted.items():
        gradient = got.get(name)
        given = np.zeros(slope.shape) if gradient is None else np.asarray(gradient)
        assert_close(subject, f"gradient by {name}", given, slope, symptom=assertions.WRONG_DERIVATIVES)


def adjoint(subject: Subject, case: Case, cotangents: Cotangents) -> dict[str, ErrorBounded]:
    """Return the gradients of the reference by name, with their bounds."""
    if isinstance(case, StepCase):
        gradients = step_adjoint(subject, case, cotangents)
    else:
        gradients = sequence_adjoint(subject, case, cotangents)
    return {
        "inputs": gradients.inputs,
        "state": gradients.state,
        "timespans": gradients.timespans,
        **gradients.parameters,
    }


def sequence_adjoint(subject: Subject, case: SequenceCase, cotangents: Cotangents) -> Gradients:
    """Return the gradients of the reference folded over a sequence, with their bounds."""
    before: dict[int, Any] = {}

    def ahead(_: Any, state: Any, k: int) -> Any:
        before[k] = state
        return subject.reference(case.at(k, state))

    def back(k: int, of_output: Any, of_state: Any) -> Gradients:
        return step_adjoint(subject, case.at(k, before[k]), (of_output, of_state))

    options = assertions.fold_options(case)
    fold(ahead, case.inputs, assertions.start(subject, case), **options)
    of_output, of_state = (lift(cotangent, subject.arithmetic) for cotangent in cotangents)
    with np.errstate(all="ignore"):
        gradients = fold_adjoint(back, of_output, of_state, **options)
        return gradients._replace(timespans=by_timespans(case, gradients.timespans))


def by_timespans(case: SequenceCase, by_counted: Any) -> Any:
    """Convert gradients by the counted times of samples to gradients by the given timespans."""
    backwards, carry = case.options.get("go_backwards", False), case.carries
    mask = np.ones(case.inputs.shape[:2], bool) if case.mask is None else case.mask
    if case.elapses:
        return elapsed_backwards_adjoint(by_counted, mask, carry=carry)
    return carried_adjoint(by_counted, mask, go_backwards=backwards) if carry else by_counted


def step_adjoint(subject: Subject, case: StepCase, cotangents: tuple[Any, Any]) -> Gradients:
    """Return the gradients of the reference's step, with their bounds."""
    bounded = {path: lift(value, subject.arithmetic) for path, value in case.parameters.items()}
    x, h, t = (lift(array, subject.arithmetic) for array in (case.inputs, case.state, case.column))
    of_output, of_state = (lift(cotangent, subject.arithmetic) for cotangent in cotangents)
    config = subject.family.full(case.config)
    with np.errstate(all="ignore"):
        return subject.family.adjoint(bounded, x, h, t, (of_output, of_state), config, subject.variant)


def kinked(subject: Subject, case: Case) -> bool:
    """Tell whether the reference is within its bound of a kink."""
    if isinstance(case, StepCase):
        return any(wanted.kink for wanted in subject.reference(case))
    outputs, last = assertions.folded(subject, case)
    return any(wanted.kink for wanted in (*outputs, last))


def point(case: Case) -> dict[str, Values]:
    """Return the arrays to differentiate by, by name."""
    named = {"inputs": case.inputs, "state": case.state, "timespans": case.timespans}
    return {**case.parameters, **{name: value for name, value in named.items() if value is not None}}


def moved(case: Case, name: str, by: Values) -> Case:
    """Return the case with one of its arrays replaced."""
    there: dict[str, Any] = {name: point(case)[name] + by}
    if name in case.parameters:
        return replace(case, parameters={**case.parameters, **there})
    return replace(case, **there)


def slope(subject: Subject, case: Case, cotangents: Cotangents) -> float:
    """Return the slope of sum(output cotangent) + sum(state cotangent) at the moved case."""
    answer = computed(subject, case)
    slopes = [np.sum(c * new.imag) for c, new in zip(cotangents, answer, strict=True)]
    return float(sum(slopes)) / COMPLEX_STEP


def computed(subject: Subject, case: Case) -> tuple[Values, Values]:
    """Compute the reference's output, of a sequence (batch, time, outputs), and state, without bounds."""
    if isinstance(case, StepCase):
        return subject.computed(case)
    start, options = assertions.initial_state(subject, case), assertions.fold_options(case)

    def step(_: Any, state: Values, k: int) -> tuple[Values, Values]:
        return subject.computed(case.at(k, state))

    outputs, last = subject.fold(step, case.inputs, start, **options)
    return np.stack(outputs, axis=1), last


def slopes_close(subject: Subject, what: str, got: float, want: float, bound: float) -> None:
    """Raise unless two slopes agree."""
    __tracebackhide__ = True
    excess = assertions.ratio(np.abs(got - want), np.asarray(bound))
    subject.tally.add(excess.reshape(1), 0)
    if not excess <= 1.0:
        summary = f"{what} along a direction is {got:.9g}, but should be {want:.9g}"
        evidence = {"got": got, "want": want, "bound": float(bound), "symptom": assertions.WRONG_DERIVATIVES}
        raise subject.departure(summary, excess=float(excess), **evidence)
