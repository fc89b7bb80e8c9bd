"""The options of a run: their table, the caller's values, and their resolution on this machine."""

from conformance.options.asked import run_options, unknown
from conformance.options.kinds import UsageError
from conformance.options.offering import (
    add_to_pytest,
    click_options,
    command_line,
    from_pytest,
    pytest_arguments,
    some_options,
)
from conformance.options.resolving import (
    backends_of,
    importable_backends,
    resolve,
    selected,
    settled,
    specification,
)
from conformance.options.table import OPTIONS, TARGET, RunOptions

__all__ = [
    "OPTIONS",
    "TARGET",
    "RunOptions",
    "UsageError",
    "add_to_pytest",
    "backends_of",
    "click_options",
    "command_line",
    "from_pytest",
    "importable_backends",
    "pytest_arguments",
    "resolve",
    "run_options",
    "selected",
    "settled",
    "some_options",
    "specification",
    "unknown",
]
