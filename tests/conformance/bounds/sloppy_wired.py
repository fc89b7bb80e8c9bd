"""The wired LTC and the LSTM of mixed memory, as careless as SPEC.md allows: see `sloppy`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.conformance.bounds.sloppy import Array, Sloppy, wide

Synapses = tuple[Array, Array, Array]
"""g E, g and E of each synapse, (synapses, batch, units)."""


@dataclass(frozen=True)
class Form:
    """How an implementation may write the same step."""

    paper: bool
    """(cm / dt v + N) / (cm / dt + D + epsilon) instead of the same multiplied by dt."""
    split: bool
    """Leak, sensory and recurrent synapses summed apart, then added; else one after the other."""
    backward: bool
    """The last synapse first."""
    folded: bool
    """w erev multiplied once, before the sigmoid."""
    distances: bool = False
    """Σ g (E - v) instead of N - D v."""


FORMS = (
    Form(paper=False, split=True, backward=False, folded=False),
    Form(paper=True, split=False, backward=False, folded=True),
    Form(paper=True, split=True, backward=True, folded=False),
    Form(paper=False, split=False, backward=True, folded=True, distances=True),
)


def added(s: Sloppy, terms: Sequence[Array]) -> Array:
    """Add in order; 0 is added without an error."""
    total = terms[0]
    for term in terms[1:]:
        total = np.where(term == 0, total, np.where(total == 0, term, s.add(total, term)))
    return total


def wired_ltc(
    s: Sloppy,
    p: dict[str, Array],
    x: Array,
    v: Array,
    t: Array,
    *,
    form: Form,
    adjacency: Array,
    sensory_adjacency: Array,
    output_dim: int,
    solver: str = "semi_implicit",
    ode_unfolds: int = 6,
    epsilon: float = 1e-8,
) -> tuple[Array, Array]:
    """Return the output and the new state, with affine mappings."""
    p, v = {name: wide(a) for name, a in p.items()}, wide(v)
    x = s.add(s.multiply(wide(x), p["input_w"]), p["input_b"])
    dt = s.divide(wide(t), wide(ode_unfolds))
    gleak, vleak = p["gleak"] + 0 * v, p["vleak"] + 0 * v
    leak = s.multiply(gleak, vleak)[None], gleak[None], vleak[None]
    sensory = synapses(s, p, "sensory_", sensory_adjacency, x, form)

    def groups(v: Array) -> list[Synapses]:
        return [leak, sensory, synapses(s, p, "", adjacency, v, form)]

    for _ in range(ode_unfolds):
        if solver == "semi_implicit":
            v = semi_implicit(s, p["cm"], v, dt, groups(v), s.near(wide(epsilon)), form)
        elif solver == "explicit":
            v = s.add(v, s.multiply(dt, slope(s, p["cm"], v, groups(v), form)))
        else:
            v = rk4(s, p["cm"], v, dt, groups, form)
    return s.add(s.multiply(v[:, :output_dim], p["output_w"]), p["output_b"]), v


def synapses(
    s: Sloppy, p: dict[str, Array], kind: str, adjacency: Array, potentials: Array, form: Form
) -> Synapses:
    w, mu, sigma, erev = (p[kind + name][:, None, :] for name in ("w", "mu", "sigma", "erev"))
    gate = s.sigmoid(s.multiply(sigma, s.subtract(potentials.T[:, :, None], mu)))
    g = s.multiply(w, gate)
    current = s.multiply(gate, s.multiply(w, erev)) if form.folded else s.multiply(g, erev)
    there = (adjacency != 0)[:, None, :]
    return np.where(there, current, 0), np.where(there, g, 0), erev + 0 * g


def sums(s: Sloppy, groups: Sequence[Synapses], form: Form, first: Sequence[Array] = ()) -> list[Array]:
    """Sum N and D, from `first` on."""
    totals = []
    for which in (0, 1):
        parts = [list(group[which]) for group in groups]
        parts = [part[::-1] for part in parts[::-1]] if form.backward else parts
        if form.split:
            found = [added(s, part) for part in parts]
        else:
            found = [term for part in parts for term in part]
        totals.append(added(s, [*([first[which]] if first else []), *found]))
    return totals


def semi_implicit(
    s: Sloppy, cm: Array, v: Array, dt: Array, groups: Sequence[Synapses], epsilon: Array, form: Form
) -> Array:
    if form.paper:
        rate = s.divide(cm, dt)
        n, d = sums(s, groups, form, (s.multiply(rate, v), rate))
        return s.divide(n, s.add(d, epsilon))
    n, d = sums(s, groups, form)
    numerator = s.add(s.multiply(cm, v), s.multiply(dt, n))
    return s.divide(numerator, s.add(cm, s.multiply(dt, s.add(d, epsilon))))


def slope(s: Sloppy, cm: Array, v: Array, groups: Sequence[Synapses], form: Form) -> Array:
    if form.distances:
        terms = [s.multiply(g, s.subtract(e, v)) for _, g, e in groups]
        return s.divide(added(s, np.concatenate(terms)), cm)
    n, d = sums(s, groups, form)
    return s.divide(s.subtract(n, s.multiply(d, v)), cm)


def rk4(s: Sloppy, cm: Array, v: Array, dt: Array, groups: Any, form: Form) -> Array:
    half = s.multiply(dt, wide(0.5))
    k1 = slope(s, cm, v, groups(v), form)
    ahead = s.add(v, s.multiply(half, k1))
    k2 = slope(s, cm, ahead, groups(ahead), form)
    ahead = s.add(v, s.multiply(half, k2))
    k3 = slope(s, cm, ahead, groups(ahead), form)
    ahead = s.add(v, s.multiply(dt, k3))
    k4 = slope(s, cm, ahead, groups(ahead), form)
    sixth = s.divide(dt, wide(6))
    if form.split:
        total = s.add(s.add(k1, 2 * k2), s.add(2 * k3, k4))
        return s.add(v, s.multiply(sixth, total))
    return added(s, [v, *(s.multiply(sixth, k) for k in (k1, 2 * k2, 2 * k3, k4))])


def memory(
    s: Sloppy, p: dict[str, Array], x: Array, h: Array, c: Array, *, folded: bool
) -> tuple[Array, Array]:
    """Return the output of the LSTM and its memory; folded: the 1 of the forget gate in the bias."""
    p, units = {name: wide(a) for name, a in p.items()}, h.shape[1]
    z = np.concatenate([wide(x), wide(h)], axis=1)
    kernel = np.concatenate([p["input_kernel"], p["recurrent_kernel"]])
    forget = np.repeat(wide([0, 0, 1, 0]), units)
    if folded:
        z = s.dense(z, kernel, np.where(forget, s.add(p["bias"], forget), p["bias"]))
    else:
        z = s.dense(z, kernel, p["bias"])
        z = np.where(forget, s.add(z, forget), z)
    a, i, f, o = (z[:, k * units : (k + 1) * units] for k in range(4))
    new = s.add(s.multiply(wide(c), s.sigmoid(f)), s.multiply(s.tanh(a), s.sigmoid(i)))
    return s.multiply(s.tanh(new), s.sigmoid(o)), new
