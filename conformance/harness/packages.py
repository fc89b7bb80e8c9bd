"""The package that a target's class comes from: its other members, and its distribution."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module, metadata
from typing import Any

from .adapter import NotSupported


def member_of_package(kind: type, module: str, name: str) -> Any:
    """Return the member of this name, in this module, of the package of a class or of a base of it.

    The module of the class itself comes first. A member of Keras is never the package's own.

    Raises NotSupported if there is none.
    """
    bases = [base.__module__ for base in kind.__mro__]
    homes = list(dict.fromkeys(home for base in bases for home in (base, base.split(".")[0])))
    for home in homes:
        if _of_keras(home):
            break
        for place in dict.fromkeys((home + module, home)):
            try:
                member = getattr(import_module(place), name)
            except (ImportError, AttributeError):
                continue
            if not _of_keras(getattr(member, "__module__", "")):
                return member
    raise NotSupported(f"there is no {bases[0].split('.')[0]}{module}.{name}")


def _of_keras(module: str) -> bool:
    return module.split(".")[0] in ("keras", "tf_keras")


def origin(kind: type) -> dict[str, Any]:
    """Return name, version, distribution and file of a target; a distribution only if it owns that file."""
    module = sys.modules[kind.__module__]
    top = module.__name__.split(".")[0]
    file = os.path.abspath(str(module.__file__))
    owner = next((d for d in metadata.distributions() if _owns(d, top, file)), None)
    version = owner.version if owner else getattr(sys.modules.get(top), "__version__", None)
    distribution = owner.metadata["Name"] if owner else None
    return {"name": top, "version": version, "distribution": distribution, "file": file}


def _owns(distribution: metadata.Distribution, top: str, file: str) -> bool:
    """Tell whether a distribution owns a file, by the text of RECORD: parsing every one takes seconds."""
    root = str(distribution.locate_file(""))
    relative = os.path.relpath(file, root).replace(os.sep, "/")
    return relative.startswith(f"{top}/") and f"\n{relative}," in "\n" + (
        distribution.read_text("RECORD") or ""
    )


def json_value(value: Any) -> Any:
    """Return a value as JSON, or else as Python writes it."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return repr(value)


def regime() -> str:
    """Return "x64" if this process is to judge float64, or "x32" for float32."""
    return "x64" if os.environ.get("JAX_ENABLE_X64", "0").lower() in ("1", "true") else "x32"
