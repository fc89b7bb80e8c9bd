"""A failing example as a file: the drawn values, to replay it, and its failure, for a reader."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema

from conformance.driver.safe_json import NotJson, parse
from conformance.report import jsonfile
from conformance.spec import clauses
from conformance.spec.encoding import NotAnExample, decode

SCHEMA = "example.json"


@dataclass(frozen=True)
class StoredExample:
    """One example of a clause, as it failed once."""

    spec: str
    """The version of the specification by which it was judged."""
    suite: str
    clause: str
    target: str
    """The subject on which it failed; for a replay the caller names a target."""
    versions: Mapping[str, str]
    cell: str
    family: str
    backend: str
    tier: str | None
    drawn: list[Any]
    """Every value that the clause's test drew, in order."""
    number: int
    """Its number in the search, by which it was compiled or ran eagerly; 0 in a file that has none."""
    summary: str
    got: Any
    want: Any
    bound: Any
    excess: float | None


def stored(document: Any) -> StoredExample:
    """Return the example in a document.

    Raises:
        NotAnExample: it holds none, or one of a clause or version that this package does not know.
    """
    validate(document, SCHEMA)
    clause, version, known = document["clause"], document["spec"], clauses.load()
    if version not in known.versions:
        raise NotAnExample(f"of specification {version}; this package knows {', '.join(known.versions)}")
    if clause not in known.at(version).clauses:
        raise NotAnExample(f"of a clause {clause!r}, which specification {version} has not")
    values = {name: document.get(name, 0) for name in StoredExample.__dataclass_fields__}
    return StoredExample(**{**values, "drawn": decode(document["drawn"])})


def validate(document: Any, name: str) -> None:
    """Raise NotAnExample unless `document` follows the schema of this name in `schemas/`."""
    try:
        error = jsonschema.exceptions.best_match(_validator(name).iter_errors(document))
    except RecursionError:
        raise NotAnExample("nested too deeply") from None
    if error is not None:
        at = "/".join(str(part) for part in error.absolute_path)
        raise NotAnExample(f"{at or 'the document'}: {error.message[:160]}")


@cache
def _validator(name: str) -> Any:
    text = resources.files("conformance.stored").joinpath("schemas", name).read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


@contextmanager
def of_file(path: Path) -> Iterator[None]:
    """Add the file's name to a NotAnExample that is raised in this context."""
    try:
        yield
    except NotAnExample as wrong:
        raise NotAnExample(f"{path}: {wrong}") from None


def load(path: Path) -> Any:
    """Return the JSON of a file. Raises NotAnExample."""
    try:
        return parse(path.read_bytes())
    except OSError as wrong:
        raise NotAnExample(f"cannot be read: {wrong.strerror}") from None
    except NotJson as wrong:
        raise NotAnExample(str(wrong)) from None
    except ValueError as wrong:  # a name that no file can have
        raise NotAnExample(f"cannot be read: {wrong}") from None


def read(path: Path) -> StoredExample:
    """Return the example in a file. Raises NotAnExample."""
    with of_file(path):
        return stored(load(path))


def file_name(document: Mapping[str, Any]) -> str:
    """Return the name of an example's file, which stays the same from run to run."""
    parts = (document[name] for name in ("clause", "cell", "backend", "tier"))
    return "-".join(re.sub(r"[^\w.]+", "_", part) for part in parts if part) + ".json"


def write(documents: Iterable[Mapping[str, Any]], folder: Path, *, by_target: bool = False) -> list[Path]:
    """Write each example to a file of its own; `by_target`: in a folder for each target."""
    paths = []
    for example in documents:
        own = folder / re.sub(r"[^\w.]+", "_", example["target"]) if by_target else folder
        paths.append(own / file_name(example))
        jsonfile.save(example, paths[-1])
    return paths
