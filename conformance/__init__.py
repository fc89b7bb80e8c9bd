"""The conformance suite for liquid neural cells."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from conformance._version import __version__

if TYPE_CHECKING:
    from conformance.driver.implementation import start
    from conformance.testing import check, each_clause

__all__ = ["__version__", "check", "each_clause", "start"]

HOMES = {
    "check": "conformance.testing",
    "each_clause": "conformance.testing",
    "start": "conformance.driver.implementation",
}


def __getattr__(name: str) -> Any:
    """Import a public function on first use: most commands need none, nor NumPy, Hypothesis and pytest."""
    if name in HOMES:
        return getattr(import_module(HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
