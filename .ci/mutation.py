"""Mutation testing of the reference and of the bounds: every small change of their source fails some test.

    python .ci/mutation.py [PATTERN...] [--jobs 1] [--write]        patterns of mutants, as 'reference.cfc.*'

`mutmut` changes the source, in a copy of the working tree, and runs the tests that come through what is
changed (pyproject.toml says which). What is done is kept there, and not done again until its source changes.

Exit status: 0 every mutant is found, or docs/mutation/explained.toml says why no test can; 1 otherwise.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / ".tox" / "mutation-tree"
FOLDER = ROOT / "docs" / "mutation"
FOUND = (1, 3, 24, -24, 36, 152, 255)
"""What a worker's exit status is where a test fails, or runs for ever."""
NOT_TRIED = (None, 2)


@dataclass(frozen=True)
class Mutant:
    """One change of the source, and what came of it."""

    name: str
    status: int | None

    @property
    def module(self) -> str:
        """Return the name by which its module is imported."""
        return self.name.rpartition(".")[0]

    @property
    def function(self) -> str:
        """Return the function that is changed, from `x_FUNCTION__mutmut_7` or `xǁCLASSǁMETHOD__mutmut_7`."""
        mangled = self.name.rpartition(".")[2].rpartition("__mutmut_")[0]
        return mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")

    @property
    def tried(self) -> bool:
        return self.status not in NOT_TRIED

    @property
    def found(self) -> bool:
        return self.status in FOUND


def copy_tree() -> None:
    """Bring the copy up to date; a file that is as it was stays, so that what was done of it counts."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        here, there = ROOT / name, TREE / name
        if here.is_file() and not (there.is_file() and there.read_bytes() == here.read_bytes()):
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(here, there)  # newer than what was made of it


def mutants() -> list[Mutant]:
    """Return all mutants, by module."""
    all_mutants = []
    for path in sorted((TREE / "mutants").rglob("*.meta")):
        status = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        all_mutants += [Mutant(name, status[name]) for name in status]
    return all_mutants


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a mutant fits the patterns; without patterns all do."""
    return not patterns or any(fnmatch(name, pattern) for pattern in patterns)


def forget_survivors(patterns: tuple[str, ...]) -> None:
    """Have the survivors that fit tried again, by new tests."""
    for path in (TREE / "mutants").rglob("*.meta"):
        kept = json.loads(path.read_text(encoding="utf-8"))
        status = kept["exit_code_by_key"]
        for name in status:
            if status[name] not in FOUND and fits(name, patterns):
                status[name] = None
        path.write_text(json.dumps(kept, indent=4), encoding="utf-8")


def change(mutant: Mutant) -> str:
    """Return `module.function: old → new`, which stays the same when other lines move."""
    command = [sys.executable, "-m", "mutmut", "show", mutant.name]
    shown = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=True).stdout
    lines = [line for line in shown.splitlines() if not line.startswith(("---", "+++"))]
    old, new = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return f"{mutant.module}.{mutant.function}: {old} → {new}"


def explained() -> dict[str, list[str]]:
    """Return the changes that no test can see, by the reason that they share."""
    entries = tomllib.loads((FOLDER / "explained.toml").read_text(encoding="utf-8"))["explained"]
    return {entry["why"]: entry["changes"] for entry in entries}


def table(every: list[Mutant], survivors: dict[str, str], known: set[str]) -> Iterator[str]:
    """Yield a row for each module."""
    yield "| module | changes | found | survive, explained | survive | not tried |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for module in dict.fromkeys(mutant.module for mutant in every):
        some = [mutant for mutant in every if mutant.module == module]
        alive = [survivors[mutant.name] for mutant in some if mutant.name in survivors]
        excused = sum(one in known for one in alive)
        counts = (len(some), sum(mutant.found for mutant in some), excused, len(alive) - excused)
        untried = sum(not mutant.tried for mutant in some)
        yield f"| `{module}` | {' | '.join(str(count or '') for count in (*counts, untried))} |"


def explanations(survivors: dict[str, str], why: dict[str, list[str]]) -> Iterator[str]:
    """Yield the survivors that are explained, under their reason."""
    for reason, changes in why.items():
        if some := [one for one in changes if one in survivors.values()]:
            yield from (f"**{reason}**", "", "```text", *some, "```", "")


def try_changes(patterns: tuple[str, ...], jobs: int) -> None:
    """Run mutmut on the changes that fit, in the copy of the working tree."""
    copy_tree()
    forget_survivors(patterns)
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(jobs), *patterns]
    subprocess.run(command, cwd=TREE, check=True)


def complaints(
    every: list[Mutant], survivors: dict[str, str], known: set[str], patterns: tuple[str, ...]
) -> Iterator[str]:
    """Yield a line for each change that no test finds, each explanation in vain, and what was not tried."""
    asked = [mutant for mutant in every if fits(mutant.name, patterns)]
    untried = [mutant for mutant in asked if not mutant.tried]
    done = tuple(f"{module}." for module in {m.module for m in asked} - {m.module for m in untried})
    for name, one in survivors.items():
        if fits(name, patterns) and one not in known:
            yield f"no test fails: {one}"
    for one in known:
        if one not in survivors.values() and one.startswith(done):
            yield f"explained in vain: {one}"
    if untried or not asked:
        yield f"{len(untried)} of {len(asked)} were not tried"


@click.command()
@click.argument("patterns", nargs=-1)
@click.option("--jobs", default=1, show_default=True, help="Mutants at a time.")
@click.option("--write", is_flag=True, help="Write the tables to docs/mutation, of all that was tried.")
@click.option("--read", "only_read", is_flag=True, help="Try nothing; of what was tried.")
def main(patterns: tuple[str, ...], jobs: int, write: bool, only_read: bool) -> None:
    """Change the source of the reference and the bounds, and run their tests."""
    if not only_read:
        try_changes(patterns, jobs)
    every, why = mutants(), explained()
    survivors = {mutant.name: change(mutant) for mutant in every if mutant.tried and not mutant.found}
    known = {one for changes in why.values() for one in changes}
    lines = list(table(every, survivors, known))
    print("\n".join(lines))
    if write:
        (FOLDER / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (FOLDER / "survivors.md").write_text("\n".join(explanations(survivors, why)), encoding="utf-8")
    wrong = list(complaints(every, survivors, known, patterns))
    for line in wrong:
        print(f"✗ {line}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
