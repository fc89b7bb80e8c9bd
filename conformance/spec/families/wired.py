"""The common parts of the wired families: a wiring, from which the sizes follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from conformance.spec.families.base import Config, Sizes
from reference import wirings
from reference.wirings import Graph


def graph(config: Config, input_dim: int) -> Graph:
    """Return the graph of a config's wiring for inputs of `input_dim` features."""
    return _graph(json.dumps(config["wiring"], sort_keys=True), input_dim)


@cache
def _graph(wiring: str, input_dim: int) -> Graph:
    named = json.loads(wiring)
    return wirings.graph(named["class_name"], named["config"], input_dim)


def wired(sizes: Sizes) -> list[Config]:
    """Return wirings of these units: first all are outputs, then some, then in layers if there are enough."""
    units, some = sizes.units, (sizes.units + 1) // 2
    graphs = [
        wiring("FullyConnected", units=units, output_dim=units),
        wiring("Random", units=units, output_dim=some, sparsity_level=0.5, random_seed=7),
        wiring("FullyConnected", units=units, output_dim=some, erev_init_seed=5, self_connections=units == 1),
    ]
    if units > 3:
        graphs.append(wiring("AutoNCP", units=units, output_size=1, sparsity_level=0.5, seed=3))
    return graphs


def layered(inter: int = 3) -> Config:
    """Return a wiring of three layers, each of more than one neuron and none fully connected to the next."""
    return wiring(
        "NCP",
        inter_neurons=inter,
        command_neurons=3,
        motor_neurons=2,
        sensory_fanout=2,
        inter_fanout=2,
        recurrent_command_synapses=3,
        motor_fanin=2,
        seed=11,
    )


def sparse(units: int) -> Config:
    """Return a wiring of one layer that has half of the connections."""
    return wiring("Random", units=units, output_dim=units, sparsity_level=0.5, random_seed=7)


def wiring(name: str, **arguments: Any) -> Config:
    """Return a wiring in the form of a cell's config."""
    return {"class_name": name, "config": arguments}


def arranged(**typical: Any) -> Callable[[Sizes, int | None, Config], Config]:
    """Return a function that makes configs of these arguments; the default wiring shows the whole state."""

    def at(sizes: Sizes, layers: int | None, arguments: Config) -> Config:
        return {"wiring": wired(sizes)[0], **typical, **arguments}

    return at


def output_size(config: Config) -> int:
    """Return the number of motor neurons."""
    arguments = config["wiring"]["config"]
    names = ("output_dim", "output_size", "motor_neurons")
    return next((int(arguments[name]) for name in names if arguments.get(name)), units(config))


def units(config: Config) -> int:
    """Return the number of neurons."""
    arguments = config["wiring"]["config"]
    if "units" in arguments:
        return int(arguments["units"])
    return sum(int(arguments[f"{kind}_neurons"]) for kind in ("inter", "command", "motor"))


def state_sizes(config: Config) -> list[int]:
    """Return the size of the one state."""
    return [units(config)]


WIRED: dict[str, Any] = {
    "output_size": output_size,
    "state_sizes": state_sizes,
    "wirings": wired,
}
"""Fields of a wired family."""
