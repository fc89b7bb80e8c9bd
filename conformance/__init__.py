"""The conformance suite for liquid neural cells."""

from conformance.implementation import start

__version__ = "0.1.0"

__all__ = ["__version__", "start"]
