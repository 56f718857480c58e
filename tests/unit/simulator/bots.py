"""A little bot with one of everything that coverage counts, and a way to play tests of it."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.unit.flowfile.folders import write
from wabox.flowfile.bot import Bot, load_bot
from wabox.flowfile.findings import Finding
from wabox.flowfile.tests import ConversationTest, read_tests
from wabox.simulator.runner import Result, Runner

FLOW = """\
id: tiny
initial: menu
context: {n: 0, coupon: null, cart: {count: 0, items: [a]}}
timeouts: {soft: 30m, hard: 23h}
detours: {help: helping}
on:
  human: people
  broken: {actions: bug}
states:
  menu:
    ask: {text: menu, buttons: {order: button.order, leave: button.leave}}
    on:
      order:
        - {guard: {path: n, op: gt, value: 1}, target: many}
        - {guard: {path: n, op: lt, value: 0}, target: many}
        - {target: passing, actions: {increment: {path: n, by: 1}}}
      leave: done
  passing:
    always: both
  both:
    type: parallel
    onDone: menu
    states:
      left:
        initial: l1
        states: {l1: {ask: left, on: {next: l2}, after: {10m: l2}}, l2: {type: final}}
      right:
        initial: r1
        states: {r1: {on: {next: r2, other: r2}}, r2: {type: final}}
  many:
    ask: many
    timeouts: {soft: 5m}
    on: {order: checking}
  checking:
    invoke: {action: stock, onDone: {target: menu, actions: {assign: {n: {from: event.output}}}}, onError: many}
  people:
    handoff: {queue: support}
    say: people
    on: {handoff.closed: menu}
  done: {type: final, say: bye}
"""
HELPING = """\
initial: helping
timeouts: {hard: 23h}
states:
  helping: {ask: helping, on: {leave: out}}
  out: {type: final}
"""
EN = """\
menu: "What, {n} times?"
button: {order: Order, leave: Leave}
left: Left?
many: Many, many!
people: One moment.
helping: Helped?
bye: Bye, see you!
"""
ES = """\
menu: "¿Qué, {n} veces?"
button: {order: Pedir, leave: Salir}
left: ¿Izquierda?
many: ¡Muchos, muchos!
people: Un momento.
helping: ¿Mejor?
bye: ¡Adiós!
"""
INTENTS = """\
order: {en: {keywords: [order]}, es: {keywords: [pedir]}}
next: {en: {keywords: [next]}, es: {keywords: [siguiente]}}
other: {en: {keywords: [other]}}
leave: {en: {keywords: [leave]}, es: {keywords: [salir]}}
help: {en: {keywords: [help]}, es: {keywords: [ayuda]}}
broken: {en: {keywords: [broken]}}
"""
FAQ = """\
hours: {question: {en: ["When?"], es: ["¿Cuándo?"]}, answer: {en: Always., es: Siempre.}}
"""
ACTIONS = '''\
"""Actions of the tiny bot."""
from wabox.actions import ActionInput, action, task


@action
def bug(given: ActionInput) -> None:
    raise RuntimeError("no such luck")


@task
def stock(given: object) -> int:
    return 1
'''
FILES = {
    "flow.yaml": FLOW,
    "helping.yaml": HELPING,
    "texts.en.yaml": EN,
    "texts.es.yaml": ES,
    "intents.yaml": INTENTS,
    "faq.yaml": FAQ,
    "actions.py": ACTIONS,
}


def load(folder: Path) -> Bot:
    """The bot, written into a folder of this one."""
    return load_bot(write(folder, FILES))


def read(bot: Bot, *texts: str) -> list[ConversationTest]:
    """Tests, from the text of their files: ``test1``, ``test2`` …"""
    folder = bot.folder / "tests"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, text in enumerate(texts, 1):
        (folder / f"test{number}.yaml").write_text(text, encoding="utf-8")
    findings: list[Finding] = []
    found = read_tests(bot, findings.append)
    assert findings == []
    return found


def play(bot: Bot, *texts: str) -> tuple[list[Result], Runner]:
    """The tests, played."""
    ticks = iter(range(10_000))
    runner = Runner(bot, lambda: float(next(ticks)))
    return list(runner.run(read(bot, *texts))), runner
