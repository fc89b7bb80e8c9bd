"""Precision: what a dtype policy promises."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from conformance import judge
from conformance.cases import StepCase
from conformance.checks import clause
from conformance.implementation import NotSupported
from conformance.strategies import FEW, any_steps
from conformance.subject import Subject
from conformance.trial import FORMULA, Draw

POLICIES = {
    "float32": ("float32", "float32"),
    "mixed_float16": ("float32", "float16"),
    "mixed_bfloat16": ("float32", "bfloat16"),
}
"""Policy: dtype of variables, dtype of computation and outputs."""


@clause("dtype.policy", examples=4, smoke=1)
def test_policy(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject, buckets=FEW[:2], time=("column", "none"), recipe=st.just("simple")))
    refusals = []
    for policy in POLICIES:
        try:
            follows(subject, case, policy)
        except NotSupported as refused:
            refusals.append(refused)
    if refusals:
        raise refusals[0]


def follows(subject: Subject, case: StepCase, policy: str) -> None:
    """Variables, outputs and states have the dtypes of the policy."""
    variable, compute = POLICIES[policy]
    model = subject.model(case.config, case.input_dim, dtype=policy)
    found = {v["path"]: v["dtype"] for v in subject.request("build", model=model)["variables"]}
    want = dict.fromkeys(found, variable)
    other = f"under {policy} a variable is not {variable}"
    judge.holds(subject, found == want, other, got=found, want=variable)
    dtypes = subject.step(case, model=model)["dtypes"]
    for what, got in (("output", dtypes["output"]), *(("state", state) for state in dtypes["state"])):
        other = f"under {policy} the {what} is {got}, but should be {compute}"
        judge.holds(subject, got == compute, other, got=got, want=compute)


@clause("dtype.float64", tiers=(FORMULA,))
def test_float64(subject: Subject, draw: Draw) -> None:
    times = ("scalar", "none", "column")
    case = draw(any_steps(subject, recipe=st.just("normal"), time=times, buckets=FEW[1:2]))
    answer = subject.step(case, eager=draw(st.booleans()))
    judge.holds(
        subject, answer["dtypes"]["output"] == "float64", "the output is not float64", got=answer["dtypes"]
    )
    judge.close(subject, "output", np.asarray(answer["output"]), subject.reference(case)[0])
