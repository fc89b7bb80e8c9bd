"""Assertions: each compares a value with what the specification requires, and describes the difference."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.bounds.arrays import Arithmetic, ErrorBounded
from conformance.driver.implementation import NotSupported
from conformance.judging.subject import Nonconformance, Subject
from conformance.spec.cases import SequenceCase, StepCase, Values, as_lists
from conformance.spec.families import Config
from reference import fold

PLACE = re.compile(r"(?<=step )\d+|(?<=rows )\[[^]]*\]")
"""The place of a value among steps or rows, which differs from one example to the next."""

ROWS = 256
"""The batch in which the steps of a sequence are computed together: larger arrays leave the cache."""

UNDECIDED, ROUNDINGS = 1e-2, 64.0
"""A value decides nothing if its bound exceeds this share of the largest value in its array, or this many
roundings of that value if these are more."""

WRONG_DERIVATIVES = "wrong derivatives"
"""The symptom of a cell's derivatives and of its training: what is wrong in one of them shows in others."""


def assert_true(
    subject: Subject, condition: bool, summary: str, *, got: Any = None, want: Any = None, symptom: str = ""
) -> None:
    """Raise with `summary` unless `condition` is true."""
    __tracebackhide__ = True
    if not condition:
        raise subject.departure(summary, got=as_lists(got), want=as_lists(want), symptom=symptom)


def assert_close(
    subject: Subject, what: str, got: Any, want: ErrorBounded, rows: Values | None = None, symptom: str = ""
) -> None:
    """Raise unless `got` is within the bound of `want`, in the batch rows that count."""
    __tracebackhide__ = True
    got = np.asarray(got)
    assert_shape(subject, what, got, want.shape)
    value, bound = want.value, want.error
    if rows is not None:
        got, value, bound = got[rows], value[rows], bound[rows]
    tells = narrow(bound, value, want.arithmetic)
    with np.errstate(invalid="ignore"):  # of two infinite values, which decide nothing
        excess = ratio(np.abs(got - value), bound)
    excess = np.where(np.isfinite(got), excess, np.inf)
    subject.tally.add(excess[tells], int((~tells).sum()))
    if (excess[tells] > 1.0).any():
        raise _off(subject, what, got, value, bound, np.where(tells, excess, 0.0), symptom)


def decided(want: ErrorBounded) -> Values:
    """Tell for each value whether its bound is narrow enough to judge by."""
    return narrow(want.error, want.value, want.arithmetic)


def narrow(bound: Values, value: Values, arithmetic: Arithmetic) -> Values:
    """Tell for each of some values whether its bound is narrow enough to judge by."""
    scale = float(np.max(np.abs(value), initial=0.0)) or 1.0
    most = max(UNDECIDED, ROUNDINGS * arithmetic.u)
    return np.isfinite(bound) & (bound <= most * scale)


def _off(
    subject: Subject, what: str, got: Values, want: Values, bound: Values, excess: Values, symptom: str
) -> Nonconformance:
    worst = np.unravel_index(int(np.argmax(excess)), excess.shape)
    place = ", ".join(str(int(i)) for i in worst)
    summary = (
        f"{what}[{place}] is {float(got[worst]):.9g}, but should be {float(want[worst]):.9g} "
        f"within {float(bound[worst]):.2g}: off by {float(excess[worst]):.3g} times the bound"
        f"{_of_too_few_digits(got.dtype, subject.arithmetic.dtype)}"
    )
    evidence = {"got": as_lists(got), "want": as_lists(want), "bound": as_lists(bound)}
    return subject.departure(summary, excess=float(excess[worst]), symptom=symptom, **evidence)


def _of_too_few_digits(dtype: np.dtype[Any], asked: str) -> str:
    """Return a note if an answer came in a dtype with too few digits for the requested one, else ""."""
    enough = dtype.kind == "f" and Arithmetic(dtype.name).u <= Arithmetic(asked).u
    return "" if enough else f"; its dtype is {dtype}, but {asked} was requested"


def ratio(error: Values, bound: Values) -> Values:
    """Return error / bound, 0 where the error is 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(error == 0.0, 0.0, error / bound)


def assert_agree(
    subject: Subject, what: str, first: Any, second: Any, like: ErrorBounded, symptom: str = ""
) -> None:
    """Raise unless two answers to one request differ by no more than the bounds of both."""
    __tracebackhide__ = True
    first, second = np.asarray(first, np.float64), np.asarray(second)
    assert_shape(subject, what, first, like.shape)
    assert_true(subject, bool(np.isfinite(first).all()), f"{what} is not finite", got=first)
    wanted = ErrorBounded(first, like.arithmetic, 2.0 * like.error)
    assert_close(subject, what, second, wanted, symptom=symptom)


def assert_trained(subject: Subject, answer: Mapping[str, Any]) -> None:
    """Raise unless training changed every parameter and left it finite."""
    __tracebackhide__ = True
    for path, before in answer["before"].items():
        after = answer["after"][path]
        assert_true(subject, bool(np.isfinite(after).all()), f"{path} is not finite after a step", got=after)
        moved, still = not np.array_equal(before, after), f"{path} is not changed by a step"
        assert_true(subject, moved, still, got=after, symptom=WRONG_DERIVATIVES)


def assert_equal(subject: Subject, what: str, got: Any, want: Any) -> None:
    """Raise unless `got` equals `want` bit for bit."""
    __tracebackhide__ = True
    got, want = np.asarray(got), np.asarray(want)
    assert_shape(subject, what, got, want.shape)
    if not np.array_equal(got, want, equal_nan=True):
        where = tuple(int(i) for i in np.argwhere(got != want)[0])
        summary = f"{what}{list(where)} is {got[where]!s}, but should be exactly {want[where]!s}"
        raise subject.departure(summary, got=as_lists(got), want=as_lists(want))


def finite(what: str, value: Any) -> Any:
    """Return a value that can be compared with itself. Raises NotSupported if it holds NaN or inf."""
    if not np.isfinite(value).all():
        raise NotSupported(f"{what} is not finite, so that it cannot be compared")
    return value


def assert_shape(subject: Subject, what: str, got: Any, shape: Sequence[int | None]) -> None:
    """Raise unless an array, or a shape, is `shape`."""
    __tracebackhide__ = True
    if got is None:
        raise subject.departure(f"{what} is not known, but should have shape {tuple(shape)}")
    given = list(got.shape) if isinstance(got, np.ndarray) else list(got)
    if given != list(shape):
        summary = f"{what} has shape {tuple(given)}, but should have {tuple(shape)}"
        raise subject.departure(summary, got=given, symptom=_wrong_shape(what, given, shape))


def _wrong_shape(what: str, given: Sequence[int | None], shape: Sequence[int | None]) -> str:
    """Return how a shape is wrong, in the same words whatever the sizes of the case are."""
    kind = PLACE.sub("#", what)
    if len(given) != len(shape):
        return f"{kind}: {len(given)} axes for {len(shape)}"
    wrong = [str(axis) for axis, (one, other) in enumerate(zip(given, shape, strict=True)) if one != other]
    return f"{kind}: size of axis {', '.join(wrong)} of {len(shape)}"


def assert_step(subject: Subject, case: StepCase, **options: Any) -> Values:
    """Raise unless a step agrees with the reference; return the new state, its tensors joined."""
    __tracebackhide__ = True
    answer = subject.step(case, **options)
    output, state = subject.reference(case)
    assert_close(subject, "output", answer["output"], output)
    new = joined(subject, case.config, answer["state"])
    if not subject.family.shows_state(case.config):
        assert_close(subject, "state", new, state)
    return new


def joined(subject: Subject, config: Config, state: Sequence[Any]) -> Values:
    """Return the tensors of a state joined side by side. Raise unless their number and shapes are right."""
    __tracebackhide__ = True
    sizes = subject.family.state_sizes(subject.family.full(config))
    want = len(sizes)
    if len(state) != want:
        summary = f"{len(state)} states are returned, but should be {want}"
        raise subject.departure(summary, symptom=f"{len(state)} states for {want}")
    batch = np.shape(state[0])[0] if np.ndim(state[0]) else 0
    for i, (tensor, size) in enumerate(zip(state, sizes, strict=True)):
        assert_shape(subject, f"state {i}", np.asarray(tensor), (batch, size))
    return np.concatenate([np.asarray(tensor) for tensor in state], axis=-1)


def assert_sequence(subject: Subject, case: SequenceCase, got: Any, *, what: str = "output") -> ErrorBounded:
    """Raise unless every step of `got` (batch, time, outputs) is the reference's; return the last state.

    Where the output is the state, each step is judged from the previous state in `got` itself, because errors
    that accumulate over many steps show little. The sequence of a cell that outputs less than its state is
    compared with the reference folded over the whole sequence.
    """
    __tracebackhide__ = True
    got = np.asarray(got)
    assert_shape(subject, what, got, (*case.inputs.shape[:2], subject.outputs(case.config)))
    if subject.family.shows_state(case.config):
        return _stepwise(subject, case, got, what)
    outputs, last = folded(subject, case)
    for i, want in enumerate(outputs):
        assert_close(subject, f"{what} at step {i}", got[:, i], want)
    return last


def _stepwise(subject: Subject, case: SequenceCase, got: Values, what: str) -> ErrorBounded:
    """Judge each step from the previous state in `got`; return the last state.

    The last state, and the state held where a sample is masked, is a value of `got` or that value
    computed again: a compiler may do so, in another order.
    """
    __tracebackhide__ = True
    steps = iter(range(got.shape[1]))
    ahead = None if subject.law else steps_of(subject, case, got)

    def own(_: Any, state: ErrorBounded, k: int) -> tuple[ErrorBounded, ErrorBounded]:
        i = next(steps)
        rows = None if case.mask is None else case.mask[:, k]
        want = ahead[i] if ahead else subject.reference(case.at(k, state.value))[0]
        assert_close(subject, f"{what} at step {i}", got[:, i], want, rows)
        value = got[:, i] if rows is None else np.where(rows[:, None], got[:, i], want.value)
        new = ErrorBounded(value, want.arithmetic, 2.0 * want.error)
        return new, new

    shown, last = subject.fold(own, case.inputs, start(subject, case), **fold_options(case))
    assert isinstance(last, ErrorBounded)
    if case.mask is not None:
        for i, held in enumerate(shown):
            assert_close(subject, f"{what} at step {i}", got[:, i], held)
    return last


def steps_of(subject: Subject, case: SequenceCase, got: Values) -> list[ErrorBounded]:
    """Return what each step of `got` should be from the states that `got` shows, many steps to a batch."""
    cases: list[StepCase] = []

    def take_given_step(_: Any, state: Values, k: int) -> tuple[Values, Values]:
        cases.append(case.at(k, state))
        new = got[:, len(cases) - 1]
        return new, new

    options = {**fold_options(case), "zero_output_for_mask": False}  # which changes no state
    fold(take_given_step, case.inputs, initial_state(subject, case), **options)
    batch = case.inputs.shape[0]
    if not batch:
        return [subject.reference(one)[0] for one in cases]
    together = max(1, ROWS // batch)
    wanted: list[ErrorBounded] = []
    for first in range(0, len(cases), together):
        want, _ = subject.reference(side_by_side(cases[first : first + together]))
        wanted += [want[row : row + batch] for row in range(0, want.shape[0], batch)]
    return wanted


def side_by_side(cases: Sequence[StepCase]) -> StepCase:
    """Return the steps of one cell as one step of a larger batch."""
    inputs, state, column = (
        np.concatenate([getattr(one, name) for one in cases]) for name in ("inputs", "state", "column")
    )
    return replace(cases[0], inputs=inputs, state=state, timespans=column)


def folded(subject: Subject, case: SequenceCase) -> tuple[list[ErrorBounded], ErrorBounded]:
    """Fold the reference over the whole sequence; return outputs and last state, with their bounds."""

    def step(_: Any, state: ErrorBounded, k: int) -> tuple[ErrorBounded, ErrorBounded]:
        return subject.reference(case.at(k, state))

    outputs, last = subject.fold(step, case.inputs, start(subject, case), **fold_options(case))
    return outputs, last


def start(subject: Subject, case: SequenceCase) -> ErrorBounded:
    """Return the state before the first step."""
    return ErrorBounded(initial_state(subject, case), subject.arithmetic)


def initial_state(subject: Subject, case: SequenceCase) -> Values:
    """Return the initial state of the case, or zeros, (batch, state)."""
    if case.state is not None:
        return case.state
    return np.zeros((case.inputs.shape[0], subject.state_size(case.config)))


def fold_options(case: SequenceCase) -> dict[str, Any]:
    """Return the arguments that the reference's fold takes from the case."""
    names = ("go_backwards", "zero_output_for_mask")
    return {"mask": case.mask, **{name: case.options[name] for name in names if name in case.options}}
