"""Each fault laid to a host is there, in the version that is installed, and in no other than it says."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata

import pytest

from conformance.options import importable_backends
from conformance.search.host_bugs import Quirk, ledger
from conformance.spec import clauses

pytestmark = pytest.mark.frameworks

BACKENDS = os.environ.get("NCPS_CONFORMANCE_BACKENDS", ",".join(importable_backends())).split(",")


ENTRIES = [
    pytest.param(quirk, backend, id=f"{quirk.id}-{backend}")
    for quirk in ledger()
    for backend in quirk.backends
]


@pytest.mark.parametrize(("quirk", "backend"), ENTRIES)
def test_its_script_shows_the_fault_where_the_ledger_says_so(quirk: Quirk, backend: str) -> None:
    if backend not in BACKENDS:
        pytest.skip(f"{backend} is not tested here")
    environment = os.environ | {"KERAS_BACKEND": backend}
    run = subprocess.run(
        [sys.executable, "-c", quirk.script], env=environment, capture_output=True, text=True
    )
    shown = run.returncode == 0
    version = metadata.version("keras")
    assert shown == quirk.concerns("keras", version), (
        f"Keras {version} on {backend}: {run.stdout}{run.stderr}"
    )


def test_every_entry_names_clauses_that_exist() -> None:
    known = clauses.load().clauses
    assert [name for quirk in ledger() for name in quirk.clauses if name not in known] == []


def test_ids_are_used_once() -> None:
    ids = [quirk.id for quirk in ledger()]
    assert len(set(ids)) == len(ids)


def quirk(since: str, until: str) -> Quirk:
    return Quirk("an.id", "what", "keras", ("jax",), since, until, ("step.output_is_state",), (), "")


@pytest.mark.parametrize(
    ("version", "concerned"), [("3.7.0", False), ("3.8.0", True), ("3.11.3", True), ("3.12.0", False)]
)
def test_an_entry_concerns_the_versions_from_since_to_before_until(version: str, concerned: bool) -> None:
    assert quirk("3.8", "3.12").concerns("keras", version) is concerned
    assert not quirk("3.8", "").concerns("another host", version)
