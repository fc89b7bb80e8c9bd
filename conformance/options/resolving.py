"""Resolves the options of a run that depend on the machine, the specification or the targets."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from conformance.driver.implementation import BACKENDS, EXEC
from conformance.options.asked import unknown
from conformance.options.kinds import UsageError
from conformance.options.table import RunOptions
from conformance.spec.clauses import Spec, load


def resolve(options: RunOptions, clauses: Iterable[str]) -> RunOptions:
    """Return the options with every default that depends on the machine filled in: the backends of Keras.

    Raises:
        UsageError: a glob that matches none of `clauses`, or a backend that the interpreter cannot import.
    """
    selected(options, clauses)
    if options.shard and options.seed is None:
        raise UsageError(f"--shard {options.shard}: give every shard the same --seed, for they are one run")
    if all(target.startswith(EXEC) for target in options.targets):
        return options
    importable = importable_backends(options.python)
    asked = [backend for backend in options.backends if backend in BACKENDS]
    missing = [backend for backend in asked if backend not in importable]
    if missing if importable else "ncps" in options.targets:
        raise UsageError(_lacking(options, missing, importable))
    backends = options.backends or (importable[:1] if options.in_process else importable)
    return replace(options, backends=backends)


def _lacking(options: RunOptions, missing: list[str], importable: tuple[str, ...]) -> str:
    """Return the message about backends that the interpreter cannot import."""
    if not missing:
        return (
            f"Keras is not importable by {options.python}, and the default target, ncps, needs it: name a "
            "TARGET, or an interpreter that has Keras with --python"
        )
    said = f"--backend {','.join(missing)}: not importable by {options.python}"
    needs = " (Keras's numpy backend wants jax)" if "numpy" in missing else ""
    return f"{said}{needs}; importable: {', '.join(importable) or 'none'}"


def backends_of(options: RunOptions, description: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the backends of a target: several for Keras's cells, for any other the one that it names.

    Args:
        description: its harness's answer to `describe`; `host` is "keras", or the name of the backend.
    """
    host = description["host"]
    return tuple(name for name in options.backends if name in (BACKENDS if host == "keras" else (host,)))


def settled(options: RunOptions, described: Mapping[str, Mapping[str, Any]]) -> RunOptions:
    """Return the options with the backends on which at least one target runs, in their order.

    Args:
        described: the answer to `describe` of each target's harness.

    Raises:
        UsageError: `--backend` names one that no target has, or none that some target has.
    """
    hosts = {target: str(description["host"]) for target, description in described.items()}
    own = [host for host in hosts.values() if host != "keras"]
    known = dict.fromkeys([*(BACKENDS if "keras" in hosts.values() else ()), *own])
    candidates = replace(options, backends=options.backends + (() if options.named else tuple(own)))
    for name in options.backends if options.named else ():
        if name not in known:
            raise UsageError(unknown("backend", name, known))
    for target, description in described.items():
        if not backends_of(candidates, description):
            raise UsageError(_misplaced(options, target, hosts[target]))
    used = [name for name in known if any(name in backends_of(candidates, d) for d in described.values())]
    ordered = [name for name in candidates.backends if name in used]
    return replace(options, backends=tuple(dict.fromkeys(ordered)))


def _misplaced(options: RunOptions, target: str, host: str) -> str:
    asked = f"--backend {','.join(options.backends) or 'is not given'}"
    if host == "keras":
        return f"{asked}: {target} runs on Keras; name one of its backends too: {', '.join(BACKENDS)}"
    return f"{asked}: {target} runs on {host!r} alone; name it too, or leave out --backend"


def specification(options: RunOptions) -> Spec:
    """Return the version of the specification to judge by. Raises UsageError if it is unknown."""
    try:
        return load(options.spec)
    except ValueError as wrong:
        raise UsageError(f"--spec {options.spec}: {wrong}") from None


def selected(options: RunOptions, clauses: Iterable[str]) -> list[str]:
    """Return the ids of `clauses` that a run is about. Raises UsageError for a glob that matches none."""
    ids = list(clauses)
    for glob in options.clauses:
        if not fnmatch.filter(ids, glob):
            raise UsageError(_since(glob) or unknown("clause", glob, ids, also=globs_of(ids)))
    globs = options.clauses or ("*",)
    return [id for id in ids if any(fnmatch.fnmatchcase(id, glob) for glob in globs)]


def _since(glob: str) -> str:
    """Return a note on clauses that an earlier version of the specification does not have yet."""
    later = [clause for id, clause in load().clauses.items() if fnmatch.fnmatchcase(id, glob)]
    if not later:
        return ""
    first = min(clause.history[-1][0] for clause in later)
    return f"unknown clause {glob!r} of that version of the specification: since {first}"


def globs_of(ids: Iterable[str]) -> list[str]:
    """Return globs of clauses with a common prefix: "time.*", "cfc.*", "cfc.step.*"."""
    parts = [id.split(".") for id in ids]
    return list(dict.fromkeys(".".join([*p[:n], "*"]) for p in parts for n in range(1, len(p))))


OLDEST = (3, 10)
"""The oldest Python that runs a harness."""

PROBE = """
import sys
print("python %d.%d" % sys.version_info[:2])
sys.path[:] = [folder for folder in sys.path if folder]  # the current folder is not on a harness's path
import importlib.util as util
there = lambda name: util.find_spec(name) is not None
print("numpy" if there("numpy") else "no numpy")
have = []
if there("keras"):
    from importlib import metadata
    packages = {"numpy": "jax"}  # Keras's numpy backend takes some functions of jax
    have = [name for name in BACKENDS if there(packages.get(name, name))]
    try:
        version = tuple(map(int, metadata.version("keras").split(".")[:2]))
    except metadata.PackageNotFoundError:  # a nightly build, or a checkout
        version = (3, 14)
    if "openvino" in have and version < (3, 14):
        have.remove("openvino")
print("backends " + ",".join(have))
"""
"""A script that begins so that an interpreter of any version can report its version."""


def importable_backends(python: str = sys.executable) -> tuple[str, ...]:
    """Return the Keras backends whose packages `python` finds; none without Keras. Nothing is imported.

    Raises:
        UsageError: `python` is no Python interpreter, is too old, or has no NumPy.
    """
    command = [python, "-c", f"BACKENDS = {BACKENDS!r}{PROBE}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as fault:
        raise UsageError(f"--python {python}: cannot be run ({type(fault).__name__})") from fault
    said = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
    version = said.get("python", "")
    if version and tuple(map(int, version.split("."))) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UsageError(f"--python {python}: is Python {version}; judging needs {oldest} or newer there")
    if not version or "backends" not in said:
        raise UsageError(f"--python {python}: is no Python interpreter, or a broken one")
    if "numpy" not in said:
        raise UsageError(f"--python {python}: has no NumPy, which is all that judging needs there")
    return tuple(filter(None, said["backends"].split(",")))
