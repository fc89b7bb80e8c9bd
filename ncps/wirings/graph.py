"""Conversion of a wiring to a networkx graph, and its drawing by networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ncps import _arguments
from ncps.wirings.extra import imported

if TYPE_CHECKING:
    import networkx
    from matplotlib.patches import Patch

    from ncps.wirings.base import Matrix

LAYOUTS = {
    "shell": "shell_layout",
    "circular": "circular_layout",
    "kamada": "kamada_kawai_layout",
    "random": "random_layout",
    "spectral": "spectral_layout",
    "spiral": "spiral_layout",
    "spring": "spring_layout",
}
"""By our name, the function of networkx."""
# Those of PyPI's `ncps`, for which inter and command neurons look alike.
NEURON_COLORS = {"inter": "tab:blue", "motor": "tab:orange", "sensory": "tab:olive"}
OTHER_COLOR = "tab:blue"
SYNAPSE_COLORS = {"excitatory": "tab:green", "inhibitory": "tab:red"}


def wiring_graph(wiring: Any, include_sensory_neurons: bool) -> networkx.DiGraph:
    """Return the `networkx.DiGraph` of a built wiring, as described in `Wiring.get_graph`."""
    graph = imported("networkx").DiGraph()
    for neuron in range(wiring.units):
        graph.add_node(f"neuron_{neuron}", neuron_type=wiring.get_type_of_neuron(neuron))
    _add_synapses(graph, "neuron", wiring.adjacency_matrix)
    if include_sensory_neurons:
        graph.add_nodes_from((f"sensory_{i}" for i in range(wiring.input_dim)), neuron_type="sensory")
        _add_synapses(graph, "sensory", wiring.sensory_adjacency_matrix)
    return graph


def draw_wiring_graph(
    wiring: Any, layout: str, neuron_colors: Any, synapse_colors: Any, draw_labels: bool
) -> list[Patch]:
    """Draw the graph of a built wiring on the current Axes, as described in `Wiring.draw_graph`."""
    owner = f"{type(wiring).__name__}.draw_graph"
    layout = LAYOUTS[_arguments.choice(owner, "layout", layout, tuple(LAYOUTS))]
    neuron_colors = _colors(owner, "neuron_colors", neuron_colors, NEURON_COLORS)
    if isinstance(synapse_colors, str):
        synapse_colors = dict.fromkeys(SYNAPSE_COLORS, synapse_colors)
    synapse_colors = _colors(owner, "synapse_colors", synapse_colors, SYNAPSE_COLORS)
    if layout == "kamada_kawai_layout":
        imported("scipy")
    nx, graph = imported("networkx"), wiring.get_graph()
    places = getattr(nx, layout)(graph)
    colors = [neuron_colors.get(kind, OTHER_COLOR) for _, kind in graph.nodes(data="neuron_type")]
    nx.draw_networkx_nodes(graph, places, node_color=colors)
    if draw_labels:
        nx.draw_networkx_labels(graph, places)
    polarities = [synapse_colors[polarity] for *_, polarity in graph.edges(data="polarity")]
    nx.draw_networkx_edges(graph, places, edge_color=polarities)
    patch = imported("matplotlib.patches").Patch
    return [patch(color=c, label=f"{kind.capitalize()} neurons") for kind, c in neuron_colors.items()]


def _colors(owner: str, name: str, value: Any, defaults: dict[str, str]) -> dict[str, Any]:
    """Return the given colours, completed by the default ones."""
    value = {} if value is None else value
    if not isinstance(value, dict):
        allowed = f"a dict of colours, of {', '.join(defaults)} for instance"
        raise _arguments.refusal(TypeError, owner, name, value, allowed)
    return {**value, **{key: color for key, color in defaults.items() if key not in value}}


def _add_synapses(graph: networkx.DiGraph, kind: str, matrix: Matrix) -> None:
    for source, target in np.argwhere(matrix):
        polarity = "excitatory" if matrix[source, target] > 0 else "inhibitory"
        graph.add_edge(f"{kind}_{source}", f"neuron_{target}", polarity=polarity)
