"""The equations at 50 digits with mpmath, one sample at a time and one number at a time.

Written from the formulas as they stand in SPEC.md, in lists of `mpf` and none of the reference's code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np

mp = mpmath.MPContext()
mp.dps = 50

Number = Any
Vector = list[Any]

ACTIVATIONS: dict[str, Callable[[Number], Number]] = {
    "linear": lambda a: a,
    "tanh": mp.tanh,
    "lecun_tanh": lambda a: mp.mpf("1.7159") * mp.tanh(mp.mpf("0.666") * a),
    "sigmoid": lambda a: 1 / (1 + mp.exp(-a)),
    "relu": lambda a: max(a, mp.mpf(0)),
    "silu": lambda a: a / (1 + mp.exp(-a)),
    "softplus": lambda a: mp.log1p(mp.exp(a)),
    "elu": lambda a: a if a > 0 else mp.expm1(a),
    "gelu": lambda a: a * mp.ncdf(a),
    "gelu_tanh": lambda a: a / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (a + mp.mpf("0.044715") * a**3))),
    "leaky_relu": lambda a: a if a > 0 else a / 5,
}
"""By the names of the specification."""


def number(value: Any) -> Number:
    """Return a float64, or a number that is exact already, without rounding."""
    return value if isinstance(value, mp.mpf) else mp.mpf(float(value))


def vector(values: Any) -> Vector:
    """Return each number of an array, in order."""
    return [number(value) for value in np.ravel(values)]


def dense(z: Sequence[Number], kernel: Any, bias: Any) -> Vector:
    """Return Σ_i z_i K_ij + b_j for every unit j."""
    columns = [vector(column) for column in np.asarray(kernel).T]
    return [mp.fdot(z, column) + b for column, b in zip(columns, vector(bias), strict=True)]


def features(p: Mapping[str, Any], x: Vector, h: Vector, layers: int, activation: str) -> Vector:
    """Return the input, then the state, through the backbone."""
    z = [*x, *h]
    for i in range(layers):
        z = [ACTIVATIONS[activation](a) for a in dense(z, p[f"backbone_{i}/kernel"], p[f"backbone_{i}/bias"])]
    return z


def cfc(
    p: Mapping[str, Any],
    x: Vector,
    h: Vector,
    t: Number,
    *,
    mode: str = "default",
    backbone_layers: int = 1,
    activation: str = "tanh",
    head_activation: str = "tanh",
) -> Vector:
    """Return the new state of one sample of a CfC."""
    z = features(p, x, h, backbone_layers, activation)
    f1 = dense(z, p["ff1_kernel"], p["ff1_bias"])
    if mode == "pure":
        rates = zip(vector(p["A"]), vector(p["w_tau"]), f1, strict=True)
        return [A - A * f * mp.exp(-t * (abs(w) + abs(f))) for A, w, f in rates]
    head = ACTIVATIONS[head_activation]
    f2 = dense(z, p["ff2_kernel"], p["ff2_bias"])
    slope = dense(z, p["time_a/kernel"], p["time_a/bias"])
    offset = dense(z, p["time_b/kernel"], p["time_b/bias"])
    gates = [1 / (1 + mp.exp(a * t - b)) for a, b in zip(slope, offset, strict=True)]
    units = list(zip(map(head, f1), map(head, f2), gates, strict=True))
    if mode == "no_gate":
        return [a + s * b for a, b, s in units]
    return [(1 - s) * a + s * b for a, b, s in units]


def ltc(
    p: Mapping[str, Any],
    x: Vector,
    h: Vector,
    t: Number,
    *,
    solver: str = "semi_implicit",
    activation: str = "tanh",
    backbone_layers: int = 0,
    backbone_activation: str = "tanh",
) -> Vector:
    """Return the new state of one sample of a dense LTC."""
    z = features(p, x, h, backbone_layers, backbone_activation)
    d = dense(z, p["kernel"], p["bias"])
    logs = dense(z, p["tau_kernel/kernel"], p["tau_kernel/bias"])
    taus = [mp.exp(min(max(a, mp.mpf(-9)), mp.mpf(9))) for a in logs]
    if solver == "explicit":
        v = [a + (b - a) * t / tau for a, b, tau in zip(h, d, taus, strict=True)]
    else:
        v = [(tau * a + t * b) / (tau + t) for a, b, tau in zip(h, d, taus, strict=True)]
    return [ACTIVATIONS[activation](a) for a in v]


def rows(
    step: Callable[..., Vector], p: Mapping[str, Any], x: Any, h: Any, t: Any, **options: Any
) -> list[Vector]:
    """Call `step` on each sample: x (batch, features), h (batch, units), t (batch, 1) or a number."""
    times = vector(np.broadcast_to(t, (len(x), 1)))
    samples = zip(x, h, times, strict=True)
    return [step(p, vector(a), vector(b), time, **options) for a, b, time in samples]


def distance(got: Any, want: Sequence[Sequence[Number]]) -> np.ndarray:
    """Return |got - want| for every number, rounded only at the end."""
    pairs = [zip(vector(g), w, strict=True) for g, w in zip(np.asarray(got), want, strict=True)]
    return np.array([[float(abs(g - w)) for g, w in row] for row in pairs])
