"""Known failures, which do not fail a run: a TOML file of entries, each with its reason and its example.

[[failure]]
cause = "OtherSignOfTime"         # a cause that the suite names; the clauses that fail for it follow
cell = "CfCCell"
reason = "mended in 1.3"
example = "known-failures/cfc.step.default-CfCCell-jax-float64.json"

[[failure]]
clause = "cfc.step.default"       # an id, or a glob
backend = ["jax", "torch"]        # also cell, tier, target: a name or several; any where it is left out
versions = "yourpackage<1.3"      # of the target's package, or of what it runs with
reason = "the heads are linear"
link = "https://example.org/issues/7"
example = "known-failures/cfc.step.default-CfCCell-jax-float64.json"
"""

from conformance.stored.known_failures.entries import Entry, load
from conformance.stored.known_failures.judging import (
    PASSES,
    UNFIT,
    judge_by_causes,
    judge_listed,
    listed,
    matched,
    unmatched,
)
from conformance.stored.known_failures.writing import write

__all__ = [
    "PASSES",
    "UNFIT",
    "Entry",
    "judge_by_causes",
    "judge_listed",
    "listed",
    "load",
    "matched",
    "unmatched",
    "write",
]
