"""The initializers, regularizers and constraints of a cell's weights, named as in Keras's own layers."""

from typing import Any

import keras

from ncps import _arguments

ROLES = {
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
}


def assign(cell: keras.layers.Layer, **given: Any) -> None:
    """Set the attributes `kernel_initializer` and the like of `cell`, each converted by Keras's own `get`.

    Raises:
        TypeError, ValueError: for a name or an object that Keras does not know.
    """
    for name, value in given.items():
        role = name.rpartition("_")[2]
        try:
            read = ROLES[role].get(value)
        except (TypeError, ValueError) as error:
            raise _refusal(cell, name, role, value) from error
        if read is None and role == "initializer":
            raise _refusal(cell, name, role, value)
        setattr(cell, name, read)


def _refusal(cell, name, role, value):
    kind = ValueError if isinstance(value, (str, dict)) else TypeError
    return _arguments.refusal(kind, type(cell).__name__, name, value, f"a Keras {role}, or the name of one")


def options(cell: keras.layers.Layer, kind: str) -> dict[str, Any]:
    """Return the arguments of `add_weight` for the next weight of a kind, `"kernel"` for example.

    Each weight gets its own initializer, because an initializer of Keras draws the same values in each call.
    A seed is increased for each weight of the cell, so that no two kernels begin with the same values.
    """
    values = {role: getattr(cell, f"{kind}_{role}") for role in ROLES}
    return {**values, "initializer": _own(values["initializer"], len(cell.weights))}


def _own(initializer, number):
    if not isinstance(initializer, keras.initializers.Initializer):
        return initializer
    config = initializer.get_config()
    seed = config.get("seed", "none")
    if seed is not None and not isinstance(seed, int):  # it draws nothing, or from a generator that goes on
        return initializer
    return type(initializer).from_config({**config, "seed": None if seed is None else seed + number})


def config(cell: keras.layers.Layer, *kinds: str) -> dict[str, Any]:
    """Return the entries of `get_config` for the weights of these kinds."""
    return {
        f"{kind}_{role}": module.serialize(getattr(cell, f"{kind}_{role}"))
        for kind in kinds
        for role, module in ROLES.items()
    }
