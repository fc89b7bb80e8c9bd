"""A wiring as a picture: kinds of neurons in columns, synapses as arrows that excite and bars that inhibit.

Lengths are in units of the distance between two neurons of the fullest column; the axes keep both scales equal.
"""

import numpy as np

from ncps.wirings.extra import imported

RADIUS = 0.33  # of a neuron
COLORS = {"sensory": "#5F6B7A", "inter": "#2B6CB0", "command": "#0F8A6D", "motor": "#B7791F"}
OTHER_COLOR = "#7C4D9E"  # of a kind that a subclass has named
SYNAPSES = {  # polarity: name, color, line style
    1: ("excitatory", "#3B4252", "solid"),
    -1: ("inhibitory", "#C81E4A", (0, (3.2, 1.6))),
}


def draw_wiring(wiring, ax, labels):
    """Draws a built wiring; `Wiring.draw` says how."""
    columns = _columns(wiring)
    places = _places(columns)
    if ax is None:
        ax = _new_axes(places)
    _frame(ax, places)
    scale = _points_per_unit(ax)
    _draw_synapses(ax, wiring, places, scale)
    _draw_neurons(ax, columns, places, scale, labels)
    _draw_legend(ax, wiring, columns)
    return ax


def _columns(wiring):
    """Each kind with its neurons, as (is an input, id), in the order in which a signal passes."""
    columns = {"sensory": [(True, i) for i in range(wiring.input_dim)], "inter": [], "command": []}
    for neuron in range(wiring.units):
        columns.setdefault(wiring.get_type_of_neuron(neuron), []).append((False, neuron))
    columns["motor"] = columns.pop("motor", [])  # last
    return {kind: neurons for kind, neurons in columns.items() if neurons}


def _places(columns):
    """Where each neuron stands: columns from left to right, ids from top to bottom, short columns spread a little."""
    fullest = max(len(neurons) for neurons in columns.values())
    gap = max(3.2, 0.42 * fullest)
    places = {}
    for column, neurons in enumerate(columns.values()):
        spread = min(1.9, (fullest - 1) / max(len(neurons) - 1, 1))
        for row, neuron in enumerate(neurons):
            places[neuron] = np.array([column * gap, ((len(neurons) - 1) / 2 - row) * spread])
    return places


def _extent(places):
    """Width and height of the drawing, with room for the headings above and loops at the sides."""
    corner = np.max(list(places.values()), axis=0)
    return corner[0] + 2.4, 2 * corner[1] + 3.0


def _new_axes(places):
    width, height = _extent(places)
    inches = np.clip(0.36 * max(width, height), 5.0, 12.0) / max(width, height)
    size = (max(inches * width, 5.0), inches * height + 0.6)
    return imported("matplotlib.pyplot").subplots(figsize=size, layout="constrained", dpi=120)[1]


def _frame(ax, places):
    width, height = _extent(places)
    ax.set(xlim=(-1.2, width - 1.2), ylim=(-height / 2 - 0.2, height / 2 + 0.2), aspect="equal")
    ax.axis("off")


def _points_per_unit(ax):
    """How many points on paper a unit of length takes, for the widths of lines and the sizes of letters."""
    box = ax.get_window_extent()
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    return min(box.width / (right - left), box.height / (top - bottom)) * 72 / ax.figure.dpi


def _draw_synapses(ax, wiring, places, scale):
    collections = imported("matplotlib.collections")
    number = wiring.synapse_count + wiring.sensory_synapse_count
    look = {
        "alpha": float(np.clip(12 / np.sqrt(number), 0.3, 0.9)),
        "linewidths": float(np.clip(scale / 20, 0.4, 1.2)),
    }
    for polarity, (name, color, style) in SYNAPSES.items():
        curves = [_curve(places[source], places[target]) for source, target in _synapses(wiring, polarity)]
        ends = [_arrow(curve) if polarity > 0 else _bar(curve) for curve in curves]
        lines = collections.LineCollection(
            curves, colors=color, linestyles=style, zorder=1, label=name, **look
        )
        ax.add_collection(lines)
        look_of_ends = look | {"linewidths": 1.6 * look["linewidths"] if polarity < 0 else 0}
        ax.add_collection(
            collections.PolyCollection(ends, facecolors=color, edgecolors=color, zorder=2, **look_of_ends)
        )


def _synapses(wiring, polarity):
    """The pairs of source and target, each as (is an input, id)."""
    for is_input, matrix in ((True, wiring.sensory_adjacency_matrix), (False, wiring.adjacency_matrix)):
        for source, target in np.argwhere(matrix == polarity).tolist():
            yield (is_input, source), (False, target)


def _curve(source, target):
    """Points from the rim of one neuron to the rim of the other, bent so that the way back is another one."""
    t = np.linspace(0.0, 1.0, 65)[:, None]
    if np.array_equal(source, target):
        angle = 2 * np.pi * t - np.pi / 2
        points = source + [0, 1.15 * RADIUS] + 0.6 * RADIUS * np.hstack([np.cos(angle), np.sin(angle)])
    else:
        along = target - source
        aside = np.array([along[1], -along[0]]) * (0.3 if along[0] == 0 else 0.04)
        points = (1 - t) ** 2 * source + 2 * t * (1 - t) * ((source + target) / 2 + aside) + t**2 * target
    outside = (np.linalg.norm(points - source, axis=1) > RADIUS) & (
        np.linalg.norm(points - target, axis=1) > 1.15 * RADIUS
    )
    return points[outside]


def _arrow(curve):
    tip, back, aside = _end(curve)
    return [tip, tip + 0.26 * back + 0.09 * aside, tip + 0.26 * back - 0.09 * aside]


def _bar(curve):
    tip, _, aside = _end(curve)
    return [tip + 0.15 * aside, tip - 0.15 * aside]


def _end(curve):
    """The last point of a curve, and the directions backwards along it and across it."""
    back = curve[-4] - curve[-1]
    back = back / np.linalg.norm(back)
    return curve[-1], back, np.array([-back[1], back[0]])


def _draw_neurons(ax, columns, places, scale, labels):
    collections, patches = imported("matplotlib.collections"), imported("matplotlib.patches")
    size = 0.3 * scale
    for kind, neurons in columns.items():
        circles = [patches.Circle(places[neuron], RADIUS) for neuron in neurons]
        color = COLORS.get(kind, OTHER_COLOR)
        ax.add_collection(collections.PatchCollection(circles, facecolor=color, edgecolor="white", zorder=3))
        x, top = places[neurons[0]]
        ax.text(x, top + 1.0, kind, color=color, ha="center", va="center", weight="bold", size=9)
        if labels and size >= 3:
            for neuron in neurons:
                ax.text(
                    *places[neuron],
                    neuron[1],
                    color="white",
                    ha="center",
                    va="center_baseline",
                    size=size,
                    zorder=4,
                )


def _draw_legend(ax, wiring, columns):
    line = imported("matplotlib.lines").Line2D
    handles = [
        line(
            [],
            [],
            color=COLORS.get(kind, OTHER_COLOR),
            marker="o",
            linestyle="",
            label=f"{kind} ({len(neurons)})",
        )
        for kind, neurons in columns.items()
    ]
    handles += [
        line([], [], color=color, linestyle=style, marker=">" if polarity > 0 else "|", label=name)
        for polarity, (name, color, style) in SYNAPSES.items()
    ]
    ax.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=len(handles), frameon=False
    )
