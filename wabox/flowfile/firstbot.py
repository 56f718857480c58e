"""The bot that ``wabox new`` makes of five answers: a flow, its texts in each language, tests that pass, ``wabox.toml``.

``first_words.yaml`` has the words. Everything is text that the owner goes on with; nothing is read from there later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wabox.errors import FlowError
from wabox.flowfile.folder import examples
from wabox.flowfile.starter import IGNORE, name_of, reserve

STARTERS: Final = {
    "answers": "answers questions, takes a wish, fetches a person",
    "shop": "products, cart, checkout, order tracking (English and Spanish)",
    "clinic": "appointments: book, move, cancel, remind (English and Arabic)",
}
ALWAYS: Final = "always"
LONGEST: Final = 60
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN: Final = re.compile(r"([01]?\d|2[0-4])(?::([0-5]\d))?\s*[-–]\s*([01]?\d|2[0-4])(?::([0-5]\d))?")

Week = Sequence[tuple[str, str]]
"""Days and hours as ``[queues.…] hours`` takes them: ``mon-fri`` and ``09:00-14:00, 16:00-19:00``; empty: always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the owner answered."""

    business: str
    languages: Sequence[str] = ("en",)
    """The first one is the bot's own."""
    starter: str = "answers"
    week: Week = ()
    timezone: str = "UTC"
    person: str = ""
    """The id of whoever answers when the bot cannot; empty: nobody yet."""


def business(given: str) -> str:
    """Raises FlowError: it stands in texts, so it is short and has no braces."""
    found = " ".join(given.split())
    if not found or len(found) > LONGEST or set(found) & set("{}"):
        raise FlowError(f"a business's name has 1 to {LONGEST} characters and no braces, not {given!r}")
    return found


def languages(given: str) -> tuple[str, ...]:
    """``en, es``. Raises FlowError."""
    found = tuple(dict.fromkeys(part for part in re.split(r"[\s,;]+", given.lower()) if part))
    unknown = [one for one in found if one not in spoken()]
    if not found or unknown:
        raise FlowError(f"languages are {', '.join(spoken())}, not {', '.join(unknown) or 'none'}")
    return found


def spoken() -> tuple[str, ...]:
    return tuple(_words())


def week(given: str) -> Week:
    """``mon-fri 9-14, 16-19; sat 10-13``, ``9:00-18:00`` or ``always``. Raises FlowError."""
    if given.strip().lower() in ("", ALWAYS):
        return ()
    found = []
    for part in filter(None, (one.strip() for one in given.lower().split(";"))):
        days, _, rest = part.partition(" ") if part[0].isalpha() else ("mon-sun", "", part)
        first, dash, last = days.partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            raise FlowError(f"{days!r} are no days: write mon, mon-fri … as in mon-fri 9:00-18:00; sat 10-13")
        found.append((days, ", ".join(_span(span.strip()) for span in rest.split(","))))
    return tuple(found)


def _span(written: str) -> str:
    parts = _SPAN.fullmatch(written)
    if parts is None:
        raise FlowError(f"{written!r} are no hours: write 9:00-18:00, as in mon-fri 9:00-18:00; sat 10-13")
    begin, end = (int(parts[at]) * 60 + int(parts[at + 1] or 0) for at in (1, 3))
    if not begin < end <= 1440:
        raise FlowError(f"{written!r} are no hours: the end comes after the beginning, before midnight")
    return f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"


def zone(given: str) -> str:
    """Raises FlowError."""
    try:
        ZoneInfo(given)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise FlowError(f"{given!r} is no time zone: write one such as Europe/Madrid or America/Lima") from None
    return given


def starter(given: str) -> str:
    """Raises FlowError."""
    if given not in STARTERS:
        raise FlowError(f"starters are {', '.join(STARTERS)}, not {given!r}")
    return given


def make(folder: Path, wishes: Wishes) -> str:
    """Write the bot; its name. Raises FlowError if something is there already."""
    name = name_of(folder)
    flow = reserve(folder, name)
    try:
        written = _copied(wishes.starter) if wishes.starter != "answers" else _answers(wishes)
        written |= {"../../wabox.toml": _settings(name, wishes), "../../.gitignore": IGNORE}
        for path, content in written.items():
            target = flow / path
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
    except OSError as error:
        raise FlowError(f"cannot write {folder}: {error.strerror or error}") from error
    return name


def _copied(starter: str) -> dict[str, bytes | str]:
    """An example bot, as it is."""
    source = examples() / starter
    return {
        str(path.relative_to(source)): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _answers(wishes: Wishes) -> dict[str, bytes | str]:
    words = {language: _words()[language] for language in wishes.languages}
    found: dict[str, bytes | str] = {
        "flow.yaml": _FLOW.format(title=_quoted(wishes.business), language=wishes.languages[0], queue=_QUEUE),
        "intents.yaml": _intents(words),
        "tests/answers.yaml": _test(wishes.languages),
    }
    for language, said in words.items():
        found[f"texts.{language}.yaml"] = _texts(said, wishes, language)
    return found


def _texts(said: Mapping[str, Any], wishes: Wishes, language: str) -> str:
    hours = told(wishes.week, language)
    lines = ["# What the bot says. Change the words; wabox check says whether WhatsApp takes them."]
    for key in ("hello", "hours", "order", "people", "done"):
        text = said[key].replace("{business}", wishes.business).replace("{hours}", hours)
        lines.append(f"{key}: {_quoted(text)}")
    lines.append("button:")
    lines += [f"  {key}: {_quoted(text)}" for key, text in said["button"].items()]
    return "\n".join(lines) + "\n"


def told(week: Week, language: str) -> str:
    """The hours in words of the language: ``Monday–Friday 09:00–18:00``."""
    from babel.dates import get_day_names

    if not week:
        return "24/7"
    names = get_day_names("wide", locale=language)

    def day(short: str) -> str:
        return str(names[_DAYS.index(short)])

    return ", ".join(
        "–".join(day(one) for one in days.split("-")) + " " + spans.replace("-", "–") for days, spans in week
    )


def _intents(words: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["# What customers write, and which event it is. Yes, no, hello and "
             '"a person, please" are built in.']  # fmt: skip
    for intent in ("hours", "order", "bye"):
        lines.append(f"{intent}:")
        lines += [
            f"  {language}: {{keywords: [{', '.join(map(_quoted, said['understood'][intent]))}]}}"
            for language, said in words.items()
        ]
    return "\n".join(lines) + "\n"


def _test(languages: Sequence[str]) -> str:
    return _TEST.format(languages=", ".join(languages))


def _settings(name: str, wishes: Wishes) -> str:
    hours = ", ".join(f'{days} = "{spans}"' for days, spans in wishes.week)
    queue = [f"[queues.{_QUEUE}]", "# Who is asked when the bot cannot answer: wabox help handoff"]
    if hours:
        queue.append(f"hours = {{{hours}}}")
    queue.append('max_wait = "15m"')
    first = [
        "# wabox's settings; every one is explained by wabox help settings. Secrets do not belong here: they come from",
        "# the environment or from files named here.",
        "[bot]",
        f"name = {_quoted(name)}",
        f'timezone = {_quoted(wishes.timezone)}   # whose clock "tomorrow at five" means',
        "",
        "[server]",
        'host = "127.0.0.1"   # wabox serve --domain bot.example.org does HTTPS itself; --print-proxy for a proxy',
        "port = 8080",
        "",
    ]
    last = [
        "",
        "# [whatsapp]",
        "# Set WABOX_APP_SECRET, WABOX_VERIFY_TOKEN and WABOX_ACCESS_TOKEN, or name files:",
        '# access_token_file = "/run/secrets/whatsapp_token"',
    ]
    return "\n".join([*first, *queue, *last]) + "\n"


def _words() -> Mapping[str, Mapping[str, Any]]:
    import yaml

    source = files("wabox.flowfile").joinpath("first_words.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, Any]] = yaml.safe_load(source)
    return found


def _quoted(text: str) -> str:
    """A string of YAML and of TOML."""
    return json.dumps(text, ensure_ascii=False)


_QUEUE: Final = "people"
_FLOW: Final = """\
# Every line can be changed; `wabox check` says what is wrong, `wabox chat` shows what it does.
# A state says or asks something; `on` lists what may happen next. A tapped button is the event of that name.
# The words themselves are in texts.<language>.yaml, what customers write in intents.yaml.
meta: {{title: {title}}}
initial: hello
language: {language}
timeouts: {{soft: 30m, hard: 23h}}      # silence: a reminder, then the end before WhatsApp closes its 24 hours

on:                                   # understood anywhere
  human: people

states:
  hello:
    ask:
      text: hello
      buttons: {{hours: button.hours, order: button.order, human: button.human}}
    on: {{hours: hours, order: order}}

  hours:
    ask:
      text: hours
      buttons: {{order: button.order, bye: button.bye}}
    on: {{order: order, bye: done}}

  order:
    ask: order
    on:
      message.text:                   # any words that mean nothing else go to your people, with the conversation
        target: people
        actions: {{assign: {{wish: {{from: event.text}}}}}}

  people:
    handoff: {{queue: {queue}, reason: a wish or a question}}
    ask:
      text: people
      buttons: {{back: button.back}}
    on: {{back: hello, handoff.closed: hello}}

  done:
    type: final
    say: done
"""
_TEST: Final = """\
# A conversation that must keep working, in every language. `wabox test` plays it.
language: [{languages}]
steps:
  - user: "👋"
    bot: hello                          # a text by its key
  - tap: hours
    bot: hours
  - tap: order
    bot: order
  - user: "2 × 7"
    state: people
    handoff: people                     # the queue
  - agent: "OK!"
    bot: ["OK!"]
  - close: true
    state: hello
  - tap: hours
  - tap: bye
    bot: [done]
    state: done
"""
