"""Built torch modules, kept by their arguments; their parameters by the specification's names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import numpy as np

from ..adapter import BadParams, ContractBroken, Model, NotSupported, theirs
from ..conventions import declared
from ..keras.names import arguments_of
from ..mapping import check, shown_form
from ..packages import json_value
from ..requests import Array
from ..wirings import wiring
from .names import BEHIND, Kind, canonical_names, is_timed, transposed

ACTIVATIONS = (
    *("tanh", "lecun_tanh", "relu", "sigmoid", "linear"),
    *("silu", "softplus", "elu", "gelu", "leaky_relu"),
)
MODES = ("default", "no_gate", "pure")
CHOICES = {"activation": ACTIVATIONS, "backbone_activation": ACTIVATIONS, "mode": MODES}
"""Arguments of which a class may support some values only, which are found by trying."""
OWN = "an adapter of your own tells which is which"
KEPT = 64
"""The number of built modules that are kept."""


@dataclass
class Built:
    """A module, and its parameters by canonical name with whether they are stored `(out, in)`."""

    kind: Kind
    module: Any
    named: dict[str, tuple[Any, bool]]

    def assign(self, given: Any) -> None:
        """Assign parameters. Raises NotSupported or BadParams if `given` does not fit."""
        own = {name: as_kernel(parameter, turned) for name, (parameter, turned) in self.named.items()}
        known = {id(parameter) for parameter, _ in self.named.values()}
        unnamed = [path for path, p in self.module.named_parameters() if id(p) not in known]
        check({name: tuple(value.shape) for name, value in own.items()}, given, unnamed)
        for name, value in own.items():
            value.data.copy_(import_module("torch").as_tensor(np.asarray(given[name])))

    def values(self) -> dict[str, Array]:
        return {name: array(as_kernel(p, turned)) for name, (p, turned) in self.named.items()}


class Builder:
    """Builds the cells of one class, and keeps the latest of them."""

    def __init__(self, kinds: list[Kind], names: Mapping[str, str]) -> None:
        self.names = names
        self.kinds = {kind.name: kind for kind in kinds}
        self.torch: Any = import_module("torch")
        self._kept: dict[str, Built] = {}
        self._known: dict[tuple[str, str], list[Any]] = {}

    def ready(self, model: Model) -> Built:
        """Return a kept module of these arguments; the caller assigns its parameters."""
        self.torch.set_default_dtype(torch_dtype(model.dtype))
        key = json.dumps(asdict(model), sort_keys=True)
        if key not in self._kept:
            if len(self._kept) == KEPT:
                self._kept.clear()
            self._kept[key] = self.fresh(model)
        return self._kept[key]

    def fresh(self, model: Model, **options: Any) -> Built:
        if model.cell not in self.kinds:
            raise BadParams(f"model.cell: there is no {model.cell!r} among {', '.join(self.kinds)}")
        kind = self.kinds[model.cell]
        self.torch.set_default_dtype(torch_dtype(model.dtype))
        self.torch.manual_seed(model.seed)
        module = self._construct(kind, model.config, model.input_dim, options if kind.sequence else {})
        module = module.to(torch_dtype(model.dtype))
        return self._built(kind, module)

    def _built(self, kind: Kind, module: Any) -> Built:
        """Return a module with its parameters by name. Raises NotSupported if two have one name."""
        paths = dict(module.named_parameters())
        names = canonical_names(kind.family, list(paths), self.names)
        named: dict[str, tuple[Any, bool]] = {}
        for path, name in zip(paths, names, strict=True):
            if name in named:
                shared = " and ".join(p for p, n in zip(paths, names, strict=True) if n == name)
                raise NotSupported(
                    f"{kind.name}: the parameters {shared} are both {name} by their names; {OWN}"
                )
            if name:
                named[name] = (paths[path], transposed(path))
        return Built(kind, module, named)

    def _construct(self, kind: Kind, config: dict[str, Any], features: int, options: dict[str, Any]) -> Any:
        if kind.memory:
            named = config["cell"]
            if not isinstance(named, dict):
                raise NotSupported(f"{kind.name} is not given the cell behind its LSTM, but makes it")
            family = BEHIND.get(named["class_name"])
            inner = next((k for k in kind.behind if k.family == family), None)
            if inner is None:
                raise NotSupported(f"{kind.name} has no {named['class_name']} behind its LSTM")
            return self._construct(inner, named["config"], features, {**options, "mixed_memory": True})
        given = {kind.features: features, **options}
        for name, value in config.items():
            if name not in kind.spelled:
                raise NotSupported(f"{kind.name} takes no {name}")
            self._check_known(kind, name, value)
            made = wiring(kind.module, value["class_name"], value["config"]) if name == "wiring" else value
            given[kind.spelled[name]] = made
        return theirs(kind.module, **given)

    def _check_known(self, kind: Kind, name: str, value: Any) -> None:
        if name in CHOICES and value in CHOICES[name] and value not in self._values(kind, name):
            raise NotSupported(f"{kind.name} knows no {name} {value!r}")

    def _values(self, kind: Kind, name: str) -> list[Any]:
        if (kind.family, name) not in self._known:
            self._known[kind.family, name] = [v for v in CHOICES[name] if self._builds(kind, name, v)]
        return self._known[kind.family, name]

    def _builds(self, kind: Kind, name: str, value: Any) -> bool:
        try:
            kind.module(**_smallest(kind), **{kind.spelled[name]: value})
        except Exception:
            return False
        return True

    def _fixed(self, kind: Kind) -> dict[str, Any]:
        """Return the arguments that the constructor lacks, with the values that the parameters show."""
        if kind.memory:
            return {}
        try:
            built = self._built(kind, kind.module(**_smallest(kind)))
        except Exception:  # what is wrong with it, the clauses find
            return {}
        shown = shown_form(kind.family, {name: value.shape for name, value in built.values().items()})
        return {name: value for name, value in shown.items() if name not in kind.spelled}

    def facts(self, kind: Kind) -> dict[str, Any]:
        constructor = arguments_of(kind.module)
        defaults = {name: constructor[spelling].default for name, spelling in kind.spelled.items()}
        facts: dict[str, Any] = {
            "name": kind.name,
            "family": kind.family,
            "layer": kind.name if kind.sequence else None,
            "arguments": list(kind.spelled),
            "fixed": self._fixed(kind),
            "timed": is_timed(kind.module),
            "defaults": {n: json_value(v) for n, v in defaults.items() if not isinstance(v, type)},
            "variant": declared(kind.module, kind.family),
            "values": {name: self._values(kind, name) for name in CHOICES if name in kind.spelled},
        }
        known = {"return_sequences", "batch_first", "mixed_memory", kind.features}
        known |= {spelling for any_kind in self.kinds.values() for spelling in any_kind.spelled.values()}
        facts["unknown"] = [name for name in constructor if name not in known]
        if kind.memory:
            inner = {inner.family: self.facts(inner) for inner in kind.behind}
            behind = {cell: inner[family] for cell, family in BEHIND.items() if family in inner}
            facts |= {"behind": behind, "values": {"cell": list(behind)}, "defaults": {}}
        return facts


def _smallest(kind: Kind) -> dict[str, Any]:
    """Return the arguments of the smallest module of a kind."""
    small: dict[str, Any] = {kind.features: 1}
    if "wiring" in kind.spelled:
        return {**small, kind.spelled["wiring"]: wiring(kind.module, "FullyConnected", {"units": 1})}
    return {**small, kind.spelled["units"]: 1}


def torch_dtype(name: str) -> Any:
    """Return the dtype of this name. Raises NotSupported for a policy of Keras."""
    if name not in ("float32", "float64"):
        raise NotSupported("a torch module has no dtype policy")
    return getattr(import_module("torch"), name)


def as_kernel(tensor: Any, turned: bool) -> Any:
    """Return a tensor as `(in, out)`, transposed if `turned`."""
    return tensor.T if turned else tensor


def array(tensor: Any) -> Array:
    """Return a NumPy copy, without bfloat16, which NumPy lacks. Raises ContractBroken for no tensor."""
    torch = import_module("torch")
    if not isinstance(tensor, torch.Tensor):
        raise ContractBroken(f"a module returns tensors, not {type(tensor).__name__}")
    whole = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    copied: Array = whole.detach().cpu().numpy().copy()
    return copied
