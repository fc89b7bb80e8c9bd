"""A wiring as a graph of networkx."""

import numpy as np

from ncps.wirings.extra import imported


def wiring_graph(wiring, include_sensory_neurons):
    """The `networkx.DiGraph` of a built wiring; `Wiring.get_graph` says what it holds."""
    graph = imported("networkx").DiGraph()
    for neuron in range(wiring.units):
        graph.add_node(f"neuron_{neuron}", neuron_type=wiring.get_type_of_neuron(neuron))
    _add_synapses(graph, "neuron", wiring.adjacency_matrix)
    if include_sensory_neurons:
        graph.add_nodes_from((f"sensory_{i}" for i in range(wiring.input_dim)), neuron_type="sensory")
        _add_synapses(graph, "sensory", wiring.sensory_adjacency_matrix)
    return graph


def _add_synapses(graph, kind, matrix):
    for source, target in np.argwhere(matrix):
        polarity = "excitatory" if matrix[source, target] > 0 else "inhibitory"
        graph.add_edge(f"{kind}_{source}", f"neuron_{target}", polarity=polarity)
