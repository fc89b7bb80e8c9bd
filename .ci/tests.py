"""Runs the project's tests and says what came of them; what `tox run -e tests` calls.

    python .ci/tests.py [--backend jax,torch,...] [--only ncps,conformance,...] [--nightly] [PYTEST OPTION...]

The tests of the cells run once per Keras backend, in a process each, since Keras fixes its backend when it is
imported. They run beside each other, as many as there are cores; those of the suite come first, dealt out
among the cores by file, the long ones first. Those marked `nightly` are left out unless they are asked for.
The output of one is shown in full where it fails, its last line where it passes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BACKENDS = ("jax", "torch", "tensorflow", "numpy")
FOLDERS = ("conformance", "ncps", "reference")
NO_TESTS = 5


@dataclass(frozen=True)
class Suite:
    """One pytest process: a folder of tests, and the backend that Keras shall use."""

    folder: str
    backend: str | None = None

    @property
    def name(self) -> str:
        return f"tests/{self.folder}" + (f" on {self.backend}" if self.backend else "")


SHARED = Suite("conformance")
"""A suite that takes all cores."""


@dataclass(frozen=True)
class Result:
    """What came of a suite."""

    suite: Suite
    code: int
    output: str
    seconds: float

    @property
    def passed(self) -> bool:
        return self.code == 0

    @property
    def summary(self) -> str:
        """Return the counts of pytest's last line."""
        lines = [
            line.strip("= \n").split(" in ")[0] for line in self.output.splitlines() if line.strip("= \n")
        ]
        return "no tests were collected" if self.code == NO_TESTS else lines[-1] if lines else "no output"


def suites(folders: list[str], backends: list[str]) -> list[Suite]:
    """Return the suites to run, those that take longest first."""
    to_run = [SHARED] if SHARED.folder in folders else []
    to_run += [Suite("ncps", backend) for backend in backends if "ncps" in folders]
    return to_run + ([Suite("reference")] if "reference" in folders else [])


def run(suite: Suite, backends: list[str], arguments: list[str]) -> Result:
    """Run one suite; its threads are capped so that two do not fight for the cores."""
    print(f"  …  {suite.name}", flush=True)
    environment = os.environ | {
        "KERAS_BACKEND": suite.backend or "numpy",
        "NCPS_CONFORMANCE_BACKENDS": ",".join(backends),
        "OMP_NUM_THREADS": "1",
        "PYTHONFAULTHANDLER": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", f"tests/{suite.folder}", "--durations=20", *arguments]
    begin = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return Result(suite, done.returncode, done.stdout, time.perf_counter() - begin)


def show(result: Result) -> None:
    """Say how a suite ended, at length where it did not pass."""
    if not result.passed:
        print(f"\n{f' {result.suite.name} ':=^100}\n{result.output}", flush=True)
    print(f"  {'✓' if result.passed else '✗'}  {result.suite.name}: {result.summary}", flush=True)


def summarise(results: list[Result], seconds: float) -> None:
    """Print a line per suite, and one for all."""
    print("\nTests")
    for result in sorted(results, key=lambda result: result.suite.name):
        mark = "✓" if result.passed else "✗"
        print(f"  {mark}  {result.suite.name:<26} {result.summary:<48} {result.seconds:6.0f} s")
    failed = [result.suite.name for result in results if not result.passed]
    verdict = f"failed: {', '.join(sorted(failed))}" if failed else f"all {len(results)} suites pass"
    print(f"\n{verdict}, in {seconds:.0f} s")


def listed(known: tuple[str, ...]) -> object:
    """Return an argparse type: some of `known`, separated by commas."""

    def parse(text: str) -> list[str]:
        unknown = sorted(set(text.split(",")) - set(known))
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: must be of {', '.join(known)}")
        return text.split(",")

    return parse


def parse() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description="Runs the tests; what is not known here goes to pytest.")
    parser.add_argument("--backend", type=listed(BACKENDS), default=list(BACKENDS))
    parser.add_argument("--only", type=listed(FOLDERS), default=list(FOLDERS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--nightly",
        action="store_true",
        help="also the tests marked so: every planted fault, which `tox run -e teeth` judges too, the cells "
        "that they are planted in by every clause, the wheels in an environment that has nothing, and the "
        "examples trained on every backend",
    )
    return parser.parse_known_args()


def main() -> int:
    known, arguments = parse()
    arguments = [*([] if known.nightly else ["-m", "not nightly"]), *arguments]
    begin = time.perf_counter()
    wanted = suites(known.only, known.backend)
    print(f"Running {len(wanted)} suites on {known.jobs} cores", flush=True)
    results = []
    if SHARED in wanted:
        by_file = ["-n", str(known.jobs), "--dist", "loadfile", "--no-loadscope-reorder"]
        dealt = by_file if known.jobs > 1 else []
        results.append(run(SHARED, known.backend, [*dealt, *arguments]))
        show(results[-1])
    with ThreadPoolExecutor(known.jobs) as pool:
        others = [pool.submit(run, suite, known.backend, arguments) for suite in wanted if suite != SHARED]
        for done in as_completed(others):
            results.append(done.result())
            show(results[-1])
    summarise(results, time.perf_counter() - begin)
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
