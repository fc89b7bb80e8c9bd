"""Whether a cell's variables have the names of the specification, under its defaults and under a config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from conformance.families import Config, Sizes
from conformance.harness.mapping import not_mapped
from conformance.implementation import ImplementationRaised, NotSupported, RequestRefused

if TYPE_CHECKING:
    from conformance.subject import Answering, Subject


def departure(subject: Subject, to: Answering, params: Mapping[str, Any]) -> str | None:
    """How a cell departs that maps under its defaults, but not under a config that it accepts.

    None where that is not so: one that cannot be mapped at all is another cell, and not judged.
    """
    models = params.get("models") or [params["model"]]
    return next(filter(None, (_of_model(subject, to, model) for model in models)), None)


def _of_model(subject: Subject, to: Answering, model: Mapping[str, Any]) -> str | None:
    default = _default(subject, model["config"])
    wrong = _difference(subject, to, model)
    if not wrong or _difference(subject, to, {**model, "config": default}) != "":
        return None
    return f"with {_chosen(subject, model, default)} {wrong}"


def _default(subject: Subject, config: Config) -> Config:
    sizes: Config = {name: config[name] for name in ("units", "wiring") if name in config}
    return {**subject.config(Sizes()), **sizes}


def _difference(subject: Subject, to: Answering, model: Mapping[str, Any]) -> str | None:
    """Which variables have other names than in the specification's table; None where nobody can say."""
    try:
        own = _own(to, model)
    except (ImplementationRaised, NotSupported, RequestRefused):
        return None
    wanted = set(_table(subject, model, model["config"]))
    return not_mapped(own, wanted) if own != wanted else ""


def _own(to: Answering, model: Mapping[str, Any]) -> set[str]:
    """The names of a built cell's variables; where it builds none, those of the parameters it is given."""
    try:
        variables = to.request("build", model=model)["variables"]
    except NotSupported:
        return set(to.request("parameters", model=model)["parameters"])
    return {variable["name"] for variable in variables} - {None}


def _table(subject: Subject, model: Mapping[str, Any], config: Config) -> set[str]:
    return set(subject.family.shapes(subject.family.full(config), model["input_dim"]))


def _chosen(subject: Subject, model: Mapping[str, Any], default: Config) -> str:
    """The arguments away from their default: those that change the table, or else all."""
    found = {n: v for n, v in model["config"].items() if n != "backbone_units" and default.get(n) != v}
    table = _table(subject, model, default)
    telling = {n: v for n, v in found.items() if _table(subject, model, {**default, n: v}) != table}
    return ", ".join(f"{name}={value!r}" for name, value in (telling or found).items())
