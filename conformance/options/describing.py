"""Requests a target's description before it is judged."""

from __future__ import annotations

import re
from typing import Any

from conformance.driver import names
from conformance.driver.implementation import (
    EXEC,
    HarnessFault,
    ImplementationRaised,
    NotSupported,
    RequestRefused,
)
from conformance.driver.pool import HarnessKey, Pool, speed
from conformance.options.asked import unknown
from conformance.options.kinds import UsageError
from conformance.options.table import RunOptions
from conformance.spec.families import FAMILIES, MIXED_MEMORY, Family, Sizes

WHERE = "--path DIR imports from a folder, --python PATH with another interpreter"


class CannotBeJudged(Exception):
    """{target}: {why}"""


def described(options: RunOptions, target: str, pool: Pool, *, both: bool = False) -> dict[str, Any]:
    """Return the description of `target` on the backend that starts fastest.

    The harness of a Keras cell stays in the pool; with `both` that of the other precision imports beside it.

    Raises:
        UsageError: there is no such module or class.
        CannotBeJudged: its import fails, or it is no cell of a known family.
    """
    quickest = "" if target.startswith(EXEC) else max(options.backends, key=speed, default="")
    everything = HarnessKey.of(target, quickest, "float64")  # else Keras makes float32 of float64
    try:
        implementation = pool.start_ahead(everything)
        if both and quickest:
            pool.start_ahead(HarnessKey.of(target, quickest, "float32"))
        description = implementation.describe()
        if description["host"] != "keras":  # its harnesses have another key, by the name of its host
            pool.end_ahead(target)
        _check_mapped_names(options, description)
        return description
    except OSError as missing:
        raise UsageError(f"{target}: cannot be started: {missing.strerror}") from None
    except RequestRefused as refused:
        raise UsageError(f"unknown target {refused.message}") from None
    except ImplementationRaised as raised:
        if raised.type == "ModuleNotFoundError" and repr(target.split(":")[0]) in raised.message:
            raise UsageError(f"unknown target {target!r}: {raised.message}; {WHERE}") from None
        there = f" in {options.python}; {WHERE}" if raised.type == "ModuleNotFoundError" else ""
        raise CannotBeJudged(f"{target} cannot be imported: {raised}{there}") from None
    except NotSupported as unknown:
        raise CannotBeJudged(f"cannot be judged: {unknown.reason}") from None
    except HarnessFault as fault:
        raise CannotBeJudged(f"{target} cannot be judged: {fault}") from None


def _check_mapped_names(options: RunOptions, description: dict[str, Any]) -> None:
    """Raise UsageError if --names maps a variable to a name that no cell of the family has."""
    if options.names is None:
        return
    mapped = names.read(options.names).values()
    for cell in description["cells"]:
        known = parameter_names(FAMILIES[cell["family"]])
        for name in mapped:
            if re.sub(r"(backbone|layer)_(\d+|\{i\})", r"\1_0", name) not in known:
                wrong = unknown("parameter", name, known, see="reference/SPEC.md")
                raise UsageError(f"--names {options.names}: of a {cell['family']} cell: {wrong}")


def parameter_names(family: Family) -> list[str]:
    """Return the names of the parameters of cells of a family; of several layers those of layer 0."""
    configs = [family.config(Sizes(), layers=layers, **form) for form in family.forms for layers in (1, None)]
    known = [path for config in configs for path in family.shapes(config, 1)]
    if family is MIXED_MEMORY:
        others = (other for other in FAMILIES.values() if other is not family)
        known += [f"cell/{path}" for other in others for path in parameter_names(other)]
    return list(dict.fromkeys(known))
