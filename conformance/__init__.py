"""The conformance suite for liquid neural cells."""

from typing import TYPE_CHECKING, Any

from conformance._version import __version__
from conformance.driver.implementation import start

if TYPE_CHECKING:
    from conformance.testing import check, each_clause

__all__ = ["__version__", "check", "each_clause", "start"]


def __getattr__(name: str) -> Any:
    """Import `check` or `each_clause` on first use, because they import Hypothesis and pytest."""
    if name in ("check", "each_clause"):
        from conformance import testing

        return getattr(testing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
