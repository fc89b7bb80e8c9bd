"""The graphs of the wirings against those that PyPI `ncps` 1.0.1 drew, and what holds for any graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reference import Graph, graph

FILE = Path(__file__).parent / "records" / "pypi_ncps_wirings.json"
RECORDED = json.loads(FILE.read_text(encoding="utf-8"))
RECORDS: list[dict[str, Any]] = RECORDED["records"]
POLARITY = {"+": 1, "-": -1, ".": 0}


def drawn(record: dict[str, Any]) -> Graph:
    return graph(record["wiring"], record["arguments"], record["input_dim"])


def matrix(rows: list[str]) -> np.ndarray:
    return np.array([[POLARITY[one] for one in row] for row in rows])


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: f"{r['wiring']}-{r['arguments']}-{r['input_dim']}")
def test_the_graph_is_that_of_ncps(record: dict[str, Any]) -> None:
    got = drawn(record)
    np.testing.assert_array_equal(got.adjacency, matrix(record["adjacency"]))
    np.testing.assert_array_equal(got.sensory_adjacency, matrix(record["sensory_adjacency"]))


def test_every_kind_of_wiring_is_recorded() -> None:
    assert RECORDED["versions"]["ncps"] == "1.0.1"
    kinds = [record["wiring"] for record in RECORDS]
    for kind in ("FullyConnected", "Random", "NCP", "AutoNCP"):
        assert kinds.count(kind) >= 10, kind


def test_the_layers_hold_every_neuron_once_and_the_motor_neurons_last() -> None:
    for record in RECORDS:
        got = drawn(record)
        neurons = [neuron for layer in got.layers for neuron in layer]
        assert sorted(neurons) == list(range(len(got.adjacency)))
        assert got.layers[-1][: got.output_dim] == tuple(range(got.output_dim))
        assert len(got.layers) == (3 if "NCP" in record["wiring"] else 1)


def test_synapses_of_an_ncp_lead_from_layer_to_layer() -> None:
    for record in (r for r in RECORDS if "NCP" in r["wiring"]):
        got = drawn(record)
        inter, command, motor = (list(layer) for layer in got.layers)
        allowed = np.zeros_like(got.adjacency)
        for source, target in ((inter, command), (command, command), (command, motor)):
            allowed[np.ix_(source, target)] = 1
        assert not got.adjacency[allowed == 0].any()
        assert not got.sensory_adjacency[:, command + motor].any()
        assert got.sensory_adjacency[:, inter].any(axis=0).all()
        assert got.adjacency[inter][:, command].any(axis=0).all()
        assert got.adjacency[command][:, motor].any(axis=1).all()


def test_the_number_of_outputs_is_that_of_the_neurons_where_none_is_given() -> None:
    assert graph("FullyConnected", {"units": 5}, 2).output_dim == 5
    assert graph("Random", {"units": 5}, 2).output_dim == 5
    assert graph("Random", {"units": 5, "output_dim": 2}, 2).output_dim == 2
    assert graph("AutoNCP", {"units": 8, "output_size": 3}, 2).output_dim == 3


def test_the_seed_decides() -> None:
    arguments = {"units": 12, "output_size": 3}
    first, again = (graph("AutoNCP", {**arguments, "seed": 1}, 4) for _ in range(2))
    np.testing.assert_array_equal(first.adjacency, again.adjacency)
    np.testing.assert_array_equal(first.sensory_adjacency, again.sensory_adjacency)
    assert (first.adjacency != graph("AutoNCP", {**arguments, "seed": 2}, 4).adjacency).any()


def test_self_connections_can_be_left_out() -> None:
    assert not graph("FullyConnected", {"units": 6, "self_connections": False}, 2).adjacency.diagonal().any()
    assert graph("FullyConnected", {"units": 6}, 2).adjacency.diagonal().all()


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("FullyConnected", {"units": 3}),
        ("Random", {"units": 3, "sparsity_level": 0.5}),
        ("AutoNCP", {"units": 8, "output_size": 2}),
    ],
)
def test_polarities_are_whole_numbers(kind: str, arguments: dict[str, Any]) -> None:
    drawn = graph(kind, arguments, 2)
    assert (drawn.adjacency.dtype, drawn.sensory_adjacency.dtype) == (np.int64, np.int64)
