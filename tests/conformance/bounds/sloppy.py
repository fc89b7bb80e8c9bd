"""An implementation as careless as SPEC.md allows: every operation errs by as much as its table promises.

It computes in `numpy.longdouble`, 64 bits of mantissa, and adds the errors itself; so it stands for every
implementation that keeps to the table, and errs far more than any real one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

Array = Any

PROMISED = 1.0 - 2.0**-8
"""Share of the promised error that is used up: the rest is room for the check's own rounding."""

DOTS = ("forward", "backward", "fma", "bias first", "split")
"""Ways to sum a dot product and its bias."""


ROUNDINGS = {"function": (8.0, 2.0), "logistic": (10.0, 3.0)}
"""Of exp and tanh, and of σ, absolute: as the table has it, and in half precision."""


def wide(a: Any) -> Array:
    return np.asarray(a, dtype=np.longdouble)


@dataclass
class Sloppy:
    """Operations in the arithmetic of `dtype`.

    `style` is how errors are drawn, "uniform", "extreme" or "up"; `dots` how dot products are summed.
    """

    dtype: str
    seed: int
    style: str = "extreme"
    dots: str = "forward"
    features: int = 2
    """Rows of a kernel that are the input's: where "split" splits."""
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    @property
    def u(self) -> np.longdouble:
        eps = 2.0**-7 if self.dtype == "bfloat16" else np.finfo(self.dtype).eps
        return np.longdouble(eps) / 2 * np.longdouble(PROMISED)

    @property
    def half(self) -> bool:
        return self.dtype in ("float16", "bfloat16")

    @property
    def tiny(self) -> float:
        return float(np.finfo("float32" if self.dtype == "bfloat16" else self.dtype).tiny)

    def roundings(self, kind: str) -> float:
        """Return the error that is promised of a kind of function, in u."""
        return ROUNDINGS[kind][self.half]

    def delta(self, shape: tuple[int, ...], units: float) -> Array:
        """Draw errors within ± `units` u."""
        if self.style == "up":
            return np.full(shape, units * self.u)
        if self.style == "extreme":
            return self.rng.choice(wide([-1, 1]), shape) * units * self.u
        return wide(self.rng.uniform(-1, 1, shape)) * units * self.u

    def flush(self, a: Array) -> Array:
        """Flush some of the subnormal numbers to zero."""
        some = (np.abs(a) < self.tiny) & (self.rng.random(np.shape(a)) < 0.5)
        return np.where(some, np.longdouble(0), a)

    def near(self, exact: Array, units: float = 1.0) -> Array:
        """Return `exact` with a relative error."""
        return self.flush(exact * (1 + self.delta(np.shape(exact), units)))

    def add(self, a: Array, b: Array) -> Array:
        return self.near(a + b)

    def subtract(self, a: Array, b: Array) -> Array:
        return self.near(a - b)

    def multiply(self, a: Array, b: Array) -> Array:
        return self.near(a * b)

    def divide(self, a: Array, b: Array) -> Array:
        """Divide by a reciprocal, as compilers do."""
        return self.multiply(a, self.near(1 / b))

    def exp(self, a: Array) -> Array:
        return self.near(np.exp(a), self.roundings("function"))

    def tanh(self, a: Array) -> Array:
        return self.near(np.tanh(a), self.roundings("function"))

    def sigmoid(self, a: Array, less: float = 0.0) -> Array:
        """Compute sigma with `less` u than are promised, where something else takes them."""
        with np.errstate(over="ignore"):
            exact = 1 / (1 + np.exp(-a))
        return self.flush(exact + self.delta(np.shape(exact), self.roundings("logistic") - less))

    def dense(self, z: Array, kernel: Array, bias: Array) -> Array:
        """Return z K + b, summed as `dots` says."""
        if self.dots == "split":
            first, second = z[:, : self.features], z[:, self.features :]
            parts = self.total(first, kernel[: self.features]), self.total(second, kernel[self.features :])
            return self.add(self.add(*parts), bias)
        if self.dots == "bias first":
            return self.total(z, kernel, bias + 0 * z[:, :1])
        return self.add(self.total(z, kernel), bias)

    def total(self, z: Array, kernel: Array, start: Array = None) -> Array:
        """Sum z_i K_ij over i in order, from `start` on; return 0 of no terms. To add 0 is exact.

        Of halves it is summed in float32, and rounded then.
        """
        if self.half:
            return self.near(replace(self, dtype="float32").total(z, kernel, start))
        if not len(kernel):
            return np.zeros((len(z), kernel.shape[1]), np.longdouble)
        order = range(len(kernel))
        for i in reversed(order) if self.dots == "backward" else order:
            product = z[:, i : i + 1] * kernel[i]
            product = product if self.dots == "fma" and start is not None else self.near(product)
            start = product if start is None else np.where(product == 0, start, self.add(start, product))
        return start


def cfc(s: Sloppy, p: dict[str, Array], x: Array, h: Array, t: Array, *, mode: str, rewritten: bool) -> Array:
    """Return a CfC with one backbone layer.

    Rewritten: the two heads as f1 + s (f2 - f1), and `time_a` in `time_b` where t is 1.
    """
    p = {name: wide(a) for name, a in p.items()}
    z = s.tanh(
        s.dense(np.concatenate([wide(x), wide(h)], axis=1), p["backbone_0/kernel"], p["backbone_0/bias"])
    )
    f1 = s.dense(z, p["ff1_kernel"], p["ff1_bias"])
    if mode == "pure":
        decay = s.exp(s.multiply(-wide(t), s.add(np.abs(p["w_tau"]), np.abs(f1))))
        return s.subtract(p["A"], s.multiply(s.multiply(p["A"], f1), decay))
    f1, f2 = s.tanh(f1), s.tanh(s.dense(z, p["ff2_kernel"], p["ff2_bias"]))
    gate = s.sigmoid(_gate(s, p, z, wide(t), rewritten), 2.0 if rewritten else 0.0)
    if mode == "no_gate":
        return s.add(f1, s.multiply(gate, f2))
    if rewritten:
        return s.add(f1, s.multiply(gate, s.subtract(f2, f1)))
    return s.add(s.multiply(f1, s.subtract(1, gate)), s.multiply(f2, gate))


def _gate(s: Sloppy, p: dict[str, Array], z: Array, t: Array, rewritten: bool) -> Array:
    a, b = ((p[f"time_{name}/kernel"], p[f"time_{name}/bias"]) for name in "ab")
    if rewritten and (t == 1).all():
        return s.dense(z, s.subtract(b[0], a[0]), s.subtract(b[1], a[1]))
    return s.add(s.multiply(-s.dense(z, *a), t), s.dense(z, *b))


def ltc(
    s: Sloppy, p: dict[str, Array], x: Array, h: Array, t: Array, *, solver: str, activation: str
) -> Array:
    """Return a dense LTC without a backbone."""
    p, h, t = {name: wide(a) for name, a in p.items()}, wide(h), wide(t)
    z = np.concatenate([wide(x), h], axis=1)
    d = s.dense(z, p["kernel"], p["bias"])
    tau = s.exp(np.clip(s.dense(z, p["tau_kernel/kernel"], p["tau_kernel/bias"]), -9, 9))
    share = s.divide(t, tau if solver == "explicit" else s.add(t, tau))
    v = s.add(h, s.multiply(share, s.subtract(d, h)))
    return s.tanh(v) if activation == "tanh" else v
