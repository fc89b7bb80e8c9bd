"""The schemas hold for what is really said, by both sides and two harnesses; docs/protocol.md shows it."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import conformance.suite
from conformance import start
from conformance.driver import schema as protocol
from conformance.driver.implementation import Implementation
from conformance.driver.process import Connection
from conformance.driver.schema import Checker, Malformed, check, check_answer, check_request
from conformance.harness import requests, server
from conformance.judging.registry import CHECKS
from conformance.judging.subject import Subject
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from tests.conformance.harness.nodejs import HARNESS, ROOT

DOCUMENT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
METHODS = ("describe", *requests.METHODS)

for module in pkgutil.iter_modules(conformance.suite.__path__):
    importlib.import_module(f"conformance.suite.{module.name}")


def test_the_schema_is_one_and_has_every_method() -> None:
    jsonschema.Draft202012Validator.check_schema(protocol.schema())
    defined = protocol.schema()["$defs"]
    assert {f"{m}.{part}" for m in METHODS for part in ("params", "result")} <= set(defined)
    assert defined["version"] == {"const": server.PROTOCOL}


def test_the_requests_of_the_harness_have_the_methods_and_parameters_of_the_schema() -> None:
    defined = {
        name.removesuffix(".params"): kind
        for name, kind in protocol.schema()["$defs"].items()
        if name.endswith(".params")
    }
    assert defined.pop("describe")["properties"] == {}
    assert set(defined) == set(requests.REQUESTS)
    for method, kind in defined.items():
        given = {field.name: field.default is MISSING for field in fields(requests.REQUESTS[method])}
        assert set(given) == set(kind["properties"]), method
        assert {name for name, needed in given.items() if needed} == set(kind["required"]), method
        assert kind["additionalProperties"] is False, method


def test_a_parameter_that_is_optional_within_the_version_has_a_default() -> None:
    for method, names in requests.OPTIONAL_PARAMS.items():
        assert not set(names) & set(protocol.schema()["$defs"][f"{method}.params"]["required"])


# What is said in runs


class Recorded:
    """A connection that remembers what went over it."""

    def __init__(self, inner: Connection, log: list[tuple[bytes, bytes]]) -> None:
        self.inner, self.log = inner, log

    def exchange(self, line: bytes, method: str, seconds: float) -> bytes:
        answer = self.inner.exchange(line, method, seconds)
        self.log.append((line, answer))
        return answer

    def unasked(self) -> bytes:
        return self.inner.unasked()

    def stderr(self) -> str:
        return self.inner.stderr()

    def close(self) -> None:
        self.inner.close()


def recorded(implementation: Implementation) -> list[tuple[bytes, bytes]]:
    """Return a list to which each request and its answer are added from now on."""
    log: list[tuple[bytes, bytes]] = []
    connect = implementation._connect
    implementation._connect = lambda: Recorded(connect(), log)
    implementation.restart()
    return log


CLAUSES = (
    *("cfc.step.default", "state.sizes", "state.initial", "state.pure", "gradient.parameters"),
    *("gradient.sequence.parameters", "gradient.sequence.mask", "layer.stateful.batch", "dtype.policy.layer"),
    *("sequence.final_state", "sequence.mask", "sequence.bidirectional", "sequence.stacked"),
    *("layer.mask.carry", "layer.mask.implicit", "layer.bidirectional", "layer.overridden"),
    *("shape.computed", "serialization.config.complete", "serialization.config.round_trip"),
    *("serialization.weights", "training.step", "training.frozen", "dropout.fresh", "dropout.held"),
    *("errors.arguments", "errors.timespans", "wiring.graph", "wired_cfc.step.default"),
)
"""Between them they ask for every method but those of `asked_by_hand`, in every form."""


TOLD = {*METHODS} - {"intermediates", "compile"}
"""What both answer: cells whose products are fused compute few intermediates, and tell none.

XLA is neither's."""


@pytest.fixture(
    scope="module",
    params=[("ncps", "torch", TOLD), (HARNESS, "node", TOLD - {"shapes", "wiring", "freeze", "override"})],
)
def traffic(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield the methods that must be called while the clauses are judged, and pairs of request and answer."""
    target, backend, methods = request.param
    with start(target, backend) as implementation:
        log = recorded(implementation)
        for clause in CLAUSES:
            for about in implementation.describe()["cells"]:
                if about["family"] in conformance.spec.clauses.load().clauses[clause].families:
                    subject = Subject(implementation, about, "float32")
                    judge_clause(CHECKS[clause], subject, Plan(1, seed=1))
                    break
        asked_by_hand(implementation, tmp_path_factory.mktemp("models"))
        yield methods, log


def asked_by_hand(implementation: Implementation, folder: Path) -> None:
    """Save and load a model, which runs leave to another process, and call methods that they never call."""
    model = {"cell": "LTCCell", "config": {"units": 2}, "input_dim": 1}
    parameters = implementation.request("parameters", model=model)["parameters"]
    given = {"path": str(folder / "model.keras"), "inputs": np.ones((1, 2, 1), "float32")}
    saved = implementation.request("save", model=model, parameters=parameters, **given)
    assert np.array_equal(implementation.request("load", **given)["output"], saved["output"])


@pytest.mark.frameworks
def test_requests_and_answers_of_a_run_are_by_the_schema(traffic: Any) -> None:
    methods, log = traffic
    answered, refused, placed = set(), 0, 0
    for line, answer in log:
        message = json.loads(line)
        check_request(message)
        check_answer(message["method"], message["params"], json.loads(answer))
        if "result" in json.loads(answer):
            answered.add(message["method"])
        refused += "error" in json.loads(answer)
        placed += b'"frames":[{' in answer
    assert answered == set(methods)
    assert refused > 5
    assert placed > 5


@pytest.mark.frameworks
def test_what_is_known_to_be_good_is_not_checked_again(traffic: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, log = traffic
    line, answer = next((a, b) for a, b in log if b'"step"' in a)
    message, counted = json.loads(line), []
    monkeypatch.setattr(protocol, "check_answer", lambda *given: counted.append(given))
    checker = Checker()
    once_more = re.sub(rb'"base64": ?"....', b'"base64":"AAAA', answer.replace(b'"id":', b'"id":7'))
    for said in (answer, once_more, answer):
        checker(message["method"], message["params"], said)
    assert len(counted) == 1
    for params, said in (
        ({**message["params"], "echo": True}, answer),
        (message["params"], answer.replace(b"float32", b"float64", 1)),
        (message["params"], re.sub(rb'"base64": ?"....', b'"base64":"', answer, count=1)),
    ):
        checker(message["method"], params, said)
    assert len(counted) == 4


# What the document says


def blocks() -> list[list[dict[str, Any]]]:
    """Return the messages of each block of JSON."""
    found = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    return [[json.loads(line) for line in block.splitlines()] for block in found]


def test_the_examples_are_by_the_schema() -> None:
    shown = set()
    for first, second in blocks():
        if "method" not in first:
            check("response", first, "answer")
            check("response", second, "answer")
            continue
        check_request(first)
        assert second["id"] == first["id"]
        check_answer(first["method"], first["params"], second)
        shown.add(first["method"])
    assert shown == set(METHODS)


def test_the_document_has_every_method_code_and_dtype() -> None:
    headed = re.findall(r"^### (.+)$", DOCUMENT, re.MULTILINE)
    assert set(METHODS) <= {name for heading in headed for name in heading.split(", ")}
    for code in (
        server.RAISED,
        server.NOT_SUPPORTED,
        server.UNKNOWN_METHOD,
        server.BAD_PARAMS,
        server.BUG,
        server.PARSE_ERROR,
        server.INVALID_REQUEST,
    ):
        assert str(code) in DOCUMENT
    for dtype in protocol.schema()["$defs"]["array"]["properties"]["dtype"]["enum"]:
        assert f"`{dtype}`" in DOCUMENT


def test_the_clauses_and_files_that_the_document_names_are_there() -> None:
    known = set(conformance.spec.clauses.load().clauses)
    table = DOCUMENT.partition("| method | needed for |")[2].partition("\n\n")[0]
    for named in re.findall(r"`([a-z_]+\.[a-z_.*]+)`", table):
        assert any(re.fullmatch(named.replace(".*", r"\..*"), clause) for clause in known), named
    for link in re.findall(r"\]\((\.\./[^)#]+)", DOCUMENT):
        assert (Path(ROOT) / "docs" / link).exists(), link


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"jsonrpc": "2.0", "id": 1}, "answer: "),
        ({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {"code": 1, "message": ""}}, "answer: "),
        ({"jsonrpc": "1.0", "id": 1, "result": {}}, "answer.jsonrpc: '1.0' is not '2.0'"),
        ({"jsonrpc": "2.0", "id": 1, "result": {"output": None}}, "result.output: "),
    ],
)
def test_what_is_no_answer_is_refused(message: Any, said: str) -> None:
    with pytest.raises(Malformed, match=re.escape(said)):
        check_answer("load", {}, message)
