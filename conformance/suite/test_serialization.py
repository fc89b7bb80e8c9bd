"""Configs, weights and models that are saved, loaded and copied."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from conformance.driver.implementation import NotSupported
from conformance.judging import assertions
from conformance.judging.assertions import assert_agree, assert_shape, assert_true
from conformance.judging.registry import Draw, clause
from conformance.judging.strategies import configs, seeds
from conformance.judging.subject import Subject
from conformance.spec.cases import SequenceCase, sequence_case
from conformance.spec.families import Sizes

SIZES = Sizes(2, 3, 4, 5)


def drawn(subject: Subject, draw: Draw) -> SequenceCase:
    """Draw a short sequence through a cell with every argument away from its default."""
    sizes = draw(st.sampled_from([Sizes(), SIZES, SIZES]))
    config = draw(configs(subject, buckets=[sizes]))
    recipe, seed = draw(st.sampled_from(("simple", "normal"))), draw(seeds)
    recipe = recipe if subject.family.steady(config) else "tiny"
    return sequence_case(
        subject.family, config, sizes, length=2, recipe=recipe, seed=seed, dtype=subject.dtype
    )


ANOTHER = "a copy is another cell"
"""The symptom of a config that is not complete, and of the copies that are made of it."""


def round_trip(subject: Subject, case: SequenceCase, kind: str) -> dict[str, Any]:
    """Return the answer to `roundtrip`; raise unless its outputs before and after agree."""
    answer: dict[str, Any] = subject.request("roundtrip", **subject.case_params(case), kind=kind)
    agree(subject, case, answer["before"], answer["after"])
    return answer


def agree(subject: Subject, case: SequenceCase, before: Any, after: Any) -> None:
    """Raise unless two answers to the same sequence agree, step by step."""
    outputs, _ = assertions.folded(subject, case)
    assert_shape(subject, "output", after, before.shape)
    for k, like in enumerate(outputs):
        what = f"output at step {k} after the round trip"
        assert_agree(subject, what, before[:, k], after[:, k], like, symptom=ANOTHER)


@clause("serialization.config.json", examples=10, smoke=1)
def test_config_json(subject: Subject, draw: Draw) -> None:
    case = drawn(subject, draw)
    answer = subject.request("roundtrip", **subject.case_params(case), kind="get_config")
    assert_true(subject, isinstance(answer["config"], dict), "get_config is no dict", got=answer["config"])


@clause("serialization.config.complete", examples=20, smoke=1)
def test_config_complete(subject: Subject, draw: Draw) -> None:
    case = drawn(subject, draw)
    try:
        complete(subject, case, "mixed_float16")
    except NotSupported:  # the default is what may be lost unseen, and all that there is
        complete(subject, case, "float32")


def complete(subject: Subject, case: SequenceCase, policy: str) -> None:
    """Raise unless the config has every argument and the dtype policy, as they were given."""
    model = subject.model(case.config, case.input_dim, dtype=policy)
    about = subject.case_params(case) | {"model": model}
    config = subject.request("roundtrip", **about, kind="get_config")["config"]
    given = {**case.config, "dtype": policy} if subject.takes_policy else case.config
    for name, value in given.items():
        lacks = f"get_config lacks {name!r}"
        assert_true(subject, name in config, lacks, got=sorted(config), want=name, symptom=ANOTHER)
        kept, other = keeps(config[name], value), f"get_config has another {name!r}"
        assert_true(subject, kept, other, got=config[name], want=value, symptom=ANOTHER)


def keeps(stored: Any, value: Any) -> bool:
    """Tell whether a config's value is `value`, plain or in Keras's form of registered objects."""
    if isinstance(value, str):
        return re.search(rf'[">]{re.escape(value)}"', json.dumps(stored)) is not None
    if isinstance(value, dict):
        return isinstance(stored, dict) and all(n in stored and keeps(stored[n], v) for n, v in value.items())
    return bool(stored == value)


@clause("serialization.config.round_trip", examples=5, smoke=1)
def test_config_round_trip(subject: Subject, draw: Draw) -> None:
    answer = round_trip(subject, drawn(subject, draw), "config")
    once, again = answer["config"], answer["config_again"]
    changed = [
        key for key in {**once, **again} if (key in once, once.get(key)) != (key in again, again.get(key))
    ]
    summary = f"from_config(config) has another {', '.join(changed)} in its config"
    assert_true(subject, once == again, summary, got=again, want=once, symptom=ANOTHER)


@clause("serialization.weights", examples=5, smoke=1)
def test_weights(subject: Subject, draw: Draw) -> None:
    round_trip(subject, drawn(subject, draw), "weights")


@clause("serialization.model", examples=5, smoke=1)
def test_model(subject: Subject, draw: Draw) -> None:
    round_trip(subject, drawn(subject, draw), "model")


@clause("serialization.clone", examples=5, smoke=1)
def test_clone(subject: Subject, draw: Draw) -> None:
    round_trip(subject, drawn(subject, draw), "clone")


@clause("serialization.deepcopy", examples=5, smoke=0)
def test_deepcopy(subject: Subject, draw: Draw) -> None:
    round_trip(subject, drawn(subject, draw), "deepcopy")


@clause("serialization.fresh_process", examples=1, smoke=0)
def test_fresh_process(subject: Subject, draw: Draw) -> None:
    moved(subject, drawn(subject, draw), [subject.backend])


@clause("serialization.backends", examples=3, smoke=0, backends=2)
def test_backends(subject: Subject, draw: Draw) -> None:
    moved(subject, drawn(subject, draw), subject.other_backends)


def moved(subject: Subject, case: SequenceCase, backends: Sequence[str]) -> None:
    """Raise unless a saved model gives the same outputs when loaded by a process of each of `backends`."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.keras")
        before = subject.request("save", **subject.case_params(case), path=path)["output"]
        for backend in backends:
            other = subject.elsewhere(backend)
            after = subject.request("load", to=other, path=path, inputs=case.inputs)["output"]
            agree(subject, case, before, after)
