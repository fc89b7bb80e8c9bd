"""Where runs keep what makes the next one quicker."""

from __future__ import annotations

import os
from pathlib import Path


def cache(name: str) -> Path:
    """The folder `name` of the suite's caches, whether it exists or not."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "ncps-conformance" / name
