"""Where a step begins to be wrong is told, by implementations that tell what they compute on their way."""

import numpy as np
import pytest

from conformance.driver import implementation as driver
from conformance.harness.torch.modules import noting
from conformance.judging import registry as checks
from conformance.judging.subject import Subject
from conformance.oracle.reference_cells import ReferenceCells
from conformance.report.failures import details, findings
from conformance.search.intermediates import first_departure, wanted
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec.cases import step_case
from conformance.spec.families import FAMILIES, Sizes

TORCH = """
    import torch
    from torch import nn

    class CfC(nn.Module):
        def __init__(self, input_size, units, backbone_units=5, backbone_layers=1):
            super().__init__()
            sizes = [input_size + units, *[backbone_units] * backbone_layers]
            self.backbone = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
            self.ff1, self.ff2 = nn.Linear(sizes[-1], units), nn.Linear(sizes[-1], units)
            self.time_a, self.time_b = nn.Linear(sizes[-1], units), nn.Linear(sizes[-1], units)

        def forward(self, x, h, t=1.0):
            z = torch.cat([x, h], 1)
            for layer in self.backbone:
                z = {ACTIVATION}(layer(z))
            t = torch.as_tensor(t, dtype=x.dtype).reshape(-1, 1)
            s = torch.sigmoid(-{SLOPE} * t + self.time_b(z))
            new = torch.tanh(self.ff1(z)) * (1 - s) + torch.tanh(self.ff2(z)) * {SHARE}
            return new, new
"""

OWN = """
    import numpy as np
    from conformance_harness.own import Cell

    class Mine(Cell):
        family = "ltc"
        arguments = {"units": None}

        def parameters(self, config, features):
            rows, units = features + config["units"], config["units"]
            shapes = {"kernel": (rows, units), "bias": units}
            shapes |= {"tau_kernel/" + name: shape for name, shape in shapes.items()}
            return {name: np.zeros(shape) for name, shape in shapes.items()}

        def intermediates(self, config, parameters, x, state, t=1.0):
            z = np.concatenate([x, state], axis=1)
            target = z @ parameters["kernel"] + parameters["bias"]
            a = z @ parameters["tau_kernel/kernel"] + parameters["tau_kernel/bias"]
            return {"target": target, "tau_kernel": a, "time_constant": np.exp(np.clip(a, -8, 8)), "mine": a}

        def step(self, config, parameters, x, state, t=1.0):
            told = self.intermediates(config, parameters, x, state)
            tau, d, t = told["time_constant"], told["target"], np.reshape(np.asarray(t, x.dtype), (-1, 1))
            new = np.tanh(state + t / (t + tau) * (d - state))
            return new, new
"""


@pytest.fixture
def departs(tmp_path):
    """Return a function that judges a class given by its source, and returns its failing verdict."""

    def judged(source, target, backend, clause):
        lines = [line.removeprefix("    ") for line in source.strip("\n").splitlines()]
        (tmp_path / "mine.py").write_text("\n".join(lines) + "\n")
        with driver.start(f"mine:{target}", backend, path=tmp_path, regime="x64") as implementation:
            (cell,) = implementation.describe()["cells"]
            check = checks.every()[clause]
            plan = Plan(check.examples, 0, variant="strict")
            verdict = judge_clause(check, Subject(implementation, cell, "float64"), plan)
        assert verdict.outcome == "fail", verdict
        return verdict

    return judged


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("change", "name", "right"),
    [
        ({"ACTIVATION": "torch.sigmoid"}, "backbone_0", ["concat", "backbone_0/affine"]),
        ({"ACTIVATION": "torch.sigmoid_"}, "backbone_0", ["concat", "backbone_0/affine"]),
        (
            {"SLOPE": "self.time_b(z)"},
            "output",
            ["concat", "backbone_0/affine", "backbone_0", "ff1", "ff2", "time_b"],
        ),
        (
            {"SHARE": "s * s"},
            "output",
            ["concat", "backbone_0/affine", "backbone_0", "ff1", "ff2", "time_a", "time_b"],
        ),
    ],
)
def test_a_torch_module_tells_its_linear_layers(departs, change, name, right):
    pytest.importorskip("torch", reason="a torch module is judged on torch")
    source = TORCH
    for place, text in {
        "ACTIVATION": "torch.tanh",
        "SLOPE": "self.time_a(z)",
        "SHARE": "s",
        **change,
    }.items():
        source = source.replace("{" + place + "}", text)
    verdict = departs(source, "CfC", "torch", "cfc.step.default")
    found = verdict.failure.departs
    assert (found["name"], found["right"]) == (name, right)


@pytest.mark.slow
def test_an_adapter_of_ones_own_tells_what_it_will(departs):
    verdict = departs(OWN, "Mine", "numpy", "ltc.time_constant")
    found = verdict.failure.departs
    assert (found["name"], found["right"]) == ("time_constant", ["target", "tau_kernel"])
    (finding,) = findings([verdict])
    said = dict(details(finding, {}, 100))["departs"].plain
    assert said.startswith("first in time_constant: time_constant[")
    assert said.endswith("; right before it: target and tau_kernel")


def test_nothing_is_said_of_who_tells_nothing():
    implementation = ReferenceCells()
    cell = next(c for c in implementation.describe()["cells"] if c["family"] == "cfc")
    family = FAMILIES["cfc"]
    sizes = Sizes(2, 3, 4, 5)
    case = step_case(
        family, family.config(sizes), sizes, recipe="normal", seed=0, time="column", dtype="float64"
    )
    assert first_departure(Subject(implementation, cell, "float64"), case) == {}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_reference_has_every_intermediate_of_the_table(name):
    implementation = ReferenceCells()
    cell = next(c for c in implementation.describe()["cells"] if c["family"] == name)
    subject, sizes, family = Subject(implementation, cell, "float64"), Sizes(2, 3, 4, 5), FAMILIES[name]
    config = subject.config(sizes, **({"wiring": family.wirings(sizes)[0]} if family.wirings else {}))
    case = step_case(family, config, sizes, recipe="normal", seed=0, time="column", dtype="float64")
    found = wanted(subject, case)
    assert list(found)[-2:] == ["state", "output"]
    assert len(found) > 3
    assert all(len(value.value) == sizes.batch for value in found.values())
    np.testing.assert_array_equal(found["output"].value, subject.reference(case)[0].value)


@pytest.mark.parametrize("name", ["cfc", "wired_cfc"])
def test_with_the_other_sign_of_time_time_a_is_what_its_layer_puts_out(name):
    implementation = ReferenceCells()
    cell = next(c for c in implementation.describe()["cells"] if c["family"] == name)
    sizes, family = Sizes(2, 3, 4, 5), FAMILIES[name]
    paper, published = (Subject(implementation, cell, "float64", variant=v) for v in ({}, {"time_sign": 1}))
    config = paper.config(sizes, **({"wiring": family.wirings(sizes)[0]} if family.wirings else {}))
    case = step_case(family, config, sizes, recipe="normal", seed=0, time="column", dtype="float64")
    first = next(key for key in wanted(paper, case) if key.endswith("time_a"))
    np.testing.assert_array_equal(wanted(published, case)[first].value, wanted(paper, case)[first].value)


class Text(str):
    """Stands for a tensor."""

    def clone(self):
        return Text(self)


def test_what_a_linear_layer_reads_is_what_the_layer_before_put_out():
    told = {}
    for i, kernel in enumerate(("backbone_0/kernel", "backbone_1/kernel", "ff1_kernel", "time_a/kernel")):
        noting(told, kernel)(None, (Text(f"read {i}"),), Text(f"put out {i}"))
    assert told == {
        "concat": "read 0",
        "backbone_0/affine": "put out 0",
        "backbone_0": "read 1",
        "backbone_1/affine": "put out 1",
        "backbone_1": "read 2",
        "ff1": "put out 2",
        "time_a": "put out 3",
    }
