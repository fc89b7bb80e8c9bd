"""Precision: the promises of a dtype policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.driver.implementation import MethodUnresponsive, NotSupported
from conformance.judging import assertions
from conformance.judging.assertions import assert_close, assert_true
from conformance.judging.registry import FORMULA, TIERS, Draw, clause
from conformance.judging.strategies import DIFFERENT, FEW, any_steps, sequences, steps
from conformance.judging.subject import Subject
from conformance.spec.cases import SequenceCase, StepCase

POLICIES = {
    "float32": ("float32", "float32"),
    "mixed_float16": ("float32", "float16"),
    "mixed_bfloat16": ("float32", "bfloat16"),
}
"""By policy: dtype of variables, dtype of computation and outputs."""

HALVES = ("mixed_float16", "mixed_bfloat16")

SHORT = ("cfc", "ltc", "wired_cfc")
"""Families whose step is short enough for a useful bound in half precision."""


@clause("dtype.policy", examples=4, smoke=1)
def test_policy(subject: Subject, draw: Draw) -> None:
    if not subject.takes_policy:
        raise NotSupported("the cell takes no dtype policy")
    case = draw(any_steps(subject, buckets=FEW[:2], time=("column", "none"), recipe=st.just("simple")))
    under_each(POLICIES, lambda policy: follows(subject, case, policy))


def under_each(policies: Iterable[str], judged: Callable[[str], None]) -> None:
    """Judge under each policy; a policy that is not offered does not prevent the others."""
    refusals = []
    for policy in policies:
        try:
            judged(policy)
        except MethodUnresponsive:
            raise
        except NotSupported as refused:
            refusals.append(refused)
    if refusals:
        raise refusals[0]


def follows(subject: Subject, case: StepCase, policy: str) -> None:
    """Raise unless variables, outputs and states have the dtypes of the policy."""
    variable, compute = POLICIES[policy]
    model = subject.model(case.config, case.input_dim, dtype=policy)
    dtypes_of = {v["path"]: v["dtype"] for v in subject.request("build", model=model)["variables"]}
    want = dict.fromkeys(dtypes_of, variable)
    other = f"under {policy} a variable is not {variable}"
    assert_true(subject, dtypes_of == want, other, got=dtypes_of, want=variable)
    dtypes = subject.step(case, model=model)["dtypes"]
    for what, got in (("output", dtypes["output"]), *(("state", state) for state in dtypes["state"])):
        other = f"under {policy} the {what} is {got}, but should be {compute}"
        assert_true(subject, got == compute, other, got=got, want=compute)


@clause("dtype.policy.layer", tiers=TIERS, examples=4, smoke=1)
def test_policy_of_layer(subject: Subject, draw: Draw) -> None:
    kinds: dict[str, Any] = {"lengths": (3,), "buckets": (DIFFERENT,), "timed": True}
    case = draw(sequences(subject, **kinds, recipe=st.just("simple")))
    policies = ("float64",) if subject.dtype == FORMULA else tuple(POLICIES)
    under_each(policies, lambda policy: layer_follows(subject, case, policy, "layer"))
    try:
        under_each(policies, lambda policy: layer_follows(subject, case, policy, "layer_bidirectional"))
    except MethodUnresponsive:
        raise
    except NotSupported as refused:
        subject.tally.refusal = subject.tally.refusal or f"not in both directions: {refused.reason}"


def layer_follows(subject: Subject, case: SequenceCase, policy: str, wrapper: str) -> None:
    """Raise unless variables, outputs and, of one layer, last states have the dtypes of the policy."""
    variable, compute = POLICIES.get(policy, (policy, policy))
    about = {**subject.case_params(case), "model": subject.model(case.config, case.input_dim, dtype=policy)}
    options = {"return_sequences": True, "return_state": wrapper == "layer"}
    if wrapper == "layer_bidirectional":
        about["parameters"] = [dict(case.parameters)] * 2
    about |= {"timespans": case.timespans, "options": options, "wrapper": wrapper}
    dtypes = subject.request("sequence", **about).get("dtypes")
    if dtypes is None:
        raise NotSupported("the sequence layer does not report its dtypes")
    outputs = dtypes["output"] if isinstance(dtypes["output"], list) else [dtypes["output"]]
    told = {"output": (outputs, compute), "variable": (dtypes["variables"], variable)}
    told |= {"state": (dtypes["state"], compute)} if wrapper == "layer" else {}
    for what, (got, want) in told.items():
        assert_true(subject, bool(got), f"the {wrapper} reports no dtype of its {what}")
        wrong = ", ".join(dict.fromkeys(dtype for dtype in got if dtype != want))
        summary = f"under {policy} the {what} of the {wrapper} is {wrong}, but should be {want}"
        assert_true(subject, not wrong, summary, got=got, want=want)


@clause("dtype.half")
def test_half(subject: Subject, draw: Draw) -> None:
    form = draw(st.sampled_from(subject.steady_forms))
    time = ("column", "none", "zero")
    case = draw(steps(subject, **form, recipe=st.just("simple"), buckets=FEW[:2], time=time))
    if subject.family.name not in SHORT:
        raise NotSupported("a bound that decides anything after so many operations in half precision")
    under_each(HALVES, lambda policy: computed(subject, case, policy))


def computed(subject: Subject, case: StepCase, policy: str) -> None:
    """Raise unless a step in half precision is the formula's, of numbers that are exact in it."""
    half = replace(subject, dtype=POLICIES[policy][1])
    given = {path: exactly(half, value / 2) for path, value in case.parameters.items()}
    arrays = {name: exactly(half, getattr(case, name)) for name in ("inputs", "state", "timespans")}
    case = replace(case, parameters=given, **arrays)
    answer = half.step(case, model=subject.model(case.config, case.input_dim, dtype=policy))
    output, state = half.reference(case)
    assert_close(half, f"under {policy} the output", answer["output"], output)
    assert_close(
        half, f"under {policy} the state", assertions.joined(half, case.config, answer["state"]), state
    )


def exactly(subject: Subject, values: Any) -> Any:
    """Return the nearest numbers of the subject's dtype, in the dtype of the wire: float32."""
    return None if values is None else subject.arithmetic.nearest(values).astype(np.float32)


@clause("dtype.float64", tiers=(FORMULA,))
def test_float64(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject, recipe=st.just("normal"), buckets=FEW[1:2]))
    answer = subject.step(case, eager=draw(st.booleans()))
    assert_true(
        subject, answer["dtypes"]["output"] == "float64", "the output is not float64", got=answer["dtypes"]
    )
    assert_close(subject, "output", np.asarray(answer["output"]), subject.reference(case)[0])
