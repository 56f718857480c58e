"""``wabox train`` and ``wabox classify``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wabox.cli.main import app
from wabox.errors import ModelError
from wabox.nlu.documents.indexfile import read_index

LINES = """\
i want my money back\trefund
refund please\trefund
give me a refund\trefund
where is my parcel\ttrack
track my order\ttrack
has my parcel left yet\ttrack
when are you open\thours
opening hours\thours
what time do you close\thours
"""


def test_plain_data(tmp_path: Path) -> None:
    """Trained on a file, asked line by line: as many answers as lines, the best candidate first."""
    (tmp_path / "data.tsv").write_text(LINES)
    runner = CliRunner()
    done = runner.invoke(app, ["train", "--tsv", str(tmp_path / "data.tsv"), "--out", str(tmp_path / "model")])
    assert done.exit_code == 0, done.output
    assert "9 examples of 3 intents" in done.output
    asked = runner.invoke(app, ["classify", "--model", str(tmp_path / "model")], input="where is the parcel\n\nrefund")
    answers = [json.loads(line) for line in asked.output.splitlines()]
    assert [answer["text"] for answer in answers] == ["where is the parcel", "", "refund"]
    assert [answer["intent"] for answer in answers] == ["track", None, "refund"]
    assert answers[0].keys() == {"text", "intent", "confidence", "tier", "language", "candidates"}
    assert answers[0]["candidates"][0] == {"intent": "track", "confidence": answers[0]["confidence"]}
    assert answers[1] | {"candidates": []} == answers[1]
    assert answers[1]["tier"] == "fallback"


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("refund\n", "data.tsv:1: a line is a text, a tab and an intent"),
        ("refund\t\n", "data.tsv:1: the text has no intent"),
        ("text\tlabel\nrefund\trefund\n", "only 'refund' has examples"),
        ("\n", "there are no examples"),
        ("good day\toos\n", "there are no examples"),
    ],
)
def test_data_that_cannot_be_used(tmp_path: Path, lines: str, sentence: str) -> None:
    """It is said where and why."""
    (tmp_path / "data.tsv").write_text(lines)
    done = CliRunner().invoke(app, ["train", "--tsv", str(tmp_path / "data.tsv"), "--out", str(tmp_path / "model")])
    assert isinstance(done.exception, ModelError)
    assert sentence in str(done.exception)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("arguments", [["--tsv", "x"], ["shop", "--tsv", "x", "--out", "y"]])
def test_wrong_usage(arguments: list[str]) -> None:
    """Plain data needs a place for the model, and no bot."""
    assert CliRunner().invoke(app, ["train", *arguments]).exit_code == 2


FLOW = """\
id: parcels
initial: open
timeouts: {soft: false, hard: 24h}
on: {human: .person, track: .tracked, refund: .refunded}
states:
  open: {ask: {text: "What can I do?", buttons: {track: Track it, human: A person}}}
  tracked: {ask: {text: "On its way.", buttons: {track: Again}}}
  person: {handoff: {queue: default}, on: {handoff.closed: open}}
  refunded: {ask: {text: "Money comes.", buttons: {track: Track it}}}
"""
INTENTS = """\
track:
  title: Track a parcel
  examples: [where is my parcel, track my order, has my parcel left yet, when does the parcel arrive,
    i am waiting for my package, parcel status please, is my delivery on the way, my package is late]
refund:
  title: Money back
  examples: [i want my money back, please refund me, can i get a refund, give me a refund for this,
    i would like to be reimbursed, return the payment, undo the payment, my money please]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "flows" / "parcels"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW)
    (folder / "intents.yaml").write_text(INTENTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(text: str) -> dict[str, object]:
    done = CliRunner().invoke(app, ["classify", "parcels"], input=text)
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_bot(project: Path) -> None:
    """Trained, it understands what no example and no keyword says; rules go first."""
    done = CliRunner().invoke(app, ["train"])
    assert done.exit_code == 0, done.output
    assert max(map(len, done.output.splitlines())) <= 80
    assert (project / "models" / "parcels" / "card.json").is_file()
    found = asked("could you tell me where the parcel is at the moment")
    assert found["candidates"][0]["intent"] == "track"  # type: ignore[index]
    assert asked("please refund me")["tier"] == "rules"
    assert asked("qwzx vbnm")["intent"] is None


def test_a_bot_without_a_model(project: Path) -> None:
    """Its rules are asked."""
    assert asked("track my order")["intent"] == "track"
    assert asked("could you tell me where the parcel is")["tier"] == "fallback"


def test_a_model_of_other_intents(project: Path) -> None:
    """It is not used, and it is said which intents differ."""
    assert CliRunner().invoke(app, ["train"]).exit_code == 0
    path = project / "flows" / "parcels" / "intents.yaml"
    path.write_text(INTENTS.replace("refund:", "money:", 1))
    (path.parent / "flow.yaml").write_text(FLOW.replace("refund:", "money:"))
    done = CliRunner().invoke(app, ["classify", "parcels"], input="hm")
    assert isinstance(done.exception, ModelError)
    assert "it does not know money; the bot has no refund" in str(done.exception)
    talked = CliRunner().invoke(app, ["chat", "parcels", "--json"], input='{"user": "track my order"}')
    assert talked.exit_code == 0
    assert "trained for other intents" in talked.stderr


def test_a_worse_model_is_refused(project: Path) -> None:
    """The better one stays, unless it is forced away."""
    assert CliRunner().invoke(app, ["train"]).exit_code == 0
    card = project / "models" / "parcels" / "card.json"
    facts = json.loads(card.read_text())
    facts["scores"]["accuracy"] = 1.0
    card.write_text(json.dumps(facts))
    path = project / "flows" / "parcels" / "intents.yaml"
    path.write_text(INTENTS.replace("undo the payment", "is my parcel there").replace("my money please", "parcel, now"))
    before = card.read_text()
    done = CliRunner().invoke(app, ["train"])
    assert isinstance(done.exception, ModelError)
    assert "--force" in str(done.exception)
    assert card.read_text() == before
    assert CliRunner().invoke(app, ["train", "--force"]).exit_code == 0
    assert card.read_text() != before


def test_documents_are_indexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot's documents, also when it has no examples; what cannot be read is said; documents that are gone are forgotten."""
    monkeypatch.chdir(tmp_path)
    bot = tmp_path / "flows" / "b"
    (bot / "documents").mkdir(parents=True)
    (bot / "flow.yaml").write_text(
        "initial: a\ntimeouts: {hard: 23h}\non: {human: p}\nstates:\n  a: {ask: Hi, on: {bye: z}}\n"
        "  p: {handoff: {}, say: Wait., on: {handoff.closed: a}}\n  z: {type: final, say: Bye}\n"
    )
    (bot / "intents.yaml").write_text("bye: {en: {keywords: [bye]}}\n")
    (bot / "documents" / "parking.md").write_text("# Parking\n\nThere is parking behind the house.\n")
    (bot / "documents" / "plan.png").write_bytes(b"PNG")
    runner = CliRunner()
    done = runner.invoke(app, ["train", "b"])
    assert "1 passages of 1 documents; answers from a score of" in done.output
    assert "wabox: documents/plan.png: wabox reads .md" in done.output
    [best] = read_index(tmp_path / "models" / "b").search("where is parking?")
    assert (best.passage.source, best.answer) == ("Parking", "There is parking behind the house.")
    old = "the documents have changed since they were indexed"
    assert old not in runner.invoke(app, ["chat", "b", "--json"], input="").output
    (bot / "documents" / "bus.md").write_text("The bus stops here.")
    assert old in runner.invoke(app, ["chat", "b", "--json"], input="").output
    (bot / "documents" / "bus.md").unlink()
    (bot / "documents" / "parking.md").unlink()
    runner.invoke(app, ["train", "b"])
    assert not (tmp_path / "models" / "b" / "documents.json").exists()
