"""Every clause as a property that any engine which takes `@given` tests can search: docs/evidence.md.

    hypothesis fuzz -- tests/overnight.py      # what `tox run -e fuzz` calls; Ctrl-C ends it
    pytest -n 0 tests/overnight.py             # the same properties, as often as Hypothesis tries them

The cells run in this process, on Keras's numpy backend, so that an engine sees which branches of the cells an
example takes, and not those of the suite alone. The name keeps it out of the project's own tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from conformance.driver.implementation import NotSupported, start
from conformance.judging import registry as checks
from conformance.judging.registry import PRECISION, Check
from conformance.judging.subject import Nonconformance, Subject
from conformance.search.host_bugs import quirk_met
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec import clauses

ROOT = Path(__file__).resolve().parent.parent
SUPPRESSED = [check for check in HealthCheck if check is not HealthCheck.nested_given]
CELLS = start("ncps", "numpy", path=ROOT, in_process=True)


def searched() -> list[Any]:
    """Return a parameter for each clause and cell to which it applies here, as one example shows."""
    known = checks.every()
    return [
        pytest.param(known[id], cell, id=f"{id}-{cell['name']}")
        for id, clause in clauses.load().clauses.items()
        for cell in CELLS.describe()["cells"]
        if id in known
        and {None, PRECISION} & set(known[id].tiers)
        and cell["family"] in clause.families
        and judge_clause(known[id], Subject(CELLS, cell, PRECISION), Plan(1, seed=1)).outcome
        != "not applicable"
    ]


@pytest.mark.parametrize(("check", "cell"), searched())
@settings(deadline=None, suppress_health_check=SUPPRESSED)
@given(data=st.data())
def test_clause(check: Check, cell: dict[str, Any], data: st.DataObject) -> None:
    subject = Subject(CELLS, cell, PRECISION)
    try:
        check.body(subject, data.draw)
    except NotSupported:  # by this config of the cell alone
        assume(False)
    except Nonconformance:
        if quirk_met(check.clause, subject) is None:
            raise
