"""Seeds: each part of a run has its own, and draws the same whatever else the process has imported."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from hypothesis.internal.conjecture import providers


@contextmanager
def seed_alone() -> Iterator[None]:
    """Keep Hypothesis from drawing constants out of the source of the modules that are loaded at the time.

    It takes local source for a hint at what matters to a test (since 6.131). Here what is judged has a
    process of its own, and which modules are local differs between a worker and the process that reports, and
    between an installed suite and a clone.
    """
    if not hasattr(providers, "_get_local_constants"):  # an earlier version, or one that does it otherwise
        yield
        return
    with mock.patch.object(providers, "_get_local_constants", type(providers._local_constants)):
        yield


def derived(seed: int, name: str) -> int:
    """The seed of a part of what was asked for by `seed`."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8])
