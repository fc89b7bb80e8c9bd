"""A cell in the sequence layer of its own package, which takes elapsed time."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.driver.implementation import ImplementationRaised, NotSupported
from conformance.judging import assertions
from conformance.judging.assertions import (
    assert_agree,
    assert_close,
    assert_sequence,
    assert_shape,
    assert_trained,
    assert_true,
)
from conformance.judging.registry import FORMULA, TIERS, Draw, clause
from conformance.judging.strategies import seeds, sequences
from conformance.judging.subject import Subject
from conformance.spec.cases import SequenceCase, Values, array
from conformance.spec.families import Sizes
from conformance.suite.test_errors import refused, works

LENGTHS = (1, 5, 3)
"""One length for each of the sizes: in the last batch, time and units are equal."""

LONGER = (4, 4)

general = st.just("normal")
"""Values other than 0: a constraint may hold a parameter at 0, or it may have no slope there."""


def request_of(subject: Subject, case: SequenceCase, form: str = "flat", **more: Any) -> dict[str, Any]:
    """Return the request for a layer's answer to the sequence; every output, unless its options differ."""
    times = case.timespans
    given = {
        "wrapper": "layer",
        "mask": case.mask,
        "timespans": times[..., None] if times is not None and form == "column" else times,
        "initial_state": subject.tensors(case),
        "options": {"return_sequences": True, **case.options},
    }
    return {**subject.case_params(case), **given, **more}


def run(subject: Subject, case: SequenceCase, form: str = "flat", **more: Any) -> dict[str, Any]:
    """Return the layer's answer to the sequence."""
    answer: dict[str, Any] = subject.request("sequence", **request_of(subject, case, form, **more))
    return answer


def judged(subject: Subject, case: SequenceCase, **more: Any) -> None:
    """Raise unless the layer's outputs are those of the reference."""
    __tracebackhide__ = True
    assert_sequence(subject, case, run(subject, case, **more)["output"])


def form_of_time(case: SequenceCase) -> str:
    """Return the shape of times, "flat" or "column", by the length: each is a program of its own."""
    return "flat" if case.inputs.shape[1] == LENGTHS[-1] else "column"


def timed(subject: Subject, draw: Draw, lengths: Sequence[int] = LONGER, **kinds: Any) -> SequenceCase:
    """Draw a sequence with elapsed times."""
    case: SequenceCase = draw(sequences(subject, lengths=lengths, timed=True, **kinds))
    return case


def mask_of(case: SequenceCase) -> Values:
    """Return the mask of a case that has one, to be written to."""
    assert case.mask is not None
    return case.mask


@clause("layer.steps", examples=20, smoke=2, tiers=TIERS)
def test_steps(subject: Subject, draw: Draw) -> None:
    case = timed(subject, draw, LENGTHS, pauses=True)
    judged(subject, case, form=form_of_time(case))


@clause("layer.default", examples=8, smoke=1)
def test_default(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, lengths=LENGTHS))
    judged(subject, case)
    judged(subject, replace(case, timespans=np.ones(case.inputs.shape[:2], case.inputs.dtype)))


@clause("layer.final_state", examples=6, smoke=1)
def test_final_state(subject: Subject, draw: Draw) -> None:
    case = replace(timed(subject, draw), options={"return_sequences": False, "return_state": True})
    outputs, last = assertions.folded(subject, case)
    answer = run(subject, case)
    assert_close(subject, "output", answer["output"], outputs[-1])
    assert_close(subject, "last state", assertions.joined(subject, case.config, answer["state"]), last)


@clause("layer.backwards", examples=6, smoke=1)
def test_backwards(subject: Subject, draw: Draw) -> None:
    judged(subject, replace(timed(subject, draw), options={"go_backwards": True}))


ELAPSED = {"backward_timespans": "elapsed"}


@clause("layer.backwards.elapsed", examples=12, smoke=2)
def test_backwards_elapsed(subject: Subject, draw: Draw) -> None:
    offers(subject, "layer_options", "backward_timespans")
    case = in_eighths(draw(sequences(subject, lengths=LONGER, timed=draw(st.booleans()), masked=True)))
    mask_of(case)[0, :3] = (True, False, True)
    backwards = {**ELAPSED, "go_backwards": True}
    for masked_time in ("drop", "carry"):
        judged(subject, replace(case, options={**backwards, "masked_time": masked_time}))
    case = replace(case, mask=None)
    others = ("alone", "forwards", "as given", "unrolled", "bidirectional", "saved")
    match draw(st.sampled_from(others)):
        case "forwards":
            judged(subject, replace(case, options=ELAPSED))
        case "as given":
            given = {"go_backwards": True, "backward_timespans": "as_given"}
            judged(subject, replace(case, options=given))
        case "unrolled":
            judged(subject, replace(case, options={**backwards, "unroll": True}))
        case "bidirectional":
            elapsed_both_ways(subject, case, draw(st.booleans()))
        case "saved":
            saved(subject, with_any_times(case), backwards)
        case _:
            judged(subject, replace(case, options=backwards))


def offers(subject: Subject, kind: str, option: str) -> None:
    """Raise NotSupported if the subject's layer, or its Bidirectional, has no such option."""
    if option not in subject.cell.get(kind, ()):
        raise NotSupported(f"the sequence layer has no option {option}")


def in_eighths(case: SequenceCase) -> SequenceCase:
    """Return the case with times whose sums are exact, in any order."""
    times = case.timespans
    return case if times is None else replace(case, timespans=np.round(8.0 * times) / times.dtype.type(8.0))


def elapsed_both_ways(subject: Subject, case: SequenceCase, by_wrapper: bool) -> None:
    """Judge the option of the layer, of which the backward copy has it too, or that of the wrapper."""
    if by_wrapper:
        offers(subject, "bidirectional_options", "backward_timespans")
    backward = replace(case, options={**ELAPSED, "go_backwards": True})
    options = {"bidirectional": ELAPSED} if by_wrapper else ELAPSED
    both = [dict(case.parameters)] * 2
    answer = run(subject, replace(case, options=options), parameters=both, wrapper="layer_bidirectional")
    assert_sequence(subject, case, answer["output"][0], what="forward output")
    assert_sequence(subject, backward, np.flip(answer["output"][1], axis=1), what="backward output")


def saved(subject: Subject, case: SequenceCase, options: dict[str, Any]) -> None:
    """Raise unless a model that was saved and loaded runs by the same options."""
    inputs = {"inputs": case.inputs, "timespans": case.timespans}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.keras")
        subject.request("save", **{**subject.case_params(case), **inputs}, path=path, options=options)
        output = subject.request("load", path=path, **inputs)["output"]
    assert_sequence(subject, replace(case, options=options), output)


def with_any_times(case: SequenceCase) -> SequenceCase:
    """Return the case with times, each 1 where there were none."""
    times = np.ones(case.inputs.shape[:2], case.inputs.dtype) if case.timespans is None else case.timespans
    return replace(case, timespans=times)


@clause("layer.unroll", examples=4, smoke=0)
def test_unroll(subject: Subject, draw: Draw) -> None:
    options = {"unroll": True, "go_backwards": draw(st.booleans())}
    judged(subject, replace(timed(subject, draw, (3, 3)), options=options))


@clause("layer.initial_state", examples=6, smoke=1)
def test_initial_state(subject: Subject, draw: Draw) -> None:
    judged(subject, timed(subject, draw, given_state=True))


@clause("layer.stateful", examples=6, smoke=1)
def test_stateful(subject: Subject, draw: Draw) -> None:
    case = replace(timed(subject, draw), options={"stateful": True})
    judged(subject, case, chunks=draw(st.sampled_from(([2, 2], [1, 3]))))


BATCHES = tuple(Sizes(batch, 2, 3, 4) for batch in (1, 2, 3))
"""A batch of one broadcasts most easily, in either direction."""


@clause("layer.stateful.batch", examples=8, smoke=1)
def test_stateful_batch(subject: Subject, draw: Draw) -> None:
    subject.needs("sequence", "earlier")
    shape: dict[str, Any] = {"lengths": (3, 3, 3), "buckets": BATCHES}
    case = replace(draw(sequences(subject, **shape)), options={"stateful": True})
    earlier = array(case.inputs.shape, "normal", draw(seeds), "earlier inputs", subject.dtype)
    batch = len(earlier)
    other = draw(st.sampled_from([size for size in (1, 2, 3, 4) if size != batch]))
    given = replace(case, inputs=np.resize(case.inputs, (other, *case.inputs.shape[1:])))
    for begin, beside in ((None, ""), (from_ones, " with an initial state")):
        same, unlike = (one if begin is None else begin(subject, one) for one in (case, given))
        answer = works(subject, "sequence", **request_of(subject, same, earlier=earlier))
        goes_on(subject, same, earlier, answer["output"])
        what = f"a batch of {other} for a stateful layer that keeps states of {batch}{beside}"
        refused(subject, what, "sequence", **request_of(subject, unlike, earlier=earlier))


def goes_on(subject: Subject, case: SequenceCase, earlier: Values, got: Any) -> None:
    """Raise unless a second call starts from the states that the first has left, or from given ones."""
    whole = case if case.state is not None else with_earlier(case, earlier)
    outputs, _ = assertions.folded(subject, whole)
    length = case.inputs.shape[1]
    assert_shape(subject, "output", got, (*case.inputs.shape[:2], subject.outputs(case.config)))
    for k, want in enumerate(outputs[-length:]):
        assert_close(subject, f"output at step {k} of the second call", got[:, k], want)


def with_earlier(case: SequenceCase, earlier: Values) -> SequenceCase:
    """Return the samples of two calls as one sequence."""
    return replace(case, inputs=np.concatenate([earlier, case.inputs], axis=1))


def from_ones(subject: Subject, case: SequenceCase) -> SequenceCase:
    """Return the case from an initial state of ones."""
    ones = np.ones((len(case.inputs), subject.state_size(case.config)), case.inputs.dtype)
    return replace(case, state=ones)


@clause("layer.mask", examples=12, smoke=1)
def test_mask(subject: Subject, draw: Draw) -> None:
    case = timed(subject, draw, (3, 5), masked=True, given_state=None)
    mask_of(case)[0, 0] = False  # a masked first step in every example
    for go_backwards in (False, True):
        judged(subject, replace(case, options={"go_backwards": go_backwards}))


@clause("layer.mask.zero_output", examples=6, smoke=1)
def test_mask_zero_output(subject: Subject, draw: Draw) -> None:
    case = timed(subject, draw, (3, 3), masked=True)
    mask_of(case)[0, :2] = (True, False)  # an output to hold in every example
    for unroll in (False, True):
        judged(subject, replace(case, options={"zero_output_for_mask": True, "unroll": unroll}))


@clause("layer.mask.unroll", examples=4, smoke=0)
def test_mask_unroll(subject: Subject, draw: Draw) -> None:
    case = timed(subject, draw, (3, 3), masked=True)
    for go_backwards in (False, True):
        judged(subject, replace(case, options={"unroll": True, "go_backwards": go_backwards}))


@clause("layer.mask.removed", examples=6, smoke=1)
def test_mask_removed(subject: Subject, draw: Draw) -> None:
    case = timed(subject, draw)
    rows = draw(st.sampled_from(([1, 0, 1, 1], [0, 1, 0, 1], [1, 0, 0, 1], [1, 1, 1, 0])))
    keep = np.asarray(rows, bool)
    masked = replace(case, mask=np.broadcast_to(keep, case.inputs.shape[:2]).copy())
    assert case.timespans is not None
    removed = replace(case, inputs=case.inputs[:, keep], timespans=case.timespans[:, keep])
    got = run(subject, masked)["output"][:, keep]
    outputs, _ = assertions.folded(subject, removed)
    for k, want in enumerate(outputs):
        assert_close(subject, f"output at the step {k} that counts", got[:, k], want)


@clause("layer.mask.carry", examples=12, smoke=1, tiers=(FORMULA,))
def test_mask_carry(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, lengths=LONGER, timed=draw(st.booleans()), masked=True))
    mask_of(case)[0, :3] = (True, False, True)
    for go_backwards in (False, True):
        judged(subject, replace(case, options={"masked_time": "carry", "go_backwards": go_backwards}))


@clause("layer.mask.shape", examples=4, smoke=1)
def test_mask_shape(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, lengths=LENGTHS[1:], masked=True))
    assert_sequence(subject, case, works(subject, "sequence", **request_of(subject, case))["output"])
    batch, length = case.inputs.shape[:2]
    shapes = [
        (),
        (batch,),
        (length,),
        (batch, length - 1),
        (batch, length + 1),
        (batch + 1, length),
        (batch, 1),
        (1, length),
        (length, batch),
        (batch, length, 2),
    ]
    for shape in draw(st.permutations([shape for shape in shapes if shape != (batch, length)])):
        mask = np.ones(shape, bool)
        what = f"a mask of shape {shape} for a sequence of shape {case.inputs.shape}"
        refused(subject, what, "sequence", **request_of(subject, case, mask=mask))


NOTHING = -7.0
"""Values that stand where a sample is masked."""


@clause("layer.mask.implicit", examples=6, smoke=1)
def test_mask_implicit(subject: Subject, draw: Draw) -> None:
    case = timed(subject, draw, (3, 3), masked=True, given_state=None)
    if draw(st.booleans()):
        assert case.mask is not None
        case = replace(
            case, inputs=np.where(case.mask[..., None], case.inputs, case.inputs.dtype.type(NOTHING))
        )
        judged(subject, case, mask=None, symbolic=True, before={"masking": NOTHING})
        return
    seed = draw(seeds)
    table = array((5, case.input_dim), "simple", seed, "table", subject.dtype)
    tokens = np.random.default_rng(seed).integers(0, 5, case.inputs.shape[:2]).astype("int32")
    tokens[:, 0] = 1  # something counts in every row
    case = replace(case, inputs=table[tokens], mask=tokens != 0)
    judged(subject, case, inputs=tokens, mask=None, symbolic=True, before={"embedding": table})


@clause("layer.bidirectional", examples=6, smoke=1)
def test_bidirectional(subject: Subject, draw: Draw) -> None:
    case = timed(subject, draw)
    other = {p: subject.family.admissible(p, v[..., ::-1].copy()) for p, v in case.parameters.items()}
    backward = replace(case, parameters=other, options={"go_backwards": True})
    both = [dict(case.parameters), dict(backward.parameters)]
    answer = run(subject, case, parameters=both, wrapper="layer_bidirectional")
    assert_sequence(subject, case, answer["output"][0], what="forward output")
    assert_sequence(subject, backward, np.flip(answer["output"][1], axis=1), what="backward output")


@clause("layer.time_feature", examples=6, smoke=1)
def test_time_feature(subject: Subject, draw: Draw) -> None:
    case = replace(timed(subject, draw), options={"time_feature": True})
    assert case.timespans is not None
    both = np.concatenate([case.inputs, case.timespans[..., None]], axis=-1)
    judged(subject, case, inputs=both, timespans=None)


@clause("layer.timespans.shape", examples=4, smoke=1)
def test_timespans_shape(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, lengths=LENGTHS[1:]))
    (batch, length), units = case.inputs.shape[:2], subject.outputs(case.config)
    shapes = [
        (),
        (batch,),
        (length,),
        (batch, length + 1),
        (batch + 1, length),
        (batch, 1),
        (1, length),
        (length, batch),
        (batch, length, units),
        (batch, length, 2),
    ]
    allowed = ((batch, length), (batch, length, 1))
    asked = {**subject.case_params(case), "wrapper": "layer"}
    for shape in allowed:
        works(subject, "sequence", **asked, timespans=np.ones(shape, case.inputs.dtype))
    for shape in draw(st.permutations([shape for shape in shapes if shape not in allowed])):
        what = f"timespans of shape {shape} for a sequence of shape {case.inputs.shape}"
        refused(subject, what, "sequence", **asked, timespans=np.ones(shape, case.inputs.dtype))


ADDED = 2.0
"""The number that an overridden step adds to its output: of another magnitude than any bound."""
REFUSALS = ("ValueError", "TypeError", "NotImplementedError")


@clause("layer.overridden", examples=6, smoke=1)
def test_overridden(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, lengths=(3, 3), timed=draw(st.booleans())))
    run(subject, case)  # what is refused of an overridden cell alone is a refusal of that
    asked = {**subject.case_params(case), "timespans": case.timespans, "added": ADDED}
    try:
        output = subject.attempt("override", **asked)["output"]
    except ImplementationRaised as raised:
        summary = f"a cell whose call is overridden is not refused: it raises {raised.type}"
        assert_true(subject, raised.type in REFUSALS, summary, got=f"{raised.type}: {raised.message}")
        return
    outputs, _ = assertions.folded(subject, case)
    for k, want in enumerate(outputs):
        assert_close(subject, f"output of the overridden cell at step {k}", output[:, k], want + ADDED)


COMPILED = (Sizes(3, 3, 3, 3), Sizes(3, 2, 4, 5))
"""Three samples, which are no whole number of batches of two."""


@clause("layer.compiled", examples=2, smoke=0)
def test_compiled(subject: Subject, draw: Draw) -> None:
    """Judge every output under a mask, and the last one without: each is a program that compiles slowly."""
    case = timed(subject, draw, (3, 2), buckets=COMPILED, recipe=general, masked=True)
    assert case.timespans is not None
    case = replace(case, timespans=case.timespans + case.timespans.dtype.type(0.5))
    mask_of(case)[:, 0] = True  # something to learn in every row
    mask_of(case)[0, 1], mask_of(case)[-1, 1] = True, False  # from one step to the next too
    seed, size = draw(seeds), (len(case.inputs), subject.outputs(case.config))
    for every in (False, True):
        asked = case if every else replace(case, mask=None)
        outputs, _ = assertions.folded(subject, asked)
        shape = (size[0], len(outputs), size[1]) if every else size
        targets = array(shape, "simple", seed, "targets", subject.dtype)
        given = {"mask": asked.mask, "timespans": asked.timespans, "targets": targets, "steps": 1}
        request = {**subject.case_params(asked), **given, "options": {"return_sequences": every}}
        answer = subject.request("compile", **request)
        if every:
            assert_sequence(subject, asked, answer["output"])
        else:
            assert_close(subject, "last output", answer["output"], outputs[-1])
        assert_trained(subject, answer)


@clause("layer.empty", examples=2, smoke=1)
def test_empty(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, lengths=(1, 1)))
    arrays = {"inputs": case.inputs}
    if draw(st.booleans()):
        arrays["timespans"] = np.ones(case.inputs.shape[:2], case.inputs.dtype)
    asked = {**subject.case_params(case), "wrapper": "layer"}
    works(subject, "sequence", **{**asked, **arrays})
    empty = {name: array[:, :0] for name, array in arrays.items()}
    refused(subject, "a sequence without a sample", "sequence", **{**asked, **empty})


@clause("layer.symbolic", examples=6, smoke=1)
def test_symbolic(subject: Subject, draw: Draw) -> None:
    case = timed(subject, draw, LENGTHS[1:], given_state=None)
    judged(subject, case, form=form_of_time(case), symbolic=True)


@clause("layer.model", examples=1, smoke=0)
def test_model(subject: Subject, draw: Draw) -> None:
    moved(subject, draw, (subject.backend,))


@clause("layer.backends", examples=2, smoke=0, backends=2)
def test_backends(subject: Subject, draw: Draw) -> None:
    moved(subject, draw, subject.other_backends)


def moved(subject: Subject, draw: Draw, backends: Sequence[str]) -> None:
    """Raise unless a saved model with timespans gives the same outputs in a process of each backend."""
    case = replace(timed(subject, draw, (3, 3)), options={"go_backwards": True})
    outputs, _ = assertions.folded(subject, case)
    asked = {"inputs": case.inputs, "timespans": case.timespans}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.keras")
        given = {**subject.case_params(case), **asked, "path": path, "options": dict(case.options)}
        before = subject.request("save", **given)["output"]
        for backend in backends:
            other = subject.elsewhere(backend)
            after = subject.request("load", to=other, path=path, **asked)["output"]
            for k, like in enumerate(outputs):
                assert_agree(subject, f"output at step {k}", before[:, k], after[:, k], like)


@clause("layer.training", examples=3, smoke=1)
def test_training(subject: Subject, draw: Draw) -> None:
    case, seed = timed(subject, draw, (3, 3), recipe=general), draw(seeds)
    assert case.timespans is not None
    targets = array(
        (len(case.inputs), subject.outputs(case.config)), "simple", seed, "targets", subject.dtype
    )
    asked = {**subject.case_params(case), "timespans": 0.5 + case.timespans, "targets": targets, "steps": 1}
    assert_trained(subject, subject.request("train", **asked, seed=seed % 1000))
