"""The adjoint of a step of a wired liquid time-constant cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reference.activations import Array, sigmoid
from reference.adjoints.activations import sigmoid_slope, softplus_slope
from reference.adjoints.gradients import Gradients, over_batch, per_sample, product, total
from reference.adjoints.solvers import SOLVERS, Readings
from reference.solvers import SOLVERS as FORWARD
from reference.wired_ltc import POSITIVE, mapped, positive, synapses

Parameters = Mapping[str, Array]


def wired_ltc_adjoint(
    parameters: Parameters,
    inputs: Array,
    state: Array,
    timespans: Array,
    cotangent: Array,
    state_cotangent: Array,
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
) -> Gradients:
    """Return the gradients of Σ cotangent · y + Σ state_cotangent · v.

    Args:
        cotangent: of the output, (batch, output_dim).
        state_cotangent: of the new state, (batch, units).
        parameters, inputs, state, timespans and the options: as for `wired_ltc_step`.
    """
    p = positive(parameters) if implicit_param_constraints else parameters
    x = mapped(inputs, parameters, "input", input_mapping)
    leak = np.broadcast_to(p["gleak"], state.shape)[None]
    sensory = synapses(p, "sensory_", sensory_adjacency, x)
    inner = slice(1 + inputs.shape[-1], None)  # behind the leak and the sensory synapses

    def conductances(v: Array) -> Array:
        return np.concatenate([leak, sensory, synapses(p, "", adjacency, v)])

    def through(v: Array, dg: Array) -> Array:
        return by_potential(p, "", adjacency, v, dg[inner])

    reversals = np.concatenate([p["vleak"][None], p["sensory_erev"], p["erev"]])[:, None, :]
    dt, vs = timespans / ode_unfolds, [state]
    for _ in range(ode_unfolds):
        vs.append(FORWARD[solver](conductances, reversals, p["cm"], vs[-1], dt, epsilon))

    shown = vs[-1][:, :output_dim]
    by_path, dy = mapped_adjoint(parameters, "output", output_mapping, shown, cotangent)
    unseen = 0.0 * state[:, output_dim:]
    dv = state_cotangent + np.concatenate([dy, unseen], axis=-1)
    r = Readings(conductances, through, reversals, p["cm"])
    for v, new in zip(vs[-2::-1], vs[:0:-1], strict=True):
        dv = SOLVERS[solver](r, v, new, dt, epsilon, dv)

    # leak and sensory conductances are the same at every reading: what reaches them is one sum
    outer = slice(1, inner.start)
    by_path["cm"] = over_batch(np.concatenate(r.by_capacitance))
    by_path["gleak"] = over_batch(np.concatenate([*(to[0] for to in r.to_reversal), *r.from_potential]))
    of_sensory = [*(to[outer] for to in r.to_reversal), *(away + 0.0 * sensory for away in r.from_potential)]
    xs, dg = np.concatenate([x] * len(of_sensory)), np.concatenate(of_sensory, axis=1)
    by_path |= by_parameter(p, "sensory_", sensory_adjacency, xs, dg)
    dg = np.concatenate(
        [total(to[inner], away) for to, away in zip(r.to_reversal, r.from_potential, strict=True)], axis=1
    )
    by_path |= by_parameter(p, "", adjacency, np.concatenate(r.potentials), dg)
    de = np.sum(np.concatenate(r.by_reversal, axis=1), axis=1)
    by_path |= {"vleak": de[0], "sensory_erev": de[outer], "erev": de[inner]}
    if implicit_param_constraints:
        by_path |= {name: product(by_path[name], softplus_slope(parameters[name])) for name in POSITIVE}

    dx = by_potential(p, "sensory_", sensory_adjacency, x, np.sum(np.stack(of_sensory), axis=0))
    more, dx = mapped_adjoint(parameters, "input", input_mapping, inputs, dx)
    return Gradients(by_path | more, dx, dv, per_sample(*r.by_time) / ode_unfolds)


def mapped_adjoint(
    parameters: Parameters, which: str, mapping: str | None, a: Array, da: Array
) -> tuple[dict[str, Array], Array]:
    """Return the gradients of a w + b, a w or a, whose gradient is `da`: by w and b, and by a."""
    if mapping is None:
        return {}, da
    by_path = {f"{which}_w": over_batch(product(da, a))}
    if mapping == "affine":
        by_path[f"{which}_b"] = over_batch(da)
    return by_path, product(da, parameters[f"{which}_w"])


def by_potential(p: Parameters, kind: str, adjacency: Array, potentials: Array, dg: Array) -> Array:
    """Return the gradient of g = w σ(sigma (v - mu)) by the sources' potentials, (batch, sources)."""
    w, mu, sigma = (p[f"{kind}{name}"][:, None, :] for name in ("w", "mu", "sigma"))
    v = np.transpose(potentials)[:, :, None]
    dv = product(dg, w, sigma, sigmoid_slope(sigma * (v - mu)))
    return np.transpose(np.sum(np.where(np.not_equal(adjacency, 0)[:, None, :], dv, 0.0), axis=2))


def by_parameter(
    p: Parameters, kind: str, adjacency: Array, potentials: Array, dg: Array
) -> dict[str, Array]:
    """Return the gradients of g = w σ(sigma (v - mu)) by w, mu and sigma, (sources, targets)."""
    w, mu, sigma = (p[f"{kind}{name}"][:, None, :] for name in ("w", "mu", "sigma"))
    v = np.transpose(potentials)[:, :, None]
    a = sigma * (v - mu)
    steepness = sigmoid_slope(a)
    by_name = {
        "w": product(dg, sigmoid(a)),
        "mu": -product(dg, w, steepness, sigma),
        "sigma": product(dg, w, steepness, v - mu),
    }
    there = np.not_equal(adjacency, 0)[:, None, :]
    return {f"{kind}{name}": np.sum(np.where(there, d, 0.0), axis=1) for name, d in by_name.items()}
