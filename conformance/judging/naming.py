"""Compares the names of a cell's variables with the specification's, by default and under a config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.driver.implementation import (
    ImplementationProtocol,
    ImplementationRaised,
    NotSupported,
    RequestRefused,
)
from conformance.harness.mapping import not_mapped
from conformance.spec.families import Config, Family


def unmapped(
    family: Family, defaults: Config, to: ImplementationProtocol, params: Mapping[str, Any]
) -> str | None:
    """Describe the departure of a cell that maps under its defaults, but not under a config that it accepts.

    Return None otherwise: a cell that cannot be mapped at all is another cell, and is not judged.
    """
    models = params.get("models") or [params["model"]]
    return next(filter(None, (_of_model(family, defaults, to, model) for model in models)), None)


def _of_model(
    family: Family, defaults: Config, to: ImplementationProtocol, model: Mapping[str, Any]
) -> str | None:
    sizes = {name: model["config"][name] for name in ("units", "wiring") if name in model["config"]}
    default = {**defaults, **sizes}
    wrong = _difference(family, to, model)
    if not wrong or _difference(family, to, {**model, "config": default}) != "":
        return None
    return f"with {_chosen(family, model, default)} {wrong}"


def _difference(family: Family, to: ImplementationProtocol, model: Mapping[str, Any]) -> str | None:
    """List the variables with other names than in the specification's table; None if unknown."""
    try:
        own = _own(to, model)
    except (ImplementationRaised, NotSupported, RequestRefused):
        return None
    wanted = _table(family, model, model["config"])
    return not_mapped(own, wanted) if own != wanted else ""


def _own(to: ImplementationProtocol, model: Mapping[str, Any]) -> set[str]:
    """Return the names of a built cell's variables, or of the parameters where it builds none."""
    try:
        variables = to.request("build", model=model)["variables"]
    except NotSupported:
        return set(to.request("parameters", model=model)["parameters"])
    return {variable["name"] for variable in variables} - {None}


def _table(family: Family, model: Mapping[str, Any], config: Config) -> set[str]:
    return set(family.shapes(family.full(config), model["input_dim"]))


def _chosen(family: Family, model: Mapping[str, Any], default: Config) -> str:
    """List the arguments away from their default: those that change the table or, if none does, all."""
    changed = {n: v for n, v in model["config"].items() if n != "backbone_units" and default.get(n) != v}
    table = _table(family, model, default)
    telling = {n: v for n, v in changed.items() if _table(family, model, {**default, n: v}) != table}
    return ", ".join(f"{name}={value!r}" for name, value in (telling or changed).items())
