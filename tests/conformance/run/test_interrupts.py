"""Runs that are cut short, by real signals: what they leave, and what they do not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import main as cli
from conformance.report import jsonfile
from conformance.run import finish
from conformance.run.interrupts import CutShort, check, ends_on_signals
from conformance.verdict import Report
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).resolve().parents[3]

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc"),
]


def start(folder: Path, *more: str, shell: str = "") -> subprocess.Popen[str]:
    """A run of some sixteen tests, which takes seconds; `folder` marks its harnesses."""
    asked = ["--backend", "numpy", "--clause", "cfc.step.*,time.*", "--seed", "1", "--path", str(folder)]
    command = [sys.executable, "-m", "conformance", "run", "ncps", *asked, *more]
    if shell:
        command = ["bash", "-c", f'{shell}; exec "$@"', "bash", *command]
    return subprocess.Popen(
        [*command, "--json", str(folder / "report.json")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def harnesses(folder: Path) -> list[int]:
    """The harness processes that were started for `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:  # it has ended
                continue
            if str(folder).encode() in words and any(word.endswith(b"conformance/harness") for word in words):
                found.append(int(entry.name))
    return found


def under_way(run: subprocess.Popen[str]) -> None:
    """Waits until a quarter of the verdicts are there, as the progress says."""
    assert run.stderr is not None
    for line in run.stderr:
        if line.startswith("ncps on numpy: "):
            return
    pytest.fail("the run said nothing of its progress")


def ended(run: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = run.communicate(timeout=PATIENCE)
    return run.returncode, " ".join((out + err).split())


def report(folder: Path) -> Report:
    return jsonfile.read(folder / "report.json")


@pytest.mark.parametrize(
    ("number", "jobs"),
    [(signal.SIGTERM, "2"), (signal.SIGINT, "1")],
    ids=["SIGTERM, two workers", "SIGINT, none"],
)
def test_a_signal_leaves_what_was_judged_and_no_process(tmp_path: Path, number: int, jobs: str) -> None:
    run = start(tmp_path, "--jobs", jobs)
    under_way(run)
    assert harnesses(tmp_path)
    run.send_signal(number)
    code, said = ended(run)
    assert code == 128 + number
    assert until(lambda: not harnesses(tmp_path))
    found = report(tmp_path)
    assert not found.complete
    assert found.verdicts
    assert f"ended by {signal.Signals(number).name}" in found.notes[0]
    for shown in ("the run was ended by", "ncps could not be judged", "the run was not complete"):
        assert shown in said, said


def test_ctrl_c_in_a_terminal_goes_to_all_and_is_answered_once(tmp_path: Path) -> None:
    run = start(tmp_path, "--jobs", "2")
    under_way(run)
    os.killpg(run.pid, signal.SIGINT)
    code, said = ended(run)
    assert code == 128 + signal.SIGINT
    assert "Traceback" not in said
    assert report(tmp_path).verdicts
    assert until(lambda: not harnesses(tmp_path))


@pytest.mark.parametrize("wait", [0.0, 0.3, 0.6, 1.0])
def test_a_signal_while_a_run_finishes_loses_nothing(tmp_path: Path, wait: float) -> None:
    run = start(tmp_path, "--jobs", "2")
    assert run.stderr is not None
    assert any(all_judged(line) for line in run.stderr)
    time.sleep(wait)
    run.send_signal(signal.SIGINT)
    code, said = ended(run)
    assert code in (0, 128 + signal.SIGINT, -signal.SIGINT), "0 or the last if all was shown before"
    assert "ended before anything was judged" not in said and "MUST clauses" in said
    assert len(report(tmp_path).verdicts) >= 16


def all_judged(line: str) -> bool:
    """Tell whether a line of progress says that all is judged: "ncps on numpy: 30 of 30"."""
    seen = re.search(r": (\d+) of (\d+)$", line.rstrip())
    return bool(seen) and seen[1] == seen[2]


def test_a_run_that_is_killed_leaves_its_first_verdicts_and_no_harness(tmp_path: Path) -> None:
    run = start(tmp_path, "--jobs", "2")
    under_way(run)
    assert harnesses(tmp_path)
    run.kill()
    run.wait()
    assert until(lambda: not harnesses(tmp_path))
    kept = report(tmp_path)  # it is written now and then while a run goes on
    assert kept.verdicts and not kept.complete
    assert "did not finish" in kept.notes[0]


def test_a_time_limit_ends_the_run_which_could_not_be_judged(tmp_path: Path) -> None:
    run = start(tmp_path, "--jobs", "1", "--time-limit", "0.5")
    code, said = ended(run)
    assert code == 3, said
    assert until(lambda: not harnesses(tmp_path))


@pytest.mark.parametrize("junit", [False, True], ids=["json", "junit too"])
def test_a_disk_that_is_full_is_told_and_the_rest_is_shown(tmp_path: Path, junit: bool) -> None:
    few = ["--clause", "state.pure", "--smoke", "--jobs", "1"]
    few += ["--junit", str(tmp_path / "report.xml")] if junit else []
    run = start(tmp_path, *few, shell="ulimit -f 1")  # no file may be longer: what a full disk does to it
    code, said = ended(run)
    assert code == 3
    assert "report.json cannot be written: File too large" in said
    assert ("report.xml cannot be written: File too large" in said) == junit
    assert "state.pure" in said
    assert not (tmp_path / "report.json").exists()
    assert not list(tmp_path.glob(".report.json*"))


@pytest.mark.parametrize("option", ["--json", "--junit", "--markdown"])
def test_a_file_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path, option: str) -> None:
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "file" / "report", tmp_path):
        done = CliRunner().invoke(cli.main, ["run", "ncps", option, str(wrong)])
        assert done.exit_code == 2
        assert f"{option} {wrong}: cannot be written" in done.output


def test_the_second_signal_is_not_kept_waiting() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with ends_on_signals() as ending:
        with pytest.raises(CutShort, match="by SIGTERM"):
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) == before
    assert ending.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_a_finalizer_swallows_ends_the_run_all_the_same() -> None:
    class Finalized:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)  # the handler runs here, and what it raises is dropped

    with ends_on_signals() as ending:
        Finalized()
        assert ending.number == signal.SIGTERM
        with pytest.raises(CutShort, match="ended by SIGTERM"):
            check()
    check()


def test_a_run_that_ends_by_itself_leaves_the_handlers_as_they_were() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    with ends_on_signals(60.0) as ending:
        pass
    assert ending.exit_code is None
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_test_without_a_verdict_is_named_by_its_clause_and_place() -> None:
    nodeid = "suite/test_state.py::test_pure[CfCCell-jax@ncps:jax:x32]"
    assert finish.missed(nodeid) == "state.pure, CfCCell on jax"
