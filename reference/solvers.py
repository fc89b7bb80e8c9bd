"""Solvers of the wired LTC's membrane equation, each one step of length dt.

    cm dv/dt = Σ g(v) (E - v)

Each synapse of a neuron pulls it towards a reversal potential E, by a conductance g that follows the
potential of the presynaptic neuron; the leak is one synapse more (Hasani et al., AAAI 2021, algorithm 1).
With N = Σ g E and D = Σ g it is dv/dt = (N - D v) / cm.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference.activations import Array, primitive

Conductances = Callable[[Array], Array]
"""v (batch, units) -> g (synapses, batch, units)."""


def semi_implicit(
    conductances: Conductances, reversals: Array, cm: Array, v: Array, dt: Array, epsilon: float
) -> Array:
    """Return v = (cm v + dt N) / (cm + dt (D + epsilon)): backward Euler with g held, identity at dt = 0.

    It is the mean of v, the reversal potentials, and 0, weighted by cm, dt g, and dt epsilon.
    """
    g = conductances(v)
    zero = 0.0 * v
    weights = np.concatenate([(cm + zero)[None], dt * g, (dt * epsilon + zero)[None]])
    potentials = np.concatenate([v[None], np.broadcast_to(reversals, g.shape), zero[None]])
    return mean(weights, potentials)


def explicit(
    conductances: Conductances, reversals: Array, cm: Array, v: Array, dt: Array, epsilon: float
) -> Array:
    """Return v = v + dt / cm (N - D v): forward Euler; epsilon has no effect."""
    return ahead(conductances(v), reversals, v, dt / cm)


def rk4(
    conductances: Conductances, reversals: Array, cm: Array, v: Array, dt: Array, epsilon: float
) -> Array:
    """Take the classical Runge-Kutta step; epsilon has no effect."""

    def slope(v: Array) -> Array:
        return current(conductances(v), reversals, v) / cm

    k1 = slope(v)
    k2 = slope(ahead(conductances(v), reversals, v, dt / 2.0 / cm))
    k3 = slope(v + dt / 2.0 * k2)
    k4 = slope(v + dt * k3)
    return np.sum(np.stack([v, dt / 6.0 * k1, dt / 3.0 * k2, dt / 3.0 * k3, dt / 6.0 * k4]), axis=0)


SOLVERS = {"semi_implicit": semi_implicit, "explicit": explicit, "rk4": rk4}


@primitive
def mean(weights: Array, potentials: Array) -> Array:
    """Return Σ weights potentials / Σ weights."""
    return np.sum(weights * potentials, axis=0) / np.sum(weights, axis=0)


@primitive
def current(g: Array, reversals: Array, v: Array) -> Array:
    """Return Σ g (E - v) = N - D v, the current into each neuron."""
    return np.sum(g * reversals, axis=0) - np.sum(g, axis=0) * v


@primitive
def ahead(g: Array, reversals: Array, v: Array, rate: Array) -> Array:
    """Return v + rate (N - D v), the potential after a time of rate cm at this current."""
    return v + rate * current(g, reversals, v)
