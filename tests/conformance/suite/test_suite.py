"""The suite and the specification name the same clauses, and a run is held to its budget."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import conformance.suite
from conformance.judging.registry import CHECKS, TIERS
from conformance.spec import clauses

for module in pkgutil.iter_modules(conformance.suite.__path__):
    importlib.import_module(f"conformance.suite.{module.name}")

SPEC = clauses.load().clauses
BY_AREA = {
    area: [CHECKS[id] for id, clause in SPEC.items() if clause.area == area and id in CHECKS]
    for area in {clause.area for clause in SPEC.values()}
}


def test_every_clause_has_a_test() -> None:
    assert sorted(set(SPEC) - set(CHECKS)) == []


def test_every_test_proves_a_clause() -> None:
    assert sorted(set(CHECKS) - set(SPEC)) == []


@pytest.mark.parametrize("area", ["CfC step", "LTC step", "Backbone", "Elapsed time"])
def test_a_numerical_clause_takes_fifty_examples_at_each_tier(area: str) -> None:
    assert all(check.examples >= 50 and check.tiers == TIERS for check in BY_AREA[area])


def test_a_derivative_takes_fifty_examples() -> None:
    assert all(check.examples >= 50 for check in BY_AREA["Gradients"])


@pytest.mark.parametrize("area", ["Step and state", "Shapes and variables"])
def test_a_clause_of_shape_or_state_takes_twenty_examples(area: str) -> None:
    assert all(check.examples >= 20 for check in BY_AREA[area])


def test_a_model_moves_between_backends_at_least_three_times() -> None:
    assert CHECKS["serialization.backends"].examples >= 3
    assert CHECKS["serialization.fresh_process"].examples >= 1
