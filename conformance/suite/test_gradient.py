"""Derivatives of a step, against the complex step of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from conformance.driver.implementation import NotSupported
from conformance.judging.gradients import Cotangents, derivatives, drawn, precise, side_by_side
from conformance.judging.registry import FORMULA, PRECISION, Draw, clause
from conformance.judging.strategies import FEW, any_steps, recipes, seeds
from conformance.judging.subject import Subject
from conformance.spec.cases import StepCase
from conformance.spec.families import Sizes

KINDS = ((FEW[0], "tanh"), (FEW[1], "tanh"), (FEW[1], "silu"), (FEW[1], "leaky_relu"), (FEW[2], "elu"))
"""Sizes, and the activation of a CfC's backbone or of an LTC's state, if the family has one."""

PRECISE = ((FEW[1], "tanh"), (FEW[1], "elu"))
"""Fewer kinds: each is a program of its own, in one more regime."""

moderate = st.sampled_from(("simple", "normal", "normal", "tiny"))
"""Moderate weights: the slope of a saturated gate is all rounding, so its bound decides nothing."""


def kinds_of_its_own(subject: Subject) -> list[tuple[Sizes, str]]:
    """Return the sizes with the cell's own activations; `KINDS` if it has none."""
    return [(sizes, name) for sizes in FEW for name in subject.offer.values["activation"]] or list(KINDS)


def gradients(
    subject: Subject,
    draw: Draw,
    kinds: Sequence[tuple[Sizes, str]] = KINDS,
    recipe: st.SearchStrategy[str] = recipes,
) -> tuple[StepCase, dict[str, Any], Cotangents, int]:
    """Return a case, its gradients, the cotangents of output and state, and a seed for directions."""
    allowed = [kind for kind in kinds if subject.offer.allows("activation", kind[1])]
    sizes, activation = draw(st.sampled_from(allowed or kinds_of_its_own(subject)))
    chosen = {"activation": activation} if subject.accepts("activation") else {}
    case = draw(any_steps(subject, time=("column",), buckets=[sizes], recipe=recipe, **chosen))
    seed = draw(seeds)
    cotangents = drawn(subject, case, seed)
    params = {
        "state": subject.tensors(case),
        "timespans": case.timespans,
        "cotangent": cotangents[0],
        "state_cotangent": subject.family.split(case.config, cotangents[1]),
    }
    return case, subject.request("gradients", **subject.case_params(case), **params), cotangents, seed


@clause("gradient.inputs", tiers=(FORMULA,), examples=50, smoke=4)
def test_inputs(subject: Subject, draw: Draw) -> None:
    case, answer, cotangents, seed = gradients(subject, draw)
    derivatives(subject, case, {"inputs": answer["inputs"]}, cotangents, seed)


@clause("gradient.state", tiers=(FORMULA,), examples=50, smoke=4)
def test_state(subject: Subject, draw: Draw) -> None:
    case, answer, cotangents, seed = gradients(subject, draw)
    derivatives(subject, case, {"state": side_by_side(answer["state"])}, cotangents, seed)


@clause("gradient.timespans", tiers=(FORMULA,), examples=50, smoke=4)
def test_timespans(subject: Subject, draw: Draw) -> None:
    if not subject.timed:
        raise NotSupported(subject.without_time)
    case, answer, cotangents, seed = gradients(subject, draw)
    derivatives(subject, case, {"timespans": answer["timespans"]}, cotangents, seed)


@clause("gradient.parameters", tiers=(FORMULA,), examples=50, smoke=4)
def test_parameters(subject: Subject, draw: Draw) -> None:
    case, answer, cotangents, seed = gradients(subject, draw)
    by_path = {path: answer["parameters"].get(path) for path in case.parameters}
    derivatives(subject, case, by_path, cotangents, seed)


@clause("gradient.precision", tiers=(PRECISION,), examples=50, smoke=1)
def test_precision(subject: Subject, draw: Draw) -> None:
    case, answer, cotangents, _ = gradients(subject, draw, PRECISE, moderate)
    precise(subject, case, answer, side_by_side(answer["state"]), cotangents)
