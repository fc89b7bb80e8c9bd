"""Imports that graphs and drawings need, and a computation does not."""

from __future__ import annotations

import importlib
from typing import Any


def imported(name: str) -> Any:
    """Import the module `name`, which the extra `draw` installs."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ImportError(f'{package} is not installed; pip install "ncps-keras[draw]" brings it') from error
