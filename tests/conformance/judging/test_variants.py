"""Conventions that targets declare, what they offer of the arguments, and which variant is found."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.harness.conventions import CONVENTIONS
from conformance.harness.keras.names import canonical_names
from conformance.judging.arguments import CellArguments
from conformance.report import terminal
from conformance.spec.cases import step_case
from conformance.spec.families import CFC, LTC, MIXED_MEMORY, WIRED_CFC, Sizes
from conformance.spec.families.wired import layered
from reference.wirings import graph
from tests.conformance.report import sample_report

FAMILIES = {family.name: family for family in (CFC, LTC, WIRED_CFC, MIXED_MEMORY)}


def test_every_convention_is_a_variant_of_its_family():
    for package, families in CONVENTIONS.items():
        for family, (values, source) in families.items():
            assert values in FAMILIES[family].variants, (package, family)
            assert package.replace(".", "/") in source


@pytest.mark.parametrize("family", [CFC, WIRED_CFC], ids=lambda family: family.name)
def test_no_variant_of_a_family_stands_there_twice_nor_changes_nothing(family):
    sizes = Sizes(1, 3, 4, 5)
    wired = {"wiring": layered()} if family is WIRED_CFC else {}
    config = family.config(sizes, **wired)
    case = step_case(family, config, sizes, recipe="normal", seed=2, time="column", dtype="float64")
    outputs = [
        family.reference(case.parameters, case.inputs, case.state, case.column, family.full(config), variant)[
            0
        ]
        for variant in ({}, *family.variants)
    ]
    for i, first in enumerate(outputs):
        assert not any(np.array_equal(first, other) for other in outputs[:i]), family.variants[i - 1]


def test_signed_synapses_multiply_the_heads_and_not_the_time_heads():
    sizes = Sizes(1, 3, 8, 5)
    config = WIRED_CFC.full({"wiring": layered()})
    case = step_case(WIRED_CFC, config, sizes, recipe="normal", seed=2, time="column", dtype="float64")
    wiring = graph("NCP", layered()["config"], 3)
    rows = [wiring.sensory_adjacency, *(wiring.adjacency[list(layer)] for layer in wiring.layers)]
    by_hand = dict(case.parameters)
    for i, own in enumerate(wiring.layers):
        for head in ("ff1_kernel", "ff2_kernel"):
            kernel = by_hand[f"layer_{i}/{head}"].copy()
            kernel[: len(rows[i])][rows[i][:, list(own)] == -1] *= -1.0
            by_hand[f"layer_{i}/{head}"] = kernel

    def output(parameters, variant):
        return WIRED_CFC.reference(parameters, case.inputs, case.state, case.column, config, variant)[0]

    assert not np.array_equal(output(by_hand, {}), output(case.parameters, {}))
    np.testing.assert_array_equal(output(case.parameters, {"signed_synapses": True}), output(by_hand, {}))


def test_cells_inside_pypis_wired_cell_are_layers_in_the_order_of_their_numbers():
    paths = [f"cf_c_cell{n}/{end}" for n in ("_10", "_9") for end in ("ff1_weight", "time_a/kernel")]
    assert canonical_names("wired_cfc", paths, {}) == [
        "layer_1/ff1_kernel",
        "layer_1/time_a/kernel",
        "layer_0/ff1_kernel",
        "layer_0/time_a/kernel",
    ]


def test_an_offer_says_what_may_be_asked():
    inner = {"arguments": ["units"], "values": {}}
    offer = CellArguments.of(
        {"arguments": ["mode", "cell"], "values": {"mode": ["pure"]}, "behind": {"CfCCell": inner}}
    )
    assert offer.accepts("mode") and not offer.accepts("units")
    assert offer.allows("mode", "pure") and not offer.allows("mode", "default") and offer.allows("units", 3)
    assert offer.choose("mode", ["default", "pure"]) == ["pure"]
    assert offer.choose("mode", ["default"]) == ["default"], "for the cell to refuse"
    cell = {"class_name": "CfCCell", "config": {"units": 3, "mode": "pure"}}
    assert offer.trimmed({"cell": cell, "units": 2}) == {"cell": {**cell, "config": {"units": 3}}}


def test_what_a_target_declares_is_shown_and_checked_by_what_was_found():
    report = sample_report.green()
    said = {"values": {"time_sign": 1}, "source": "cfc.py"}
    about = {"target": "ncps", "cells": [{"name": "CfCCell", "variant": said}]}
    plain = [replace(verdict, variant={}) for verdict in report.verdicts]

    def lines(variant):
        found = [replace(plain[0], target="ncps", cell="CfCCell", variant=variant), *plain[1:]]
        shown = replace(report, implementations=[about], verdicts=found)
        return [line.plain for line in terminal.declared(shown, "ncps")]

    assert lines({}) == ["CfCCell declares time_sign=1 (cfc.py)"]
    assert lines({"time_sign": 1}) == ["CfCCell declares time_sign=1, and computes so (cfc.py)"]
    wrong = lines({"head_activation": "linear"})
    assert wrong == ["CfCCell declares time_sign=1, but computes otherwise (cfc.py)"]
