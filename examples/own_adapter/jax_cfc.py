"""A CfC in plain JAX, functions and no classes, and the adapter by which it is judged.

conformance run jax_cfc:Mine --path examples/own_adapter --python PYTHON_WITH_JAX
"""

import jax
import jax.numpy as jnp
from conformance_harness.own import Cell  # there in a harness process, and nowhere else

HEADS = ("ff1", "ff2", "time_a", "time_b")


@jax.jit
def cfc(heads, x, h, t):
    """Return the new state: `heads` are (kernel, bias) by name, t has the shape (batch, 1)."""
    z = jnp.concatenate([x, h], axis=-1)
    f1, f2, a, b = (z @ kernel + bias for kernel, bias in (heads[name] for name in HEADS))
    gate = jax.nn.sigmoid(b - a * t)
    return jnp.tanh(f1) * (1 - gate) + jnp.tanh(f2) * gate


@jax.jit
def cfc_over_time(heads, xs, h, ts):
    """Return the states (batch, time, units), and the last."""

    def body(h, sample):
        x, t = sample
        h = cfc(heads, x, h, t)
        return h, h

    last, states = jax.lax.scan(body, h, (jnp.swapaxes(xs, 0, 1), jnp.swapaxes(ts, 0, 1)))
    return jnp.swapaxes(states, 0, 1), last


def initial(key, features, units):
    """Draw (kernel, bias) by the name of the head."""
    if not isinstance(units, int) or units < 1:
        raise ValueError(f"units must be a positive integer, not {units!r}")
    glorot = jax.nn.initializers.glorot_uniform()
    keys = zip(HEADS, jax.random.split(key, len(HEADS)), strict=True)
    return {head: (glorot(own, (features + units, units)), jnp.zeros(units)) for head, own in keys}


def column(t, batch):
    """Return the elapsed time of a step as (batch, 1); reject other shapes, and never broadcast them."""
    if jnp.shape(t) not in ((), (batch,), (batch, 1)):
        raise ValueError(f"elapsed time of shape {jnp.shape(t)} for a batch of {batch}")
    return jnp.broadcast_to(jnp.reshape(t, (-1, 1)), (batch, 1))


def times_of(xs, ts):
    """Return the elapsed times of a sequence as (batch, time, 1), 1 where none are given."""
    if not xs.shape[1]:
        raise ValueError("a sequence without a sample")
    if ts is None:
        return jnp.ones((*xs.shape[:2], 1), xs.dtype)
    if ts.shape not in (xs.shape[:2], (*xs.shape[:2], 1)):
        raise ValueError(f"timespans of shape {ts.shape} for a sequence of shape {xs.shape}")
    return jnp.reshape(ts, (*xs.shape[:2], 1))


def names(head):
    """Return the specification's names of the kernel and the bias of a head."""
    return (f"{head}_kernel", f"{head}_bias") if head.startswith("ff") else (f"{head}/kernel", f"{head}/bias")


class Mine(Cell):
    """The adapter: which of the specification's arguments the cell has, and its parameters by their names."""

    family, backend, implements = "cfc", "jax", cfc
    arguments = {"units": None, "mode": ("default",), "backbone_layers": (0,)}

    def parameters(self, config, features):
        heads = initial(jax.random.key(0), features, config["units"])
        return {n: value for head in HEADS for n, value in zip(names(head), heads[head], strict=True)}

    def step(self, config, parameters, x, state, t=1.0):
        new = cfc(self.heads(parameters), x, state, column(t, len(x)))
        return new, new

    def sequence(self, config, parameters, x, state, t=None):
        state = jnp.zeros((len(x), config["units"]), x.dtype) if state is None else state
        return cfc_over_time(self.heads(parameters), x, state, times_of(x, t))

    def heads(self, parameters):
        return {head: tuple(parameters[name] for name in names(head)) for head in HEADS}
