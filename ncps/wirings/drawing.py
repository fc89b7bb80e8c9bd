"""Drawing of a wiring: kinds of neurons in columns, synapses that end in an arrow or in a bar.

The unit of length, horizontal and vertical, is the distance between two neurons of the fullest column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ncps.wirings.extra import imported

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = npt.NDArray[np.float64]
Neuron = tuple[bool, int]
"""(is an input, id)"""
Columns = dict[str, list[Neuron]]
Places = dict[Neuron, Points]
Curves = dict[int, list[Points]]
"""By polarity, the points of each synapse."""

RADIUS = 0.33  # of a neuron
COLORS = {"sensory": "#5F6B7A", "inter": "#2B6CB0", "command": "#0F8A6D", "motor": "#B7791F"}
OTHER_COLOR = "#7C4D9E"  # of a kind that a subclass has named
SYNAPSES = {  # polarity: name, color, line style, marker in the legend
    1: ("excitatory", "#3B4252", "solid", ">"),
    -1: ("inhibitory", "#C81E4A", (0, (3.2, 1.6)), "|"),
}


def draw_wiring(wiring: Any, ax: Any, labels: bool) -> Axes:
    """Draw a built wiring, as described in `Wiring.draw`."""
    columns = _columns(wiring)
    places = _places(columns)
    curves = {polarity: _curves(wiring, places, polarity) for polarity in SYNAPSES}
    low, high = _corners(places, curves)
    if ax is None:
        ax = _new_axes(high - low)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    ax.axis("off")
    scale = _points_per_unit(ax)
    _draw_synapses(ax, curves, scale)
    _draw_neurons(ax, columns, places, scale, labels)
    _draw_legend(ax, curves)
    return ax


def _columns(wiring: Any) -> Columns:
    """Return the neurons of each kind, as (is an input, id), in the order in which a signal passes."""
    columns = {"sensory": [(True, i) for i in range(wiring.input_dim)], "inter": [], "command": []}
    for neuron in range(wiring.units):
        columns.setdefault(wiring.get_type_of_neuron(neuron), []).append((False, neuron))
    columns["motor"] = columns.pop("motor", [])  # last
    return {kind: neurons for kind, neurons in columns.items() if neurons}


def _places(columns: Columns) -> Places:
    """Return the position of each neuron: ids from top to bottom, with wider gaps in short columns."""
    fullest = max(len(neurons) for neurons in columns.values())
    gap = max(3.2, 0.42 * fullest)
    places = {}
    for column, neurons in enumerate(columns.values()):
        spread = min(1.9, (fullest - 1) / max(len(neurons) - 1, 1))
        for row, neuron in enumerate(neurons):
            places[neuron] = np.array([column * gap, ((len(neurons) - 1) / 2 - row) * spread])
    return places


def _corners(places: Places, curves: Curves) -> tuple[Points, Points]:
    """Return the lower left and the upper right corner, with room for headings and the legend."""
    points = np.concatenate([[*places.values()], *curves[1], *curves[-1]])
    return points.min(axis=0) - np.array([1.4, 2.4]), points.max(axis=0) + np.array([1.4, 1.7])


def _new_axes(extent: Points) -> Any:
    inches = max(extent) * np.clip(0.36, 5.0 / max(extent), 12.0 / max(extent))
    figure = imported("matplotlib.pyplot").figure(figsize=extent / max(extent) * inches, dpi=120)
    return figure.add_axes((0, 0, 1, 1))


def _points_per_unit(ax: Any) -> float:
    """Return the size of a unit of length in points on paper, for line widths and font sizes."""
    box = ax.get_window_extent()
    return min(box.width / np.ptp(ax.get_xlim()), box.height / np.ptp(ax.get_ylim())) * 72 / ax.figure.dpi


def _curves(wiring: Any, places: Places, polarity: int) -> list[Points]:
    """Return the points of each synapse of this polarity."""
    matrices = ((True, wiring.sensory_adjacency_matrix), (False, wiring.adjacency_matrix))
    return [
        _curve(places[is_input, source], places[False, target])
        for is_input, matrix in matrices
        for source, target in np.argwhere(matrix == polarity).tolist()
    ]


def _curve(source: Points, target: Points) -> Points:
    """Return points from the rim of one neuron to the rim of another, bent apart from the reverse curve."""
    t = np.linspace(0.0, 1.0, 65)[:, None]
    if np.array_equal(source, target):  # a loop above it, to the right
        angle = 2 * np.pi * t - 0.7 * np.pi
        points = source + [0.7 * RADIUS, RADIUS] + 0.62 * RADIUS * np.hstack([np.cos(angle), np.sin(angle)])
    else:
        along = target - source
        across = np.array([along[1], -along[0]])
        aside = across * (0.36 + 0.7 / np.linalg.norm(along) if along[0] == 0 else 0.04)
        points = (1 - t) ** 2 * source + 2 * t * (1 - t) * ((source + target) / 2 + aside) + t**2 * target
    distances = np.linalg.norm(points[:, None] - [source, target], axis=2)
    return points[(distances > [RADIUS, 1.15 * RADIUS]).all(axis=1)]


def _end(curve: Points) -> tuple[Points, Points, Points]:
    """Return the last point of a curve, and the directions back along it and across it."""
    back = curve[-4] - curve[-1]
    back = back / np.linalg.norm(back)
    return curve[-1], back, np.array([-back[1], back[0]])


def _arrow(curve: Points) -> list[Points]:
    tip, back, across = _end(curve)
    return [tip, tip + 0.22 * back + 0.08 * across, tip + 0.22 * back - 0.08 * across]


def _bar(curve: Points) -> list[Points]:
    tip, back, across = _end(curve)
    near, far = 0.13 * across, 0.06 * back
    return [tip + near, tip - near, tip - near + far, tip + near + far]


def _draw_synapses(ax: Any, curves: Curves, scale: float) -> None:
    collections = imported("matplotlib.collections")
    number = sum(len(some) for some in curves.values())
    alpha = float(np.clip(12 / np.sqrt(max(number, 1)), 0.3, 0.9))
    width = float(np.clip(scale / 24, 0.4, 1.1))
    for polarity, (name, color, style, _) in SYNAPSES.items():
        look = {"color": color, "alpha": alpha, "label": name}
        lines = collections.LineCollection(
            curves[polarity], linestyles=style, linewidths=width, zorder=1, **look
        )
        ends = [_arrow(curve) if polarity > 0 else _bar(curve) for curve in curves[polarity]]
        ax.add_collection(lines)
        ax.add_collection(collections.PolyCollection(ends, linewidths=0, zorder=2, **look))


def _draw_neurons(ax: Any, columns: Columns, places: Places, scale: float, labels: bool) -> None:
    collections, patches = imported("matplotlib.collections"), imported("matplotlib.patches")
    size = 0.31 * scale
    heading = {"ha": "center", "va": "bottom", "weight": "bold", "size": float(np.clip(0.4 * scale, 6, 11))}
    label = {"ha": "center", "va": "center_baseline", "color": "white", "zorder": 4}
    for kind, neurons in columns.items():
        color = COLORS.get(kind, OTHER_COLOR)
        circles = [patches.Circle(places[neuron], RADIUS) for neuron in neurons]
        ax.add_collection(collections.PatchCollection(circles, facecolor=color, linewidths=0, zorder=3))
        ax.text(*places[neurons[0]] + [0, 0.85], f"{len(neurons)} {kind}", color=color, **heading)
        if labels and size >= 3:
            for neuron in neurons:
                ax.text(*places[neuron], neuron[1], size=size, **label)


def _draw_legend(ax: Any, curves: Curves) -> None:
    line = imported("matplotlib.lines").Line2D
    tuples = imported("matplotlib.legend_handler").HandlerTuple(
        ndivide=None, pad=-0.65
    )  # the marker at the end
    handles = [
        (line([], [], color=color, ls=style), line([], [], color=color, marker=marker, ls="", ms=6, mew=1.5))
        for _, color, style, marker in SYNAPSES.values()
    ]
    names = [f"{len(curves[polarity])} {name}" for polarity, (name, *_) in SYNAPSES.items()]
    ax.legend(handles, names, handler_map={tuple: tuples}, loc="lower center", ncols=2, frameon=False)
