"""Tells a wrong adapter from a wrong implementation: what a target offers, a step beside the reference."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from conformance import variants
from conformance.cases import SequenceCase, StepCase, Values, sequence_case, step_case
from conformance.families import FAMILIES, Sizes
from conformance.families.base import Variant
from conformance.families.wired import wiring
from conformance.implementation import HarnessFault, ImplementationRaised, NotSupported, RequestRefused
from conformance.judge import ratio
from conformance.subject import Answering, Departure, Subject, headline

Health = Literal["agrees", "departs", "wrong adapter"]

ONE, SEVERAL = Sizes(1, 3, 4, 5), Sizes(2, 3, 4, 5)
REPEATS = 20
SEED = 1


@dataclass(frozen=True)
class Answer:
    """What came of one real request."""

    method: str
    outcome: Literal["answers", "not offered", "raises"]
    said: str = ""


@dataclass(frozen=True)
class Parameters:
    """The parameters of a built cell against those of the specification."""

    mapped: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    missing: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    reshaped: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)
    """By name, the shape found and the shape wanted."""
    unmapped: tuple[str, ...] = ()
    """Variables that have no name in the specification."""

    @property
    def complete(self) -> bool:
        return not self.missing and not self.reshaped


@dataclass(frozen=True)
class Compared:
    """One tensor of a step beside the reference's."""

    what: str
    got: Values
    want: Values
    bound: Values

    @property
    def excess(self) -> Values:
        """Error over bound; 1 is the most that conforms."""
        if self.got.shape != self.want.shape:
            return np.full(self.want.shape, np.inf)
        worst = ratio(np.abs(self.got - self.want), self.bound)
        return np.where(np.isfinite(self.got), worst, np.inf)

    @property
    def agrees(self) -> bool:
        return bool((self.excess <= 1.0).all())


@dataclass(frozen=True)
class Examination:
    """All that is found out about one cell on one backend."""

    cell: Mapping[str, Any]
    backend: str
    dtype: str
    config: Mapping[str, Any]
    parameters: Parameters
    answers: tuple[Answer, ...]
    milliseconds: float | None
    """Of one step, the median of several, the wire included; None where there is no step."""
    step: tuple[Compared, ...]
    variant: Variant
    """The documented variant that fits; {} is none."""
    under_variant: tuple[Compared, ...]
    several: str
    """What is wrong with a step of several samples, each with its own time; "" is nothing."""
    refused: tuple[str, ...] = ()
    """The dtypes in which it takes no step."""

    @property
    def health(self) -> Health:
        if not self.parameters.complete or not self.step:
            return "wrong adapter"
        return "agrees" if all(c.agrees for c in self.step) and not self.several else "departs"

    @property
    def diagnosis(self) -> str:
        """One line that says what to look at."""
        return diagnose(self)

    @property
    def absent(self) -> dict[str, Any]:
        """Arguments of the specification that the cell does not have, with the default it is judged by."""
        defaults = FAMILIES[self.cell["family"]].defaults
        return {name: value for name, value in defaults.items() if name not in self.cell["arguments"]}


def examine(implementation: Answering, cell: Mapping[str, Any]) -> Examination:
    """Builds a cell, asks for everything once, and takes a step beside the reference.

    In float64, where a slip shows best, if the cell takes a step in it; else in float32.
    """
    offered = implementation.describe().get("dtypes", ["float64", "float32"])
    tried: list[str] = []
    for dtype in offered:
        seen = _examined(Subject(implementation, cell, dtype))
        if seen.step:
            return replace(seen, refused=tuple(tried))
        tried.append(dtype)
    return seen


def _examined(subject: Subject) -> Examination:
    case = _case(subject, ONE)
    parameters = _parameters(subject, case)
    answers = tuple(_asked(subject, case, method) for method in _offered(subject.implementation))
    step: tuple[Compared, ...] = ()
    milliseconds, variant, several = None, {}, ""
    if parameters.complete:
        step, milliseconds = _step(subject, case, {}), _milliseconds(subject, case)
    agrees = bool(step) and all(compared.agrees for compared in step)
    if step and not agrees:
        variant = dict(variants.find(subject))
    if step:
        several = _several(subject, variant)
    return Examination(
        cell=subject.cell,
        backend=subject.backend,
        dtype=subject.dtype,
        config=case.config,
        parameters=parameters,
        answers=answers,
        milliseconds=milliseconds,
        step=step,
        variant=variant,
        under_variant=_step(subject, case, variant) if variant else (),
        several=several,
    )


def diagnose(seen: Examination) -> str:
    """What is most likely wrong, the adapter first: a wrong name makes every number wrong."""
    found = seen.parameters
    raised = next((a.said for a in seen.answers if a.method == "parameters" and a.outcome == "raises"), "")
    if raised:
        return f"the cell cannot be built: {raised}"
    if found.missing:
        names = ", ".join(found.missing)
        unknown = f"; it has, under no name of the specification, {', '.join(found.unmapped)}"
        return f"the adapter maps no parameter {names}{unknown if found.unmapped else ''}"
    if found.reshaped:
        name, (got, want) = next(iter(found.reshaped.items()))
        hint = ": transposed?" if got == want[::-1] else ""
        return f"the adapter maps {name} to shape {got}, but the specification has {want}{hint}"
    if not seen.step:
        said = next((a.said for a in seen.answers if a.method == "step"), "no step is offered")
        return f"no step was taken: {said or 'the answer has another shape'}"
    if seen.several:
        rest = "" if all(c.agrees for c in seen.step) else f"; and {_departure(seen)}"
        return f"a step of several samples is wrong: {seen.several}{rest}"
    if seen.health == "agrees":
        return "adapter and step are sound: judge it with `conformance run`"
    return _departure(seen)


def _departure(seen: Examination) -> str:
    if seen.variant:
        said = ", ".join(f"{name}={value!r}" for name, value in seen.variant.items())
        return f"the step departs from the default of the specification: {said} fits every case"
    worst = max(float(np.max(compared.excess)) for compared in seen.step)
    names = ", ".join(compared.what for compared in seen.step if not compared.agrees)
    return (
        f"the step departs, and no documented variant fits: {names} is off by {worst:.2g} times the bound; "
        "if the parameters are mapped rightly, it is the formula"
    )


def _case(subject: Subject, sizes: Sizes) -> StepCase:
    config = subject.config(sizes, **subject.forms[0])
    return step_case(
        subject.family, config, sizes, recipe="normal", seed=SEED, time="column", dtype=subject.dtype
    )


def _parameters(subject: Subject, case: StepCase) -> Parameters:
    """As the built cell has them; where it says nothing of its variables, as it is given them."""
    want = subject.family.shapes(subject.family.full(case.config), case.input_dim)
    model = subject.model(case.config, case.input_dim)
    unmapped: list[str] = []
    try:
        variables = subject.attempt("build", model=model)["variables"]
        found = {v["name"]: tuple(v["shape"]) for v in variables if v["name"]}
        unmapped = [_path(variable) for variable in variables if not variable["name"]]
    except (NotSupported, KeyError, RequestRefused, ImplementationRaised, HarnessFault):
        values = _tried(lambda: subject.attempt("parameters", model=model)["parameters"])
        found = {name: np.shape(value) for name, value in (values or {}).items()}
    unmapped += [name for name in found if name not in want]
    return Parameters(
        mapped={name: shape for name, shape in want.items() if found.get(name) == shape},
        missing={name: shape for name, shape in want.items() if name not in found},
        reshaped={n: (found[n], shape) for n, shape in want.items() if n in found and found[n] != shape},
        unmapped=tuple(unmapped),
    )


def _path(variable: Mapping[str, Any]) -> str:
    return str(variable["path"]) + ("" if variable["trainable"] else " (not trained)")


def _offered(implementation: Answering) -> list[str]:
    return [m for m in implementation.describe()["capabilities"] if m in REQUESTS]


Request = Callable[[Subject, StepCase], Any]


def _asked(subject: Subject, case: StepCase, method: str) -> Answer:
    """One real request, and what came of it."""
    try:
        REQUESTS[method](subject, case)
    except NotSupported as refused:
        return Answer(method, "not offered", refused.reason)
    except (Departure, ImplementationRaised, RequestRefused, HarnessFault) as fault:
        if isinstance(fault, HarnessFault):
            subject.implementation.restart()
        return Answer(method, "raises", headline(str(fault)))
    return Answer(method, "answers")


def _about(subject: Subject, case: StepCase | SequenceCase) -> dict[str, Any]:
    return {
        "model": subject.model(case.config, case.input_dim),
        "parameters": dict(case.parameters),
        "inputs": case.inputs,
    }


def _gradients(subject: Subject, case: StepCase) -> Any:
    output = np.ones((len(case.inputs), subject.outputs(case.config)), subject.dtype)
    state = subject.tensors(case) or []
    given: dict[str, Any] = {"state": state, "timespans": case.timespans, "cotangent": output}
    given["state_cotangent"] = [np.ones_like(tensor) for tensor in state]
    return subject.attempt("gradients", **_about(subject, case), **given)


def _sequence(subject: Subject, case: StepCase) -> SequenceCase:
    return sequence_case(
        subject.family, case.config, ONE, length=3, recipe="normal", seed=SEED, dtype=subject.dtype
    )


def _over_time(subject: Subject, case: StepCase) -> Any:
    options = {"return_sequences": True}
    return subject.attempt("sequence", **_about(subject, _sequence(subject, case)), options=options)


def _roundtrip(subject: Subject, case: StepCase) -> Any:
    return subject.attempt("roundtrip", **_about(subject, _sequence(subject, case)), kind="weights")


def _train(subject: Subject, case: StepCase) -> Any:
    targets = np.zeros((1, subject.outputs(case.config)), subject.dtype)
    return subject.attempt("train", **_about(subject, _sequence(subject, case)), targets=targets, steps=1)


REQUESTS: dict[str, Request] = {
    "build": lambda s, c: s.attempt("build", model=s.model(c.config, c.input_dim)),
    "parameters": lambda s, c: s.attempt("parameters", model=s.model(c.config, c.input_dim)),
    "step": lambda s, c: s.step(c),
    "gradients": _gradients,
    "initial_state": lambda s, c: s.attempt("initial_state", model=s.model(c.config, c.input_dim), batch=2),
    "shapes": lambda s, c: s.attempt("shapes", model=s.model(c.config, c.input_dim), batch=2),
    "sequence": _over_time,
    "roundtrip": _roundtrip,
    "train": _train,
    "wiring": lambda s, c: s.attempt(
        "wiring", **_named(wiring("FullyConnected", units=3, output_dim=2)), input_dim=2
    ),
}
"""By method, a request that a cell which offers it can answer."""


def _named(made: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": made["class_name"], "arguments": made["config"]}


def _tried(ask: Callable[[], Any]) -> Any:
    """The answer, None where there is none."""
    try:
        return ask()
    except (Departure, ImplementationRaised, NotSupported, RequestRefused, HarnessFault):
        return None


def _step(subject: Subject, case: StepCase, variant: Variant) -> tuple[Compared, ...]:
    """The output and the state; () where there is no answer."""
    answer = _tried(lambda: subject.step(case))
    if answer is None:
        return ()
    output, state = subject.reference(case, variant)
    new = np.concatenate([np.asarray(tensor) for tensor in answer["state"]], axis=-1)
    shown = [Compared("output", np.asarray(answer["output"]), output.value, output.error)]
    if not subject.family.shows_state(case.config):
        shown.append(Compared("state", new, state.value, state.error))
    return tuple(shown)


def _several(subject: Subject, variant: Variant) -> str:
    """What goes wrong with two samples at once, each with its own time, and not with one; "" is nothing."""
    if not all(compared.agrees for compared in _step(subject, _case(subject, ONE), variant)):
        return ""
    case = _case(subject, SEVERAL)
    for form, times in (("(batch, 1)", case.timespans), ("(batch,)", case.column.reshape(-1))):
        given = replace(case, timespans=times)
        try:
            answer = subject.step(given)
        except (Departure, NotSupported, RequestRefused, HarnessFault) as fault:
            return f"with elapsed times {form}, {fault}"
        output, _ = subject.reference(given, variant)
        got = Compared("output", np.asarray(answer["output"]), output.value, output.error)
        if not got.agrees:
            return f"with elapsed times {form} it is off by {float(np.max(got.excess)):.2g} times the bound"
    return ""


def _milliseconds(subject: Subject, case: StepCase) -> float | None:
    """The median of several steps, after one that may compile."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        if _tried(lambda: subject.step(case)) is None:
            return None
        taken.append(time.perf_counter() - start)
    return 1e3 * statistics.median(taken)
