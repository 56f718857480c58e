"""``wabox test``: its exit codes, what it prints and what it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import parse

import pytest
from typer.testing import CliRunner

from tests.unit.simulator.bots import FILES
from wabox.cli.main import app, main
from wabox.core.duration import parse_duration, written
from wabox.errors import FlowError

GOOD = "- user: hi\n  bot: What\n"
BAD = "- user: hi\n  state: many\n"
BROKEN = "- usr: hi\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "flows" / "tiny"
    (folder / "tests").mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(project: Path, **tests: str) -> None:
    for name, text in tests.items():
        path = project / "flows" / "tiny" / "tests" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["test", *args])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def lines(*args: str) -> tuple[int, list[dict[str, Any]]]:
    code, output = run("--json", *args)
    return code, [json.loads(line) for line in output.splitlines()]


def test_all_is_well(project: Path) -> None:
    """Exit code 0, one line, the coverage."""
    write(project, one=GOOD)
    code, output = run()
    assert code == 0
    assert output.startswith("tiny: 1 passed in ")
    assert "not covered:" in output
    assert "\x1b" not in output


@pytest.mark.parametrize("text", [BAD, BROKEN], ids=["failed", "mistake"])
def test_something_failed(project: Path, text: str) -> None:
    """Exit code 1, for a conversation that differs and for a file that is none; the others are played."""
    write(project, a=GOOD, b=text, c=GOOD)
    code, output = run("tiny")
    assert code == 1
    assert "2 passed" in output
    assert "flows/tiny/tests/b.yaml:" in output
    assert "Traceback" not in output


def test_stops_at_the_first(project: Path) -> None:
    """``-x``."""
    write(project, a=BAD, b=BAD, c=GOOD)
    code, found = lines("-x")
    assert code == 1
    assert [one["test"] for one in found[:-1]] == ["a"]


@pytest.mark.parametrize(
    ("args", "tests"),
    [
        (["-k", "alph"], ["alpha"]),
        (["-k", "alph", "-k", "beta"], ["alpha", "beta"]),
        (["-k", "Somebody"], ["gamma"]),
        (["flows/tiny/tests/beta.yaml"], ["beta"]),
        (["flows/tiny"], ["alpha", "beta", "gamma"]),
    ],
)
def test_some_of_them(project: Path, args: list[str], tests: list[str]) -> None:
    """By words in the file's or the test's name, or by the file itself."""
    write(project, alpha=GOOD, beta=GOOD, gamma="name: Somebody\nsteps: [{user: hi}]\n")
    code, found = lines(*args)
    assert code == 0
    assert [one["test"] for one in found[:-1]] == tests


def test_mistakes_in_other_files(project: Path) -> None:
    """Whoever plays one test need not hear of the others."""
    write(project, good=GOOD, broken=BROKEN)
    assert run("-k", "good")[0] == 0
    assert run("-k", "broken")[0] == 1


def test_wrong_usage(project: Path) -> None:
    """Exit code 2, with the sentence."""
    write(project, one=GOOD)
    for args, words in ((["-k", "nothing"], "no test has nothing"), (["--cover-min", "lots"], "not a percentage")):
        code, output = run(*args)
        assert code == 2
        assert words in " ".join(output.replace("│", " ").split())
    for least in ("101", "-1", "1/2/3", ""):
        assert run("--cover-min", least)[0] == 2
    assert run("--nonsense")[0] == 2


def test_no_tests(project: Path) -> None:
    """A bot without tests is told how to begin; one that does not exist, what there is."""
    with pytest.raises(FlowError, match=r"there is no test in .*flows/tiny/tests; write one"):
        run()
    with pytest.raises(FlowError, match="did you mean"):
        run("tinny")


def test_a_broken_bot(project: Path) -> None:
    """Its findings are shown as by wabox check, and CI hears of them too."""
    (project / "flows" / "tiny" / "flow.yaml").write_text("initial: x\n", encoding="utf-8")
    write(project, one=GOOD)
    code, output = run("--junit", "report.xml")
    assert code == 1
    assert "flows/tiny/flow.yaml:1" in output
    assert "tiny cannot be loaded" in output
    assert int(parse(project / "report.xml").getroot().attrib["errors"]) >= 1
    code, found = lines()
    assert code == 1
    assert all("mistake" in one for one in found)


def test_too_little_is_covered(project: Path) -> None:
    """``--cover-min``: one number for both, or one each; what is missing is then named in full."""
    write(project, one=GOOD)
    assert run("--cover-min", "0")[0] == 0
    code, output = run("--cover-min", "50")
    assert code == 1
    assert "states are covered to 6.7 %, wanted are 50 %" in output
    assert "transitions are covered to" in output
    assert "names them all" not in output
    code, output = run("--cover-min", "5/50")
    assert code == 1
    assert "states are covered" not in output


def test_json(project: Path) -> None:
    """One object a test and one a bot; nothing else on standard output."""
    write(project, good=GOOD, bad=BAD, broken=BROKEN)
    code, found = lines()
    assert code == 1
    mistake, bad, good, summary = found
    assert mistake["mistake"]["code"] == "unknown-key"
    assert (bad["test"], bad["passed"], good["test"], good["passed"]) == ("bad", False, "good", True)
    [difference] = bad["differences"]
    assert (difference["key"], difference["line"], difference["expected"], difference["got"]) == (
        *("state", 2),
        *(["many"], ["menu"]),
    )
    assert summary["bot"] == "tiny"
    assert summary["coverage"]["charts"]["tiny"]["states"] == [1, 13]


def test_junit(project: Path) -> None:
    """The file is written also when something failed; a place that cannot be written is said."""
    write(project, good=GOOD, bad=BAD)
    code, _ = run("--junit", "report.xml")
    assert code == 1
    root = parse(project / "report.xml").getroot()
    assert root.attrib["tests"] == "2"
    assert root.attrib["failures"] == "1"
    with pytest.raises(FlowError, match="cannot write"):
        run("--junit", "nowhere/report.xml")


def test_each_by_name(project: Path) -> None:
    """``-v`` names those that pass, too."""
    write(project, one=GOOD)
    assert "✓ one" in run("-v")[1]
    assert "✓ one" not in run()[1]


def test_every_bot(project: Path) -> None:
    """Without a name every bot of the project is tested."""
    from shutil import copytree

    write(project, one=GOOD)
    copytree(project / "flows" / "tiny", project / "flows" / "other")
    (project / "flows" / "other" / "flow.yaml").write_text(FILES["flow.yaml"].replace("id: tiny", "id: other"))
    _, found = lines()
    assert [one["bot"] for one in found if "bot" in one] == ["other", "tiny"]


def test_a_sentence_not_a_traceback(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As typed in a shell."""
    monkeypatch.setattr("sys.argv", ["wabox", "test", "nobody"])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 1
    assert capsys.readouterr().err.startswith("wabox: there is no bot 'nobody'")


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "0s"), (1500, "1.5s"), (1_860_000, "31m"), (90_061_000, "1d1h1m1s"), (1, "0.001s")]
)
def test_durations(ms: int, text: str) -> None:
    """What is written is read back."""
    assert written(ms) == text
    assert parse_duration(text) == ms
