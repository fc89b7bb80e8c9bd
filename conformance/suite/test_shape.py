"""Shapes and variables."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from conformance import judge
from conformance.cases import sequence_case
from conformance.checks import clause
from conformance.families import Sizes
from conformance.strategies import FEW, any_steps, configs, seeds
from conformance.subject import Subject
from conformance.trial import Draw


@clause("shape.step")
def test_step(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject))
    answer = subject.step(case)
    judge.shaped(subject, "output", answer["output"], case.state.shape)
    count = len(answer["state"])
    judge.holds(subject, count == 1, f"a step returns {count} states, but should return 1", got=count, want=1)
    judge.shaped(subject, "state", answer["state"][0], case.state.shape)


@clause("shape.smallest")
def test_smallest(subject: Subject, draw: Draw) -> None:
    judge.step(subject, draw(any_steps(subject, buckets=[Sizes()])))


@clause("shape.variables")
def test_variables(subject: Subject, draw: Draw) -> None:
    config, features = draw(configs(subject)), draw(st.integers(1, 4))
    variables = subject.request("build", model=subject.model(config, features))["variables"]
    unknown = [v["path"] for v in variables if v["name"] is None]
    judge.holds(subject, not unknown, "variables that the specification does not know", got=unknown)
    got = {v["name"]: tuple(v["shape"]) for v in variables}
    want = subject.family.shapes(subject.family.full(config), features)
    judge.holds(subject, got == want, "variables are not those of the table", got=got, want=want)
    fixed = [v["path"] for v in variables if not v["trainable"]]
    judge.holds(subject, not fixed, "variables that cannot be trained", got=fixed)


@clause("shape.symbolic")
def test_symbolic(subject: Subject, draw: Draw) -> None:
    config, batch = draw(configs(subject)), draw(st.sampled_from((None, 2)))
    shapes = subject.request("shapes", model=subject.model(config, 3), batch=batch)
    judge.shaped(subject, "symbolic output", shapes["symbolic_output"], (batch, config["units"]))
    judge.shaped(subject, "symbolic state", shapes["symbolic_state"][0], (batch, config["units"]))


@clause("shape.computed")
def test_computed(subject: Subject, draw: Draw) -> None:
    config, batch = draw(configs(subject)), draw(st.sampled_from((None, 2)))
    shapes = subject.request("shapes", model=subject.model(config, 3), batch=batch)
    judge.shaped(
        subject, "compute_output_shape of the output", shapes["computed_output"], (batch, config["units"])
    )
    judge.shaped(
        subject, "compute_output_shape of the state", shapes["computed_state"][0], (batch, config["units"])
    )


@clause("shape.dynamic", smoke=2)
def test_dynamic(subject: Subject, draw: Draw) -> None:
    sizes = draw(st.sampled_from(FEW))
    config, seed = subject.config(sizes, **draw(st.sampled_from(subject.forms))), draw(seeds)
    options = {"return_sequences": True}
    for batch, length in ((sizes.batch, 3), (sizes.batch + 1, 2)):
        at_size = replace(sizes, batch=batch)
        case = sequence_case(
            subject.family, config, at_size, length=length, recipe="normal", seed=seed, dtype=subject.dtype
        )
        answer = subject.request("sequence", **subject.about(case), options=options, symbolic=True)
        judge.sequence(subject, case, answer["output"])
