"""Bots for tests: a good one, and the same with something wrong in it."""

from __future__ import annotations

from pathlib import Path

from wabox.flowfile.bot import check_bot
from wabox.flowfile.findings import Finding

FLOW = """\
id: tiny
initial: menu
timeouts: {hard: 23h}
on:
  human: people
states:
  menu:
    ask:
      text: menu
      buttons: {order: button.order, human: button.person}
    on:
      order: done
  people:
    handoff: support
    say: people
    on: {handoff.closed: menu}
  done:
    type: final
    say: done
context: {name: Ana, nombre: '', who: '', picture: '', total: 0}
"""
EN = """\
menu: What would you like, {name}?
button: {order: Order, person: A person}
people: One moment.
done: Done!
"""
ES = """\
menu: ¿Qué quieres, {name}?
button: {order: Pedir, person: Una persona}
people: Un momento.
done: ¡Hecho!
"""
INTENTS = """\
order:
  en: {keywords: [order], patterns: ['^i want'], examples: [I would like one]}
  es: {keywords: [pedir]}
"""
GOOD = {"flow.yaml": FLOW, "texts.en.yaml": EN, "texts.es.yaml": ES, "intents.yaml": INTENTS}


def write(folder: Path, /, files: dict[str, str]) -> Path:
    """The files in a folder called tiny."""
    bot = folder / "tiny"
    bot.mkdir(exist_ok=True)
    for name, text in files.items():
        (bot / name).write_text(text, encoding="utf-8")
    return bot


def tiny(folder: Path, /, *changes: tuple[str, str, str], **files: str) -> Path:
    """The good bot with changes ``(file, old, new)``; each must change something. Further files by name, ``_`` for dots."""
    texts = {**GOOD, **{name.replace("__", "."): text for name, text in files.items()}}
    for name, old, new in changes:
        assert old in texts[name], f"{old!r} does not stand in {name}"
        texts[name] = texts[name].replace(old, new, 1)
    return write(folder, texts)


def told(finding: Finding) -> str:
    """``file:line:column code``."""
    return f"{Path(finding.file).name}:{finding.line}:{finding.column} {finding.code}"


def check(folder: Path) -> list[str]:
    """Every finding of a bot, briefly; warnings in brackets."""
    return [told(one) if one.severity == "error" else f"({told(one)})" for one in check_bot(folder)]
