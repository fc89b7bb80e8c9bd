"""The wired cells and mixed memory at 50 digits, one sample, one neuron and one synapse at a time.

Written from the formulas as they stand in SPEC.md; a step returns its output and its new state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tests.reference import exact
from tests.reference.exact import Number, Vector, mp, number, vector

Parameters = Mapping[str, Any]
Field = Callable[[Vector], tuple[Vector, Vector]]


def sigmoid(a: Number) -> Number:
    return 1 / (1 + mp.exp(-a))


def softplus(a: Any) -> np.ndarray:
    return np.vectorize(lambda one: mp.log1p(mp.exp(number(one))), otypes=[object])(a)


def wired_ltc(
    p: Parameters,
    x: Vector,
    v: Vector,
    t: Number,
    *,
    adjacency: Any,
    sensory_adjacency: Any,
    output_dim: int,
    solver: str = "semi_implicit",
    ode_unfolds: int = 6,
    epsilon: float = 1e-8,
    input_mapping: str | None = "affine",
    output_mapping: str | None = "affine",
    implicit_param_constraints: bool = False,
) -> tuple[Vector, Vector]:
    """Return the output and the new state of one sample."""
    q = dict(p)
    if implicit_param_constraints:
        q |= {name: softplus(p[name]) for name in ("gleak", "cm", "w", "sensory_w")}
    x = mapped(p, "input", input_mapping, x)
    gleak, vleak, cm = (vector(q[name]) for name in ("gleak", "vleak", "cm"))

    def field(v: Vector) -> tuple[Vector, Vector]:
        """Return N and D."""
        numerators, denominators = [], []
        for j in range(len(v)):
            n, d = gleak[j] * vleak[j], gleak[j]
            for kind, mask, sources in (("", adjacency, v), ("sensory_", sensory_adjacency, x)):
                for k, source in enumerate(sources):
                    if mask[k][j]:
                        w, mu, sigma, erev = (
                            number(q[kind + name][k][j]) for name in ("w", "mu", "sigma", "erev")
                        )
                        r = w * sigmoid(sigma * (source - mu))
                        n, d = n + r * erev, d + r
            numerators.append(n)
            denominators.append(d)
        return numerators, denominators

    dt, eps = t / ode_unfolds, number(epsilon)
    for _ in range(ode_unfolds):
        v = SOLVERS[solver](field, cm, v, dt, eps)
    return mapped(p, "output", output_mapping, v[:output_dim]), v


def mapped(p: Parameters, which: str, mapping: str | None, a: Vector) -> Vector:
    if mapping is None:
        return a
    a = [one * w for one, w in zip(a, vector(p[f"{which}_w"]), strict=True)]
    return a if mapping == "linear" else [one + b for one, b in zip(a, vector(p[f"{which}_b"]), strict=True)]


def semi_implicit(field: Field, cm: Vector, v: Vector, dt: Number, epsilon: Number) -> Vector:
    terms = zip(cm, v, *field(v), strict=True)
    return [(c * a + dt * n) / (c + dt * (d + epsilon)) for c, a, n, d in terms]


def explicit(field: Field, cm: Vector, v: Vector, dt: Number, epsilon: Number) -> Vector:
    return [a + dt * k for a, k in zip(v, slope(field, cm, v), strict=True)]


def rk4(field: Field, cm: Vector, v: Vector, dt: Number, epsilon: Number) -> Vector:
    def ahead(k: Vector, by: Number) -> Vector:
        return [a + by * b for a, b in zip(v, k, strict=True)]

    k1 = slope(field, cm, v)
    k2 = slope(field, cm, ahead(k1, dt / 2))
    k3 = slope(field, cm, ahead(k2, dt / 2))
    k4 = slope(field, cm, ahead(k3, dt))
    means = [(a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(k1, k2, k3, k4, strict=True)]
    return ahead(means, dt)


def slope(field: Field, cm: Vector, v: Vector) -> Vector:
    return [(n - d * a) / c for c, a, n, d in zip(cm, v, *field(v), strict=True)]


SOLVERS = {"semi_implicit": semi_implicit, "explicit": explicit, "rk4": rk4}


def wired_cfc(
    p: Parameters,
    x: Vector,
    h: Vector,
    t: Number,
    *,
    layers: Sequence[Sequence[int]],
    adjacency: Any,
    sensory_adjacency: Any,
    output_dim: int,
    mode: str = "default",
    head_activation: str = "tanh",
    fully_recurrent: bool = True,
    sparse_time_heads: bool = True,
) -> tuple[Vector, Vector]:
    """Return the output and the new state of one sample, layer after layer."""
    state: Vector = []
    read = x
    for i, neurons in enumerate(layers):
        before, matrix = (range(len(x)), sensory_adjacency) if i == 0 else (layers[i - 1], adjacency)
        there = [[matrix[k][j] != 0 for j in neurons] for k in before]
        there += [[fully_recurrent or adjacency[k][j] != 0 for j in neurons] for k in neurons]
        masked = ("ff1_kernel", "ff2_kernel")
        masked += ("time_a/kernel", "time_b/kernel") if sparse_time_heads else ()
        q = {name.split("/", 1)[1]: a for name, a in p.items() if name.startswith(f"layer_{i}/")}
        q |= {name: where(there, q[name]) for name in masked if name in q}
        own = h[len(state) : len(state) + len(neurons)]
        read = exact.cfc(q, read, own, t, mode=mode, backbone_layers=0, head_activation=head_activation)
        state = [*state, *read]
    return read[:output_dim], state


def where(there: Sequence[Sequence[bool]], kernel: Any) -> np.ndarray:
    """Return the kernel, and 0 where there is no synapse."""
    rows = [[a if yes else 0 for a, yes in zip(*row, strict=True)] for row in zip(kernel, there, strict=True)]
    return np.array(rows, dtype=object)


def mixed_memory(
    p: Parameters, x: Vector, h: Vector, c: Vector, t: Number, *, step: Callable[..., tuple[Vector, Vector]]
) -> tuple[Vector, Vector, Vector]:
    """Return the output, the new state and the new memory of one sample."""
    kernel = np.concatenate([p["input_kernel"], p["recurrent_kernel"]])
    z = exact.dense([*x, *h], kernel, p["bias"])
    a, i, f, o = (z[k * len(h) : (k + 1) * len(h)] for k in range(4))
    gates = zip(c, a, i, f, strict=True)
    memory = [old * sigmoid(f + 1) + mp.tanh(a) * sigmoid(i) for old, a, i, f in gates]
    m = [mp.tanh(new) * sigmoid(o) for new, o in zip(memory, o, strict=True)]
    output, state = step(x, m, t)
    return output, state, memory


def rows(step: Callable[..., Any], p: Parameters, *arrays: Any, **options: Any) -> list[list[Vector]]:
    """Call `step` for each sample of a batch; return its results by kind, then by sample."""
    *samples, times = arrays
    times = vector(np.broadcast_to(times, (len(samples[0]), 1)))
    batch: Iterable[Any] = zip(*samples, times, strict=True)
    answers = [step(p, *map(vector, sample), time, **options) for *sample, time in batch]
    return [list(part) for part in zip(*answers, strict=True)]
