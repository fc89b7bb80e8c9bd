"""Every wrong cell is found, by the clause that it names and for what is wrong with it; no right one is.

By one seed, with all that a report says of a failure; `python -m tests.planted` tries more seeds.
"""

import importlib
import os
import pkgutil
import re
import subprocess
import sys

import pytest

import conformance.suite
from conformance.driver import implementation as driver
from conformance.driver.pool import Pool
from conformance.judging.registry import CHECKS
from conformance.judging.subject import Subject
from conformance.options import RunOptions, importable_backends
from conformance.search import record as recording
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec import clauses
from tests.planted import PLANTED
from tests.planted.bench import HANGS, LEAKS, Lasting, backends_for
from tests.planted.faults import MUTANTS, SOUND

pytestmark = pytest.mark.frameworks

NAMED = os.environ.get("NCPS_CONFORMANCE_BACKENDS", "numpy,torch").split(",")
BACKENDS = [backend for backend in importable_backends() if backend in NAMED]
for module in pkgutil.iter_modules(conformance.suite.__path__):
    importlib.import_module(f"conformance.suite.{module.name}")


@pytest.fixture(scope="module")
def harness():
    """Yield the harness of every mutant by backend, started when first asked for."""
    running = {}

    def get(backend):
        if backend not in running:
            running[backend] = Lasting(backend)
        return running[backend]

    yield get
    for implementation in running.values():
        implementation.close()


@pytest.fixture(scope="module")
def pool():
    """Start the processes between which a model moves."""
    pool = Pool(RunOptions(path=PLANTED, backends=tuple(BACKENDS), jobs=1))
    yield pool
    pool.close()


@pytest.fixture
def judged(harness, pool, monkeypatch):
    """Return a function that judges a cell by a clause, without making failures smaller, which takes long."""
    monkeypatch.setattr(recording, "SHRINK_CALLS", 0)

    def judge(cell, clause):
        check, backend = CHECKS[clause], backend_for(clause)
        implementation = harness(backend)
        about = {entry["name"]: entry for entry in implementation.describe()["cells"]}[cell]
        implementation.afresh, implementation.hangs = cell == LEAKS, cell == HANGS
        others = tuple(other for other in BACKENDS if other != backend)
        dtype = check.tiers[-1] or "float32"
        subject = Subject(implementation, about, dtype, pool=pool, other_backends=others)
        return judge_clause(check, subject, Plan(check.examples, seed=0))

    return judge


def backend_for(clause):
    """Return the backend on which a clause is judged here; skip the test where it is not installed."""
    needed = backends_for(CHECKS[clause])
    if not set(needed) <= set(BACKENDS):
        pytest.skip(f"{clause} is judged on {' and '.join(needed)}; there are {', '.join(BACKENDS)}")
    return needed[0]


ALWAYS = ("ConfigKeyLost", "Dies", "Hangs", "TimeIgnored")
"""Mutants that are judged whenever tests run; the others by night, and by `python -m tests.planted`."""
MARKED = [pytest.param(name, marks=[] if name in ALWAYS else pytest.mark.nightly) for name in MUTANTS]


@pytest.mark.parametrize("name", MARKED)
def test_a_mutant_is_found_for_what_is_wrong_with_it(judged, name):
    mutant = MUTANTS[name]
    verdict = judged(name, mutant.clause)
    assert verdict.outcome == "fail", verdict.reason
    assert re.search(mutant.says, verdict.failure.summary, re.DOTALL), verdict.failure.summary
    assert "\n" not in verdict.failure.summary
    assert "implementation.request" in verdict.failure.script


SPEC = clauses.load().clauses
CLAUSES = sorted({mutant.clause for mutant in MUTANTS.values()})
FEW = (
    "step.output_is_state",
    "shape.variables",
    "state.repeatable",
    "sequence.steps",
    "serialization.weights",
)
UNSPOILED = {"UnspoiledCfC": "cfc", "UnspoiledLTC": "ltc", "UnspoiledWiredLTC": "wired_ltc"}


@pytest.mark.parametrize(
    ("name", "clause"),
    [
        pytest.param(name, clause, marks=[] if clause in FEW else pytest.mark.nightly)
        for name in SOUND
        for clause in (CLAUSES if name in UNSPOILED else FEW)
        if UNSPOILED.get(name, "cfc") in SPEC[clause].families
        if (name, clause) != ("UnspoiledWiredLTC", "dtype.half")  # which is not judged there
    ],
)
def test_a_cell_without_a_fault_passes_the_same_clauses(judged, name, clause):
    verdict = judged(name, clause)
    assert verdict.outcome == "pass", verdict.failure.summary if verdict.failure else verdict.reason


@pytest.mark.parametrize(
    ("name", "clause"),
    [("ElapsedApart", "layer.backwards.elapsed"), ("OverriddenIsRun", "layer.overridden")],
)
def test_a_layer_that_does_by_itself_what_a_clause_asks_passes_it(judged, name, clause):
    verdict = judged(name, clause)
    assert verdict.outcome == "pass", verdict.failure.summary if verdict.failure else verdict.reason


def test_every_mutant_says_in_one_line_what_is_wrong_with_it():
    for name, mutant in MUTANTS.items():
        assert mutant.what.endswith(".") and "\n" not in mutant.what, name
        assert mutant.clause in CHECKS, name


def test_the_driver_reads_of_mutants_without_a_framework():
    program = "import sys, tests.planted.faults; print({'keras', 'ncps'} & set(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=PLANTED.parents[1], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"


def test_one_mutant_can_be_judged_by_its_name():
    with driver.start("faults:ConfigKeyLost", "numpy", path=PLANTED) as implementation:
        (cell,) = implementation.describe()["cells"]
    assert (cell["name"], cell["family"]) == ("ConfigKeyLost", "ltc")
    assert {"units", "solver"} <= set(cell["arguments"])


def test_a_mutant_that_does_not_exist_is_refused_with_those_that_do():
    with (
        driver.start("faults:Nobody", "numpy", path=PLANTED) as implementation,
        pytest.raises(driver.RequestRefused, match=r"has no Nobody; its classes: .*ConfigKeyLost"),
    ):
        implementation.describe()
