"""Every wrong formula is found by the clause that it names; the reference, as an implementation, by none.

By one seed; `python -m tests.planted` tries more.
"""

import ast
import importlib
import pkgutil
import re

import numpy as np
import pytest

import conformance.suite
from conformance.driver.implementation import ImplementationRaised, NotSupported
from conformance.judging.registry import CHECKS
from conformance.judging.subject import Subject
from conformance.mutants import generated, mutants, written
from conformance.mutants.generator import changes
from conformance.mutants.rewrite import Rewrite
from conformance.oracle import cell, source
from conformance.oracle.reference_cells import ReferenceCells
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec import clauses
from reference.activations import ACTIVATIONS

pytestmark = pytest.mark.slow

for module in pkgutil.iter_modules(conformance.suite.__path__):
    importlib.import_module(f"conformance.suite.{module.name}")

SPEC = clauses.load().clauses
MUTANTS = mutants()
CELLS = {family: name for name, family in cell.CELLS.items()}
DENSE = ("cfc", "ltc")
NOT_OFFERED = (
    r"dropout\.(training|fresh|held|rate)|training\.|serialization\.|shape\.(symbolic|computed)|dtype\.(policy|half)"
    r"|layer\.(model|backends|training|overridden|compiled)|wiring\.training|wired_ltc\.constraints"
    r"|size\.(gradient|serialization)"
)
"""About training, files, subclasses, compilers, symbolic shapes, half precision and long derivatives."""


def judged(implementation, family, check, tier, seed, examples=None):
    """The verdict of a check, at its default budget if no other is given."""
    about = {one["family"]: one for one in implementation.describe()["cells"]}[family]
    subject = Subject(implementation, about, tier or "float32")
    plan = Plan(examples or check.examples, seed, variant="strict", explain=False)
    return judge_clause(check, subject, plan)


def said(verdict):
    return verdict.failure.summary if verdict.failure else verdict.reason


# Mutants


@pytest.mark.nightly  # by more seeds, `python -m tests.planted`
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_found_by_its_clause(name):
    mutant = MUTANTS[name]
    implementation, check = mutant.implementation(), CHECKS[mutant.clause]
    verdict = judged(implementation, mutant.family, check, check.tiers[0], seed=0)
    assert verdict.outcome == "fail", f"{verdict.outcome}: {verdict.reason}"
    assert " raises " not in said(verdict), "a mutant computes something, if something wrong"


@pytest.mark.parametrize("name", generated.EQUIVALENT)
def test_an_equivalent_change_is_not_found(name):
    change = generated.equivalent()[name]
    check = CHECKS[change.clause]
    verdict = judged(change.implementation(), change.family, check, check.tiers[0], seed=0, examples=10)
    assert verdict.outcome == "pass", said(verdict)


@pytest.mark.parametrize("name", written.mutants())
def test_what_a_mutant_changes_stands_in_the_source(name):
    assert MUTANTS[name].changed()


def test_every_mutant_says_in_one_line_what_is_wrong_with_it():
    for mutant in MUTANTS.values():
        assert mutant.what.endswith(".") and "\n" not in mutant.what, mutant.name
        assert mutant.clause in CHECKS, mutant.name


@pytest.mark.parametrize(
    "area",
    [
        "CfC step",
        "LTC step",
        "Wired CfC step",
        "Wired LTC step",
        "Mixed memory",
        "Wirings",
        "Backbone",
        "Elapsed time",
        "Gradients",
        "Gradients of sequences",
        "Sequences",
        "Sequences with elapsed time",
    ],
)
def test_every_numerical_clause_has_a_mutant(area):
    named = {mutant.clause for mutant in MUTANTS.values()}
    without = {id for id, clause in SPEC.items() if clause.area == area} - named
    assert without == WITHOUT.get(area, set())


def test_every_formula_of_the_reference_is_changed():
    changed = {(change.module, change.function) for change in generated.all_changes()}
    for name in generated.MODULES:
        functions = {node.name for node in source.tree(name).body if isinstance(node, ast.FunctionDef)}
        unchanged = functions - {function for module, function in changed if module == name}
        assert unchanged <= {"linear", "layer_masks"}  # the first has no formula, the second written mutants


def test_what_is_left_out_is_there():
    names = [change.name for change in generated.all_changes()]
    assert set(generated.EQUIVALENT) <= set(names)
    patterns = [*generated.OUTSIDE, *(pattern for pattern, _ in generated.FOUND_BY)]
    assert [p for p in patterns if not any(re.match(p, name) for name in names)] == []


def test_names_tell_mutants_apart():
    names = [change.name for change in generated.all_changes()] + [r.name for r in written.rewrites()]
    assert len(names) == len(set(names))


def test_a_passage_that_is_not_there_once_is_refused():
    absent = Rewrite("Absent", "", "", "reference.cfc", "no such passage", "")
    with pytest.raises(ValueError, match=r"stands 0 times in reference\.cfc, not once"):
        absent.tree()


WITHOUT = {
    "Sequences with elapsed time": {
        "layer.unroll",
        "layer.mask.unroll",
        "layer.model",
        "layer.backends",
        "layer.compiled",
        "layer.overridden",
        "layer.training",
    },
    "Wired LTC step": {"wired_ltc.constraints"},
    "Wirings": {"wiring.training"},
}
"""The reference has no unrolled form, no files and no training."""

# The generator


def after(text):
    """Return what the parts of a module can become."""
    return sorted(change.after for change in changes("m", ast.parse(text)))


def of(expression):
    """Return what an expression can become."""
    return sorted(new.removeprefix("return ") for new in after(f"def f(): return {expression}"))


def test_a_sum_loses_a_term_or_a_sign():
    assert of("a + b") == ["-a + b", "a", "a + a", "a - b", "b", "b + b"]


def test_a_difference_is_swapped_too():
    assert of("a - b") == ["-a - b", "-b", "a", "a + b", "a - a", "b - a", "b - b"]


def test_a_quotient_is_swapped_and_multiplied():
    assert of("a / b") == ["-a / b", "a", "a * b", "a / a", "b", "b / a", "b / b"]


def test_a_product_of_matrices_loses_no_side():
    assert of("a @ k") == ["-a @ k", "a @ a", "k @ k"]


def test_a_constant_moves_a_little_and_never_stands_alone():
    assert of("a + 2.0") == ["-a + 2.0", "a", "a + 2.000002", "a - 2.0"]
    assert of("a + 0.0") == ["-a + 0.0", "a", "a + 1e-06", "a - 0.0"]
    assert after("LIMIT = 8.0") == ["LIMIT = 8.000008"]
    assert after("def f(t=1.0): pass") == ["1.000001"]


def test_a_function_is_left_out_or_given_the_other_sign():
    assert of("sigmoid(a)") == ["a", "sigmoid(-a)"]
    assert of("activations.get(name)(a)") == ["a", "activations.get(name)(-a)"]
    assert of("reversed(order)") == ["order"]
    assert of("step(x, h)") == []


def test_a_sign_is_left_out():
    assert of("-a") == ["a"]


def test_a_selection_takes_the_other_branch():
    assert of("np.where(c, a, b)") == ["a", "b", "np.where(c, b, a)"]
    assert of("a if c else b") == ["b if c else a"]
    assert of("c and d") == ["c", "d"]
    assert after("def f():\n if a == 'b': pass") == ["not a == 'b'"]


def test_a_list_is_put_in_the_other_order():
    assert of("np.concatenate([x, h], axis=-1)") == ["np.concatenate([h, x], axis=-1)"]


def test_a_parameter_becomes_another_of_its_shape():
    assert of("p['w_tau']") == ["p['A']"]
    assert of("p['other']") == []


def test_one_of_two_names_is_not_assigned_to():
    assert after("def f():\n a = b = c") == ["a = c", "b = c"]


def test_a_change_leaves_the_tree_as_it_was():
    tree = ast.parse("def f(a, b): return a - 2.0 * b")
    before = ast.dump(tree)
    assert changes("m", tree)
    assert ast.dump(tree) == before


def test_a_copy_with_a_change_leaves_the_reference_as_it_was():
    changed = MUTANTS["LogTauLimitEight"].implementation()
    assert source.with_changes({})["reference.ltc"].LOG_TAU_LIMIT == 9.0
    assert importlib.import_module("reference.ltc").LOG_TAU_LIMIT == 9.0
    assert changed.target == "mutant:LogTauLimitEight"


# The reference as an implementation


def everything():
    """Every clause, on each cell that it is about, at each of its tiers."""
    for id, check in CHECKS.items():
        for family in SPEC[id].families:
            for tier in check.tiers:
                yield pytest.param(family, check, tier, id="-".join(filter(None, (id, family, tier))))


@pytest.mark.parametrize(("family", "check", "tier"), list(everything()))
def test_the_reference_passes_what_it_offers(family, check, tier):
    examples = 8 if family not in DENSE and check.clause.startswith("gradient.") else None
    verdict = judged(ReferenceCells(), family, check, tier, seed=0, examples=examples)
    offered = not re.match(NOT_OFFERED, check.clause)
    assert verdict.outcome == ("pass" if offered else "not applicable"), said(verdict)


def model(family, dtype, **arguments):
    config = {"units": 2, "backbone_units": 3, "backbone_layers": 1, **arguments}
    return {"cell": CELLS[family], "config": config, "input_dim": 2, "dtype": dtype}


def question(family, dtype, **arguments):
    """Return the parameters of a request for a step."""
    about = model(family, dtype, **arguments)
    parameters = ReferenceCells().request("parameters", model=about)["parameters"]
    arrays = {"inputs": np.ones((1, 2), dtype), "state": [np.ones((1, 2), dtype)]}
    return {"model": about, "parameters": parameters, **arrays, "timespans": np.ones(1, dtype)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("family", DENSE)
def test_a_step_is_computed_in_the_dtype_that_is_given(family, activation, dtype):
    arguments = {"activation": activation}
    if family == "ltc":
        arguments["backbone_activation"] = activation
    answer = ReferenceCells().request("step", **question(family, dtype, **arguments))
    assert answer["output"].dtype == dtype
    assert answer["dtypes"] == {"output": dtype, "state": [dtype]}


def test_the_callers_arrays_are_out_of_reach():
    asked = question("cfc", "float64")
    implementation = MUTANTS["StateOverwritten"].implementation()
    answer = implementation.request("step", **asked, echo=True)
    np.testing.assert_array_equal(answer["after"]["state"][0], answer["output"])
    np.testing.assert_array_equal(asked["state"][0], [[1.0, 1.0]])


def test_what_is_not_offered_is_said_so():
    with pytest.raises(NotSupported, match="does not offer train"):
        ReferenceCells().request("train")
    with pytest.raises(NotSupported, match="not mixed_bfloat16"):
        ReferenceCells().request("build", model=model("cfc", "mixed_bfloat16"))
    with pytest.raises(NotSupported, match="not float16"):
        half = {**question("cfc", "float32"), "model": model("cfc", "mixed_float16")}
        ReferenceCells().request("step", **half)


def test_what_goes_wrong_within_is_the_implementations_exception():
    with pytest.raises(ImplementationRaised, match=r"timespans of shape \(3,\): must be"):
        ReferenceCells().request("step", **{**question("cfc", "float64"), "timespans": np.ones(3)})
