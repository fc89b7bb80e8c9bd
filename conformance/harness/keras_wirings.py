"""Wirings: the graph that arguments, a second build and a config give."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .adapter import Array, theirs
from .keras_layers import Layers


def graphs(layers: Layers, cell: type, kind: str, arguments: Any, input_dim: int) -> dict[str, Any]:
    """The graph of a wiring: built, built twice, and made of its config and built.

    It is one of the package that a cell comes from.
    """
    wiring = layers.wiring(cell, kind, arguments)
    theirs(wiring.build, input_dim)
    once = graph(wiring)
    theirs(wiring.build, input_dim)
    config = json.loads(json.dumps(theirs(wiring.get_config)))
    again = theirs(type(wiring).from_config, config)
    theirs(again.build, input_dim)
    return {"once": once, "twice": graph(wiring), "again": graph(again)}


def graph(wiring: Any) -> dict[str, Array]:
    """The two matrices of a built wiring."""
    return {
        "adjacency": np.array(wiring.adjacency_matrix),
        "sensory_adjacency": np.array(wiring.sensory_adjacency_matrix),
    }
