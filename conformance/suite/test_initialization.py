"""Initial values of a new cell."""

from __future__ import annotations

import numpy as np

from conformance.driver.implementation import NotSupported
from conformance.judging import initialization
from conformance.judging.assertions import assert_shape
from conformance.judging.registry import Draw, clause
from conformance.judging.strategies import configs, seeds
from conformance.judging.subject import Subject
from conformance.spec.families import Config, Sizes

SIZES = Sizes(features=16, units=64, backbone_units=40)
"""Sizes with enough numbers: the smallest parameter that is drawn has one for each unit."""
SEEDS, APART = 12, 1009
"""The number of cells, and the distance of their seeds: a cell may derive further seeds from its own."""


@clause("initialization.values", examples=10, smoke=2)
def test_values(subject: Subject, draw: Draw) -> None:
    """Judge the values. False alarms: under 1e-12 an example, so under 1e-9 of a thousand."""
    if not subject.cell.get("draws", True):
        raise NotSupported("initial values are the adapter's, not those of a constructor")
    config, first = draw(configs(subject, buckets=[SIZES])), draw(seeds)
    wanted = subject.family.initial(subject.family.full(config), SIZES.features)
    built = [_parameters(subject, config, (first + APART * i) % 2**32) for i in range(SEEDS)]
    for path, shape in subject.family.shapes(subject.family.full(config), SIZES.features).items():
        assert_shape(subject, f"initial {path}", built[0].get(path), shape)
    draws = {path: np.stack([one[path] for one in built]) for path in wanted}
    initialization.judge_values(subject, wanted, draws)


def _parameters(subject: Subject, config: Config, seed: int) -> dict[str, np.ndarray]:
    """Return the initial values of a new cell, by path."""
    model = subject.model(config, SIZES.features, seed=seed)
    answer: dict[str, np.ndarray] = subject.request("parameters", model=model)["parameters"]
    return answer
