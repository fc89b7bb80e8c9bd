"""The adjoints of the solvers of the wired LTC's membrane equation.

Each converts the gradient by a new potential to the gradient by the potential before. The current into a
neuron is Σ g (E - v); wherever a solver read conductances g at some potential, `Readings.back` records the
gradient by them, and takes it on to the potential through the synapses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from reference.activations import Array
from reference.adjoints.gradients import product, total
from reference.solvers import ahead, current

Conductances = Callable[[Array], Array]
"""v (batch, units) -> g (synapses, batch, units)."""


@dataclass
class Readings:
    """All readings of conductances, and the gradients that pass through them."""

    conductances: Conductances
    through: Callable[[Array, Array], Array]
    """v, and the gradient by g (synapses, batch, units) -> by v, (batch, units)."""
    reversals: Array
    """E, (synapses, 1, units)."""
    cm: Array
    potentials: list[Array] = field(default_factory=list)
    to_reversal: list[Array] = field(default_factory=list)
    """The part of the gradients by g that comes of E: (synapses, batch, units)."""
    from_potential: list[Array] = field(default_factory=list)
    """The part of the gradients by g that comes of the potential, equal for each synapse: (batch, units)."""
    by_reversal: list[Array] = field(default_factory=list)
    """(synapses, batch, units), to be summed over the batch."""
    by_capacitance: list[Array] = field(default_factory=list)
    """(batch, units), likewise."""
    by_time: list[Array] = field(default_factory=list)
    """(batch, units), to be summed over the units."""

    def back(self, v: Array, g: Array, q: Array, towards: Array) -> Array:
        """Return the gradient by v, through g read at v, of Σ q g (E - towards) with `towards` held."""
        to, away = product(q, self.reversals), -product(q, towards)
        self.potentials.append(v)
        self.to_reversal.append(to)
        self.from_potential.append(away)
        self.by_reversal.append(product(q, g))
        return self.through(v, total(to, away))

    def back_through_slope(self, v: Array, ds: Array) -> Array:
        """Return the gradient by v of ds · k with k = Σ g (E - v) / cm."""
        g, q = self.conductances(v), ds / self.cm
        self.by_capacitance.append(-product(q, current(g, self.reversals, v)) / self.cm)
        return total(self.back(v, g, q, v), np.sum(-product(q, g), axis=0))

    def slope(self, v: Array) -> Array:
        """Return k = Σ g (E - v) / cm."""
        return current(self.conductances(v), self.reversals, v) / self.cm


def semi_implicit(r: Readings, v: Array, new: Array, dt: Array, epsilon: float, dnew: Array) -> Array:
    """Differentiate new = Σ W P / Σ W, weights W = cm, dt g, dt epsilon and potentials P = v, E, 0."""
    g = r.conductances(v)
    zero = 0.0 * v
    weights = np.concatenate([(r.cm + zero)[None], dt * g, (dt * epsilon + zero)[None]])
    pull = dnew / np.sum(weights, axis=0)
    r.by_capacitance += [product(pull, v), -product(pull, new)]
    r.by_time += [np.sum(product(g, pull, r.reversals), axis=0), -np.sum(product(g, pull, new), axis=0)]
    r.by_time += [-product(epsilon, pull, new)]
    return total(product(r.cm, pull), r.back(v, g, product(dt, pull), new))


def explicit(r: Readings, v: Array, new: Array, dt: Array, epsilon: float, dnew: Array) -> Array:
    """Differentiate new = v + dt k(v)."""
    r.by_time.append(product(dnew, r.slope(v)))
    return total(dnew, r.back_through_slope(v, product(dnew, dt)))


def rk4(r: Readings, v: Array, new: Array, dt: Array, epsilon: float, dnew: Array) -> Array:
    """Differentiate v + dt (k1 + 2 k2 + 2 k3 + k4) / 6; k at v, v + dt k1 / 2, v + dt k2 / 2, v + dt k3."""
    k1 = r.slope(v)
    v2 = ahead(r.conductances(v), r.reversals, v, dt / 2.0 / r.cm)
    k2 = r.slope(v2)
    v3 = v + dt / 2.0 * k2
    k3 = r.slope(v3)
    v4 = v + dt * k3
    dv4 = r.back_through_slope(v4, product(dnew, dt / 6.0))
    dv3 = r.back_through_slope(v3, total(product(dnew, dt / 3.0), product(dv4, dt)))
    dv2 = r.back_through_slope(v2, total(product(dnew, dt / 3.0), product(dv3, dt / 2.0)))
    dv1 = r.back_through_slope(v, total(product(dnew, dt / 6.0), product(dv2, dt / 2.0)))
    r.by_time += [product(dnew, k1) / 6.0, product(dnew, k2) / 3.0, product(dnew, k3) / 3.0]
    r.by_time += [product(dnew, r.slope(v4)) / 6.0]
    r.by_time += [product(dv2, k1) / 2.0, product(dv3, k2) / 2.0, product(dv4, k3)]
    return total(dnew, dv1, dv2, dv3, dv4)


SOLVERS = {"semi_implicit": semi_implicit, "explicit": explicit, "rk4": rk4}
"""By name: (readings, v, the new v, dt, epsilon, the gradient by the new v) -> the gradient by v."""
