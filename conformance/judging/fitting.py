"""Cases and configs drawn for one cell, fitted to another that takes fewer arguments or values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.driver.implementation import NotSupported
from conformance.judging.subject import Subject
from conformance.spec.cases import SequenceCase, StepCase
from conformance.spec.families import Config


def fit_to_cell(subject: Subject, value: Any, *, training: bool = False) -> Any:
    """Return a case or a config for this cell, without the arguments that it lacks and that have no effect.

    Raises:
        NotSupported: the cell lacks an argument that has an effect; `training` tells whether dropout has one.
    """
    if isinstance(value, StepCase | SequenceCase):
        return replace(value, config=_config(subject, value.config, training))
    known = {*subject.family.defaults, "units", "wiring", "cell"}
    is_config = isinstance(value, Mapping) and known.issuperset(value)
    return _config(subject, value, training) if is_config else value


def is_about_training(clause: str) -> bool:
    """Tell whether a clause is about a cell that trains."""
    return clause.startswith("dropout.") or "training" in clause


def _config(subject: Subject, config: Mapping[str, Any], training: bool) -> Config:
    lacking = [name for name, value in config.items() if not _offered(subject, name, value)]
    for name in lacking:
        if not _inert(subject, config, name, training):
            what = "no such value of" if subject.accepts(name) else "no"
            raise NotSupported(f"{what} argument {name!r}, which is {config[name]!r} in the example")
    return subject.offer.trimmed({n: value for n, value in config.items() if n not in lacking})


def _offered(subject: Subject, name: str, value: Any) -> bool:
    """Tell whether the cell accepts this argument, or has its value by default."""
    if not subject.accepts(name):
        return bool(value == subject.family.defaults.get(name, value))
    return isinstance(value, Mapping) or subject.offer.allows(name, value)


def _inert(subject: Subject, config: Mapping[str, Any], name: str, training: bool) -> bool:
    """Tell whether the argument has no effect: of a backbone without layers, or of dropout at rate 0."""
    family = subject.family
    of_backbone = name in ("backbone_units", "backbone_dropout", family.backbone_activation)
    if of_backbone and family.full(dict(config))["backbone_layers"] == 0:
        return True
    return name == "backbone_dropout" and not (training and config[name])
