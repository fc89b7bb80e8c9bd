"""Conversion of weights from PyPI's `ncps` to the cells and layers of this package."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ncps import activations
from ncps.cells import CfCCell, MixedMemoryCell, TimedCell, WiredCfCCell, WiredLTCCell

Array = npt.NDArray[np.float64]
Entries = dict[str, tuple[str, Array]]
"""By our path of a variable, the name in PyPI's and the array."""

# What a name of PyPI's torch modules, its dots written as slashes, is called here.
TORCH = (
    (r"^lstm/input_map/weight$", "input_kernel"),
    (r"^lstm/input_map/bias$", "bias"),
    (r"^lstm/recurrent_map/weight$", "recurrent_kernel"),
    (r"\b(ff[12])/weight$", r"\1_kernel"),
    (r"\b(ff[12])/bias$", r"\1_bias"),
    (r"\b(time_[ab]|backbone_\d+)/weight$", r"\1/kernel"),
)
# What the end of a path in PyPI's Keras cells is called here; what stands before it names their cell.
KERAS = (
    (r"\b(ff[12])_weight$", r"\1_kernel"),
    (r"^sequential(_\d+)?/backbone(\d+)/", r"backbone_\2/"),
)
KERAS_PATH = re.compile(r"^(.*?)/((?:sequential(?:_\d+)?/backbone\d+/|time_[ab]/)?[^/]*)$", re.DOTALL)


def load_pypi(target: Any, source: Mapping[str, Any] | str | os.PathLike[str]) -> None:
    """Load the weights of a cell or layer of PyPI's `ncps` 1.0.1 into one of this package.

    The two packages have the same import name and cannot be imported together: save the weights where PyPI's
    is installed. For a torch `CfC`, `LTC`, `CfCCell`, `LTCCell` or `WiredCfCCell`, and for a Keras one:

        np.savez("w.npz", **{k: v.numpy() for k, v in layer.state_dict().items()})
        np.savez("w.npz", **{v.path: np.asarray(v) for v in layer.weights})

    Afterwards both compute the same, up to rounding, if the arguments that cannot be seen in the weights are
    the same. Give these arguments here, with the values that PyPI's layer had. Its defaults:

        CfC             activation="lecun_tanh" of the backbone; the mode, of which "default" and "no_gate"
                        have the same weights
        LTC             ode_unfolds=6, epsilon=1e-8; implicit_param_constraints=True for torch's `LTC`, False
                        for torch's `LTCCell`
        either, wired   the same wiring, with the same arguments and seed; this is checked if the weights
                        show it, and those of Keras's CfC do not

    The target must have `head_activation="tanh"` for torch, or "linear" for Keras, whose heads have no
    activation; and `sparse_time_heads=False` for a wired CfC, whose time heads are dense in both. PyPI's
    `LTC(n)` is wired too: here it is `LTC(ncps.wirings.FullyConnected(n))`.

    Args:
        target: A `CfCCell`, `WiredCfCCell` or `WiredLTCCell`, such a cell in a `MixedMemoryCell`, or a layer
            of one, `CfC`, `LTC` or `keras.layers.RNN`; built.
        source: A mapping of names to arrays or tensors, or the path of an `.npz` file of one: a torch
            `state_dict()`, or the variables of a Keras cell or layer by path. Names with a slash are Keras's.

    Raises:
        TypeError: if the target or the source is of another kind.
        ValueError: if the target is not built or computes something else, and for entries that are missing,
            left over, of another shape, not numbers, or from another wiring; the message names them. The
            target is then unchanged.

    Example:

    >>> import numpy as np
    >>> from ncps import CfCCell
    >>> from ncps.convert import load_pypi
    >>> cell = CfCCell(2, mode="pure", activation="lecun_tanh", backbone_layers=0)
    >>> cell.build((None, 1))
    >>> weights = {"ff1.weight": np.ones((2, 3)), "ff1.bias": np.zeros(2)}
    >>> load_pypi(cell, {**weights, "w_tau": np.zeros((1, 2)), "A": np.ones((1, 2))})
    """
    cell = _built_cell(target)
    arrays = {name: _array(name, value) for name, value in _mapping(source).items()}
    keras_made = any("/" in name for name in arrays)
    _check_cell(cell, "Keras" if keras_made else "torch", arrays)
    entries = (_from_keras if keras_made else _from_torch)(cell, arrays)
    variables = {v.path.removeprefix(f"{cell.path}/"): v for v in cell.weights}
    synapses = _synapses(cell)
    _check_entries(entries, variables if keras_made else {**variables, **synapses})
    if keras_made:  # no masks among the variables; but an LTC's erev is 0 elsewhere, and stays so
        synapses = {path.replace("sparsity_mask", "erev"): signs for path, signs in synapses.items()}
    _check_wiring(entries, synapses)
    for path, variable in variables.items():
        variable.assign(entries[path][1])


def _built_cell(target: Any) -> Any:
    cell: Any = target if isinstance(target, TimedCell) else getattr(target, "cell", None)
    if not isinstance(_inner(cell), (CfCCell, WiredCfCCell, WiredLTCCell)):
        raise TypeError(
            "load_pypi: target must be a CfCCell, a WiredCfCCell, a WiredLTCCell, a MixedMemoryCell of one, "
            "or a layer of one (PyPI's LTC(n) is LTC(ncps.wirings.FullyConnected(n)) here), "
            f"got {target!r}"
        )
    if not cell.built:
        raise ValueError(f"load_pypi: build the target first, or call it once; {cell.name} is not built")
    return cell


def _inner(cell: Any) -> Any:
    return cell.cell if isinstance(cell, MixedMemoryCell) else cell


def _mapping(source: Any) -> Mapping[str, Any]:
    if isinstance(source, (str, os.PathLike)):
        with np.load(source, allow_pickle=False) as file:
            return dict(file)
    if not hasattr(source, "items"):
        raise TypeError(f"load_pypi: source must be a mapping of names to arrays, or a path, got {source!r}")
    return source


def _array(name: str, value: Any) -> Array:
    """Return `value`, an array or a torch tensor, in float64, which represents every smaller type exactly."""
    value = value.detach().cpu().double() if hasattr(value, "detach") else value
    try:
        return np.asarray(value, dtype="float64")
    except (TypeError, ValueError) as error:
        raise ValueError(f"load_pypi: {name} holds no numbers") from error


def _check_cell(cell: Any, origin: str, names: Iterable[str]) -> None:
    """Reject a cell whose arguments make it compute something else than PyPI's cell, with any weights."""
    mixed = isinstance(cell, MixedMemoryCell) or any(n.endswith("/recurrent_kernel") for n in names)
    if mixed and origin == "Keras":
        raise ValueError(
            "load_pypi: mixed memory of PyPI's Keras cells is another network, whose liquid cell reads the "
            "LSTM's output as its input; only torch's is a MixedMemoryCell"
        )
    cell = _inner(cell)
    for name, wanted in _arguments_needed(cell, origin).items():
        own = getattr(cell, name)
        own = activations.serialize(own) if name == "head_activation" else own
        if own != wanted:
            raise ValueError(
                f"load_pypi: PyPI's {origin} cells compute otherwise than {name}={own!r}: "
                f"make the target with {type(cell).__name__}(..., {name}={wanted!r})"
            )
    if isinstance(cell, WiredCfCCell) and origin == "torch" and cell.layers[-1].units != cell.output_size:
        raise ValueError(
            f"load_pypi: PyPI's torch cell puts out the {cell.layers[-1].units} neurons of the last layer, "
            f"the target {cell.output_size} motor neurons: call wiring.set_output_dim before building it"
        )


def _arguments_needed(cell: Any, origin: str) -> dict[str, Any]:
    if isinstance(cell, WiredLTCCell):
        explicit = {"implicit_param_constraints": False} if origin == "Keras" else {}
        return {"solver": "semi_implicit", **explicit}
    wired = {"fully_recurrent": True} if isinstance(cell, WiredCfCCell) else {}
    if cell.mode == "pure":
        return wired
    dense = {"sparse_time_heads": False} if wired else {}
    return {"head_activation": "tanh" if origin == "torch" else "linear", **wired, **dense}


def _synapses(cell: Any) -> dict[str, npt.NDArray[np.int32]]:
    """Return the signs of the synapses by path of torch's mask: `(sources, targets)`, 0 for no synapse."""
    prefix, cell = ("cell/", cell.cell) if isinstance(cell, MixedMemoryCell) else ("", cell)
    if isinstance(cell, WiredLTCCell):
        sensory, between = cell.wiring.sensory_adjacency_matrix, cell.wiring.adjacency_matrix
        assert sensory is not None  # the wiring of a built cell is built
        return {f"{prefix}sparsity_mask": between, f"{prefix}sensory_sparsity_mask": sensory}
    layers = cell.synapses if isinstance(cell, WiredCfCCell) else []
    return {f"{prefix}layer_{i}/sparsity_mask": signs for i, signs in enumerate(layers)}


def _from_torch(cell: Any, arrays: Mapping[str, Array]) -> Entries:
    """Return the name in torch and the converted array by our path.

    In torch kernels are `(out, in)`, and `time_a` has the opposite sign.
    """
    backbone = sorted({int(i) for i in re.findall(r"\bbackbone\.(\d+)\.", "\n".join(arrays))})
    behind = "cell/" if isinstance(cell, MixedMemoryCell) else ""
    entries: Entries = {}
    for name, array in arrays.items():
        path = re.sub(r"^rnn_cell/", behind, name.replace(".", "/"))
        # a Sequential numbers its activations and dropouts too
        path = re.sub(r"\bbackbone/(\d+)/", lambda m: f"backbone_{backbone.index(int(m[1]))}/", path)
        path = _renamed(path, TORCH)
        if re.search(r"\.weight$|\blayer_\d+\.sparsity_mask$", name):
            array = array.T
        _add(entries, path, name, -array if "time_a/" in path else array)
    return entries


def _from_keras(cell: Any, arrays: Mapping[str, Array]) -> Entries:
    """Return the path in Keras and the converted array by our path.

    A wired CfC of PyPI's Keras multiplies its kernels by the signs of the synapses.
    """
    parts = {name: _parts(name) for name in arrays}
    cells = sorted({owner for owner, _ in parts.values()}, key=_number)
    signs = list(_synapses(cell).values())
    wired = isinstance(cell, WiredCfCCell)
    entries: Entries = {}
    for name, array in arrays.items():
        owner, own = parts[name]
        own, i = _renamed(own, KERAS), cells.index(owner)
        if wired and i < len(signs) and own in ("ff1_kernel", "ff2_kernel") and array.shape == signs[i].shape:
            array = array * signs[i]
        _add(entries, f"layer_{i}/{own}" if wired else own, name, array)
    return entries


def _parts(name: str) -> tuple[str, str]:
    """Split the path of a variable into the path of its cell and the path inside the cell."""
    match = KERAS_PATH.match(name)
    return (match[1], match[2]) if match else ("", name)


def _number(path: str) -> int:
    """Return the number that Keras appends to the names of the second and later layers of a class, else 0."""
    match = re.search(r"_(\d+)$", path)
    return int(match[1]) if match else 0


def _renamed(path: str, rules: Iterable[tuple[str, str]]) -> str:
    for pattern, ours in rules:
        path = re.sub(pattern, ours, path)
    return path


def _add(entries: Entries, path: str, name: str, array: Array) -> None:
    if path in entries:
        first, _ = entries[path]
        raise ValueError(f"load_pypi: {first} and {name} are both {path}: give the weights of one layer")
    entries[path] = name, array


def _check_entries(entries: Entries, wanted: Mapping[str, Any]) -> None:
    both = [path for path in wanted if path in entries]
    shapes = {path: (entries[path][1].shape, tuple(wanted[path].shape)) for path in both}
    misfits = {
        "missing": [path for path in wanted if path not in entries],
        "left over": [name for path, (name, _) in entries.items() if path not in wanted],
        "of another shape": [
            f"{entries[path][0]} (as {path} it is {given}, not {own})"
            for path, (given, own) in shapes.items()
            if given != own
        ],
    }
    problems = [f"{kind}: {', '.join(names)}" for kind, names in misfits.items() if names]
    if problems:
        raise ValueError("load_pypi: the weights do not fit the target; " + "; ".join(problems))


def _check_wiring(entries: Entries, synapses: Mapping[str, npt.NDArray[np.int32]]) -> None:
    """Reject masks whose nonzero entries are not exactly the synapses of the target's wiring."""
    differ = [
        entries[path][0]
        for path, signs in synapses.items()
        if path in entries and np.any((entries[path][1] != 0) != (signs != 0))
    ]
    if differ:
        raise ValueError(
            "load_pypi: the weights are those of another wiring than the target's, "
            f"with synapses elsewhere: {', '.join(differ)}"
        )
