"""Where runs keep what makes the next one quicker."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path


def cache(name: str) -> Path:
    """The folder `name` of the suite's caches, whether it exists or not."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else _of_user()) / "ncps-conformance" / name


STORAGE = "HYPOTHESIS_STORAGE_DIRECTORY"


def storage() -> Path:
    """Where examples that failed are kept: where the caller says, or out of the caller's folder."""
    return Path(os.environ.get(STORAGE) or cache("hypothesis"))


def _of_user() -> Path:
    """The folder of the user's caches; who has no home, as in a container, has one for this process alone."""
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        return Path(_passing().name)


@functools.cache
def _passing() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="conformance-")
