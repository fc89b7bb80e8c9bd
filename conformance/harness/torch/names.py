"""Names of torch modules: the kind by the class's signature, and the specification's names of parameters.

Names are those of PyPI `ncps`, or of the specification with a dot for its slash. The weight of a
`torch.nn.Linear` is `(out, in)`, and the specification's kernels `(in, out)`: a parameter called `weight` is
transposed, one called `kernel` or `..._kernel` is not. Nothing is guessed by shape.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..adapter import NotSupported
from ..hints import named_by
from ..keras.names import arguments_of, family_of
from ..packages import member_of_package

ARGUMENTS = {
    "cfc": (
        "units",
        "mode",
        "activation",
        "head_activation",
        "backbone_units",
        "backbone_layers",
        "backbone_dropout",
    ),
    "ltc": (
        "units",
        "activation",
        "solver",
        "backbone_activation",
        "backbone_units",
        "backbone_layers",
        "backbone_dropout",
    ),
    "wired_cfc": ("wiring", "mode", "head_activation", "fully_recurrent", "sparse_time_heads"),
    "wired_ltc": (
        "wiring",
        "solver",
        "ode_unfolds",
        "epsilon",
        "input_mapping",
        "output_mapping",
        "implicit_param_constraints",
    ),
}
"""Per family, the arguments that the specification knows."""

SPELLINGS = {"units": ("units", "hidden_size"), "activation": ("activation", "backbone_activation")}
INPUTS = ("input_size", "in_features", "input_dim")
"""Constructor arguments that may be the number of units, a CfC's activation, and the number of features."""

BEHIND = {"CfCCell": "cfc", "LTCCell": "ltc", "WiredCfCCell": "wired_cfc", "WiredLTCCell": "wired_ltc"}
"""The cells that may stand behind an LSTM, by the name that the config gives, and their families."""


@dataclass(frozen=True)
class Kind:
    """One kind of cell of a class: the same class is another one by an int, by a wiring, or with memory."""

    name: str
    family: str
    module: type
    spelled: dict[str, str]
    """By argument of the specification, the constructor's name for it."""
    features: str
    """The constructor's name for the number of input features."""
    sequence: bool
    """True if a call runs a sequence; otherwise it is one step."""
    behind: tuple[Kind, ...] = ()
    """With mixed memory, the cells that may stand behind the LSTM."""

    @property
    def memory(self) -> bool:
        return bool(self.behind)


def kinds_of(name: str, module: type, hint: str | None = None) -> list[Kind]:
    """Return the kinds of a class; [] if it is of no family, or takes no number of features."""
    arguments = arguments_of(module)
    features = next((spelling for spelling in INPUTS if spelling in arguments), None)
    family = hint or family_of(module)
    if features is None or family not in ARGUMENTS:
        return []
    sequence = "return_sequences" in arguments
    spelled = _spelled(family, arguments)
    kinds = [Kind(name, family, module, spelled, features, sequence)]
    if sequence and "wiring" not in arguments and _has_wirings(module):  # in place of units it takes a wiring
        wired = f"wired_{family}"
        given = {**_spelled(wired, arguments), "wiring": spelled["units"]}
        only = "ode_unfolds" in arguments
        with_wiring = Kind(name if only else f"Wired{name}", wired, module, given, features, sequence)
        kinds = [with_wiring] if only else [*kinds, with_wiring]
    if "mixed_memory" in arguments:
        kinds.append(
            Kind(
                f"MixedMemory{name}",
                "mixed_memory",
                module,
                {"cell": "mixed_memory"},
                features,
                sequence,
                tuple(kinds),
            )
        )
    return kinds


def _has_wirings(module: type) -> bool:
    try:
        member_of_package(module, ".wirings", "FullyConnected")
    except NotSupported:
        return False
    return True


def _spelled(family: str, arguments: dict[str, Any]) -> dict[str, str]:
    spellings = {name: SPELLINGS.get(name, (name,)) for name in ARGUMENTS[family]}
    taken = {name: next((s for s in own if s in arguments), None) for name, own in spellings.items()}
    return {name: spelling for name, spelling in taken.items() if spelling}


def is_timed(module: type) -> bool:
    """Tell whether `forward` has an argument, after itself, inputs and state, for elapsed time."""
    return len(inspect.signature(module.forward).parameters) > 3  # type: ignore[attr-defined]


def time_of(module: Any) -> inspect.Parameter | None:
    """Return the third argument of `forward`, which is elapsed time; None if there is none."""
    arguments = list(inspect.signature(module.forward).parameters.values())
    return arguments[2] if len(arguments) > 2 else None


_HEADS = [
    (r"(ff[12])\.weight", r"\1_kernel"),
    (r"(ff[12])\.bias", r"\1_bias"),
    (r"(ff[12]_(?:kernel|bias)|w_tau|A)", r"\1"),
    (r"(time_[ab])\.(?:weight|kernel)", r"\1/kernel"),
    (r"(time_[ab])\.bias", r"\1/bias"),
]
_BACKBONE = [
    (r"backbone[._](\d+)\.(?:weight|kernel)", r"backbone_\1/kernel"),
    (r"backbone[._](\d+)\.bias", r"backbone_\1/bias"),
]
_RULES = {
    "cfc": [*_BACKBONE, *_HEADS],
    "ltc": [
        *_BACKBONE,
        (r"(kernel|bias)", r"\1"),
        (r"tau_kernel\.(?:weight|kernel)", "tau_kernel/kernel"),
        (r"tau_kernel\.bias", "tau_kernel/bias"),
    ],
    "wired_cfc": [(r"(layer_\d+)\." + path, name.replace(r"\1", r"\1/\2")) for path, name in _HEADS],
    "wired_ltc": [(r"(gleak|vleak|cm|(?:sensory_)?(?:w|mu|sigma|erev)|(?:input|output)_[wb])", r"\1")],
}
_LSTM = [
    (r"lstm\.input_map\.weight", "input_kernel"),
    (r"lstm\.input_map\.bias", "bias"),
    (r"lstm\.recurrent_map\.weight", "recurrent_kernel"),
]
_IN_SEQUENCE = "rnn_cell."
"""Prefixes of the names of the cell inside a sequence module."""


def canonical_names(family: str, paths: list[str], names: Mapping[str, str]) -> list[str | None]:
    """Return the specification's name of each parameter, None for one that has none.

    `names` are the module's own mapping, and come first. A `torch.nn.Sequential` numbers its activations too:
    the layers of a backbone are counted in order.
    """
    numbers = sorted({int(match[1]) for path in paths if (match := _IN_BACKBONE.search(path))})

    def counted(path: str) -> str:
        return _IN_BACKBONE.sub(lambda match: f"backbone_{numbers.index(int(match[1]))}.", path)

    return [named_by(names, path) or _canonical(family, counted(path)) for path in paths]


_IN_BACKBONE = re.compile(r"\bbackbone[._](\d+)\.")


def _canonical(family: str, path: str) -> str | None:
    if family != "mixed_memory":
        return _expanded(_RULES[family], path.removeprefix(_IN_SEQUENCE))
    if not path.startswith(_IN_SEQUENCE):
        return _expanded(_LSTM, path)
    own = (_canonical(behind, path) for behind in _RULES)
    return next((f"cell/{name}" for name in own if name), None)


def _expanded(rules: list[tuple[str, str]], path: str) -> str | None:
    for pattern, name in rules:
        if match := re.fullmatch(pattern, path):
            return match.expand(name)
    return None


def transposed(path: str) -> bool:
    """Tell whether a parameter is the weight of a `torch.nn.Linear`, `(out, in)`."""
    return path.endswith(".weight")
