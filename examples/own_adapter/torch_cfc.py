"""A CfC written by hand for torch, with names of its own, and the adapter by which it is judged.

conformance run torch_cfc:Mine --path examples/own_adapter --python PYTHON_WITH_TORCH
"""

import torch
from conformance_harness.own import Cell  # there in a harness process, and nowhere else


class HandWritten(torch.nn.Module):
    """A CfC without backbone: four heads in one linear map of [input, state]."""

    def __init__(self, features, units):
        super().__init__()
        if not isinstance(units, int) or units < 1:
            raise ValueError(f"units must be a positive integer, not {units!r}")
        self.heads = torch.nn.Linear(features + units, 4 * units)

    def forward(self, x, h, t=1.0):
        first, second, slope, offset = self.heads(torch.cat([x, h], dim=-1)).chunk(4, dim=-1)
        if torch.is_tensor(t) and t.ndim:
            if t.shape not in ((len(x),), (len(x), 1)):
                raise ValueError(f"elapsed time of shape {tuple(t.shape)} for a batch of {len(x)}")
            t = t.reshape(len(x), 1)
        gate = torch.sigmoid(offset - slope * t)
        new = torch.lerp(torch.tanh(first), torch.tanh(second), gate)
        return new, new


KERNELS = ("ff1_kernel", "ff2_kernel", "time_a/kernel", "time_b/kernel")
BIASES = ("ff1_bias", "ff2_bias", "time_a/bias", "time_b/bias")


class Mine(Cell):
    """The adapter: which of the specification's arguments the cell has, and its parameters by their names."""

    family, backend, implements = "cfc", "torch", HandWritten
    arguments = {"units": None, "mode": ("default",), "backbone_layers": (0,)}

    def build(self, config, features, dtype):
        heads = HandWritten(features, config["units"]).to(getattr(torch, dtype)).heads
        kernels, biases = heads.weight.T.chunk(4, dim=1), heads.bias.chunk(4)
        return dict(zip(KERNELS, kernels, strict=True)) | dict(zip(BIASES, biases, strict=True))

    def parameters(self, config, features):
        return self.build(config, features, "float32")

    def step(self, config, parameters, x, state, t=1.0):
        weights = {
            "heads.weight": torch.cat([parameters[name] for name in KERNELS], dim=1).T,
            "heads.bias": torch.cat([parameters[name] for name in BIASES]),
        }
        module = HandWritten(x.shape[-1], config["units"])
        return torch.func.functional_call(module, weights, (x, state, t))
