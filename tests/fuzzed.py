"""How long tests look for what breaks them: quick, or HYPOTHESIS_PROFILE=long, or night."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

SCALE = {"long": 100, "night": 10_000}.get(os.environ.get("HYPOTHESIS_PROFILE", ""), 1)
"""How many times the examples of a quick look are tried."""


def fuzzed(examples: int) -> settings:
    """Return settings of so many examples in a quick look."""
    return settings(
        max_examples=examples * SCALE, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
