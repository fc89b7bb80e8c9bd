"""Hypothesis strategies: small, readable, asymmetric cases that visit the edges.

Sizes come from few buckets, because a framework that compiles does so for each new shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.driver.implementation import NotSupported
from conformance.judging.arguments import CellArguments
from conformance.judging.registry import COMPILING
from conformance.judging.subject import Subject
from conformance.spec import cases
from conformance.spec.families import Config, Family, Sizes
from conformance.spec.families.mixed_memory import CELLS

DIFFERENT = Sizes(2, 3, 4, 5)

BUCKETS = (Sizes(1, 1, 1, 1), Sizes(3, 3, 3, 3), DIFFERENT, Sizes(4, 2, 1, 3), Sizes(1, 4, 5, 2))
"""In order: the smallest; all sizes equal; no two sizes equal; one unit; a batch of one."""

FEW = (Sizes(1, 1, 1, 1), DIFFERENT, Sizes(3, 3, 3, 3))

FEWEST = FEW[1:]
"""The sizes of a step in a quick look at a backend that compiles, where each example would be a program."""


def sizes_by_hand(subject: Subject) -> Sequence[Sizes]:
    """Return the sizes of steps that run by hand: one, where each operation is compiled for each shape."""
    return (DIFFERENT,) if subject.backend in COMPILING else BUCKETS


seeds = st.integers(0, 2**32 - 1)

recipes = st.sampled_from(("simple", "normal", "normal", "mixed", "saturated", "tiny", "zero"))

moderate = st.sampled_from(("simple", "normal"))
"""Recipes of moderate weights: over many steps large weights show little."""


@st.composite
def steps(
    draw: st.DrawFn,
    /,
    subject: Subject,
    *,
    buckets: Sequence[Sizes] = BUCKETS,
    time: Sequence[str] = ("column",),
    layers: int | None = None,
    recipe: st.SearchStrategy[str] = recipes,
    shown: bool = False,
    **arguments: Any,
) -> cases.StepCase:
    """Draw one step of the subject's cell with these arguments; `shown`: its output is its state.

    Some time passes, unless `time` says otherwise: a step without elapsed time belongs to other clauses.
    """
    if not subject.family.backbone_activation:  # a larger program, which takes longer to compile
        buckets = [sizes for sizes in buckets if sizes in FEW] or buckets
    if subject.quick:
        buckets = [sizes for sizes in buckets if sizes in FEWEST] or buckets
    sizes = draw(st.sampled_from(buckets))
    if not subject.timed:
        time = untimed(subject, time)
    chosen = shown_state(subject) if shown else wired(subject, sizes)
    config = subject.config(sizes, layers=layers, **{**chosen, **arguments})
    return cases.step_case(
        subject.family,
        config,
        sizes,
        recipe=draw(recipe),
        seed=draw(seeds),
        time=draw(st.sampled_from(time)),
        dtype=subject.dtype,
    )


def allowed(subject: Subject, arguments: Config) -> Config:
    """Return the arguments whose values the cell allows."""
    return {name: value for name, value in arguments.items() if subject.offer.allows(name, value)}


def shown_state(subject: Subject) -> Config:
    """Return arguments with which the output is the state. Raises NotSupported if the cell has none."""
    shown: Config = subject.family.shown
    if allowed(subject, shown) != shown:
        raise NotSupported("the cell does not put out its state")
    return shown


def untimed(subject: Subject, time: Sequence[str]) -> Sequence[str]:
    """Return the form "none" for a cell that takes no time.

    Raises NotSupported if other forms are required.
    """
    if "none" not in time and set(time) != {"column"}:
        raise NotSupported(subject.without_time)
    return ("none",)


@st.composite
def any_steps(draw: st.DrawFn, /, subject: Subject, **kinds: Any) -> cases.StepCase:
    """Draw one step by any of the family's formulas."""
    form = draw(st.sampled_from(subject.forms))
    return draw(steps(subject, **form, **kinds))


def wired(subject: Subject, sizes: Sizes) -> Config:
    """Return the argument `wiring` of a family that has one: with unequal sizes it hides some of the state.

    With the other sizes the output is the whole state, because each size has one wiring, so one program to
    compile.
    """
    if subject.family.wirings is None:
        return {}
    whole, part, *_ = subject.family.wirings(sizes)
    return {"wiring": part if sizes == DIFFERENT else whole}


@st.composite
def sequences(
    draw: st.DrawFn,
    /,
    subject: Subject,
    *,
    lengths: Sequence[int] = (1, 5),
    buckets: Sequence[Sizes] = FEW,
    forms: Sequence[Config] | None = None,
    given_state: bool | None = False,
    masked: bool = False,
    timed: bool = False,
    pauses: bool = False,
    recipe: st.SearchStrategy[str] = moderate,
    **arguments: Any,
) -> cases.SequenceCase:
    """Draw a sequence for the subject's cell, by the family's first formula unless `forms` are given.

    If `given_state` is None, whether an initial state is given is drawn. `timed` gives elapsed times, and
    `pauses` makes some of them zero. Each length goes with one of the sizes; with unequal sizes a wired cell
    hides some of its state.
    """
    forms = subject.forms[:1] if forms is None else forms
    sizes, length = draw(st.sampled_from([(buckets[i % len(buckets)], n) for i, n in enumerate(lengths)]))
    hidden = subject.family.wirings and sizes == DIFFERENT
    chosen = wired(subject, sizes) if hidden else allowed(subject, subject.family.shown)
    config = subject.config(sizes, **{**chosen, **draw(st.sampled_from(forms)), **arguments})
    case = cases.sequence_case(
        subject.family,
        config,
        sizes,
        length=length,
        recipe=draw(recipe),
        seed=draw(seeds),
        dtype=subject.dtype,
    )
    if given_state or (given_state is None and draw(st.booleans())):
        case = cases.with_state(subject.family, case, draw(seeds))
    if timed:
        case = cases.with_times(subject.family, case, draw(seeds), pauses=pauses)
    if masked:
        case = replace(case, mask=draw(masks(*case.inputs.shape[:2])))
    return case


@st.composite
def masks(draw: st.DrawFn, batch: int, time: int) -> cases.Values:
    """Draw a mask (batch, time) with masked samples, in half of the longer ones between two that count.

    The last sample of the last row counts: if none did, no step of a cell would be seen.
    """
    free = batch * time - 1
    bits = draw(st.lists(st.booleans(), min_size=free, max_size=free).filter(lambda b: not all(b)))
    mask = np.asarray([*bits, True]).reshape(batch, time)
    if time > 2 and draw(st.booleans()):
        start = draw(st.integers(0, time - 3))
        mask[0, start : start + 3] = (True, False, True)
    return mask


@st.composite
def configs(
    draw: st.DrawFn, /, subject: Subject, *, buckets: Sequence[Sizes] = FEW, **arguments: Any
) -> Config:
    """Draw a config of the subject's cell with every argument away from its default where possible."""
    sizes = draw(st.sampled_from(buckets))
    layers, chosen = draw(choices(subject.family, subject.forms, sizes, subject.offer))
    return subject.config(sizes, layers=layers, **{**chosen, **arguments})


@st.composite
def choices(
    draw: st.DrawFn, family: Family, forms: Sequence[Config], sizes: Sizes, offer: CellArguments
) -> tuple[int | None, Config]:
    """Draw the number of a backbone's layers, and arguments of a cell that offers these."""
    form = draw(st.sampled_from(forms))
    if "cell" in form:  # behind an LSTM, a cell of another family
        behind = CELLS[form["cell"]]
        steady = [f for f in behind.forms if behind.steady(f)]
        layers, inner = draw(choices(behind, steady, sizes, offer.behind(form["cell"])))
        config = behind.config(sizes, layers=layers, **inner)
        return None, {"cell": {"class_name": form["cell"], "config": config}}

    def one_of(argument: str, *values: Any) -> Any:
        return draw(st.sampled_from(offer.choose(argument, values)))

    chosen = {**form, **{name: one_of(name, *values) for name, values in family.choices.items()}}
    if family.wirings:
        chosen["wiring"] = draw(st.sampled_from(family.wirings(sizes)))
    if not family.backbone_activation:
        return None, chosen
    layers = one_of("backbone_layers", 1, 2, 0)
    activation = one_of(family.backbone_activation, "relu", "lecun_tanh", "sigmoid", "tanh")
    dropout = draw(st.sampled_from((0.25, 0.0))) if layers else 0.0
    return layers, {**chosen, family.backbone_activation: activation, "backbone_dropout": dropout}
