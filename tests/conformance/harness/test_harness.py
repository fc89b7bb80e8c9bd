"""The harness as a server, which nothing that is printed disturbs."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from conformance.driver import implementation as driver
from conformance.driver.implementation import HARNESS, ImplementationRaised, NotSupported, RequestRefused
from conformance.harness.__main__ import load_package
from tests.waiting import PATIENCE

SMALL = """
import os
from conformance_harness.adapter import Adapter, NotSupported

print("imported")
os.write(1, b"imported natively\\n")

class Doubling(Adapter):
    def cells(self):
        return [{"name": "Doubling", "family": "cfc", "arguments": [], "defaults": {}}]

    def step(self, model, parameters, inputs, state, timespans=None, **rest):
        print("stepping")
        os.write(1, b"stepping natively\\n")
        os.system("echo stepping in a child")
        return {"output": inputs * 2, "state": state}

    def initial_state(self, model, batch):
        errors = {"raise": ValueError("no state"), "exit": SystemExit(7), "none": NotSupported("none here")}
        raise errors[batch]

    def parameters(self, model):
        return {"parameters": {"kernel": float("nan")}}

    def load(self, path, inputs):
        return {"read": input()}

    def sequence_gradients(self, inputs, mask=None, **rest):
        return {"inputs": inputs, "parameters": {}, "given": sorted(rest)}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.py").write_text(SMALL)
    with driver.start("small:Doubling", "numpy", path=folder) as implementation:
        yield implementation


def step(implementation):
    return implementation.request("step", model=None, parameters=None, inputs=np.arange(3.0), state=[])


def test_prints_of_every_kind_go_to_stderr(small):
    assert step(small)["output"].tolist() == [0, 2, 4]
    printed = small.stderr()
    for words in ("imported", "imported natively", "stepping", "stepping natively", "stepping in a child"):
        assert words in printed


def test_what_is_judged_cannot_read_the_requests(small):
    with pytest.raises(ImplementationRaised, match="EOFError"):
        small.request("load", path="", inputs=None)
    assert step(small)["output"].tolist() == [0, 2, 4]


def test_an_adapter_of_twenty_lines_says_what_it_offers(small):
    assert small.describe()["host"] == "other"
    assert small.describe()["capabilities"] == [
        *("describe", "parameters", "step", "sequence_gradients", "initial_state", "load"),
    ]


def test_an_adapter_is_given_by_keyword_what_was_sent_and_says_which_later_params_it_takes(small):
    answer = small.request("sequence_gradients", model=None, inputs=np.arange(3.0), wrapper=None)
    assert answer["given"] == ["model", "wrapper"]
    assert small.describe()["optional_params"] == {
        "sequence": ["earlier", "eager"],
        "sequence_gradients": ["mask"],
    }


def test_exceptions_of_the_implementation_are_answers(small):
    with pytest.raises(ImplementationRaised, match="ValueError: no state") as raised:
        small.request("initial_state", model=None, batch="raise")
    assert "small.py" in raised.value.traceback
    with pytest.raises(ImplementationRaised, match="SystemExit: 7"):
        small.request("initial_state", model=None, batch="exit")


def test_what_is_not_offered_says_so(small):
    with pytest.raises(NotSupported, match="none here"):
        small.request("initial_state", model=None, batch="none")
    with pytest.raises(NotSupported, match="train is not offered"):
        small.request("train", model=None, inputs=None, targets=None, steps=1)


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("stop", {}, -32601),
        ("__init__", {}, -32601),
        ("cells", {}, -32601),
        ("step", {"model": None}, -32602),
        ("load", {"path": "", "inputs": None, "timespans": None}, -32602),
        ("describe", {"verbose": True}, -32602),
        ("parameters", {"model": None}, -32603),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused(small, method, params, code):
    with pytest.raises(RequestRefused) as refused:
        small.request(method, **params)
    assert refused.value.code == code


def raw(tmp_path, *lines):
    """Return what the harness answers to lines that no driver would send."""
    (tmp_path / "small.py").write_text(SMALL)
    command = [sys.executable, HARNESS, "small:Doubling", "--path", tmp_path]
    run = subprocess.run(command, input=b"".join(lines), capture_output=True, timeout=PATIENCE, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_malformed_requests_are_answered_and_the_next_is_served(tmp_path):
    answers = raw(
        tmp_path,
        b"{\n",
        b"[]\n",
        b'{"jsonrpc": "2.0", "id": 1}\n',
        b'{"id": 2, "method": "describe"}\n',
        b'{"jsonrpc": "2.0", "id": 3, "method": "describe", "params": [1]}\n',
        b'{"jsonrpc": "2.0", "id": 4, "method": "x", "params": [{"dtype": 1, "shape": [], "base64": ""}]}\n',
        b'{"jsonrpc": "2.0", "method": "describe"}\n',
        b'{"jsonrpc": "2.0", "id": "five", "method": "describe"}\n',
    )
    assert [a.get("error", {}).get("code") for a in answers] == [
        -32700,
        -32600,
        -32600,
        -32600,
        -32600,
        -32700,
        None,
    ]
    assert answers[-1]["id"] == "five" and answers[-1]["result"]["protocol"] == "1"


def test_a_request_that_is_too_long_ends_the_harness_with_an_answer(monkeypatch):
    server = load_package("server")
    monkeypatch.setattr(server.wire, "MAX_BYTES", 1000)
    (requests, ask), (answer, answers) = os.pipe(), os.pipe()
    os.write(ask, b"x" * 3000)
    os.close(ask)
    assert server.serve(server.Server("nothing"), requests, answers) == 1
    assert b"-32700" in os.read(answer, 1000)


def test_a_target_that_cannot_be_imported_is_an_answer(tmp_path):
    (tmp_path / "broken.py").write_text("raise RuntimeError('not today')")
    implementation = driver.start("broken:Cell", "numpy", path=tmp_path)
    with implementation, pytest.raises(ImplementationRaised, match="RuntimeError: not today"):
        implementation.describe()


@pytest.mark.parametrize(("first", "found"), [(None, "installed"), ("path", "path")])
def test_what_is_installed_wins_over_the_callers_folder_and_path_over_both(
    tmp_path, monkeypatch, first, found
):
    families = {"installed": "cfc", "here": "ltc", "path": "wired_cfc"}
    for place, family in families.items():
        (tmp_path / place).mkdir()
        (tmp_path / place / "small.py").write_text(SMALL.replace("cfc", family))
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "here"), str(tmp_path / "installed")]))
    path = None if first is None else tmp_path / first
    with driver.start("small:Doubling", "numpy", path=path) as implementation:
        assert implementation.describe()["cells"][0]["family"] == families[found]


def test_the_callers_folder_serves_what_is_installed_nowhere(tmp_path, monkeypatch):
    (tmp_path / "small.py").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    with driver.start("small:Doubling", "numpy") as implementation:
        assert implementation.describe()["cells"][0]["name"] == "Doubling"


def test_in_process_gives_the_same_answers(tmp_path, monkeypatch):
    (tmp_path / "small_here.py").write_text(SMALL)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(os, "environ", os.environ.copy())
    with driver.start("small_here:Doubling", path=tmp_path, in_process=True) as implementation:
        assert step(implementation)["output"].tolist() == [0, 2, 4]
        with pytest.raises(ImplementationRaised, match="ValueError"):
            implementation.request("initial_state", model=None, batch="raise")


@pytest.mark.parametrize(
    ("place", "code"), [(".", "BUG"), ("keras", "BUG"), ("torch", "BUG"), ("../suite", "RAISED")]
)
def test_what_any_module_of_the_harness_raises_is_a_fault_of_ours(place: str, code: str) -> None:
    server = load_package("server")
    file = HARNESS / place / "somewhere.py"
    with pytest.raises(KeyError) as raised:
        exec(compile("raise KeyError('x')", str(file), "exec"))
    assert server._translated(raised.value, "nothing").code == getattr(server, code)
