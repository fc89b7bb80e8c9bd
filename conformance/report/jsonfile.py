"""A report as JSON, and back: everything that the terminal shows, and more, without loss.

JSON has no NaN and no infinity; they are written as the strings "NaN", "Infinity" and "-Infinity", and read
back as numbers. Arrays are nested lists.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np

from conformance.report.status import status, target_status, targets
from conformance.verdict import Report, verdict_from

FORMAT = "ncps-conformance report"
FORMAT_VERSION = 1
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json(report: Report) -> dict[str, Any]:
    """The report as the plain JSON values of schema.json, with what it concludes of each target."""
    document = {"format": FORMAT, "format_version": FORMAT_VERSION, "status": status(report)}
    document["targets"] = {target: target_status(report, target) for target in targets(report)}
    document |= {field.name: getattr(report, field.name) for field in dataclasses.fields(report)}
    plain: dict[str, Any] = _plain(document)
    return plain


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def from_json(document: Mapping[str, Any]) -> Report:
    """The report that a document holds.

    Raises:
        jsonschema.ValidationError: it is not one.
    """
    validate(document)
    names = [field.name for field in dataclasses.fields(Report)]
    values = {name: _with_numbers(document[name]) for name in names}
    values["verdicts"] = [verdict_from(verdict) for verdict in values["verdicts"]]
    return Report(**values)


def _with_numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _with_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_numbers(item) for item in value]
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    text = resources.files(__package__).joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def validate(document: Any) -> None:
    """Raises jsonschema.ValidationError where `document` is not a report."""
    jsonschema.Draft202012Validator(schema()).validate(document)


def write(report: Report, path: Path) -> None:
    """Writes the report to `path`, all of it or nothing: who reads the file never sees half a report."""
    text = json.dumps(to_json(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read(path: Path) -> Report:
    """The report in the file at `path`. Raises ValueError where it holds none."""
    return from_json(json.loads(path.read_text(encoding="utf-8")))
