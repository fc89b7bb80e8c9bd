"""What runs on several versions of Keras said: the tables of docs/keras-versions, and what is amiss.

`versions.py` makes the reports from which this is read.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.report import jsonfile
from conformance.report.badge import EXCUSED
from conformance.report.status import JUDGED, group_by, must, status
from conformance.search.host_bugs import Quirk, ledger
from conformance.spec import clauses
from conformance.verdict import Report, Verdict

ROOT = Path(__file__).resolve().parent.parent
HOME, KEPT = ROOT / ".tox" / "keras-versions", ROOT / "docs" / "keras-versions"
SETS = ("newest", "floor")
"""The sets of frameworks, in the order in which they are tried."""


UNTRIED = ("openvino",)
"""Backends that some versions of Keras do not import here; the table says so."""


def path(name: str) -> Path:
    """Return the file of a report."""
    return HOME / "reports" / f"{name}.json"


@dataclass(frozen=True)
class Standing:
    """What a run says of the cells on one backend of one version of Keras."""

    keras: str
    backend: str
    frameworks: str
    """Which set they are of, "newest" or "floor"."""
    report: Report
    """Of this backend alone."""

    @property
    def conforms(self) -> bool:
        return status(self.report) == "conforms"

    @property
    def counts(self) -> tuple[int, int, int]:
        """Return the MUST clauses that hold, those that were judged, and those that were asked for."""
        outcomes = [{v.outcome for v in some} for some in self.by_clause.values()]
        held = sum("pass" in of_clause and of_clause <= EXCUSED for of_clause in outcomes)
        return held, sum(bool(of_clause & JUDGED) for of_clause in outcomes), len(outcomes)

    @property
    def by_clause(self) -> dict[str, list[Verdict]]:
        return group_by(must(self.report.verdicts), lambda verdict: verdict.clause)

    @property
    def met(self) -> list[str]:
        """Return the faults of Keras that a clause met."""
        reasons = " ".join(v.reason for v in self.report.verdicts if v.outcome == "host")
        return [quirk.id for quirk in ledger() if f"{quirk.id}: " in reasons]

    @property
    def versions(self) -> dict[str, str]:
        """Return the versions that the harness reports."""
        versions: dict[str, str] = self.report.implementations[0]["versions"]
        return versions

    @property
    def beside(self) -> str:
        """Return the versions of the backend and of NumPy."""
        return ", ".join(f"{name} {self.versions[name]}" for name in dict.fromkeys([self.backend, "numpy"]))

    @property
    def amiss(self) -> str:
        """Return why it does not conform, by the first clause that does not hold."""
        wrong = [id for id, some in self.by_clause.items() if not {v.outcome for v in some} <= EXCUSED]
        if not wrong:
            return "; ".join(self.report.notes) or status(self.report)
        first = next(v for v in self.by_clause[wrong[0]] if v.outcome not in EXCUSED)
        said = first.failure.summary if first.failure else first.reason
        return f"{len(wrong)} MUST clauses do not hold, the first `{wrong[0]}`: {short(said)}"


def short(text: str) -> str:
    """Return a text as a line that a table can hold."""
    return textwrap.shorten(text, 300, placeholder=" …").replace("|", "\\|")


def standings(version: str) -> Iterator[Standing]:
    """Yield the result on each backend, by the newest set, and by the floor set where that was tried."""
    for frameworks in SETS:
        if path(f"{version}-{frameworks}").exists():
            report = jsonfile.read(path(f"{version}-{frameworks}"))
            for backend in report.budget["backends"]:
                about = [entry for entry in report.implementations if entry["backend"] == backend]
                verdicts = [verdict for verdict in report.verdicts if verdict.backend == backend]
                alone = replace(report, implementations=about, verdicts=verdicts)
                yield Standing(version, backend, frameworks, alone)


def best(version: str) -> dict[str, Standing]:
    """Return each backend with the last set that it was judged with: a second is tried after a failure."""
    return {standing.backend: standing for standing in standings(version)}


def shown(version: str) -> dict[str, dict[str, str] | str]:
    """Return the output of scripts, by backend and entry of the ledger; by backend, why none was run."""
    kept = path(f"{version}-quirks").read_text(encoding="utf-8")
    outputs: dict[str, dict[str, str] | str] = json.loads(kept)
    return outputs


def contradictions(version: str) -> Iterator[tuple[Quirk, str, str]]:
    """Yield entries of the ledger that a run contradicts, each with a backend and the contradiction."""
    for backend, outputs in shown(version).items():
        for quirk in () if isinstance(outputs, str) else ledger():
            claimed = backend in quirk.backends and quirk.concerns("keras", version)
            if outputs[quirk.id] and claimed:
                yield quirk, backend, f"the ledger has it there, but its script says {outputs[quirk.id]!r}"
            elif not outputs[quirk.id] and not claimed:
                yield quirk, backend, "it is there, and the ledger says that it is not"


def complaints(version: str) -> Iterator[str]:
    """Yield a line for each thing that is not as promised."""
    for standing in best(version).values():
        if not standing.conforms:
            yield f"Keras {version} on {standing.backend} with {standing.beside}: {standing.amiss}"
        if standing.versions["keras"] != version:
            yield f"Keras {version} was asked for, and {standing.versions['keras']} judged"
    for quirk, backend, wrong in contradictions(version):
        yield f"{quirk.id}, Keras {version} on {backend}: {wrong}"
    for backend, outputs in shown(version).items():
        if isinstance(outputs, str) and backend not in UNTRIED:
            yield f"the ledger was not tried with Keras {version} on {backend}: {outputs}"


# Tables


def standings_table(versions: list[str]) -> str:
    """Return each version and backend, and below them what could not be combined."""
    lines = ["| Keras | backend | verdict | MUST clauses that hold / judged / asked | beside | faults met |"]
    lines.append("| --- | --- | --- | ---: | --- | --- |")
    for version in versions:
        for backend, one in best(version).items():
            counts = " / ".join(map(str, one.counts))
            met = ", ".join(f"`{id}`" for id in one.met) or "none"
            lines.append(
                f"| {version} | {backend} | {status(one.report)} | {counts} | {one.beside} | {met} |"
            )
    others = [s for v in versions for s in standings(v) if s.frameworks == "newest" and not s.conforms]
    lines += ["", "Not to be combined:" if others else "Every version works with the newest frameworks.", ""]
    lines += [f"- Keras {s.keras} on {s.backend} with {s.beside}: {s.amiss}" for s in others]
    return "\n".join(lines).rstrip() + "\n"


def quirks_table(versions: list[str]) -> str:
    """Return each entry of the ledger, and the backends on which its script shows the fault."""
    lines = ["| fault | the ledger says | " + " | ".join(versions) + " |"]
    lines.append("| --- | --- |" + " --- |" * len(versions))
    wrong = {(version, quirk.id) for version in versions for quirk, _, _ in contradictions(version)}
    for quirk in ledger():
        cells = []
        for version in versions:
            outputs = shown(version)
            seen = [b for b, said in outputs.items() if not isinstance(said, str) and not said[quirk.id]]
            untried = [f"{b}: not tried" for b in quirk.backends if isinstance(outputs.get(b, ""), str)]
            cell = ", ".join([*seen, *untried]) or "–"
            cells.append(f"**{cell}**" if (version, quirk.id) in wrong else cell)
        lasts = f"until {quirk.until}" if quirk.until else "on"
        claim = f"{', '.join(quirk.backends)}, {quirk.since} {lasts}"
        lines.append(f"| `{quirk.id}`: {quirk.what} | {claim} | " + " | ".join(cells) + " |")
    reasons = [(v, b, said) for v in versions for b, said in shown(v).items() if isinstance(said, str)]
    lines += ["", *(f"- Keras {v} on {b} could not be tried: {short(said)}" for v, b, said in reasons)]
    return "\n".join(lines).rstrip() + "\n"


def write(known: Iterable[str]) -> None:
    """Write docs/keras-versions, from those of the versions that have reports."""
    versions = [v for v in known if path(f"{v}-newest").exists() and path(f"{v}-quirks").exists()]
    KEPT.mkdir(exist_ok=True)
    spec = f"Specification {clauses.load().version}, `--smoke --seed 1`.\n\n"
    (KEPT / "standings.md").write_text(spec + standings_table(versions), encoding="utf-8")
    (KEPT / "quirks.md").write_text(quirks_table(versions), encoding="utf-8")
