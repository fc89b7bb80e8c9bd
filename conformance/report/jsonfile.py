"""A report as JSON, and back: everything that the terminal shows, and more, without loss.

JSON has no NaN and no infinity; they are written as the strings "NaN", "Infinity" and "-Infinity", and read
back as numbers. Arrays are nested lists.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema

from conformance.driver.safe_json import parse
from conformance.report.causes import CauseFound, causes_found
from conformance.report.status import of_target, status, target_status, targets
from conformance.spec.encoding import NOT_FINITE, plain
from conformance.verdict import Report, verdict_from

FORMAT = "ncps-conformance report"
FORMAT_VERSION = 2
"""2 has the causes of failures; reports of version 1 are read too."""
WIDTH = 110


def to_json(report: Report) -> dict[str, Any]:
    """Return the report as the plain JSON values of schema.json, with its status of each target."""
    document = {"format": FORMAT, "format_version": FORMAT_VERSION, "status": status(report)}
    document["targets"] = {target: target_status(report, target) for target in targets(report)}
    document["causes"] = [
        _cause(target, cause)
        for target in targets(report)
        for cause in causes_found(of_target(report, target))
    ]
    document |= {field.name: getattr(report, field.name) for field in dataclasses.fields(report)}
    made: dict[str, Any] = plain(document)
    return made


def from_json(document: Mapping[str, Any]) -> Report:
    """Return the report in a document.

    Raises:
        jsonschema.ValidationError: it is no report.
    """
    validate(document)
    names = [field.name for field in dataclasses.fields(Report)]
    values = {name: document[name] for name in names if name in document}
    values["verdicts"] = [verdict_from(_numerical(verdict)) for verdict in values["verdicts"]]
    return Report(**values)


def _cause(target: str, cause: CauseFound) -> dict[str, Any]:
    """Return a cause and what fails for it, without the examples, which the verdicts have."""
    cells, backends = (
        dict.fromkeys(getattr(v, part) for v in cause.verdicts) for part in ("cell", "backend")
    )
    places = {"clauses": cause.clauses, "cells": list(cells), "backends": list(backends)}
    return {"target": target, **dataclasses.asdict(cause.cause), **places}


EVIDENCE = ("case", "got", "want", "bound", "excess", "example")
"""The fields of a failure that may hold numbers that are not finite."""


def _numerical(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return a verdict with numbers in the fields that may hold them; a name "NaN" stays a name."""
    failure = verdict["failure"]
    if failure is not None:
        old = failure.get("diagnosis", {})
        failure = {name: value for name, value in failure.items() if name != "diagnosis"}
        failure["departs"] = failure.get("departs") or old.get("departs", {})
        failure = {**failure, **{name: numbers(failure.get(name)) for name in EVIDENCE if name in failure}}
    return {**verdict, "worst": numbers(verdict["worst"]), "failure": failure}


def numbers(value: Any) -> Any:
    """Return numbers for the texts that stand for those that are not finite."""
    if isinstance(value, Mapping):
        return {name: numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of a report."""
    text = resources.files(__package__).joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def validate(document: Any) -> None:
    """Raise jsonschema.ValidationError if `document` is not a report."""
    jsonschema.Draft202012Validator(schema()).validate(document)


def write(report: Report, path: Path) -> None:
    """Write the report to `path`, all of it or nothing: a reader of the file never sees half a report."""
    save(to_json(report), path)


def save(document: Mapping[str, Any], path: Path) -> None:
    """Write a document to `path`, all of it or nothing."""
    save_text(pretty(document) + "\n", path)


def save_text(text: str, path: Path) -> None:
    """Write a text to `path`, all of it or nothing; of two writers at once, the last.

    A link stays, and its target is written; so is a device or a pipe.
    """
    if not replaceable(path):
        with path.open("a", encoding="utf-8", errors="replace") as stream:
            stream.write(text)
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", errors="replace")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def replaceable(path: Path) -> bool:
    """Tell whether a file may be replaced: not a device, a pipe or our own output."""
    if not path.exists():
        return True
    return path.is_file() and not any(_is_stream(path, stream) for stream in (1, 2))


def _is_stream(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:  # it is closed
        return False


def pretty(value: Any, indent: str = "") -> str:
    """Return JSON for a human reader: a value that fits stands in one line, such as a row of numbers."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if len(indent) + len(line) <= WIDTH or not isinstance(value, dict | list) or not value:
        return line
    within = indent + " "
    if isinstance(value, dict):
        items = [
            f"{json.dumps(name, ensure_ascii=False)}: {pretty(item, within)}" for name, item in value.items()
        ]
        return f"{{\n{within}" + f",\n{within}".join(items) + f"\n{indent}}}"
    return f"[\n{within}" + f",\n{within}".join(pretty(item, within) for item in value) + f"\n{indent}]"


def read(path: Path) -> Report:
    """Return the report in the file at `path`. Raises ValueError if it holds none."""
    return from_json(parse(path.read_bytes()))
