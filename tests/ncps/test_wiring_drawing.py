"""The networkx graph of a wiring, and its drawing."""

import subprocess
import sys

import numpy as np
import pytest

from ncps.wirings import Wiring
from tests.ncps.helpers import check_examples
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
    """Return the lines of the synapses, by the name of their polarity."""
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


LAYOUTS = ("kamada", "circular", "random", "shell", "spring", "spectral", "spiral")
"""Those of PyPI's `draw_graph`, as its colours below are."""


def drawn_graph(ax):
    """Return the places and colours of the nodes, and the colours of the arrows."""
    from matplotlib.colors import to_hex
    from matplotlib.patches import FancyArrowPatch

    nodes = [c for c in ax.collections if len(c.get_offsets()) and len(c.get_facecolor())]
    places = np.concatenate([c.get_offsets() for c in nodes])
    colors = [
        to_hex(color)
        for c in nodes
        for color in np.broadcast_to(c.get_facecolor(), (len(c.get_offsets()), 4)).tolist()
    ]
    arrows = [to_hex(p.get_edgecolor()) for p in ax.patches if isinstance(p, FancyArrowPatch)]
    return places, colors, arrows


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_graph_is_drawn_in_each_layout_of_pypi(plt, layout):
    wiring = example()
    wiring.draw_graph(layout=layout)
    plt.gcf().canvas.draw()
    places, colors, arrows = drawn_graph(plt.gca())
    assert len(places) == len(colors) == 16 + 5
    assert len({tuple(place) for place in places.tolist()}) == 16 + 5
    every = np.concatenate([wiring.adjacency_matrix, wiring.sensory_adjacency_matrix])
    assert arrows.count("#2ca02c") == (every == 1).sum()  # tab:green
    assert arrows.count("#d62728") == (every == -1).sum()  # tab:red
    counts = {color: colors.count(color) for color in set(colors)}
    assert counts == {"#ff7f0e": 3, "#1f77b4": 8 + 5, "#bcbd22": 5}  # tab:orange, tab:blue, tab:olive


@pytest.mark.parametrize("layout", ["circular", "shell"])
def test_a_layout_is_that_of_networkx_for_the_graph(plt, layout):
    import networkx

    wiring = by_hand()
    wiring.draw_graph(layout)
    wanted = getattr(networkx, f"{layout}_layout")(wiring.get_graph())
    places, *_ = drawn_graph(plt.gca())
    np.testing.assert_allclose(places, [wanted[node] for node in wiring.get_graph()])


def test_the_drawn_graph_has_the_handles_of_a_legend(plt):
    from matplotlib.colors import to_hex

    colors = {"command": "black"}
    handles = example().draw_graph("shell", colors, "red", True)
    assert colors == {"command": "black"}
    assert [(h.get_label(), to_hex(h.get_facecolor())) for h in handles] == [
        ("Command neurons", "#000000"),
        ("Inter neurons", "#1f77b4"),
        ("Motor neurons", "#ff7f0e"),
        ("Sensory neurons", "#bcbd22"),
    ]
    assert plt.legend(handles=handles).get_texts()[0].get_text() == "Command neurons"
    _, nodes, arrows = drawn_graph(plt.gca())
    assert nodes.count("#000000") == 5 and set(arrows) == {"#ff0000"}
    assert {"neuron_0", "sensory_4"} <= {text.get_text() for text in plt.gca().texts}


def test_the_graph_is_drawn_on_the_current_axes_without_labels_and_with_a_colour_of_two(plt):
    _, axes = plt.subplots(1, 2)
    plt.sca(axes[0])
    by_hand().draw_graph(synapse_colors={"inhibitory": "black"})
    _, _, arrows = drawn_graph(axes[0])
    assert sorted(arrows) == ["#000000", "#000000", "#2ca02c", "#2ca02c"]
    assert not axes[0].texts and not axes[1].collections and len(plt.get_fignums()) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"layout": "dot"},
            r"^AutoNCP\.draw_graph\(layout=\"dot\"\): layout must be one of 'shell', 'circular', ",
        ),
        (
            {"neuron_colors": "red"},
            "neuron_colors must be a dict of colours, of inter, motor, sensory for instance",
        ),
        ({"synapse_colors": 3}, "synapse_colors must be a dict of colours, of excitatory, inhibitory for"),
    ],
)
def test_an_argument_of_the_drawn_graph_is_refused_by_name(plt, given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        example().draw_graph(**given)


def test_the_example_of_the_drawn_graph_runs(plt):
    check_examples(Wiring.draw_graph)


@pytest.mark.parametrize(
    ("method", "module"),
    [("draw_graph", "networkx"), ("draw", "matplotlib.collections"), ("get_graph", "networkx")],
)
def test_where_the_extra_is_missing_it_is_named(monkeypatch, method, module):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'is not installed; pip install "ncps-keras\[draw\]"'):
        getattr(by_hand(), method)()


def test_where_the_layout_lacks_scipy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r'^scipy is not installed; pip install "ncps-keras\[draw\]"'):
        by_hand().draw_graph(layout="kamada")


def test_a_wiring_needs_neither_matplotlib_nor_networkx():
    code = """if True:
        import sys
        sys.modules["matplotlib"] = sys.modules["networkx"] = None
        from ncps.wirings import AutoNCP
        AutoNCP(8, 2).build(3)
    """
    subprocess.run([sys.executable, "-c", code], check=True)
