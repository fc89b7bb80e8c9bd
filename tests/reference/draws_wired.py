"""Random parameters of wired cells, on graphs small enough for 50 digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference import Graph, graph
from tests.reference import draws
from tests.reference.draws import Case

FEATURES = 2

GRAPHS: dict[str, Graph] = {
    "full": graph("FullyConnected", {"units": 4, "output_dim": 2}, FEATURES),
    "random": graph("Random", {"units": 5, "output_dim": 3, "sparsity_level": 0.5}, FEATURES),
    "auto": graph("AutoNCP", {"units": 7, "output_size": 2, "seed": 4}, FEATURES),
    "one": graph("FullyConnected", {"units": 1}, FEATURES),
}

RECIPES = ("initial", *draws.RECIPES)

INITIAL = {
    "gleak": (0.001, 1.0),
    "vleak": (-0.2, 0.2),
    "cm": (0.4, 0.6),
    "w": (0.001, 1.0),
    "sigma": (3.0, 8.0),
    "mu": (0.3, 0.8),
}
"""The ranges of SPEC.md, sensory synapses the same."""


def ltc_shapes(wired: Graph) -> dict[str, tuple[int, ...]]:
    inputs, units = wired.sensory_adjacency.shape
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("gleak", "vleak", "cm"), (units,))
    for name in ("w", "mu", "sigma", "erev"):
        shapes |= {name: (units, units), f"sensory_{name}": (inputs, units)}
    for which, size in (("input", inputs), ("output", wired.output_dim)):
        shapes |= {f"{which}_w": (size,), f"{which}_b": (size,)}
    return shapes


def cfc_shapes(wired: Graph, mode: str) -> dict[str, tuple[int, ...]]:
    shapes, read = {}, wired.sensory_adjacency.shape[0]
    for i, neurons in enumerate(wired.layers):
        layer = draws.cfc_shapes(read, len(neurons), mode=mode, layers=0)
        shapes |= {f"layer_{i}/{name}": shape for name, shape in layer.items()}
        read = len(neurons)
    return shapes


def memory_shapes(wired: Graph) -> dict[str, tuple[int, ...]]:
    inputs, units = wired.sensory_adjacency.shape
    kernels = {"input_kernel": (inputs, 4 * units), "recurrent_kernel": (units, 4 * units)}
    return {**kernels, "bias": (4 * units,)}


def ltc_parameters(wired: Graph, recipe: str, seed: int) -> dict[str, np.ndarray]:
    """Draw conductances >= 0 and cm >= 1e-3, as the constraints hold them; or what a cell starts with."""
    if recipe == "initial":
        return _initial(wired, seed)
    draw = draws.drawer(recipe, seed)
    p = {name: draw(shape) for name, shape in ltc_shapes(wired).items()}
    p |= {name: np.abs(p[name]) for name in ("gleak", "w", "sensory_w")}
    return {**p, "cm": np.maximum(np.abs(p["cm"]), 1e-3)}


def _initial(wired: Graph, seed: int) -> dict[str, np.ndarray]:
    rng, p = np.random.default_rng(seed), {}
    for name, shape in ltc_shapes(wired).items():
        kind = name.removeprefix("sensory_")
        p[name] = rng.uniform(*INITIAL[kind], shape) if kind in INITIAL else np.zeros(shape)
    erevs = {"erev": wired.adjacency * 1.0, "sensory_erev": wired.sensory_adjacency * 1.0}
    return p | erevs | {name: np.ones_like(p[name]) for name in ("input_w", "output_w")}


def cfc_parameters(wired: Graph, recipe: str, seed: int, mode: str) -> dict[str, np.ndarray]:
    draw = draws.drawer("normal" if recipe == "initial" else recipe, seed)
    return {name: draw(shape) for name, shape in cfc_shapes(wired, mode).items()}


def memory_parameters(wired: Graph, recipe: str, seed: int) -> dict[str, np.ndarray]:
    draw = draws.drawer(recipe, seed + 500)
    return {name: draw(shape) for name, shape in memory_shapes(wired).items()}


def batch(wired: Graph, p: dict[str, np.ndarray], seed: int, rows: int = 3) -> Case:
    """Return a batch for parameters `p`, each sample with a time of its own."""
    inputs, units = wired.sensory_adjacency.shape
    rng = np.random.default_rng(seed + 1000)
    t = rng.choice(draws.TIMES, size=(rows, 1))
    return Case(p, rng.normal(size=(rows, inputs)), rng.normal(size=(rows, units)), t)


def ltc_options(wired: Graph) -> dict[str, Any]:
    """Return the arguments of a wired LTC that come from the graph."""
    matrices = {"adjacency": wired.adjacency, "sensory_adjacency": wired.sensory_adjacency}
    return {**matrices, "output_dim": wired.output_dim}


def cfc_options(wired: Graph) -> dict[str, Any]:
    """Return the arguments of a wired CfC that come from the graph."""
    return {**ltc_options(wired), "layers": wired.layers}
