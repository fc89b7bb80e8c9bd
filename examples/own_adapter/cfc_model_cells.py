"""The cells of PyPI's `cfc-model` 1.1.4, the code of the CfC paper, for torch and TensorFlow with Keras 2.

    conformance run cfc_model_cells:Torch --path examples/own_adapter --python PYTHON       # with torch
    conformance run cfc_model_cells:TensorFlow --path examples/own_adapter --python PYTHON  # with tf-keras

A cell takes its arguments as a dict in words of its own, and returns the new state alone.
"""

from conformance_harness.own import Cell

ARGUMENTS = {
    "units": None,
    "mode": ("default", "no_gate", "pure"),
    "activation": ("tanh", "lecun_tanh", "relu", "silu", "gelu"),
    "backbone_units": None,
    "backbone_layers": (1, 2, 3),
    "backbone_dropout": None,
}


def hparams(config):
    """Return the specification's arguments in the words of the package."""
    return {
        "backbone_activation": {"lecun_tanh": "lecun"}.get(config["activation"], config["activation"]),
        "backbone_units": config["backbone_units"],
        "backbone_layers": config["backbone_layers"],
        "backbone_dr": config["backbone_dropout"],
        "no_gate": config["mode"] == "no_gate",
        "minimal": config["mode"] == "pure",
        "weight_decay": 0.0,
    }


def heads(config):
    """Return the heads that a mode has."""
    return ("ff1",) if config["mode"] == "pure" else ("ff1", "ff2", "time_a", "time_b")


def canonical(head, part):
    """Return the specification's name of the kernel or the bias of a head."""
    return f"{head}_{part}" if head.startswith("ff") else f"{head}/{part}"


class Torch(Cell):
    """`cfc_model.torch_cfc.CfcCell`."""

    name = "CfcCell"
    family, backend, arguments = "cfc", "torch", ARGUMENTS
    variant, variant_source = {"time_sign": 1}, "sigmoid(t_a * ts + t_b): cfc_model/torch_cfc.py"

    def __init__(self):
        from cfc_model.torch_cfc import CfcCell

        self.implements = CfcCell

    def module(self, config, features):
        """Return a cell, and by canonical name what it calls its parameter."""
        module = self.implements(features, config["units"], hparams(config))
        linear = {head: (canonical(head, "kernel"), canonical(head, "bias")) for head in heads(config)}
        layers = [name for name, layer in module.backbone.named_children() if hasattr(layer, "weight")]
        for i, name in enumerate(layers):
            linear[f"backbone.{name}"] = (f"backbone_{i}/kernel", f"backbone_{i}/bias")
        names = {kernel: f"{own}.weight" for own, (kernel, _) in linear.items()}
        names |= {bias: f"{own}.bias" for own, (_, bias) in linear.items()}
        return module, names | ({"w_tau": "w_tau", "A": "A"} if config["mode"] == "pure" else {})

    def parameters(self, config, features):
        module, names = self.module(config, features)
        own = dict(module.named_parameters())
        return {name: own[path].T if path.endswith("weight") else own[path] for name, path in names.items()}

    def step(self, config, parameters, x, state, t):
        import torch

        module, names = self.module(config, x.shape[-1])
        own = {p: parameters[n].T if p.endswith("weight") else parameters[n] for n, p in names.items()}
        new = torch.func.functional_call(module.eval(), own, (x, state, t))
        return new, new


class TensorFlow(Cell):
    """`cfc_model.tf_cfc.CfcCell`, which reads variables of its own: no gradients by what it is given."""

    name = "CfcCell"
    family, backend, arguments, differentiable = "cfc", "tensorflow", ARGUMENTS, False
    variant, variant_source = (
        {"head_activation": "lecun_tanh"},
        "Dense(units, lecun_tanh): cfc_model/tf_cfc.py",
    )

    def __init__(self):
        from cfc_model.tf_cfc import CfcCell

        self.implements, self.kept = CfcCell, {}

    def build(self, config, features, dtype):
        """Return the variables that a step reads: those of the one cell that is kept for these arguments."""
        import tensorflow as tf

        tf.keras.backend.set_floatx(dtype)
        key = repr((config, features, dtype))
        if key not in self.kept:
            self.kept[key] = self.cell(config, features, dtype)
        return self.kept[key][1]

    def cell(self, config, features, dtype):
        """Return a cell, called once, which builds what is in it, and its variables by canonical name."""
        import tensorflow as tf

        cell = self.implements(config["units"], hparams(config))
        cell(tf.zeros((1, features), dtype), [tf.zeros((1, config["units"]), dtype)])
        layers = [layer for layer in cell.backbone.layers if layer.weights]
        found = {f"backbone_{i}/{n}": getattr(x, n) for i, x in enumerate(layers) for n in ("kernel", "bias")}
        for head in heads(config):
            found |= {
                canonical(head, part): getattr(getattr(cell, head), part) for part in ("kernel", "bias")
            }
        return cell, found | ({"w_tau": cell.w_tau, "A": cell.A} if config["mode"] == "pure" else {})

    def parameters(self, config, features):
        return {n: variable.numpy() for n, variable in self.build(config, features, "float32").items()}

    def step(self, config, parameters, x, state, t=None):
        for name, variable in self.build(config, x.shape[-1], x.dtype.name).items():
            variable.assign(parameters[name])
        cell, _ = self.kept[repr((config, x.shape[-1], x.dtype.name))]
        output, new = cell(x if t is None else [x, t], [state])
        return output, list(new)
