"""Builds a cell, sends every request once, and takes a step beside the reference."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from conformance.causes.known import KnownCauses
from conformance.causes.laws import Law
from conformance.cli.doctor.examination import Compared, Examination, Parameters
from conformance.cli.doctor.requests import ONE, REQUESTS, SEED, send
from conformance.cli.doctor.slips import slips
from conformance.driver.implementation import (
    HarnessFault,
    ImplementationProtocol,
    ImplementationRaised,
    NotSupported,
    RequestRefused,
)
from conformance.judging.subject import Nonconformance, Subject
from conformance.spec.cases import StepCase, step_case
from conformance.spec.families import Sizes
from conformance.spec.families.base import Variant
from conformance.verdict import Cause

SEVERAL = Sizes(2, 3, 4, 5)
REPEATS = 20


def examine(implementation: ImplementationProtocol, cell: Mapping[str, Any]) -> Examination:
    """Build a cell, send every request once, and take a step beside the reference.

    In float64, where a slip shows best, if the cell takes a step in it; otherwise in float32.
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
    answers = tuple(send(subject, case, method) for method in _offered(subject.implementation))
    step: tuple[Compared, ...] = ()
    milliseconds, several, slip = None, "", ""
    variant: dict[str, Any] = {}
    causes: tuple[Cause, ...] = ()
    if parameters.complete:
        step = _step(subject, case, {})
        milliseconds = _milliseconds(subject, case) if step else None
    agrees = bool(step) and all(compared.agrees for compared in step)
    if step:
        slip = "" if agrees else _slip(subject)  # of an adapter as often as of a formula
        law = None if slip else _law(subject, step)
        variant, causes = (dict(law.variant), tuple(law.causes)) if law else ({}, ())
        several = "" if causes else _several(subject, variant)
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
        slip=slip,
        causes=causes,
        authored=subject.implementation.describe()["host"] != "keras" and "unknown" not in subject.cell,
    )


def _case(subject: Subject, sizes: Sizes, seed: int = SEED) -> StepCase:
    config = subject.config(sizes, **subject.forms[0])
    time = "column" if subject.timed else "none"
    return step_case(
        subject.family, config, sizes, recipe="normal", seed=seed, time=time, dtype=subject.dtype
    )


def _parameters(subject: Subject, case: StepCase) -> Parameters:
    """Return the parameters of the built cell or, if it reports no variables, its initial parameters."""
    want = subject.family.shapes(subject.family.full(case.config), case.input_dim)
    model = subject.model(case.config, case.input_dim)
    unmapped: list[str] = []
    variables = _tried(subject, lambda: subject.attempt("build", model=model)["variables"])
    if variables is not None:
        shapes = {v["name"]: tuple(v["shape"]) for v in variables if v["name"]}
        unmapped = [_path(variable) for variable in variables if not variable["name"]]
    else:
        values = _tried(subject, lambda: subject.attempt("parameters", model=model)["parameters"])
        shapes = {name: np.shape(value) for name, value in (values or {}).items()}
    unmapped += [name for name in shapes if name not in want]
    return Parameters(
        mapped={name: shape for name, shape in want.items() if shapes.get(name) == shape},
        missing={name: shape for name, shape in want.items() if name not in shapes},
        reshaped={n: (shapes[n], shape) for n, shape in want.items() if n in shapes and shapes[n] != shape},
        unmapped=tuple(unmapped),
    )


def _path(variable: Mapping[str, Any]) -> str:
    return str(variable["path"]) + (" (not trained)" if variable["trainable"] is False else "")


def _offered(implementation: ImplementationProtocol) -> list[str]:
    return [m for m in implementation.describe()["capabilities"] if m in REQUESTS]


def _tried(subject: Subject, ask: Callable[[], Any]) -> Any:
    """Return the answer, None if there is none; restart a harness that broke off."""
    try:
        return ask()
    except HarnessFault:
        subject.implementation.restart()
    except (Nonconformance, ImplementationRaised, KeyError, NotSupported, RequestRefused):
        pass
    return None


def _step(subject: Subject, case: StepCase, variant: Variant) -> tuple[Compared, ...]:
    """Return the output and the state; () if there is no answer."""
    answer = _tried(subject, lambda: subject.step(case))
    if answer is None:
        return ()
    output, state = subject.reference(case, variant)
    new = np.concatenate([np.asarray(tensor) for tensor in answer["state"]], axis=-1)
    shown = [Compared("output", np.asarray(answer["output"]), output.value, output.error)]
    if not subject.family.shows_state(case.config):
        shown.append(Compared("state", new, state.value, state.error))
    return tuple(shown)


def _law(subject: Subject, step: tuple[Compared, ...]) -> Law | None:
    """Return the changes of the specification by which the cell computes, if they are known ones.

    A step of one sample that agrees may depart for several samples.
    """
    case = _case(subject, ONE if not all(compared.agrees for compared in step) else SEVERAL)
    known = KnownCauses(subject.family.name)
    law: Law | None = _tried(subject, lambda: known.find(subject, case, variants=True))
    return law


def _slip(subject: Subject) -> str:
    """Return the one slip with which a step is the reference's in several cases; "" if there is none."""
    cases = [_case(subject, ONE, seed) for seed in (SEED, SEED + 1)]
    answers = [_tried(subject, partial(subject.step, case)) for case in cases]
    if any(answer is None for answer in answers):
        return ""
    told = [{slip.description: slip.case for slip in slips(subject, case)} for case in cases]
    for variant in ({}, *subject.family.variants):
        for said in told[0]:
            pairs = zip(answers, (of_case[said] for of_case in told), strict=True)
            if all(_is(subject, answer["output"], case, variant) for answer, case in pairs):
                return said + "".join(f", with {name}={value!r}" for name, value in variant.items())
    return ""


def _is(subject: Subject, answer: Any, case: StepCase, variant: Variant) -> bool:
    """Tell whether an output is the reference's for a case, under a variant."""
    output, _ = subject.reference(case, variant)
    return Compared("output", np.asarray(answer), output.value, output.error).agrees


def _several(subject: Subject, variant: Variant) -> str:
    """Return the error of a step of two samples with a time each, if one sample has none; "" if no error."""
    if not all(compared.agrees for compared in _step(subject, _case(subject, ONE), variant)):
        return ""
    if not subject.timed:
        return ""
    case = _case(subject, SEVERAL)
    for form, times in (("(batch, 1)", case.timespans), ("(batch,)", case.column.reshape(-1))):
        given = replace(case, timespans=times)
        try:
            answer = subject.step(given)
        except (Nonconformance, NotSupported, RequestRefused, HarnessFault) as fault:
            if isinstance(fault, HarnessFault):
                subject.implementation.restart()
            return f"with elapsed times {form}, {fault}"
        output, _ = subject.reference(given, variant)
        got = Compared("output", np.asarray(answer["output"]), output.value, output.error)
        if not got.agrees:
            return f"with elapsed times {form} it is off by {float(np.max(got.excess)):.2g} times the bound"
    return ""


def _milliseconds(subject: Subject, case: StepCase) -> float | None:
    """Return the median time of several steps, after one that may compile."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        if _tried(subject, lambda: subject.step(case)) is None:
            return None
        taken.append(time.perf_counter() - start)
    return 1e3 * statistics.median(taken)
