"""Folders in which runs keep data that makes the next run faster."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path


def cache(name: str) -> Path:
    """Return the folder `name` of the suite's caches, which may not exist yet."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else _of_user()) / "ncps-conformance" / name


STORAGE = "HYPOTHESIS_STORAGE_DIRECTORY"


def storage() -> Path:
    """Return the folder for failing examples: the caller's choice, or one outside the caller's folder."""
    return Path(os.environ.get(STORAGE) or cache("hypothesis"))


def _of_user() -> Path:
    """Return the folder of the user's caches.

    Without a home, as in a container, one for this process alone.
    """
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        return Path(_passing().name)


@functools.cache
def _passing() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="conformance-")
