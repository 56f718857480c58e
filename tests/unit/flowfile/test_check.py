"""What ``wabox check`` finds in a folder, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.flowfile.folders import FLOW, GOOD, check, tiny, write
from wabox.flowfile.bot import check_bot


def one(folder: Path) -> tuple[str, str, str]:
    """The only finding: place and code, sentence, fix."""
    [brief] = check(folder)
    [finding] = check_bot(folder)
    return brief, finding.sentence, finding.fix


# -- the flow -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected", "fix"),
    [
        ("order: done", "order: doen", "flow.yaml:12:14 unknown-target", "done"),
        ("initial: menu", "inital: menu", "flow.yaml:2:1 unknown-key", "initial"),
        ("initial: menu", "initial: menue", "flow.yaml:2:10 unknown-target", "menu"),
        ("{hard: 23h}", "{hard: 23x}", "flow.yaml:3:18 bad-duration", "30m"),
        ("{hard: 23h}", "{soft: 30m}", "flow.yaml:7:3 no-timeout", "timeouts:"),
        ("order: done", "order: {guard: rich, target: done}", "flow.yaml:12:22 unknown-guard", "@guard"),
        ("order: done", "order: {actions: pay, target: done}", "flow.yaml:12:24 unknown-action", "@action"),
        ("type: final", "type: finale", "flow.yaml:18:11 bad-type", "final"),
        ("type: final", "type: final\n    type: final", "flow.yaml:19:5 duplicate-key", "another name"),
        ("order: done", "order: done\n      ordre: done", "flow.yaml:13:7 unknown-event", "order"),
        ("on:\n      order", "expect: [ordre]\n    on:\n      order", "flow.yaml:11:14 unknown-intent", "order"),
        ("on:\n  human", "detours: {order: retruns}\non:\n  human", "flow.yaml:4:18 unknown-chart", "retruns.yaml"),
        ("text: menu", "text: menue", "flow.yaml:9:13 unknown-text", "menu"),
        ("human: button.person", "person: button.person", "flow.yaml:10:46 unhandled-option", "add person:"),
        ("order: button.order", "order: button.ordr", "flow.yaml:10:24 unknown-text", "button.order"),
    ],
)
def test_in_the_flow(tmp_path: Path, old: str, new: str, expected: str, fix: str) -> None:
    """Each mistake is told at its place in the flow, with what to do."""
    folder = tiny(tmp_path, ("flow.yaml", old, new))
    found = [(brief, finding.fix) for brief, finding in zip(check(folder), check_bot(folder), strict=True)]
    assert expected in [brief for brief, _ in found]
    assert fix in next(words for brief, words in found if brief == expected)
    assert sum(not brief.startswith("(") for brief, _ in found) == 1


def test_several_kinds_at_once(tmp_path: Path) -> None:
    """A chart that does not compile is searched for wrong names and messages all the same."""
    folder = tiny(
        tmp_path,
        ("flow.yaml", "order: done", "order: dun"),
        ("flow.yaml", "text: menu", "text: menue"),
        ("flow.yaml", "say: people", "say: people\n    expect: [ordre]"),
        ("texts.es.yaml", "Una persona", "Una persona del equipo"),
    )
    assert check(folder) == [
        "flow.yaml:9:13 unknown-text",
        "flow.yaml:12:14 unknown-target",
        "flow.yaml:16:14 unknown-intent",
        "texts.es.yaml:2:32 whatsapp-limit",
    ]


def test_no_flow(tmp_path: Path) -> None:
    """A folder without a flow, and a folder that is not there, are told so."""
    assert check(write(tmp_path, {"intents.yaml": ""})) == ["flow.yaml:1:1 no-flow"]
    assert check(tmp_path / "nowhere") == ["flow.yaml:1:1 no-flow", "nowhere:1:1 unreadable"]


def test_broken_flow(tmp_path: Path) -> None:
    """A flow that cannot be read is one finding, not many."""
    assert check(tiny(tmp_path, ("flow.yaml", "initial: menu", "initial: [menu"))) == ["flow.yaml:3:9 syntax"]


@pytest.mark.parametrize("flow", ["", "[]", "hello", "42", "states: []", "states: 3", "on: x", "{}"])
def test_wrong_shape(tmp_path: Path, flow: str) -> None:
    """A file that is no chart at all is told so."""
    assert check(write(tmp_path, {"flow.yaml": flow}))


def test_chart_files(tmp_path: Path) -> None:
    """A chart's name is its file's; two files for one name are one too many."""
    other = "id: mine\ntimeouts: {hard: 1h}\nstates: {a: {ask: X, on: {order: b}}, b: {type: final}}\n"
    assert check(tiny(tmp_path, other__yaml=other)) == ["other.yaml:1:5 chart-id"]
    two = tiny(tmp_path, other__yaml=other.replace("id: mine\n", ""), other__yml="{}")
    assert check(two) == ["other.yml:1:1 file-name"]
    assert "tiny.yaml:1:1 file-name" in check(tiny(tmp_path, tiny__yaml=other))


def test_events_that_wabox_makes(tmp_path: Path) -> None:
    """Events that no file of the bot names but wabox makes are known, as are wildcards and raised events."""
    events = [
        "message.image",
        "message.hologram",
        "message.*",
        "timeout.soft",
        "resumed",
        "fallback",
        "error.execution",
    ]
    on = "".join(f"      {event}: done\n" for event in [*events, "'*'"])
    more = "      order: {target: done, actions: {raise: paid}}\n      paid: done\n      button.*: done\n"
    folder = tiny(
        tmp_path,
        ("flow.yaml", "      order: done\n", on + more),
        ("flow.yaml", "human: button.person}", "human: button.person, button.x: X1}"),
    )
    assert [brief for brief in check(folder) if "unknown" in brief] == []


# -- WhatsApp's limits ----------------------------------------------------------------------------------------------------


def test_limit_in_a_text_file(tmp_path: Path) -> None:
    """A text that is too long is told where it is written, with where it is used."""
    brief, sentence, fix = one(tiny(tmp_path, ("texts.es.yaml", "Pedir", "Pedir una cosa ahora mismo")))
    assert brief == "texts.es.yaml:2:17 whatsapp-limit"
    assert (
        sentence == "WhatsApp would refuse this: the title of button 1 has 26 characters, WhatsApp takes 20 "
        "(used in 'menu' of flow.yaml)"
    )
    assert fix == "say it in 20 characters or fewer"


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("buttons: {order: A button that is too long, human: B}", "flow.yaml:10:24"),
        ("buttons: {order: {title: A button that is too long}, human: B}", "flow.yaml:10:32"),
        ("buttons: [{order: A button that is too long}, {human: B}]", "flow.yaml:10:25"),
        ("buttons: [{event: order, title: A button that is too long}, {event: human, title: B}]", "flow.yaml:10:39"),
        ("buttons: {order: A1, human: B1, message.a: C1, message.b: D1}", "flow.yaml:10:7"),
        ("footer: F", "flow.yaml:10:15"),
        ("list: {button: A label that is too long, rows: {order: A1, human: B1}}", "flow.yaml:10:22"),
        ("list: {button: B1, rows: {order: A row with a title that is long, human: B1}}", "flow.yaml:10:40"),
        ("list: {button: B1, sections: [{rows: {order: A1}}, {title: B1, rows: {human: B1}}]}", "flow.yaml:10:37"),
        ("image: kitten.png", "flow.yaml:10:14"),
    ],
)
def test_limit_in_the_flow(tmp_path: Path, new: str, expected: str) -> None:
    """What is written in the flow itself is told there, in every form that a message may have."""
    folder = tiny(tmp_path, ("flow.yaml", "buttons: {order: button.order, human: button.person}", new))
    assert f"{expected} whatsapp-limit" in check(folder)


def test_longest_value(tmp_path: Path) -> None:
    """Placeholders count with the longest text that the flow itself puts there, also by another variable."""
    ask = "ask: {text: Hi, buttons: {order: '{short} {long}', human: '{copy}'}}"
    context = "context: {short: a, long: x, copy: '', origin: {deep: a text that is too long}}\n"
    assigned = ["long: {from: event.text}", "long: quite a long text indeed", "copy: {from: context.origin.deep}"]
    entry = f"entry: [{', '.join(f'{{assign: {{{one}}}}}' for one in assigned)}]\n    "
    flow = context + FLOW.split("context:")[0].replace(
        "ask:\n      text: menu\n      buttons: {order: button.order, human: button.person}", entry + ask
    )
    found = [
        finding.sentence
        for finding in check_bot(write(tmp_path, {"flow.yaml": flow, "intents.yaml": "order: {keywords: [x]}\n"}))
    ]
    assert len(found) == 2
    assert "button 1 has 26 characters" in found[0]
    assert "button 2 has 23 characters" in found[1]


def test_unknown_values_are_not_guessed(tmp_path: Path) -> None:
    """What only a customer can say is not held against the author."""
    ask = "ask: {text: '{who}', image: '{picture}', buttons: {order: '{who}', human: 'b {who}'}}"
    flow = FLOW.replace("ask:\n      text: menu\n      buttons: {order: button.order, human: button.person}", ask)
    assert check(write(tmp_path, {"flow.yaml": flow, "intents.yaml": "order: {keywords: [x]}\n"})) == []


# -- texts ----------------------------------------------------------------------------------------------------------------


_RENAMED = ["texts.en.yaml:3:10 text-missing", "(texts.en.yaml:3:10 unused-text)", "texts.es.yaml:3:9 text-missing"]


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("texts.es.yaml", "people: Un momento.\n", "", ["texts.en.yaml:3:9 text-missing"]),
        ("texts.en.yaml", "people: One", "people2: One", _RENAMED),
        ("texts.en.yaml", "done: Done!", "done: ''", ["texts.en.yaml:4:7 empty-text", "texts.es.yaml:4:7 text-missing"]),
        ("texts.en.yaml", "done: Done!", "done: true", ["texts.en.yaml:4:7 bad-value", "texts.es.yaml:4:7 text-missing"]),
        ("texts.en.yaml", "done: Done!", "done: Done!\nDone: x", ["texts.en.yaml:5:1 bad-key"]),
        ("texts.en.yaml", "done: Done!", "done: Done!\nbutton.order: x", ["texts.en.yaml:5:1 duplicate-key"]),
        ("texts.en.yaml", "done: Done!", "done: Done!\nwabox: {nugde: x}", ["texts.en.yaml:5:16 unknown-text"]),
        ("texts.es.yaml", ", {name}", ", {nombre}", ["(texts.es.yaml:1:7 placeholders)"]),
    ],
)  # fmt: skip
def test_in_the_texts(tmp_path: Path, file: str, old: str, new: str, expected: list[str]) -> None:
    """Texts that are missing, empty, doubled, unused or different are told where they are written."""
    assert check(tiny(tmp_path, (file, old, new))) == expected


def test_missing_in_one_of_three(tmp_path: Path) -> None:
    """A text that one language lacks is one finding, however many others have it."""
    texts = {"texts.nl.yaml": GOOD["texts.en.yaml"].replace("done: Done!\n", "")}
    assert [brief for brief in check(write(tmp_path, {**GOOD, **texts})) if "text-missing" in brief] == [
        "texts.en.yaml:4:7 text-missing"
    ]


def test_untranslated(tmp_path: Path) -> None:
    """Words in the flow of a bot of several languages are a warning, unless there is nothing to translate."""
    assert check(
        tiny(
            tmp_path,
            ("flow.yaml", "say: done", "say: All done"),
            ("texts.en.yaml", "done: Done!\n", ""),
            ("texts.es.yaml", "done: ¡Hecho!\n", ""),
        )
    ) == ["(flow.yaml:19:10 untranslated)"]
    assert (
        check(
            tiny(
                tmp_path,
                ("flow.yaml", "say: done", "say: '👍 {total} €'"),
                ("texts.en.yaml", "done: Done!\n", ""),
                ("texts.es.yaml", "done: ¡Hecho!\n", ""),
            )
        )
        == []
    )


def test_text_file_names(tmp_path: Path) -> None:
    """A text file names its language, once."""
    assert check(tiny(tmp_path, texts__yaml="a: b")) == ["texts.yaml:1:1 file-name"]
    (tmp_path / "tiny" / "texts.yaml").unlink()
    assert check(tiny(tmp_path, texts__en__yml="a: b")) == ["texts.en.yml:1:1 file-name"]


def test_language_that_wabox_does_not_speak(tmp_path: Path) -> None:
    """Without wabox's own texts and words in a language, customers of it would miss something."""
    folder = write(tmp_path, {**GOOD, "texts.nl.yaml": GOOD["texts.en.yaml"]})
    assert check(folder) == ["(flow.yaml:1:1 no-words)", "(texts.nl.yaml:1:1 own-texts)"]


def test_language_without_texts(tmp_path: Path) -> None:
    """The flow's language must be one of its texts'."""
    assert check(tiny(tmp_path, ("flow.yaml", "id: tiny", "id: tiny\nlanguage: fr"))) == [
        "flow.yaml:2:11 unknown-language"
    ]


# -- intents --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("keywords: [order]", "keyword: [order]", ["intents.yaml:2:8 unknown-key"]),
        ("keywords: [order]", "keywords: [order, 42]", ["intents.yaml:2:26 bad-value"]),
        ("keywords: [order]", "keywords: [order, '']", ["intents.yaml:2:26 bad-value"]),
        ("'^i want'", "'(i want'", ["intents.yaml:2:38 bad-pattern"]),
        ("'^i want'", "'[[i want'", ["intents.yaml:2:38 bad-pattern"]),
        ("'^i want'", "'.*'", ["intents.yaml:2:38 bad-pattern"]),
        ("'^i want'", "'(\\w+ )+want'", ["intents.yaml:2:38 slow-pattern"]),
        ("'^i want'", "'^(a|aa)+$'", ["intents.yaml:2:38 slow-pattern"]),
        ("'^i want'", "'(a)\\1'", ["intents.yaml:2:38 slow-pattern"]),
        ("  es:", "  fr:", ["intents.yaml:3:3 unknown-language"]),
        ("order:", "spare: {en: {keywords: [x]}}\norder:", ["(intents.yaml:1:1 unused-intent)"]),
        ("order:", "message.x: {en: {keywords: [x]}}\norder:", ["intents.yaml:1:1 reserved-name"]),
        ("order:", "fallback: {en: {keywords: [x]}}\norder:", ["intents.yaml:1:1 reserved-name"]),
        ("order:", "'a b': {en: {keywords: [x]}}\norder:", ["intents.yaml:1:1 bad-name"]),
        ("order:", "affirm: [yes]\norder:", ["intents.yaml:1:1 bad-value", "(intents.yaml:1:1 unused-intent)"]),
        (
            "order:\n  en: ",
            "order:\n  en: [order]\n  en2: ",
            ["intents.yaml:2:7 bad-value", "intents.yaml:3:3 unknown-language"],
        ),
    ],
)
def test_in_the_intents(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    """Words that mean nothing, patterns that are none, and names that are taken."""
    assert check(tiny(tmp_path, ("intents.yaml", old, new))) == expected


def test_intents_without_a_language(tmp_path: Path) -> None:
    """A bot of several languages must say which one words are in."""
    assert check(tiny(tmp_path, intents__yaml="order: {keywords: [order]}\n")) == ["intents.yaml:1:1 no-language"]


# -- questions and answers ------------------------------------------------------------------------------------------------

FAQ = """\
hours:
  question: {en: [When are you open?], es: [¿Cuándo abrís?]}
  answer: {en: All day., es: Todo el día.}
"""


def test_faq(tmp_path: Path) -> None:
    """A good question and answer."""
    assert check(tiny(tmp_path, faq__yaml=FAQ)) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (", es: Todo el día.", "", ["faq.yaml:3:3 text-missing"]),
        ("All day.", "'{a}'".replace("{a}", "x" * 4097), ["(faq.yaml:3:16 long-text)"]),
        ("  answer: {en: All day., es: Todo el día.}\n", "", ["faq.yaml:1:1 missing-key"]),
        ("answer: {en: All day., es: Todo el día.}", "answer: All day.", ["faq.yaml:3:3 no-language"]),
        ("en: All day.", "en: [All day.]", ["faq.yaml:3:16 bad-value"]),
        ("question:", "questoin:", ["faq.yaml:1:1 missing-key", "faq.yaml:2:3 unknown-key"]),
        ("hours:", "opening.hours:", ["faq.yaml:1:1 bad-name"]),
        ("en: [When", "fr: [When", ["faq.yaml:2:14 unknown-language"]),
        (FAQ, "hours: yes", ["faq.yaml:1:1 bad-value"]),
        (FAQ, "- a", ["faq.yaml:1:1 bad-value"]),
    ],
)
def test_in_the_faq(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    """Questions without answers, answers without languages, and answers that WhatsApp would refuse."""
    found = check(tiny(tmp_path, faq__yaml=FAQ.replace(old, new, 1)))
    assert [brief for brief in found if "faq.yaml:2" not in brief or brief in expected] == expected


# -- actions.py -----------------------------------------------------------------------------------------------------------

ACTIONS = """\
from wabox.actions import action, guard


@guard
def rich(given):
    return True


@action
def pay(given):
    return {}
"""
USED = ("flow.yaml", "order: done", "order: [{guard: rich, actions: pay, target: done}, {target: people}]")


def test_actions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards and actions of the bot's own file; nothing is written beside it."""
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    folder = tiny(tmp_path, USED, actions__py=ACTIONS)
    assert check(folder) == []
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == []


@pytest.mark.parametrize(
    ("code", "expected", "words"),
    [
        ("x = (\n", "actions.py:1:5 actions", "not valid Python"),
        ("import nosuchpackage_x\n", "actions.py:1:1 actions", "nosuchpackage_x"),
        ("def f():\n    return 1 / 0\n\n\nf()\n", "actions.py:2:12 actions", "ZeroDivisionError"),
        ("raise SystemExit(3)\n", "actions.py:1:1 actions", "SystemExit"),
        (ACTIONS.replace("def pay", "async def pay"), "actions.py:9:2 actions", "async"),
        (ACTIONS + "\n\n@action(name='pay')\ndef other(given):\n    return {}\n", "actions.py:1:1 actions", "pay"),
    ],
)
def test_broken_actions(tmp_path: Path, code: str, expected: str, words: str) -> None:
    """What goes wrong in the file is told in its own lines, and its names are not called unknown besides."""
    brief, sentence, _ = one(tiny(tmp_path, USED, actions__py=code))
    assert brief == expected
    assert words in sentence
