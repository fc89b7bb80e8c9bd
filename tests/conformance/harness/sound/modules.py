"""Modules of torch."""

import torch
from torch import nn


def column(t, x):
    """Return elapsed time as a scalar or (batch, 1). Raises ValueError for another shape."""
    if t is None:
        return torch.ones((), dtype=x.dtype)
    if tuple(t.shape) not in ((), (len(x),), (len(x), 1)):
        raise ValueError(f"t must be a scalar, (batch,) or (batch, 1), got shape {tuple(t.shape)}")
    return t if t.ndim == 0 else t.reshape(-1, 1)


class Module(nn.Module):
    """Linear heads by name, which read sample and state."""

    heads = ("ff1", "ff2", "time_a", "time_b")

    def __init__(self, input_size, hidden_size):
        super().__init__()
        if type(hidden_size) is not int or hidden_size < 1:
            raise ValueError(f"hidden_size must be a positive integer, got {hidden_size!r} for units")
        self.state_size = self.output_size = hidden_size
        for name in self.heads:
            setattr(self, name, self.head(input_size + hidden_size, hidden_size))

    def head(self, width, size):
        """Return a head that begins as the specification says."""
        made = nn.Linear(width, size)
        nn.init.xavier_uniform_(made.weight)
        nn.init.zeros_(made.bias)
        return made

    def advance(self, x, h, t):
        z = torch.cat([x, h], dim=-1)
        f1, f2, a, b = (getattr(self, name)(z) for name in self.heads)
        gate = torch.sigmoid(b - a * t)
        return torch.tanh(f1) * (1.0 - gate) + torch.tanh(f2) * gate

    def forward(self, x, h, t=None):
        new = self.advance(x, h, column(t, x))
        return new, new


class StepCfC(Module):
    """A step, without a backbone or an argument for one."""


class UntimedCfC(Module):
    """A step that takes no elapsed time, whose heads begin as torch has it."""

    def head(self, width, size):
        return nn.Linear(width, size)

    def forward(self, x, h):
        new = self.advance(x, h, 1.0)
        return new, new


class RenamedCfC(Module):
    """Names of its own, which the class maps."""

    heads = ("slow", "fast", "rate", "shift")
    specification_names = {
        **{f"slow.{part}": f"ff1_{name}" for part, name in (("weight", "kernel"), ("bias", "bias"))},
        **{f"fast.{part}": f"ff2_{name}" for part, name in (("weight", "kernel"), ("bias", "bias"))},
        **{f"rate.{part}": f"time_a/{name}" for part, name in (("weight", "kernel"), ("bias", "bias"))},
        **{f"shift.{part}": f"time_b/{name}" for part, name in (("weight", "kernel"), ("bias", "bias"))},
    }


class StepLTC(Module):
    """An LTC's step, whose names the class maps."""

    heads = ("goal", "tau_kernel")
    specification_names = {"goal.weight": "kernel", "goal.bias": "bias"}

    def advance(self, x, h, t):
        z = torch.cat([x, h], dim=-1)
        tau = torch.exp(torch.clamp(self.tau_kernel(z), -9.0, 9.0))
        return torch.tanh(h + t / (t + tau) * (self.goal(z) - h))
