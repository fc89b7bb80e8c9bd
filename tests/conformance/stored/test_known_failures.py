"""What is listed fails no run, is not searched, and is named when it does not fail any more."""

from __future__ import annotations

import dataclasses
import json
import tomllib
import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from conformance.cli import main as cli
from conformance.driver.implementation import HarnessDied, MethodUnresponsive
from conformance.judging.registry import Check, Draw
from conformance.judging.subject import Nonconformance, Subject
from conformance.options import UsageError
from conformance.report import exit_code, jsonfile, status, terminal
from conformance.run.plugin import conclude
from conformance.search.plan import Plan
from conformance.spec import clauses
from conformance.stored import examples, known_failures
from conformance.stored.known_failures import PASSES, UNFIT, Entry, judge_listed, load
from conformance.verdict import Report, Verdict
from tests.conformance.report import sample_report
from tests.conformance.search import test_trial as fakes
from tests.planted import PLANTED

CHECK = Check(fakes.STEP, fakes.follows, 30, 5, ("float64", "float32"))
WHERE = {"target": "fake:Cell", "cell": "CfCCell", "backend": "numpy", "tier": "float64"}
ABOUT = {"name": "yourcells", "version": "1.2.0", "versions": {"keras": "3.9.0"}}


@cache
def failed(answer: fakes.Answer = fakes.off_by_a_hair) -> Verdict:
    return fakes.judged(answer, variant="strict")[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file that lists the one failure."""
    known_failures.write([failed()], tmp_path / "known.toml")
    return tmp_path / "known.toml"


def judge(answer: fakes.Answer, entry: Entry, check: Check = CHECK) -> tuple[Verdict, fakes.Fake]:
    fake = fakes.Fake(answer)
    plan = Plan(30, 7, variant="strict", explain=False)
    return judge_listed(check, Subject(fake, fakes.CELL, "float64"), plan, entry), fake


# The file


def test_what_a_run_writes_is_read_back(path: Path) -> None:
    (entry,) = load(path)
    assert (entry.clause, entry.place) == (
        fakes.STEP,
        {"cell": ("CfCCell",), "backend": ("numpy",), "tier": ("float64",)},
    )
    assert entry.reason.startswith("not explained yet: output[0, 0] is ")
    assert [example.clause for example in entry.examples] == [fakes.STEP]
    assert (path.parent / "known" / "cfc.step.default-CfCCell-numpy-float64.json").exists()


def test_what_stands_in_the_file_stays_and_what_is_new_is_added(path: Path) -> None:
    path.write_text(path.read_text().replace("not explained yet", "# as it is") + "# mine\n")
    before = path.read_text()
    other = dataclasses.replace(failed(), clause="time.zero", outcome="not reproducible", reason="seen\nonce")
    listed = dataclasses.replace(failed(), outcome="known failure")
    known_failures.write([other, listed], path)
    assert path.read_text().startswith(before)
    first, second = load(path)
    assert first.reason.startswith("# as it is")
    assert (second.clause, second.flaky, second.examples) == ("time.zero", True, ())
    assert known_failures.write([listed], path) == [], "nothing to add"


def test_the_backends_that_fail_alike_share_an_entry_and_have_an_example_each(tmp_path: Path) -> None:
    one = failed()
    assert one.failure and one.failure.example
    example = {**one.failure.example, "backend": "torch"}
    other = dataclasses.replace(
        one, backend="torch", failure=dataclasses.replace(one.failure, example=example)
    )
    known_failures.write([one, other], tmp_path / "known.toml")
    (entry,) = load(tmp_path / "known.toml")
    assert entry.place["backend"] == ("numpy", "torch")
    for backend in entry.place["backend"]:
        found = entry.example(fakes.STEP, {**WHERE, "backend": backend})
        assert found and found.backend == backend


def test_tiers_that_fail_on_the_same_backends_share_an_entry(tmp_path: Path) -> None:
    one = failed()
    both = [dataclasses.replace(one, tier=tier) for tier in ("float32", "float64")]
    alone = dataclasses.replace(one, backend="torch")
    known_failures.write([*both, alone], tmp_path / "known.toml")
    first, second = load(tmp_path / "known.toml")
    assert (first.place["backend"], first.place["tier"]) == (("numpy",), ("float32", "float64"))
    assert (second.place["backend"], second.place["tier"]) == (("torch",), ("float64",))


def test_any_text_is_written_as_toml(tmp_path: Path) -> None:
    said = 'a "quoted"\x7f\\ text\twith \u2028 and \x01'
    verdict = dataclasses.replace(failed(), outcome="error", reason=said, failure=None)
    known_failures.write([verdict], tmp_path / "known.toml")
    written = tomllib.loads((tmp_path / "known.toml").read_text(encoding="utf-8"))
    assert written["failure"][0]["reason"] == "not explained yet: " + said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[failure", "not TOML"),
        ("failure = 3", "failure: 3 is not of type 'array'"),
        ("[[failure]]\nclause = 'a.b'\nflaky = true", "'reason' is a required property"),
        ("[[failure]]\nclause = 'a.b'\nreason = ''\nflaky = true", "reason"),
        ("[[failure]]\nclause = 'a.b'\nreason = 'x'", "failure/0"),
        ("[[failure]]\nclause = 'a.b'\nreason = 'x'\nflaky = true\nbackends = 'jax'", "backends"),
        ("[[failure]]\nclause = 'a.b'\nreason = 'x'\nflaky = true\ntier = 'double'", "tier"),
        ("[[failure]]\nclause = 'a.b'\nreason = 'x'\nexample = 'no.json'", "no.json: cannot be read"),
        ("[[failure]]\nclause = 'a.b'\nreason = 'x'\nflaky = true\nversions = '<1 or so'", "must read like"),
        ("[[failure]]\nclause = '*'\nreason = 'x'\nflaky = true", "would excuse whatever fails: name"),
        ("[[failure]]\nclause = '[a-z]*.*'\nbackend = 'jax'\nreason = 'x'\nflaky = true", "would excuse"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_in_a_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "known.toml").write_text(text)
    with pytest.raises(UsageError, match=message) as refused:
        load(tmp_path / "known.toml")
    assert str(refused.value).startswith(f"--known-failures {tmp_path / 'known.toml'}: ")
    assert "\n" not in str(refused.value) or message == "not TOML"


def test_an_example_of_another_clause_is_refused(path: Path) -> None:
    path.write_text(path.read_text().replace(fakes.STEP, "time.*", 1))
    with pytest.raises(UsageError, match=r"is about time\.\*, and its example about cfc\.step\.default"):
        load(path)


# What an entry is about


@pytest.mark.parametrize(
    ("changed", "covers"),
    [
        ({}, True),
        ({"backend": "torch"}, False),
        ({"cell": "LTCCell"}, False),
        ({"tier": "float32"}, False),
        ({"target": "other:Cell"}, True),
    ],
)
def test_an_entry_is_about_the_places_that_it_names(
    path: Path, changed: dict[str, str], covers: bool
) -> None:
    (entry,) = load(path)
    assert entry.covers(fakes.STEP, {**WHERE, **changed}, ABOUT) is covers


@pytest.mark.parametrize(
    ("versions", "applies"),
    [
        (["yourcells<1.3"], True),
        (["yourcells<1.2"], False),
        (["yourcells>=1", "keras<3.9"], False),
        (["yourcells>=1", "keras>=3.9"], True),
        (["torch"], False),
    ],
)
def test_an_entry_is_about_the_versions_that_it_names(path: Path, versions: list[str], applies: bool) -> None:
    path.write_text(path.read_text() + f"versions = {json.dumps(versions)}\n")
    (entry,) = load(path)
    assert entry.covers(fakes.STEP, WHERE, ABOUT) is applies


def test_an_entry_without_a_tier_is_about_that_of_its_example(path: Path) -> None:
    path.write_text(path.read_text().replace('tier = ["float64"]\n', ""))
    (entry,) = load(path)
    assert entry.covers(fakes.STEP, WHERE, ABOUT)
    assert not entry.covers(fakes.STEP, {**WHERE, "tier": "float32"}, ABOUT)


def unmatched(path: Path, **changed: str) -> list[str]:
    judged = [(fakes.STEP, {**WHERE, **changed}, ABOUT)]
    return known_failures.unmatched(load(path), judged, clauses.load().clauses)


def test_an_entry_that_matches_nothing_is_reported_if_the_run_came_to_it(path: Path) -> None:
    name = "entry 1, cfc.step.default on CfCCell numpy float64"
    assert unmatched(path) == []
    assert unmatched(path, cell="Renamed") == [name]
    assert unmatched(path, backend="torch") == [], "the run was not about it"
    assert known_failures.unmatched(load(path), [], clauses.load().clauses) == []
    path.write_text('[[failure]]\nclause = "cfc.setp.*"\nreason = "x"\nflaky = true\n')
    assert unmatched(path) == ["entry 1, cfc.setp.*"]


# A listed failure


def test_a_listed_failure_is_played_and_not_searched(path: Path) -> None:
    verdict, fake = judge(fakes.off_by_a_hair, load(path)[0])
    assert (verdict.outcome, fake.asked, verdict.examples) == ("known failure", 1, 1)
    assert verdict.failure and "times the bound" in verdict.failure.summary
    assert verdict.known["entry"] == 1 and not verdict.known["stale"]


def test_a_listed_failure_that_dies_is_one(tmp_path: Path) -> None:
    def dies(fake: fakes.Fake, **params: Any) -> Any:
        raise HarnessDied(-11, "Segmentation fault")

    known_failures.write([failed(dies)], tmp_path / "known.toml")
    verdict, _ = judge(dies, load(tmp_path / "known.toml")[0])
    assert verdict.outcome == "known failure"


def test_what_passes_now_is_said_to_and_searched(path: Path) -> None:
    verdict, fake = judge(fakes.right, load(path)[0])
    assert (verdict.outcome, verdict.examples, verdict.known["stale"]) == ("pass", 30, PASSES)
    assert fake.restarts == 1, "it passes afresh too"


def test_another_failure_where_the_listed_one_is_mended_is_a_failure(path: Path) -> None:
    def wide_only(fake: fakes.Fake, **params: Any) -> Any:
        answer = fakes.right(fake, **params)
        return {**answer, "output": answer["output"] + (len(params["inputs"]) > 2)}

    verdict, _ = judge(wide_only, load(path)[0])
    assert (verdict.outcome, verdict.known["stale"]) == ("fail", PASSES)


def test_what_fails_once_and_not_again_does_not_turn_a_listed_clause_red(path: Path) -> None:
    def stale(fake: fakes.Fake, **params: Any) -> Any:
        return (fakes.right if fake.restarts != 1 or fake.asked < 9 else fakes.off_by_a_hair)(fake, **params)

    verdict, _ = judge(stale, load(path)[0])
    assert verdict.outcome == "known failure"


@pytest.mark.parametrize(
    ("answer", "outcome"), [(fakes.right, "pass"), (fakes.off_by_a_hair, "known failure")]
)
def test_an_example_that_does_not_fit_any_more_leaves_it_to_the_search(
    path: Path, answer: fakes.Answer, outcome: str
) -> None:
    def other(subject: Subject, draw: Draw) -> None:
        fakes.follows(subject, draw)
        draw(fakes.st.booleans())

    check = dataclasses.replace(CHECK, body=other)
    verdict, _ = judge(answer, load(path)[0], check)
    assert (verdict.outcome, verdict.known["stale"]) == (outcome, UNFIT if answer is fakes.right else "")


@pytest.mark.parametrize("outcome", ["pass", "fail", "not reproducible", "error"])
def test_a_flaky_clause_is_searched_and_whatever_comes_of_it_is_known(tmp_path: Path, outcome: str) -> None:
    (tmp_path / "known.toml").write_text('[[failure]]\nclause = "cfc.*"\nreason = "luck"\nflaky = true\n')

    def comes(subject: Subject, draw: Draw) -> None:
        fakes.follows(subject, draw)
        fresh = subject.implementation.restarts > 0  # type: ignore[attr-defined]
        if outcome == "error":
            raise KeyError("a slip of ours")
        if outcome == "fail" or (outcome == "not reproducible" and not fresh):
            raise Nonconformance(examples_failure())

    verdict, _ = judge(fakes.right, load(tmp_path / "known.toml")[0], dataclasses.replace(CHECK, body=comes))
    assert verdict.outcome == ("pass" if outcome == "pass" else "known failure")
    assert verdict.known == {"entry": 1, "reason": "luck", "link": "", "stale": ""}


@pytest.mark.parametrize("flaky", [False, True])
@pytest.mark.parametrize("at", [1, 3], ids=["by its example", "in the search"])
def test_a_method_that_is_given_up_is_no_known_failure(path: Path, flaky: bool, at: int) -> None:
    """It says nothing of what is listed, and leaves the run unsettled."""

    def gives_up(fake: fakes.Fake, **params: Any) -> Any:
        if fake.asked >= at:
            raise MethodUnresponsive("step of CfCCell", 4)
        return fakes.right(fake, **params)

    entry = dataclasses.replace(load(path)[0], flaky=flaky)
    verdict, _ = judge(gives_up, entry)
    assert verdict.outcome == "error" and "step of CfCCell is asked no more" in verdict.reason
    assert not verdict.known


def examples_failure() -> Any:
    from conformance.verdict import Failure

    return Failure("by chance")


# What a run says


def report(stale: str = "", **more: Any) -> Report:
    """Return a green run but for one clause on one backend, which is listed."""
    said = {"entry": 2, "reason": "the heads are linear", "link": "https://x.org/7", "stale": stale}

    def spoiled(verdict: Verdict) -> Verdict:
        if (verdict.clause, verdict.backend, verdict.cell) != ("cfc.step.default", "jax", "CfCCell"):
            return verdict
        outcome, reason = (
            ("pass", "") if stale else ("known failure", "the heads are linear (https://x.org/7)")
        )
        return dataclasses.replace(verdict, outcome=outcome, reason=reason, known=said)  # type: ignore[arg-type]

    green = sample_report.green()
    known = {"file": "known.toml", "strict": False, "unmatched": [], **more}
    return dataclasses.replace(green, verdicts=list(map(spoiled, green.verdicts)), known_failures=known)


def shown(made: Report) -> str:
    console = Console(record=True, width=140, file=Path("/dev/null").open("w"))  # noqa: SIM115
    terminal.render(made, clauses.load().clauses, console)
    return console.export_text()


def test_a_run_conforms_but_for_known_failures() -> None:
    made = report()
    assert (status(made), exit_code(made)) == ("conforms but for known failures", 0)
    text = shown(made)
    assert f"✓ ncps conforms to specification {made.spec} but for 1 known failure" in text
    assert (
        "~ Known failures, listed in known.toml" in text and "the heads are linear (https://x.org/7)" in text
    )
    assert "✗" not in text
    assert jsonfile.from_json(json.loads(json.dumps(jsonfile.to_json(made)))) == made


def test_what_passes_now_is_named_and_fails_under_strict() -> None:
    line = "! cfc.step.default, CfCCell on jax in float64: listed, but passes now: remove the entry"
    lax, strict = report(stale=PASSES), report(stale=PASSES, strict=True)
    assert (status(lax), exit_code(lax)) == ("conforms", 0) and line in shown(lax)
    assert (status(strict), exit_code(strict)) == ("departs", 1)
    assert "✗ ncps is not as its list of known failures says" in shown(strict)


def test_an_entry_that_matches_nothing_is_named_and_fails_under_strict() -> None:
    lax, strict = (report(unmatched=["entry 9, a.b"], strict=strict) for strict in (False, True))
    assert (exit_code(lax), exit_code(strict)) == (0, 1)
    assert "! entry 9, a.b: listed, but nothing that was judged is so" in shown(lax)


def test_pytest_takes_a_known_failure_for_an_expected_one() -> None:
    known = dataclasses.replace(failed(), outcome="known failure", reason="why")
    with pytest.raises(pytest.xfail.Exception):
        conclude(known)
    passing = dataclasses.replace(failed(), outcome="pass", known={"stale": PASSES})
    conclude(passing)
    with pytest.raises(pytest.fail.Exception, match="passes now"):
        conclude(passing, strict=True)


@pytest.mark.frameworks
def test_from_a_red_run_to_a_green_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way on the command line, on Keras's numpy backend."""
    monkeypatch.chdir(tmp_path)
    narrow = [
        "--backend",
        "numpy",
        "--clause",
        "step.output_is_state",
        "--smoke",
        "--seed",
        "1",
        "--jobs",
        "1",
    ]

    def run(*more: str) -> Any:
        return CliRunner().invoke(
            cli.main, ["run", "faults:StateInHalf", "--path", str(PLANTED), *narrow, *more]
        )

    red = run("--write-known-failures", "known.toml", "--examples", "failing")
    assert red.exit_code == 1, red.output
    (example,) = Path("failing").glob("*.json")
    assert examples.read(example).clause == "step.output_is_state"
    green = run("--known-failures", "known.toml", "--strict", "--json", "r.json", "--junit", "r.xml")
    assert green.exit_code == 0, green.output
    assert "but for 1 known failure" in " ".join(green.output.split())
    assert jsonfile.read(Path("r.json")).verdicts[0].known["entry"] == 1
    assert ElementTree.parse("r.xml").getroot().find(".//skipped[@type='pytest.xfail']") is not None
    Path("known.toml").write_text("[[failure]]\nclause = 3\n")
    refused = run("--known-failures", "known.toml")
    assert refused.exit_code == 2 and refused.output.startswith("conformance: --known-failures ")
