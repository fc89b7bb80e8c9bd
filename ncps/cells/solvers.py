"""Solver steps of length dt for cm dv/dt = N(v) - D(v) v, the membrane equation of the wired LTC.

`currents(v)` returns N and D, of the shape of v; v is `(batch, units)`, cm `(units,)`, dt a number or
`(batch, 1)`.
"""


def semi_implicit(currents, v, cm, dt, epsilon):
    """Apply an implicit step with N and D held at v, multiplied out so that dt = 0 is the identity."""
    n, d = currents(v)
    return (cm * v + dt * n) / (cm + dt * (d + epsilon))


def explicit(currents, v, cm, dt, epsilon):
    """Apply Euler's forward step."""
    return v + dt * _slope(currents, v, cm)


def rk4(currents, v, cm, dt, epsilon):
    """Apply the classical Runge-Kutta step of fourth order."""
    k1 = _slope(currents, v, cm)
    k2 = _slope(currents, v + dt / 2 * k1, cm)
    k3 = _slope(currents, v + dt / 2 * k2, cm)
    k4 = _slope(currents, v + dt * k3, cm)
    return v + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def _slope(currents, v, cm):
    n, d = currents(v)
    return (n - d * v) / cm


STABLE_STEPS = {"explicit": 2.0, "rk4": 2.785}
"""The largest z = dt D / cm for which a step does not enlarge v; a solver that is not here has no limit.

For "rk4" D may differ between the four slopes: the factor of v is linear in each of them, so it is largest at
a corner of [0, z]^4, and at no corner above 1 up to this z.
"""

SOLVERS = {"semi_implicit": semi_implicit, "explicit": explicit, "rk4": rk4}
