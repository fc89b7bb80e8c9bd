"""The command line and the options that it shares with pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from conformance import options
from conformance.cli import main as cli
from conformance.cli.commands import run as running
from conformance.driver.implementation import BACKENDS
from conformance.driver.paths import storage
from conformance.driver.pool import Pool
from conformance.driver.process import cores
from conformance.options import OPTIONS, RunOptions, UsageError, resolving
from conformance.options.describing import CannotBeJudged, described
from conformance.options.shards import Shard
from conformance.spec import clauses
from conformance.verdict import Report
from tests.conformance.report import sample_report

ROOT = Path(__file__).resolve().parents[3]
KNOWN = tuple(clauses.load().clauses)

NAMES = ROOT / "tests" / "conformance" / "harness" / "sound" / "names.toml"

GIVEN: dict[str, tuple[list[str], Any]] = {
    "backend": (["jax,torch", "numpy"], ("jax", "torch", "numpy")),
    "python": (["/some/python"], "/some/python"),
    "path": ([str(ROOT)], ROOT),
    "family": (["ltc"], "ltc"),
    "names": ([str(NAMES)], NAMES),
    "variant": (["strict"], "strict"),
    "max-examples": (["7"], 7),
    "smoke": ([], True),
    "seed": (["3"], 3),
    "clause": (["cfc.*", "time.zero,time.large"], ("cfc.*", "time.zero", "time.large")),
    "spec": (["0.1"], "0.1"),
    "json": ([str(ROOT / "report.json")], ROOT / "report.json"),
    "examples": ([str(ROOT / "failing")], ROOT / "failing"),
    "known-failures": ([str(ROOT / "known.toml")], ROOT / "known.toml"),
    "strict": ([], True),
    "min-judged": (["96"], 96),
    "write-known-failures": ([str(ROOT / "new.toml")], ROOT / "new.toml"),
    "shard": (["2/3"], Shard(2, 3)),
    "markdown": ([str(ROOT / "summary.md")], ROOT / "summary.md"),
    "time-limit": (["90"], 90.0),
    "timeout": (["2.5"], 2.5),
    "in-process": ([], True),
    "junit": ([str(ROOT / "report.xml")], ROOT / "report.xml"),
    "jobs": (["3"], 3),
}
"""For each option: what is given, and what must come of it."""
FIELDS = {"backend": "backends", "clause": "clauses"}


def arguments_for(name: str) -> list[str]:
    values = GIVEN[name][0]
    return [word for value in values for word in (f"--{name}", value)] or [f"--{name}"]


def by_click(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> RunOptions:
    """Return the options that the command line makes of its arguments."""
    found: list[RunOptions] = []
    monkeypatch.setattr(running, "resolve", lambda asked, _: asked)
    monkeypatch.setattr(running, "judge", lambda asked: found.append(asked))
    CliRunner().invoke(cli.main, ["run", *arguments])
    return found[0]


def by_pytest(arguments: list[str]) -> RunOptions:
    """Return the options that the plugin makes of pytest's arguments."""
    config = pytest.Config.fromdictargs({}, [])
    parser = pytest.Parser(_ispytest=True)
    options.add_to_pytest(parser)
    config.option = parser.parse_known_args(arguments)
    return options.from_pytest(config)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, arguments)


# One table for both


def test_every_option_of_the_table_is_tested_here() -> None:
    assert set(GIVEN) == {option.name for option in OPTIONS}


@pytest.mark.parametrize("name", GIVEN)
def test_the_command_line_understands_every_option(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = by_click(arguments_for(name), monkeypatch)
    assert getattr(found, FIELDS.get(name, name.replace("-", "_"))) == GIVEN[name][1] or name == "in-process"


@pytest.mark.parametrize("name", [option.name for option in OPTIONS if option.pytest])
def test_pytest_makes_the_same_of_an_option_as_the_command_line(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert by_pytest(arguments_for(name)) == by_click(arguments_for(name), monkeypatch)


def test_without_options_both_have_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    assert by_pytest([]) == by_click([], monkeypatch) == RunOptions()


def test_targets_are_arguments_here_and_an_option_there(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = ("ncps", "a.b:Cell")
    assert by_click(list(targets), monkeypatch).targets == targets
    assert by_pytest(["--target", "ncps", "--target", "a.b:Cell"]).targets == targets


def test_an_option_whose_name_another_plugin_has_keeps_its_long_name() -> None:
    parser = pytest.Parser(_ispytest=True)
    parser.getgroup("other").addoption("--timeout", dest="other")
    options.add_to_pytest(parser)
    config = pytest.Config.fromdictargs({}, [])
    config.option = parser.parse_known_args(["--timeout", "1", "--conformance-timeout", "9"])
    assert options.from_pytest(config).timeout == 9.0


def test_a_run_hands_its_options_to_pytest_whole() -> None:
    asked = RunOptions(
        targets=("a:B",),
        backends=("jax", "torch"),
        python="/some/python",
        path=ROOT,
        variant="strict",
        max_examples=7,
        smoke=True,
        seed=3,
        clauses=("time.*",),
        spec="0.1",
        json=ROOT / "r.json",
        examples=ROOT / "failing",
        known_failures=ROOT / "known.toml",
        strict=True,
        write_known_failures=ROOT / "new.toml",
        timeout=2.5,
        shard=Shard(2, 3),
        time_limit=90.0,
    )
    own = [word for word in options.pytest_arguments(asked) if word.startswith("--conformance-")]
    assert by_pytest(own) == asked


# How pytest is run


def test_harnesses_run_beside_each_other_as_far_as_there_are_cores_and_groups() -> None:
    assert RunOptions(backends=("jax", "torch"), jobs=8).workers == 4, "a backend has two regimes"
    assert RunOptions(backends=("torch", "numpy"), jobs=3).workers == 3
    assert RunOptions(backends=("jax", "torch"), jobs=1).workers == 0
    assert RunOptions(backends=("jax", "torch"), clauses=("time.zero", "time.scalar")).workers == 0
    assert RunOptions(backends=("jax", "torch"), clauses=("time.zero",), jobs=2).workers == 2
    assert RunOptions(backends=("jax", "torch"), clauses=("time.*",)).workers == min(cores(), 4)
    assert RunOptions(backends=("jax",), jobs=8, in_process=True).workers == 0


@pytest.mark.slow
def test_nothing_of_the_callers_pytest_has_a_say(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise SystemExit('the conftest of the caller ran')\n")
    own = options.pytest_arguments(RunOptions(backends=("numpy",), jobs=1))
    command = [sys.executable, "-m", "pytest", *own, "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=quiet_environment())
    assert done.returncode == 0, done.stdout + done.stderr


def quiet_environment() -> dict[str, str]:
    import os

    return os.environ | running.QUIET | {"PYTHONPATH": str(ROOT)}


def test_examples_are_kept_where_the_caller_says_or_out_of_his_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    monkeypatch.delenv("HYPOTHESIS_STORAGE_DIRECTORY", raising=False)
    assert storage() == Path("/cache/ncps-conformance/hypothesis")
    monkeypatch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", "/mine")
    assert storage() == Path("/mine")


def test_the_environment_is_as_it_was_after_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("PYTEST_ADDOPTS", "-x")
    monkeypatch.delenv("PYTEST_PLUGINS", raising=False)
    with running.environment(running.QUIET):
        assert os.environ["PYTEST_ADDOPTS"] == ""
    assert os.environ["PYTEST_ADDOPTS"] == "-x"
    assert "PYTEST_PLUGINS" not in os.environ


# Usage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["ncsp"],
            "unknown target 'ncsp' (did you mean 'ncps'?): a target is 'ncps', MODULE:CLASS or exec:COMMAND",
        ),
        (["no such"], "unknown target 'no such': a target is 'ncps', MODULE:CLASS or exec:COMMAND"),
        (["my/mycfc.py"], "unknown target 'my/mycfc.py' (did you mean mycfc:CLASS --path my?): a target is"),
        (["my/mycfc.py:FastCfC"], "(did you mean mycfc:FastCfC --path my?)"),
        (["/a b/mycfc.py:FastCfC"], "(did you mean mycfc:FastCfC --path '/a b'?)"),
        (["mycfc.py"], "(did you mean mycfc:CLASS?)"),
        (["mycfc.FastCfC"], "(did you mean mycfc:FastCfC?)"),
        (["--clause", "tim.*"], "unknown clause 'tim.*' (did you mean 'time.*'?)"),
        (["--clause", "cfc.stpe.*"], "(did you mean 'cfc.step.*'?)"),
        (["--spec", "0.1", "--clause", "wired_cfc.*"], "unknown clause 'wired_cfc.*' of that version"),
        (["--backend", "jxa"], "unknown backend 'jxa' (did you mean 'jax'?); known: jax, torch, tensorflow"),
        (
            ["--clause", "cfc.step.defalt"],
            "unknown clause 'cfc.step.defalt' (did you mean 'cfc.step.default'?)",
        ),
        (["--python", "/no/such/python"], "--python /no/such/python: cannot be run"),
        (["--path", "/no/such/folder"], "--path /no/such/folder: no such folder"),
        (["--examples", __file__], f"--examples {__file__}: cannot be written, it is not a folder"),
        (["--json", f"{__file__}/report.json"], f"cannot be written, {__file__} is not a folder"),
        (["--json", str(ROOT)], f"--json {ROOT}: cannot be written, it is a folder"),
        (["--timeout", "0"], "--timeout 0: must be a positive number of seconds"),
        (["--timeout", "nan"], "--timeout nan: must be a positive number of seconds"),
        (["--in-process", "--backend", "jax,torch"], "--in-process: runs one target on one backend"),
        (["--in-process", "--python", "/some/python"], "--in-process: runs in this interpreter"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_that_says_what_can(arguments: list[str], said: str) -> None:
    result = invoke("run", *arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--max-examples", "0"], ["--jobs", "0"], ["--seed", "-1"], ["--variant", "lax"]]
)
def test_a_number_or_choice_out_of_range_is_refused_by_both(arguments: list[str]) -> None:
    assert invoke("run", *arguments).exit_code == 2
    with pytest.raises((SystemExit, pytest.UsageError)):
        by_pytest([arguments[0].replace("--", "--conformance-"), arguments[1]])
        if arguments[0] == "--jobs":
            raise pytest.UsageError("pytest has its own -n")


def test_a_backend_that_the_interpreter_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "importable_backends", lambda python: ("torch", "numpy"))
    with pytest.raises(UsageError, match=r"--backend jax: not importable by .*; importable: torch, numpy"):
        options.resolve(RunOptions(backends=("jax", "torch")), KNOWN)
    assert options.resolve(RunOptions(), KNOWN).backends == ("torch", "numpy")
    monkeypatch.setattr(resolving, "importable_backends", lambda python: ("torch",))
    with pytest.raises(
        UsageError, match=r"--backend numpy: not importable by .*Keras's numpy backend wants jax"
    ):
        options.resolve(RunOptions(backends=("numpy",)), KNOWN)
    monkeypatch.setattr(resolving, "importable_backends", lambda python: ("torch", "numpy"))
    assert options.resolve(RunOptions(in_process=True), KNOWN).backends == ("torch",)


def test_an_interpreter_without_keras_has_no_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "importable_backends", lambda python: ())
    said = "Keras is not importable .* default target, ncps, .* name a TARGET, .* --python"
    with pytest.raises(UsageError, match=said):
        options.resolve(RunOptions(), KNOWN)


def interpreter(path: Path, says: str) -> str:
    """Return a program that answers the probe so, whatever Python is here."""
    path.write_text(f"#!/bin/sh\nprintf '{says}\\n'\n")
    path.chmod(0o755)
    return str(path)


def test_the_probe_names_only_backends_that_are_there() -> None:
    assert set(options.importable_backends()) <= set(BACKENDS)


def test_the_current_folder_has_no_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = options.importable_backends()
    for name in ("keras", *BACKENDS):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    assert options.importable_backends() == found


def test_an_interpreter_that_has_no_keras_is_one_all_the_same(tmp_path: Path) -> None:
    assert (
        options.importable_backends(interpreter(tmp_path / "python", r"python 3.10\nnumpy\nbackends ")) == ()
    )


@pytest.mark.parametrize("version", ["3.9", "2.7"])
def test_an_interpreter_that_is_too_old_is_refused(version: str, tmp_path: Path) -> None:
    old = interpreter(tmp_path / "python", f"python {version}")
    with pytest.raises(UsageError, match=rf"is Python {version}; judging needs 3\.10 or newer there"):
        options.importable_backends(old)


def test_what_is_no_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no Python interpreter"):
        options.importable_backends(interpreter(tmp_path / "python", "hello"))


# The commands


@pytest.mark.parametrize(("made", "code"), [(sample_report.green(), 0), (sample_report.red(), 1), (None, 3)])
def test_the_exit_status_says_what_came_of_it(
    made: Report | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "resolve", lambda asked, _: asked)
    monkeypatch.setattr(running, "judge", lambda asked: made)
    assert invoke("run").exit_code == code


def test_list_names_every_clause_and_its_level() -> None:
    result = invoke("list")
    assert result.exit_code == 0
    rows = [line.split() for line in result.output.splitlines() if line.startswith("  ")]
    assert rows == [[clause.level, clause.id] for clause in clauses.load().clauses.values()]


def test_list_and_explain_know_earlier_versions() -> None:
    first, now = clauses.load("0.1"), clauses.load()
    rows = [line.split() for line in invoke("list", "--spec", "0.1").output.splitlines() if line[:2] == "  "]
    assert rows == [[clause.level, clause.id] for clause in first.clauses.values()]
    assert len(rows) == 67 < len(clauses.load("0.2").clauses) == 118 < len(now.clauses)
    assert invoke("explain", "--spec", "0.1", "cfc.step.default").exit_code == 0
    later = invoke("explain", "--spec", "0.1", "layer.steps").output
    assert "unknown clause 'layer.steps' of that version of the specification: since 0.2" in later
    for command in (["list"], ["explain", "time.zero"], ["run"]):
        result = invoke(*command, "--spec", "0.9")
        assert result.exit_code == 2
        assert (
            f"unknown version '0.9' of the specification; known: {', '.join(now.versions)}" in result.output
        )


def test_list_takes_globs() -> None:
    assert [
        line.split()[1] for line in invoke("list", "time.*").output.splitlines() if line.startswith("  ")
    ] == [id for id in KNOWN if id.startswith("time.")]
    assert invoke("list", "nope.*").exit_code == 2


def test_explain_shows_the_clause() -> None:
    result = invoke("explain", "cfc.step.default")
    assert result.exit_code == 0
    assert result.output.startswith("cfc.step.default · MUST")
    assert "head(f1)" in result.output


def test_explain_takes_globs() -> None:
    shown = invoke("explain", "time.z*", "cfc.step.p*").output
    assert "time.zero · MUST" in shown and "cfc.step.pure · MUST" in shown and "time.large" not in shown


def test_explain_knows_a_slip() -> None:
    result = invoke("explain", "cfc.step.defualt")
    assert result.exit_code == 2
    assert "did you mean 'cfc.step.default'?" in result.output


@pytest.mark.slow
def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "conformance", "list", "cfc.*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "cfc.step.default" in done.stdout


@pytest.mark.slow
def test_help_of_pytest_starts_no_run(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "conformance.run.plugin",
        "--conformance-target=none:None",
    ]
    done = subprocess.run([*command, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--conformance-python=PATH" in done.stdout


def test_an_interpreter_without_numpy_is_refused(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(UsageError, match="bare: has no NumPy"):
        options.importable_backends(str(bare))


def test_what_cannot_be_imported_names_the_interpreter(tmp_path: Path) -> None:
    (tmp_path / "lacking.py").write_text("import no_such_framework")
    asked = RunOptions(targets=("lacking:Cell",), path=tmp_path)
    with pytest.raises(
        CannotBeJudged, match=rf"no_such_framework' in {re.escape(sys.executable)}; .*--python PATH"
    ):
        described(asked, "lacking:Cell", Pool(asked))


# Commands


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_command_is_found_by_its_name(name: str) -> None:
    command = cli.main.get_command(click.Context(cli.main), name)
    assert command is not None and command.name == name


def test_the_help_lists_every_command_in_a_line_each() -> None:
    lines = CliRunner().invoke(cli.main, ["--help"]).output.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == list(cli.COMMANDS)
    assert all(line.endswith(".") for line in lines)


@pytest.mark.parametrize("heavy", ["hypothesis", "jsonschema", "pytest", "reference"])
def test_the_help_imports_nothing_heavy(heavy: str) -> None:
    code = "import sys, conformance.cli.main; print([name for name in sys.argv[1:] if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, heavy], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_folder_that_hides_a_package_of_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "__init__.py").touch()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "conformance", "list"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"`import reference` found {tmp_path}" in done.stderr
    assert "rename that folder" in done.stderr
