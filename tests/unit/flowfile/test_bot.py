"""A folder becomes a bot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.flowfile.folders import FLOW, GOOD, check, tiny, write
from wabox.engine.chart import ButtonTemplate, ListTemplate, RowTemplate, SayTemplate, SectionTemplate
from wabox.errors import FlowError
from wabox.flowfile.bot import BrokenBot, load_bot

SHOP = Path(__file__).parents[3] / "flows" / "shop"


def test_the_shop() -> None:
    """The example shop loads without a warning: charts, answers, languages, intents."""
    bot = load_bot(SHOP)
    assert bot.warnings == ()
    assert (bot.name, bot.main, bot.languages, bot.default_language) == ("shop", "shop", ("en", "es"), "en")
    assert {"shop", "returns", "faq.delivery"} <= set(bot.charts.live)
    assert bot.charts["shop"].root.detours["faq.delivery"] == "faq.delivery"
    assert {"track_order", "affirm", "human", "faq.delivery"} <= {intent.name for intent in bot.intents}


def test_tiny(tmp_path: Path) -> None:
    """The bot of these tests is good."""
    assert check(tiny(tmp_path)) == []
    bot = load_bot(tiny(tmp_path), context={"name": "Ana"})
    assert (bot.name, bot.main, bot.context) == ("tiny", "tiny", {"name": "Ana"})


def test_smallest_bot(tmp_path: Path) -> None:
    """One file is a bot; its words are the text."""
    flow = """\
timeouts: {hard: 1h}
on: {human: people}
states:
  people: {handoff: true, say: one_moment, on: {handoff.closed: menu}}
  menu: {ask: {text: Well?, buttons: {human: Help}}}
"""
    bot = load_bot(write(tmp_path, {"flow.yaml": flow}))
    assert (bot.main, bot.languages) == ("tiny", ("en",))
    assert bot.text("one_moment", "en") == "one_moment"
    assert bot.text("wabox.nudge", "en") != "wabox.nudge"


def test_json_flow(tmp_path: Path) -> None:
    """A flow may be JSON."""
    people = {"handoff": True, "on": {"handoff.closed": "over"}}
    states = {"people": people, "over": {"type": "final"}}
    flow = json.dumps({"timeouts": {"hard": "1h"}, "on": {"human": "people"}, "states": states})
    assert load_bot(write(tmp_path, {"flow.json": flow})).main == "tiny"


def test_broken(tmp_path: Path) -> None:
    """A folder with errors is refused with all of them; warnings alone are not in the way."""
    folder = tiny(tmp_path, ("flow.yaml", "order: done", "order: dun"), ("flow.yaml", "text: menu", "text: menue"))
    with pytest.raises(BrokenBot) as caught:
        load_bot(folder)
    assert [finding.code for finding in caught.value.findings] == ["unknown-text", "unknown-target"]
    assert isinstance(caught.value, FlowError)
    for words in ("flow.yaml:9", "flow.yaml:12", "fix:", "2 errors"):
        assert words in str(caught.value)
    assert (
        len(
            load_bot(
                tiny(
                    tmp_path,
                    ("texts.en.yaml", "done:", "spare: x\ndone:"),
                    ("texts.es.yaml", "done:", "spare: x\ndone:"),
                )
            ).warnings
        )
        == 1
    )


# -- languages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flow_language", "setting", "default"),
    [
        ("", None, "en"),
        ("", "es", "es"),
        ("language: es\n", None, "es"),
        ("language: es\n", "en", "es"),
        ("", "fr", "en"),
    ],
)
def test_default_language(tmp_path: Path, flow_language: str, setting: str | None, default: str) -> None:
    """The flow's language, else the setting, else English, if there are texts in it; it comes first."""
    bot = load_bot(write(tmp_path, {**GOOD, "flow.yaml": flow_language + FLOW}), language=setting)
    assert bot.default_language == default
    assert bot.languages[0] == default
    assert set(bot.languages) == {"en", "es"}


def test_language_without_texts(tmp_path: Path) -> None:
    """A bot without text files speaks the language that it names."""
    files = {
        "flow.yaml": "language: pt\n"
        + FLOW.replace(
            "ask:\n      text: menu\n      buttons: {order: button.order, human: button.person}",
            "ask: {text: Oi, buttons: {order: A, human: B}}",
        )
    }
    files["intents.yaml"] = "order: {keywords: [pedir]}\nhuman: {keywords: [pessoa]}\n"
    bot = load_bot(write(tmp_path, files))
    assert bot.languages == ("pt",)
    assert next(intent for intent in bot.intents if intent.name == "order").words["pt"].keywords == ("pedir",)


def test_texts(tmp_path: Path) -> None:
    """A text in the language, else in the default one; wabox's own beneath; what is no key is the text."""
    bot = load_bot(tiny(tmp_path, ("texts.es.yaml", "people:", "wabox: {nudge: ¿Hola?}\npeople:")))
    assert bot.text("menu", "es") == "¿Qué quieres, {name}?"
    assert bot.text("menu", "fr") == "What would you like, {name}?"
    assert bot.text("wabox.nudge", "es") == "¿Hola?"
    assert "still there" in bot.text("wabox.nudge", "en")
    assert "still there" in bot.text("wabox.nudge", "nl")
    assert bot.text("Hello there", "es") == "Hello there"
    assert bot.text("no.such_key", "es") == "no.such_key"


def test_texts_of_a_region(tmp_path: Path) -> None:
    """A regional variant falls back to its language."""
    folder = write(tmp_path, {**GOOD, "texts.es-MX.yaml": GOOD["texts.es.yaml"]})
    bot = load_bot(folder)
    assert "Sigues" in bot.text("wabox.nudge", "es-MX")


def test_cannot_read(tmp_path: Path) -> None:
    """There are words for every type of message, also for one that nobody has heard of."""
    bot = load_bot(tiny(tmp_path))
    assert bot.cannot_read("image") == "wabox.cannot_read.image"
    assert bot.cannot_read("hologram") == "wabox.cannot_read.other"


# -- rendering ------------------------------------------------------------------------------------------------------------


def test_render(tmp_path: Path) -> None:
    """A message in the customer's language with everything filled in."""
    bot = load_bot(tiny(tmp_path))
    rows = (RowTemplate("a", "button.order", "{name}"), RowTemplate("b", "Literal {n}"))
    template = SayTemplate(
        text="menu", footer="F {n}", list=ListTemplate("button.person", (SectionTemplate("{n}", rows),))
    )
    content = bot.render(template, {"name": "Ana", "n": 2}, "es")
    assert content.text == "¿Qué quieres, Ana?"
    assert content.list is not None
    assert (content.list.button, content.list.sections[0].title) == ("Una persona", "2")
    assert [(one.event, one.title, one.description) for one in content.options] == [
        ("a", "Pedir", "Ana"),
        ("b", "Literal 2", None),
    ]


def test_render_keeps_what_customers_write(tmp_path: Path) -> None:
    """A customer's braces are not placeholders, and their keys no texts."""
    bot = load_bot(tiny(tmp_path))
    assert bot.render(SayTemplate(text="{name}"), {"name": "{done} done"}, "en").text == "{done} done"


def test_render_fits(tmp_path: Path) -> None:
    """A title that a placeholder made too long is cut, so that WhatsApp takes it; the text leaves in several bubbles."""
    bot = load_bot(tiny(tmp_path))
    content = bot.render(SayTemplate(text="{a}", buttons=(ButtonTemplate("x", "{a}"),)), {"a": "x" * 5000}, "en")
    assert (len(content.text or ""), len(content.buttons[0].title)) == (5000, 20)


def test_light_import() -> None:
    """The server imports this module: no web framework, client or classifier comes with it."""
    code = "import sys, wabox.flowfile.bot; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert {"litestar", "httpx", "sklearn", "numpy", "sqlite3", "asyncio", "jsonschema"} & loaded == set()
