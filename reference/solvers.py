"""Solvers of the wired LTC's membrane equation, each one step of length dt.

    cm dv/dt = Σ g(v) (E - v)

Each synapse of a neuron pulls it towards a reversal potential E, by a conductance g that follows the
potential of the presynaptic neuron; the leak is one synapse more (Hasani et al., AAAI 2021, algorithm 1).
With N = Σ g E and D = Σ g it is dv/dt = (N - D v) / cm.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference.activations import Array

Conductances = Callable[[Array], Array]
"""v (batch, units) -> g (synapses, batch, units)."""


def semi_implicit(
    conductances: Conductances, reversals: Array, cm: Array, v: Array, dt: Array, epsilon: float
) -> Array:
    """v = (cm v + dt N) / (cm + dt (D + epsilon)): backward Euler with g held, and the identity at dt = 0.

    It is the mean of v and the reversal potentials, weighted by cm and dt g. Numerator and denominator are
    each one sum, so that a bound on their rounding holds for any order.
    """
    weights = np.concatenate([np.broadcast_to(cm, v.shape)[None], dt * conductances(v)])
    potentials = np.concatenate([v[None], np.broadcast_to(reversals, weights[1:].shape)])
    return np.sum(weights * potentials, axis=0) / (np.sum(weights, axis=0) + dt * epsilon)


def explicit(
    conductances: Conductances, reversals: Array, cm: Array, v: Array, dt: Array, epsilon: float
) -> Array:
    """v = v + dt / cm (N - D v): forward Euler; epsilon plays no part."""
    return v + dt * slope(conductances, reversals, cm, v)


def rk4(
    conductances: Conductances, reversals: Array, cm: Array, v: Array, dt: Array, epsilon: float
) -> Array:
    """The classical Runge-Kutta step; epsilon plays no part."""
    k1 = slope(conductances, reversals, cm, v)
    k2 = slope(conductances, reversals, cm, v + dt / 2.0 * k1)
    k3 = slope(conductances, reversals, cm, v + dt / 2.0 * k2)
    k4 = slope(conductances, reversals, cm, v + dt * k3)
    return np.sum(np.stack([v, dt / 6.0 * k1, dt / 3.0 * k2, dt / 3.0 * k3, dt / 6.0 * k4]), axis=0)


def slope(conductances: Conductances, reversals: Array, cm: Array, v: Array) -> Array:
    """dv/dt = (N - D v) / cm."""
    g = conductances(v)
    return (np.sum(g * reversals, axis=0) - np.sum(g, axis=0) * v) / cm


SOLVERS = {"semi_implicit": semi_implicit, "explicit": explicit, "rk4": rk4}
