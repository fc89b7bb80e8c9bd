"""The networkx graph of a wiring, and its drawing."""

import subprocess
import sys

import numpy as np
import pytest

from ncps.wirings import Wiring
from tests.ncps.wiring_examples import by_hand, example


def test_the_graph_of_networkx_has_the_kinds_and_polarities():
    graph = by_hand().get_graph()
    assert dict(graph.nodes(data="neuron_type")) == {
        "neuron_0": "motor", "neuron_1": "inter", "neuron_2": "inter",
        "sensory_0": "sensory", "sensory_1": "sensory",
    }  # fmt: skip
    assert set(graph.edges(data="polarity")) == {
        ("neuron_2", "neuron_0", "excitatory"), ("neuron_1", "neuron_1", "inhibitory"),
        ("sensory_0", "neuron_2", "excitatory"), ("sensory_1", "neuron_2", "inhibitory"),
    }  # fmt: skip
    assert set(by_hand().get_graph(include_sensory_neurons=False)) == {"neuron_0", "neuron_1", "neuron_2"}


@pytest.fixture
def plt():
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def synapses(ax):
    """The lines of the synapses, by the name of their polarity."""
    from matplotlib.collections import LineCollection

    return {c.get_label(): c for c in ax.collections if isinstance(c, LineCollection)}


def test_the_drawing_has_every_neuron_and_synapse(plt):
    from matplotlib.collections import PatchCollection

    wiring = example()
    ax = wiring.draw()
    ax.figure.canvas.draw()
    circles = [c for c in ax.collections if isinstance(c, PatchCollection)]
    assert [len(c.get_paths()) for c in circles] == [5, 8, 5, 3]  # sensory, inter, command, motor
    assert len({tuple(c.get_facecolor()[0]) for c in circles}) == 4
    lines = synapses(ax)
    every = np.concatenate([wiring.adjacency_matrix, wiring.sensory_adjacency_matrix])
    assert len(lines["excitatory"].get_segments()) == (every == 1).sum()
    assert len(lines["inhibitory"].get_segments()) == (every == -1).sum()
    texts = [text.get_text() for text in ax.texts]
    assert {"5 sensory", "8 inter", "5 command", "3 motor"} <= set(texts)
    assert sorted(text for text in texts if text.isdigit()) == sorted(map(str, [*range(16), *range(5)]))


def test_the_drawing_tells_polarities_apart_not_by_colour_alone(plt):
    ax = by_hand().draw()
    lines = synapses(ax)
    assert lines["excitatory"].get_linestyle() != lines["inhibitory"].get_linestyle()
    assert tuple(lines["excitatory"].get_color()[0]) != tuple(lines["inhibitory"].get_color()[0])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["2 excitatory", "2 inhibitory"]
    ends = {
        c.get_label(): len(c.get_paths()[0].vertices) for c in ax.collections if "Poly" in type(c).__name__
    }
    assert ends["excitatory"] != ends["inhibitory"]  # a triangle and a bar


def test_a_synapse_is_drawn_from_its_source_to_its_target(plt):
    ax = by_hand().draw()
    neuron = next(text.get_position() for text in ax.texts if text.get_text() == "2")  # there is no input 2
    into, out = synapses(ax)["excitatory"].get_segments()  # of an input, and to a motor neuron
    near = 0.5  # of the distance between two neurons
    assert np.linalg.norm(into[-1] - neuron) < near < np.linalg.norm(into[0] - neuron)
    assert np.linalg.norm(out[0] - neuron) < near < np.linalg.norm(out[-1] - neuron)
    assert into[0][0] < neuron[0] < out[-1][0]


def test_a_drawing_without_labels_and_on_given_axes(plt):
    figure, axes = plt.subplots(1, 2)
    ax = example().draw(ax=axes[1], labels=False)
    assert ax is axes[1]
    assert len(plt.get_fignums()) == 1
    assert not [text.get_text() for text in ax.texts if text.get_text().isdigit()]
    figure.canvas.draw()


def test_a_wiring_without_synapses_and_with_a_kind_of_its_own_is_drawn(plt):
    class Named(Wiring):
        def get_type_of_neuron(self, neuron_id):
            return "pacemaker"

    wiring = Named(3)
    wiring.build(1)
    ax = wiring.draw()
    ax.figure.canvas.draw()
    assert {"1 sensory", "3 pacemaker"} <= {text.get_text() for text in ax.texts}


@pytest.mark.parametrize(
    ("method", "module"), [("draw", "matplotlib.collections"), ("get_graph", "networkx")]
)
def test_where_the_extra_is_missing_it_is_named(monkeypatch, method, module):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'is not installed; pip install "ncps-keras\[draw\]"'):
        getattr(by_hand(), method)()


def test_a_wiring_needs_neither_matplotlib_nor_networkx():
    code = """if True:
        import sys
        sys.modules["matplotlib"] = sys.modules["networkx"] = None
        from ncps.wirings import AutoNCP
        AutoNCP(8, 2).build(3)
    """
    subprocess.run([sys.executable, "-c", code], check=True)
