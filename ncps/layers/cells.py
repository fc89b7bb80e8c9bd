"""The cell of a sequence layer, made from the layer's first argument."""

import inspect

import keras

from ncps import _arguments
from ncps.cells.cfc import CfCCell
from ncps.cells.ltc import LTCCell
from ncps.cells.mixed_memory import MixedMemoryCell
from ncps.cells.stacked import StackedCells
from ncps.cells.timed import TimedCell
from ncps.cells.wired_cfc import WiredCfCCell
from ncps.cells.wired_ltc import WiredLTCCell
from ncps.wirings import Wiring

FAMILIES = {"CfC": (CfCCell, WiredCfCCell), "LTC": (LTCCell, WiredLTCCell)}
"""Cells of each layer, for a number of units and for a wiring. Either layer takes a cell of no family."""

MEMORY = {
    f"{kind}_{role}"
    for kind in ("kernel", "recurrent", "bias")
    for role in ("initializer", "regularizer", "constraint")
}
"""Arguments of the LSTM of mixed memory; those that a dense cell made here has too are given to both."""


def choose(owner, first, arguments, *, dense, wired, mixed_memory):
    """Return the cell for the first argument of a layer.

    Args:
        owner: Name of the layer, for messages.
        first: Number of units, a wiring, a cell, or a list of cells.
        arguments: Keyword arguments of the layer, changed in place: those of the cell are removed, and
            `dtype` becomes that of the cell. For a given cell the two dtypes must be the same.
        dense, wired: Classes of the cell for a number of units and for a wiring.
        mixed_memory: Whether to put an LSTM in front of the cell.

    Raises:
        TypeError, ValueError: for a first argument of another kind, for a cell of the other layer's family,
            and for cell arguments together with a given cell.
    """
    first, mixed_memory = _stacked(first), _arguments.boolean(owner, "mixed_memory", mixed_memory)
    memory = {name: arguments[name] for name in MEMORY & arguments.keys()} if mixed_memory else {}
    kind = wired if isinstance(first, Wiring) else dense
    known = set() if isinstance(first, TimedCell) else names(kind)
    own = {name: arguments[name] for name in known & arguments.keys()}
    for name in own | memory:
        del arguments[name]
    belong_to_cells = names(dense) | names(wired)
    _refuse(owner, arguments, MEMORY - belong_to_cells, "left out, or given with mixed_memory=True")
    if isinstance(first, TimedCell):
        _refuse_other_family(owner, first, (dense, wired))
        _refuse(owner, arguments, belong_to_cells, f"given to the {type(first).__name__} itself")
        cell = _agreeing(owner, first, arguments.get("dtype"))
    else:
        other = dense if kind is wired else wired
        _refuse_other_kind(owner, first, arguments, belong_to_cells, kind, other)
        cell = kind(_units(owner, first), dtype=arguments.get("dtype"), **own)
    arguments["dtype"] = cell.dtype_policy
    return MixedMemoryCell(cell, **memory) if mixed_memory else cell


def _stacked(first):
    """Return the stack for a list of cells or for Keras's own stack; return anything else unchanged."""
    cells = first.cells if isinstance(first, keras.layers.StackedRNNCells) else first
    return StackedCells(cells) if isinstance(cells, (list, tuple)) else first


def _refuse_other_family(owner, cell, own):
    behind = cell.cell if isinstance(cell, MixedMemoryCell) else cell
    for layer, kinds in FAMILIES.items():
        if isinstance(behind, kinds) and not isinstance(behind, own):
            allowed = f"a cell for this layer; a {type(behind).__name__} goes into ncps.{layer}"
            raise _arguments.refusal(TypeError, owner, "units", cell, allowed)


def _agreeing(owner, cell, dtype):
    if dtype is not None and keras.dtype_policies.get(dtype) != cell.dtype_policy:
        allowed = f"left out, or that of the cell, {cell.dtype_policy.name}"
        raise _arguments.refusal(ValueError, owner, "dtype", dtype, allowed)
    return cell


def _units(owner, first):
    if isinstance(first, Wiring) or hasattr(first, "__index__"):
        return first
    raise _arguments.refusal(TypeError, owner, "units", first, "an integer, a wiring or a cell of ncps")


def names(kind):
    """Return the names of the keyword arguments that the class `kind` takes and a layer does not."""
    _, *others = inspect.signature(kind).parameters.values()
    return {p.name for p in others if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def _refuse_other_kind(owner, first, arguments, foreign, kind, other):
    """Reject arguments of the wired cell with a number of units, and of the dense cell with a wiring."""
    for name in sorted(foreign & set(arguments)):
        value = _arguments.shown(arguments[name])
        given, instead = "a number of units", f"ncps.wirings.FullyConnected({first!r})"
        if isinstance(first, Wiring):
            given, instead = "a wiring", first.units
        allowed = (
            f"left out with {given}: a {kind.__name__} has none; "
            f"a {other.__name__} has it, {owner}({instead}, {name}={value})"
        )
        raise _arguments.refusal(ValueError, owner, name, arguments[name], allowed)


def _refuse(owner, arguments, foreign, allowed):
    for name in sorted(foreign & set(arguments)):
        raise _arguments.refusal(ValueError, owner, name, arguments[name], allowed)
