"""A machine that has little to give: no room, no home, no network, no leave to write, and others at work."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.driver import paths as caches
from conformance.report import jsonfile
from conformance.stored import known_failures
from tests.waiting import PATIENCE

pytestmark = pytest.mark.frameworks

ROOT = Path(__file__).resolve().parents[4]
PROGRAM = Path(__file__).with_name("faulty.py")
FULL = Path("/dev/full")

OBEDIENT = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
"""Makes of root somebody for whom the modes of files count."""
ALONE = ("unshare", "--map-root-user", "--net")
"""Takes the network away, the loopback too."""

full_disk = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")


def works(*command: str) -> bool:
    return (
        shutil.which(command[0]) is not None
        and subprocess.run([*command, "true"], capture_output=True).returncode == 0
    )


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("FAULTY_PIDS", str(tmp_path / "pids"))
    (tmp_path / "pids").touch()


def run(fault: str = "none", *more: str) -> list[str]:
    """Run one clause, which a right program passes."""
    target = "exec:" + shlex.join([sys.executable, str(PROGRAM), fault, "build"])
    command = [sys.executable, "-m", "conformance", "run", target, "--clause", "state.sizes", "--jobs", "1"]
    return [*command, "--max-examples", "5", *more]


def done(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    found = subprocess.run(
        command, text=True, stdin=subprocess.DEVNULL, **{"capture_output": True, **options}
    )  # type: ignore[call-overload]
    assert "Traceback" not in (found.stdout or "") + (found.stderr or "")
    return found


# No room


@full_disk
def test_a_report_is_kept_where_nothing_can_be_shown(tmp_path: Path) -> None:
    with FULL.open("w") as full:
        written = tmp_path / "report.json"
        found = done(
            run("none", "--json", str(written)), capture_output=False, stdout=full, stderr=subprocess.PIPE
        )
    assert found.returncode == 2
    assert found.stderr.splitlines()[-1] == (
        "conformance: the output cannot be written: No space left on device"
    )
    assert jsonfile.read(written).complete


@full_disk
def test_a_run_goes_on_where_its_progress_cannot_be_told(tmp_path: Path) -> None:
    with FULL.open("w") as full:
        found = done(run("exits"), capture_output=False, stdout=subprocess.PIPE, stderr=full)
    assert found.returncode == 1
    assert "✗ state.sizes" in found.stdout


@full_disk
@pytest.mark.parametrize("command", ["list", "explain time.zero"])
def test_a_command_that_cannot_show_anything_says_so(command: str) -> None:
    with FULL.open("w") as full:
        words = [sys.executable, "-m", "conformance", *command.split()]
        found = done(words, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert found.returncode == 2
    assert found.stderr == "conformance: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ([sys.executable, "-m", "conformance", "list"], 0),
        ([sys.executable, "-m", "conformance", "explain", "*"], 0),
        (run("exits"), 1),
    ],
    ids=["list", "explain", "run"],
)
def test_who_reads_no_further_changes_nothing(command: list[str], status: int) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        running.stdout.close()
        said = running.stderr.read()
    assert running.returncode == status, said
    assert "Traceback" not in said and "Broken pipe" not in said


def test_a_verdict_that_nobody_reads_is_no_success() -> None:
    with subprocess.Popen(run("exits"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        running.stderr.close()
    assert running.returncode in (1, 3)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a disk of eight kibibytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8k", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_full_is_named_and_holds_no_half_of_a_report(small_disk: Path) -> None:
    (small_disk / "rubbish").write_bytes(b"x" * 4096)
    files = {"--json": "report.json", "--write-known-failures": "known.toml"}
    named = [word for option, name in files.items() for word in (option, str(small_disk / name))]
    found = done(run("exits", *named, "--examples", str(small_disk / "examples")))
    assert found.returncode == 1  # what was found stands
    assert "No space left on device" in " ".join(found.stdout.split())
    assert "the run was not complete" in found.stdout or "cannot be written" in found.stdout
    for left in small_disk.glob("*.json"):
        jsonfile.read(left)
    assert not list(small_disk.glob(".*"))


# No leave to write, no home, no network


@pytest.mark.skipif(os.geteuid() == 0 and not works(*OBEDIENT), reason="root may write everywhere")
def test_a_folder_that_is_not_writable_is_told_before_the_run(tmp_path: Path) -> None:
    (folder := tmp_path / "closed").mkdir(mode=0o555)
    prefix = OBEDIENT if os.geteuid() == 0 else ()
    found = done([*prefix, *run("none", "--json", "report.json")], cwd=folder)
    assert found.returncode == 2
    assert (
        found.stderr
        == f"conformance: --json {folder}/report.json: cannot be written, {folder} is not writable\n"
    )


@pytest.mark.skipif(os.geteuid() == 0 and not works(*OBEDIENT), reason="root may write everywhere")
@pytest.mark.parametrize("home", ["closed", "nowhere", None])
def test_no_home_is_needed(tmp_path: Path, home: str | None) -> None:
    (folder := tmp_path / "closed").mkdir(mode=0o555)
    prefix = OBEDIENT if os.geteuid() == 0 else ()
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    own = {} if home is None else {"HOME": str(tmp_path / home)}
    found = done([*prefix, *run("exits")], cwd=folder, env={**kept, **own})
    assert found.returncode == 1, found.stderr
    assert "the harness died with status 3: out of luck" in found.stdout
    assert not list(folder.iterdir())


def test_who_is_nobody_has_a_passing_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a number that no user has."""

    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    found = caches.cache("jax")
    found.mkdir(parents=True)
    assert found == caches.cache("jax") and found.parents[1].stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not works(*ALONE), reason="the network cannot be taken away here")
def test_our_cells_are_judged_without_network_and_home(tmp_path: Path) -> None:
    (folder := tmp_path / "closed").mkdir(mode=0o555)
    command = [
        sys.executable,
        "-m",
        "conformance",
        "run",
        "ncps:LTCCell",
        "--backend",
        "numpy",
        "--jobs",
        "1",
    ]
    command += ["--clause", "time.zero,state.sizes", "--smoke"]
    found = done([*ALONE, *command], cwd=folder, env={**os.environ, "HOME": str(tmp_path / "nowhere")})
    assert found.returncode == 0, found.stdout + found.stderr
    assert "conforms to the clauses asked for" in found.stdout


# Others at work


def test_two_runs_at_once_in_one_folder_leave_whole_files(tmp_path: Path) -> None:
    files = ["--json", "report.json", "--examples", "examples", "--write-known-failures", "known.toml"]
    both = [
        subprocess.Popen(run("exits", *files), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    said = [one.communicate(timeout=PATIENCE)[0].decode() for one in both]
    assert [one.returncode for one in both] == [1, 1], said
    assert not any("Traceback" in text for text in said)
    report = jsonfile.read(tmp_path / "report.json")
    assert report.complete and [verdict.outcome for verdict in report.verdicts] == ["fail"]
    (entry,) = {entry.clause for entry in known_failures.load(tmp_path / "known.toml")}
    assert entry == "state.sizes"
    assert not [path for path in tmp_path.rglob(".*") if path.name != ".hypothesis"]
