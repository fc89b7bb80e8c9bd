"""Seeds: each part of a run has its own, so its draws do not depend on what else the process has imported."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from hypothesis.internal.conjecture import providers


@contextmanager
def seed_alone() -> Iterator[None]:
    """Keep Hypothesis from drawing constants out of the source of the modules that are loaded at the time.

    It uses constants in local source as hints at what matters to a test (since 6.131). Here the
    implementation has a process of its own, and the set of local modules differs between a worker and the
    reporting process, and between an installed suite and a clone.
    """
    if not hasattr(providers, "_get_local_constants"):  # an earlier version, or one that does it otherwise
        yield
        return
    with mock.patch.object(providers, "_get_local_constants", type(providers._local_constants)):
        yield


def derived(seed: int, name: str) -> int:
    """Return the seed of one part of the run with the seed `seed`."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8])
