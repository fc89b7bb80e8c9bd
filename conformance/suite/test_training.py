"""Training, and the dropout that belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.driver.implementation import NotSupported
from conformance.judging import assertions
from conformance.judging.assertions import (
    assert_equal,
    assert_shape,
    assert_step,
    assert_trained,
    assert_true,
)
from conformance.judging.dropout import NOTHING_DROPPED, fits, kept_features, make_case
from conformance.judging.registry import Draw, clause
from conformance.judging.strategies import seeds
from conformance.judging.subject import Subject
from conformance.spec.cases import SequenceCase, Values, array, as_lists, sequence_case
from conformance.spec.families import Sizes

SIZES = Sizes(batch=4, features=3, units=4, backbone_units=5)

rates = st.sampled_from((0.5, 0.25, 0.125))


def train(subject: Subject, case: SequenceCase, seed: int) -> dict[str, Any]:
    asked = {**subject.case_params(case), "targets": targets(subject, case, seed)}
    answer: dict[str, Any] = subject.request("train", **asked, steps=1, seed=seed % 1000)
    return answer


def targets(subject: Subject, case: SequenceCase, seed: int) -> Values:
    """Return training targets for the last output, (batch, outputs)."""
    return array((SIZES.batch, subject.outputs(case.config)), "simple", seed, "targets", subject.dtype)


def trainable(subject: Subject, draw: Draw, depths: Sequence[int] = (1, 2, 0)) -> tuple[SequenceCase, int]:
    """Draw a sequence for a cell of one of these depths, with dropout in its backbone."""
    layers, seed = draw(st.sampled_from(subject.offer.choose("backbone_layers", depths))), draw(seeds)
    form, rate = draw(st.sampled_from(subject.forms)), 0.2 if layers else 0.0
    dropping = {"backbone_dropout": rate} if subject.family.backbone_activation else {}
    config = subject.config(SIZES, layers=layers, **dropping, **form)
    case = sequence_case(
        subject.family, config, SIZES, length=3, recipe="normal", seed=seed, dtype=subject.dtype
    )
    return case, seed


@clause("training.step", examples=3, smoke=1)
def test_step(subject: Subject, draw: Draw) -> None:
    assert_trained(subject, train(subject, *trainable(subject, draw)))


@clause("training.reproducible", examples=1, smoke=0)
def test_reproducible(subject: Subject, draw: Draw) -> None:
    case, seed = trainable(subject, draw, (1, 2))
    first, second = train(subject, case, seed), train(subject, case, seed)
    for path, value in first["after"].items():
        assert_equal(subject, path, second["after"][path], value)


FREEZINGS = tuple(product(("layer", "cell"), ("before_build", "after_build", "constructed")))
"""The frozen part, and the moment of freezing."""
HOSTS_OWN = ("layer", "constructed")
"""Not judged with the host's layer: Keras's leaves its cell unfrozen, for any cell."""
COPIES = (None, "layer_config", "model_config", "clone", "model")
"""Ways to copy a model, after which its frozen part must still be frozen."""


@clause("training.frozen", examples=10, smoke=2)
def test_frozen(subject: Subject, draw: Draw) -> None:
    case, seed = trainable(subject, draw)
    own = ("layer", "layer_bidirectional") if subject.cell.get("layer") else ()
    wrapper = draw(st.sampled_from((None, *own)))
    copies, trained = cycle(draw(st.permutations(COPIES))), draw(st.sampled_from(FREEZINGS))
    given = {"inputs": case.inputs, "targets": targets(subject, case, seed)}
    asked = {"model": subject.case_params(case)["model"], **given, "wrapper": wrapper}
    for way in FREEZINGS:
        if wrapper or way != HOSTS_OWN:
            how = {"part": way[0], "when": way[1], "copied": next(copies)}
            judge_frozen(subject, how, subject.request("freeze", **asked, **how, steps=int(way == trained)))


def judge_frozen(subject: Subject, how: dict[str, Any], answer: dict[str, Any]) -> None:
    """Raise if a variable would be trained, or was changed by the training."""
    __tracebackhide__ = True
    frozen = "the {part} is frozen ({when}; copied: {copied})".format(**how)
    if not answer["weights"]:
        raise NotSupported("no variable in the cell, so that nothing could be trained if it was not frozen")
    left = answer["trainable"]
    summary = f"{len(left)} variables can be trained though {frozen}: {', '.join(left[:3])}"
    assert_true(subject, not left, summary, got=left, want=[])
    if answer.get("before") is None:  # the host cannot train, or no step was requested
        return
    for path, before, after in zip(answer["weights"], answer["before"], answer["after"], strict=True):
        summary = f"{path} is changed by a step though {frozen}"
        assert_true(subject, np.array_equal(before, after), summary, got=after, want=before)


@clause("dropout.inference", argument="backbone_dropout")
def test_dropout_inference(subject: Subject, draw: Draw) -> None:
    case = make_case(subject, draw(rates), draw(seeds))
    assert_step(subject, case, training=False, eager=draw(st.booleans()))


@clause("dropout.training", argument="backbone_dropout", examples=6, smoke=1)
def test_dropout_training(subject: Subject, draw: Draw) -> None:
    rate, seed = draw(rates), draw(seeds)
    case = make_case(subject, rate, seed)
    output = subject.step(case, training=True, seed=seed % 1000, eager=True)["output"]
    assert_true(subject, bool(np.isfinite(output).all()), "an output is not finite", got=output)
    if fits(subject, case, output, 1.0).all():
        raise subject.departure(NOTHING_DROPPED, got=as_lists(output), symptom=NOTHING_DROPPED)


@clause("dropout.fresh", argument="backbone_dropout", examples=6, smoke=1)
def test_dropout_fresh(subject: Subject, draw: Draw) -> None:
    rate, seed = draw(rates), draw(seeds)
    case = make_case(subject, rate, seed)
    outputs = subject.step(case, training=True, seed=seed % 1000, eager=True, repeat=2)["outputs"]
    first, second = (kept_features(subject, case, output, rate) for output in outputs)
    assert_true(subject, not np.array_equal(first, second), "two training calls draw one mask", got=first)


@clause("dropout.held", argument="backbone_dropout", examples=6, smoke=1)
def test_dropout_held(subject: Subject, draw: Draw) -> None:
    rate, seed = draw(rates), draw(seeds)
    step = make_case(subject, rate, seed)
    case = SequenceCase(step.config, step.parameters, np.repeat(step.inputs[:, None], 4, axis=1))
    given = {"options": {"return_sequences": True}, "training": True, "seed": seed % 1000}
    output = subject.request("sequence", **subject.case_params(case), **given, chunks=[2, 2])["output"]
    assert_shape(subject, "output", output, (*case.inputs.shape[:2], subject.outputs(case.config)))
    zero = assertions.initial_state(subject, case)
    states = (zero, output[:, 0], zero, output[:, 2])
    masks = [kept_features(subject, case.at(k, h), output[:, k], rate) for k, h in enumerate(states)]
    for first in (0, 2):
        held = np.array_equal(masks[first + 1], masks[first])
        assert_true(subject, held, "the second step of a sequence has another mask than the first", got=masks)
    shared = (masks[0] == masks[0][:1]).all()
    assert_true(subject, not shared, "all samples have one mask", got=masks[0])
    assert_true(subject, not np.array_equal(masks[0], masks[2]), "two sequences draw one mask", got=masks[0])


@clause("dropout.rate", argument="backbone_dropout", examples=6, smoke=1)
def test_dropout_rate(subject: Subject, draw: Draw) -> None:
    rate = draw(rates)
    kept = trained_step(subject, rate, draw(seeds))
    dropped, mean = int((~kept).sum()), rate * kept.size
    far = abs(dropped - mean) > 6.0 * np.sqrt(mean * (1.0 - rate))
    assert_true(
        subject,
        not far,
        f"of {kept.size} features {dropped} are dropped, but about {mean:g} should be",
        got=dropped,
        want=mean,
    )


def trained_step(subject: Subject, rate: float, seed: int) -> Values:
    """Return the mask of features that a step keeps in training, (batch, units)."""
    case = make_case(subject, rate, seed)
    answer = subject.step(case, training=True, seed=seed % 1000, eager=True)
    return kept_features(subject, case, answer["output"], rate)
