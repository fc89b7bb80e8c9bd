"""One step of a wired liquid time-constant cell.

Hasani et al., AAAI 2021; wired as in Lechner et al., Nature Machine Intelligence 2, 2020.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reference.activations import Array, sigmoid, softplus
from reference.solvers import SOLVERS

Parameters = Mapping[str, Array]

POSITIVE = ("gleak", "cm", "w", "sensory_w")
"""The parameters that `implicit_param_constraints` keeps above zero."""


def wired_ltc_step(
    parameters: Parameters,
    inputs: Array,
    state: Array,
    timespans: Array = 1.0,
    *,
    adjacency: Array,
    sensory_adjacency: Array,
    output_dim: int,
    solver: str = "semi_implicit",
    ode_unfolds: int = 6,
    epsilon: float = 1e-8,
    input_mapping: str | None = "affine",
    output_mapping: str | None = "affine",
    implicit_param_constraints: bool = False,
) -> tuple[Array, Array]:
    """Return the output (batch, output_dim) and the new state v (batch, units).

    Args:
        parameters: arrays by their canonical path: gleak, vleak, cm (units); w, mu, sigma, erev (units,
            units), by source and target; sensory_w, sensory_mu, sensory_sigma, sensory_erev (features,
            units); input_w, input_b (features) and output_w, output_b (output_dim) as the mappings have them.
        inputs: x, (batch, features).
        state: v, (batch, units).
        timespans: t, elapsed time since the previous sample, (batch, 1) or a number; 1 where none is given.
        adjacency: (units, units) by source and target; there is a synapse where it is not 0.
        sensory_adjacency: (features, units), likewise.
        output_dim: number of motor neurons, which come first.
        solver: "semi_implicit", "explicit" or "rk4".
        ode_unfolds: number of the solver's steps, each of t / ode_unfolds.
        epsilon: added to the denominator of the semi-implicit step.
        input_mapping: "affine", x input_w + input_b; "linear", x input_w; None, x.
        output_mapping: the same for the motor neurons.
        implicit_param_constraints: gleak, cm, w and sensory_w are the softplus of what is given.
    """
    p = positive(parameters) if implicit_param_constraints else parameters
    x = mapped(inputs, parameters, "input", input_mapping)
    leak = np.broadcast_to(p["gleak"], state.shape)[None]
    sensory = synapses(p, "sensory_", sensory_adjacency, x)

    def conductances(v: Array) -> Array:
        return np.concatenate([leak, sensory, synapses(p, "", adjacency, v)])

    reversals = np.concatenate([p["vleak"][None], p["sensory_erev"], p["erev"]])[:, None, :]
    v = state
    for _ in range(ode_unfolds):
        v = SOLVERS[solver](conductances, reversals, p["cm"], v, timespans / ode_unfolds, epsilon)
    return mapped(v[:, :output_dim], parameters, "output", output_mapping), v


def positive(parameters: Parameters) -> Parameters:
    """Return the parameters with softplus applied where they have to be positive."""
    return {name: softplus(a) if name in POSITIVE else a for name, a in parameters.items()}


def mapped(a: Array, parameters: Parameters, which: str, mapping: str | None) -> Array:
    """Return a w + b, a w, or a itself."""
    if mapping is None:
        return a
    scaled = a * parameters[f"{which}_w"]
    return scaled + parameters[f"{which}_b"] if mapping == "affine" else scaled


def synapses(p: Parameters, kind: str, adjacency: Array, potentials: Array) -> Array:
    """Return g = w σ(sigma_kj (v_k - mu_kj)) from each source k to each target j, 0 without a synapse.

    `potentials` are those of the sources, (batch, sources); the result is (sources, batch, targets).
    """
    w, mu, sigma = (p[f"{kind}{name}"][:, None, :] for name in ("w", "mu", "sigma"))
    v = np.transpose(potentials)[:, :, None]
    return np.where(np.not_equal(adjacency, 0)[:, None, :], w * sigmoid(sigma * (v - mu)), 0.0)
