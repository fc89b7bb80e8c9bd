"""Reports as one self-contained page: subjects, verdicts, and each clause and failure at a click."""

from conformance.report.html.page import render
from conformance.report.html.view import Source

__all__ = ["Source", "render"]
