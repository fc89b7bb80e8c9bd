"""Wirings of a package: the graph that arguments, a second build and a config give."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .adapter import theirs
from .packages import member_of_package
from .requests import Wiring


def wiring(cell: type, kind: str, arguments: dict[str, Any]) -> Any:
    """Return an unbuilt wiring of the module `wirings` of the package that a cell comes from."""
    return theirs(member_of_package(cell, ".wirings", kind), **arguments)


def graphs(cell: type, request: Wiring) -> dict[str, Any]:
    """Return the graph of a wiring: built, built twice, and made of its config and built."""
    made = wiring(cell, request.kind, request.arguments)
    theirs(made.build, request.input_dim)
    once = graph(made)
    theirs(made.build, request.input_dim)
    config = json.loads(json.dumps(theirs(made.get_config)))
    again = theirs(type(made).from_config, config)
    theirs(again.build, request.input_dim)
    return {"once": once, "twice": graph(made), "again": graph(again)}


def graph(wiring: Any) -> dict[str, Any]:
    """Return the two matrices of a built wiring and, if it has it, its number of motor neurons."""
    matrices = {
        "adjacency": np.array(wiring.adjacency_matrix),
        "sensory_adjacency": np.array(wiring.sensory_adjacency_matrix),
    }
    motor = getattr(wiring, "output_dim", None)
    return matrices if motor is None else {**matrices, "output_dim": int(motor)}
