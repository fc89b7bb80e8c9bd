"""Writes a file of known failures, or adds to one, from the results of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path

from conformance.report import jsonfile
from conformance.report.status import group_by
from conformance.stored import examples
from conformance.stored.known_failures.entries import PLACE, Entry, cause_name, load, named_causes
from conformance.verdict import Cause, Verdict

HEADER = """\
# What is known to fail: `conformance run TARGET --known-failures {name}`. docs/known-failures.md says more.
"""
UNEXPLAINED = "not explained yet: "


def write(verdicts: Iterable[Verdict], path: Path) -> list[Path]:
    """Add the failures that are not listed to the file at `path`; write their examples to a folder beside it.

    The file's contents stay unchanged. Returns the files written.
    """
    failed = [verdict for verdict in verdicts if verdict.outcome in ("fail", "error", "not reproducible")]
    if not failed:
        return []
    folder, several = path.with_suffix(""), len({verdict.target for verdict in failed}) > 1
    before = path.read_text(encoding="utf-8") if path.exists() else HEADER.format(name=path.name)
    parts, written = [before], list[Path]()
    followed = [verdict for verdict in failed if _is_explained(verdict)]
    known = [entry for entry in load(path) if entry.cause] if path.exists() else []
    entries = [
        *((_cause_lines(cause, group, several), _roots(group)) for cause, group in _causes(followed, known)),
        *((_lines(group, several), group) for group in _entries(v for v in failed if v not in followed)),
    ]
    for lines, group in entries:
        steady = [verdict.failure.example for verdict in group if verdict.failure and _steady(verdict)]
        files = examples.write((example for example in steady if example), folder, by_target=several)
        names = [file.relative_to(path.parent) for file in files]
        parts.append("\n".join([*lines, *_example_lines(names)]))
        written += files
    jsonfile.save_text("\n".join(parts), path)
    return [path, *written]


def _is_explained(verdict: Verdict) -> bool:
    """Tell whether it fails for named causes alone, and can be replayed."""
    return bool(named_causes(verdict)) and _steady(verdict)


def _causes(failed: Iterable[Verdict], known: Sequence[Entry]) -> Iterator[tuple[Cause, list[Verdict]]]:
    """Yield each cause of a target's failures that is not listed there, with those that fail for it."""
    named = [
        (verdict.target, cause, verdict)
        for verdict in failed
        for cause in verdict.causes
        if not any(entry.cause == cause_name(cause) and entry.is_of(_place(verdict)) for entry in known)
    ]
    for group in group_by(named, lambda one: (one[0], cause_name(one[1]))).values():
        yield group[0][1], [verdict for _, _, verdict in group]


def _place(verdict: Verdict) -> dict[str, str | None]:
    return {name: getattr(verdict, name) for name in PLACE}


def _roots(group: Iterable[Verdict]) -> list[Verdict]:
    """Return a failure at each place that shows their cause: the first, of this cause alone if possible."""
    by_place = group_by(group, lambda verdict: (verdict.cell, verdict.backend, verdict.tier)).values()
    return [min(verdicts, key=lambda verdict: len(verdict.causes)) for verdicts in by_place]


def _entries(failed: Iterable[Verdict]) -> Iterator[list[Verdict]]:
    """Yield failures that share an entry: of one clause and cell, on backends that fail at equal tiers."""
    for group in group_by(failed, lambda v: (v.target, v.clause, v.cell, _steady(v))).values():
        by_backend = group_by(group, lambda verdict: verdict.backend)
        tiers = {
            backend: tuple(sorted(str(v.tier) for v in verdicts)) for backend, verdicts in by_backend.items()
        }
        for alike in group_by(tiers.items(), itemgetter(1)).values():
            yield [verdict for backend, _ in alike for verdict in by_backend[backend]]


def _steady(verdict: Verdict) -> bool:
    """Tell whether it has an example that fails on every replay."""
    return verdict.outcome == "fail" and verdict.failure is not None and verdict.failure.example is not None


def _cause_lines(cause: Cause, group: list[Verdict], several: bool) -> Iterator[str]:
    yield "[[failure]]"
    yield f"cause = {_text(cause_name(cause))}"
    if several:
        yield f"target = {_text(group[0].target)}"
    yield f"cell = {_text(list(dict.fromkeys(verdict.cell for verdict in group)))}"
    yield f"backend = {_text(list(dict.fromkeys(verdict.backend for verdict in group)))}"
    yield f"reason = {_text(' '.join(cause.what.split()))}"


def _lines(group: list[Verdict], several: bool) -> Iterator[str]:
    first = max(group, key=lambda verdict: verdict.tier or "")  # float64, where a slip shows best
    said = first.failure.summary if first.failure else first.reason.rstrip("\n").rpartition("\n")[2]
    yield "[[failure]]"
    yield f"clause = {_text(first.clause)}"
    if several:
        yield f"target = {_text(first.target)}"
    yield f"cell = {_text(first.cell)}"
    yield f"backend = {_text(list(dict.fromkeys(verdict.backend for verdict in group)))}"
    if first.tier:
        yield f"tier = {_text(list(dict.fromkeys(verdict.tier or '' for verdict in group)))}"
    yield f"reason = {_text(UNEXPLAINED + said)}"


def _example_lines(files: list[Path]) -> Iterator[str]:
    if files:
        names = ",\n".join(f"    {_text(file.as_posix())}" for file in files)
        yield f"example = [\n{names},\n]"
    else:
        yield "flaky = true"
    yield ""


def _text(value: str | list[str]) -> str:
    """Return a text in TOML's notation, which is JSON's, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
