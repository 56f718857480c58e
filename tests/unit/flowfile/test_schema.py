"""The JSON Schema for editors, kept equal to what the reader accepts."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import wabox.flowfile
from wabox.core.slot import MEDIA, SlotType
from wabox.engine import action, collect, invoke, saying, tree, wiring
from wabox.engine.chart import ChartError, compile_chart
from wabox.engine.guard import _OPERATIONS
from wabox.engine.state import StateType
from wabox.flowfile.document import Source
from wabox.flowfile.reader import read, read_bytes

SCHEMA = json.loads((Path(wabox.flowfile.__file__).parent / "schema.json").read_text())
DEFS = SCHEMA["$defs"]
VALID = Draft202012Validator(SCHEMA)
ROOT = Path(__file__).parents[3]
CHARTS = sorted(
    path
    for pattern in (
        "flows/*/*.yaml",
        "wabox/flowfile/first_bot/*.yaml",
        "wabox/flowfile/repair/*.yaml",
        "tests/data/bots/*/*.yaml",
    )
    for path in ROOT.glob(pattern)
    if path.stem.split(".")[0] not in ("texts", "intents", "faq", "templates", "canned")
)

NAMES_ONLY = {
    "unknown-target",
    "unknown-guard",
    "unknown-action",
    "unknown-timer",
    "duplicate-id",
    "bad-target",
    "always-cycle",
    "bad-id",
}
"""What no schema can know: whether a name exists, and how states hang together."""
BEYOND = re.compile(
    "host of a url cannot be filled in|a call may take up to|two invokes have the id"
    "|of (?:text|name|address|number|money|pattern|date|time|datetime) cannot be|means nothing for|both past and future"
    "|the pattern (?:is not|repeats|fits)"
    "|soft timeout does not come before|needs a state inside that is no history|two options are the event"
    "|two messages in one|the data cannot be sent"
)
"""The same for problems that share their code with others."""


class Anything(dict[str, Any]):
    """Knows every guard and action."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> Any:
        return lambda given: None


def problems(definition: Any) -> set[str]:
    """Codes of what the compiler has against the form of a definition."""
    try:
        compile_chart("main", definition, guards=Anything(), actions=Anything())
    except ChartError as error:
        return {
            f"{problem.code} {problem.sentence}"
            for problem in error.problems
            if problem.code not in NAMES_ONLY and not BEYOND.search(problem.sentence)
        }
    return set()


def test_it_is_a_schema() -> None:
    """The file is a JSON Schema of 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)


def test_same_keys() -> None:
    """It knows the keys that the compiler knows, no more and no fewer."""
    state = set(DEFS["stateProperties"]["properties"])
    assert state == set(tree.STATE_KEYS)
    assert state | set(DEFS["root"]["properties"]) == set(tree.ROOT_KEYS)
    assert set(DEFS["state"]["then"]["properties"]) == set(tree.HISTORY_KEYS)
    assert set(DEFS["transition"]["anyOf"][1]["properties"]) == set(wiring._TRANSITION)
    assert set(DEFS["message"]["anyOf"][1]["properties"]) == set(saying._BUBBLE)
    assert set(DEFS["invoke"]["anyOf"][1]["properties"]) == set(invoke._KEYS)
    assert set(DEFS["http"]["anyOf"][1]["properties"]) == set(invoke._HTTP)
    assert set(DEFS["collect"]["properties"]) == set(collect.COLLECT_KEYS)
    assert tuple(DEFS["collect"]["properties"]["type"]["enum"]) == get_args(SlotType)
    assert tuple(DEFS["kind"]["enum"]) == MEDIA
    assert set(DEFS["shortAction"]["properties"]) == set(action.BUILT_IN)
    assert set(DEFS["comparison"]["properties"]["op"]["enum"]) == set(_OPERATIONS)
    assert set(DEFS["stateProperties"]["properties"]["type"]["enum"]) == {*get_args(StateType), None}


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_good_charts(path: Path) -> None:
    """Every chart of the repository is valid."""
    document = read(path, path.name, lambda finding: pytest.fail(str(finding)))
    assert document is not None
    assert [error.message for error in VALID.iter_errors(document.root.plain())] == []


def _parse(text: str) -> Any:
    """The value of a YAML text, nothing in it shared."""
    document = read_bytes(text.encode(), Source(Path("x.yaml"), "x.yaml"), lambda finding: pytest.fail(str(finding)))
    assert document is not None
    return json.loads(json.dumps(document.root.plain()))


GOOD = """
initial: {target: a, actions: {log: begun}}
context: {n: 1}
language: en
version: 3
versions: auto
max_pin: 48h
migrations:
  - from: ["0123456789ab", "other@*"]
    states: {old: a, older.one: a.one}
    context: {rename: {addr: address}, default: {n: 2, notes: ""}, drop: [draft]}
    timers: {"after:10m:old": soft, "raise:r:e": null}
  - {from: "*", context: {drop: x}}
timeouts: {soft: off, hard: 23h}
detours: {returns: returns}
on:
  human: '#b'
  "x y": [{guard: may, target: .a.one}, {guard: {type: may, params: {n: 1}}, actions: [note, {type: note}]}]
  gone:
  deep: {guard: {and: [{not: may}, {or: [{path: n, op: gt, value: 2}, {path: m, op: exists}]}, {in: '#b'}]}, reenter: true}
states:
  a:
    id: b
    tags: [x, y]
    entry:
      - {assign: {n: 1, m.k: {from: event.text}}}
      - {increment: {path: n}}
      - {raise: paid}
      - {type: raise, params: {event: late, delay: 10s, id: r}}
    exit: [{cancel: r}, {repair: back}, {repair: {event: {from: n}}}, {type: repair, params: repeat}]
    say:
      - Hello
      - {image: 'https://e.com'}
      - {video: {link: 'https://e.com'}, text: T}
      - {audio: {link: 'https://e.com', voice: true}}
      - {document: {link: 'https://e.com', filename: F}, text: T, buttons: {yes: Yes}}
      - {sticker: '30001'}
      - {location: {latitude: 1, longitude: '{x}', name: N, address: A}}
      - {contacts: {name: N, phone: P, email: E, company: C, url: U}}
      - {contacts: [{name: N}, {name: M}]}
      - {text: T, cta_url: {title: T, url: U}}
      - {text: T, location_request: true}
      - {text: T, form: {id: 1, button: B, screen: S, data: {a: [1]}, token: t, draft: true}}
      - {product: {catalog: 1, id: 2}}
      - {text: T, header: H, product: {catalog: 1, ids: [2, 3]}}
      - {text: T, header: H, product: {catalog: 1, sections: [{title: T, ids: [2, 3]}]}}
      - {text: T, catalog: true}
      - {text: T, catalog: {thumbnail: 1}}
      - {react: R}
      - {template: t}
      - {template: {name: t, language: es, values: {1: x, n: y}, header: H, buttons: {b: c}}}
    ask: {text: Well?, header: H, footer: F, buttons: {yes: Yes, no: {title: 'No'}}}
    reprompt: 42
    expect: yes
    states:
      one:
        ask: {text: Well?, list: {button: Open, sections: [{title: S, rows: {r: Row, s: {title: Row, description: D}}}]}}
        always: {guard: {type: xstate.not, guards: [may]}, target: two}
      two:
        ask: {text: Well?, list: {button: Open, rows: [{event: r, title: Row, description: D}, {s: Row}]}}
        after: {10s: one, "1000": [{target: one}]}
        invoke: {id: i, action: look, input: {n: 1}, timeout: 5s, retries: 0, stub: [1], onDone: one, onError: [{target: one}]}
        timeouts: off
        collect: {slot: s.t, type: choice, retries: 1, required: false, options: {a: A, b: 2}, invalid: [Well, {text: x}]}
        handoff: {queue: q, priority: 1, reason: r}
      back: {type: history, history: deep, target: two}
      end: {type: final}
    onDone: c
  d: {invoke: [look, {src: look, onDone: c}, {http: 'https://e.com'}, {http: {url: 'https://e.com', method: PUT, json: 1}}]}
  e: {ask: When?, collect: {slot: w, type: datetime, min: '17:00', max: null, future: true, region: ES}}
  f: {ask: What?, collect: {slot: w, type: pattern, pattern: '[A-Z]+', min: 3}}
  g: {ask: What?, collect: {slot: w, type: media, kinds: [image, voice]}}
  c: {type: parallel, states: {l: {handoff: true}, r: }}
"""


def test_the_good_one() -> None:
    """The example with every construct in it compiles and is valid."""
    definition = _parse(GOOD)
    assert problems(definition) == set()
    assert [error.message for error in VALID.iter_errors(definition)] == []


WRONG = """
states: []
states: a
state: {}
on: []
on: {x: 3}
on: {x: {to: a}}
on: {x: {guard: 3}}
on: {x: {guard: {path: n}}}
on: {x: {guard: {path: n, op: like, value: 1}}}
on: {x: {guard: {and: []}}}
on: {x: {guard: {xor: []}}}
on: {x: {actions: 3}}
on: {x: {actions: {a: {}, b: {}}}}
entry: {raise: {delay: 3}}
entry: raise
entry: {append: {}}
entry: {say: {}}
entry: {say: {text: x, colour: red}}
entry: {increment: {path: a b..c}}
entry: {repair: everything}
entry: {repair: {event: a b}}
entry: repair
after: {soon: a}
after: []
timeouts: 3
timeouts: {soft: x}
timeouts: {later: 1h}
timeouts: {hard: true}
say: true
say: {}
say: {text: x, buttons: 3}
say: {text: x, buttons: {a: null}}
say: {text: x, buttons: {a: {title: A, description: B}}}
say: {text: x, list: {}}
say: {location_request: false}
say: {catalog: 3}
say: {video: {url: x}}
say: {audio: {link: x, voice: loud}}
say: {location: {latitude: 1}}
say: {contacts: []}
say: {contacts: [{phone: 1}]}
say: {cta_url: {title: x}}
say: {form: {id: 1}}
say: {form: {id: 1, button: b, data: {a: 1}}}
say: {product: {id: 1}}
say: {product: {catalog: 1}}
say: {product: {catalog: 1, id: 1, ids: [2]}}
say: {react: true}
say: {template: {values: {}}}
say: {template: {name: t, values: {1: null}}}
say: {text: x, list: {button: b, rows: {}, sections: []}}
say: {buttons: {a: A}}
say: {text: x, buttons: {a: A}, list: {button: b, rows: {r: R}}}
expect: {a: 1}
expect: [true]
detours: []
detours: {a: null}
handoff: 3
invoke: 3
invoke: {}
invoke: {http: {}}
invoke: {http: 'ftp://e.com'}
invoke: {http: {url: 'https://e.com', method: GRAB}}
invoke: {http: {url: 'https://e.com', body: x}}
invoke: {action: a, http: 'https://e.com'}
invoke: {action: a, retries: 11}
invoke: {action: a, timeout: soon}
invoke: {action: a, when: now}
handoff: {q: 1}
handoff: {priority: high}
collect: {slot: a, type: text}
states: {a: {ask: x, collect: {type: text}}}
states: {a: {ask: x, collect: {slot: a}}}
states: {a: {ask: x, collect: {slot: a b, type: text}}}
states: {a: {ask: x, collect: {slot: a, type: words}}}
states: {a: {ask: x, collect: {slot: a, type: pattern}}}
states: {a: {ask: x, collect: {slot: a, type: text, retries: 11}}}
states: {a: {ask: x, collect: {slot: a, type: text, required: maybe}}}
states: {a: {ask: x, collect: {slot: a, type: money, currency: euro}}}
states: {a: {ask: x, collect: {slot: a, type: media, kinds: [film]}}}
states: {a: {ask: x, collect: {slot: a, type: text, kind: x}}}
states: {a: {collect: {slot: a, type: text}}}
states: {a: {ask: x, type: final, collect: {slot: a, type: text}}}
type: round
type: history
type: compound
tags: {a: 1}
context: []
meta: x
target: a
states: {a: {history: long}}
states: {a: 3}
states: {a: {type: final, states: {b: {}}}}
states: {a: {}, h: {type: history, on: {}}}
versions: forever
max_pin: soon
max_pin: 0
migrations: 3
migrations: {to: a}
migrations: {from: version 3}
migrations: {states: [a]}
migrations: {context: {swap: {}}}
migrations: [{context: {drop: [true]}}]
migrations: {timers: {soft: true}}
3
[]
x
"""


@pytest.mark.parametrize("wrong", WRONG.strip().splitlines())
def test_wrong_forms(wrong: str) -> None:
    """What the compiler refuses for its form, the schema refuses too."""
    definition = _parse(wrong)
    assert problems(definition)
    assert not VALID.is_valid(definition)


VALUES = _parse("[null, true, false, 0, 3, 1.5, '', x, 10s, off, [], [x], {}, {x: x}, {target: a}, {text: x}, [[]]]")
"""What is put in the place of something good."""


@settings(deadline=None)
@given(seed=st.integers(0, 10**9))
def test_what_is_valid_compiles(seed: int) -> None:
    """Whatever the schema lets pass, the compiler has nothing against its form: the good example, changed at any place."""
    definition = _parse(GOOD)
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 2)):
        holder, key = chance.choice(list(_places(definition)))
        what = chance.randrange(4)
        if what == 0:
            holder[key] = copy.deepcopy(chance.choice(VALUES))
        elif what == 1 and isinstance(holder, dict):
            holder[chance.choice([*tree.ROOT_KEYS, "title", "rows", "guard", "params"])] = copy.deepcopy(
                chance.choice(VALUES)
            )
        elif what == 2:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(chance.choice([other[name] for other, name in _places(definition)]))
    if VALID.is_valid(definition):
        assert problems(definition) == set()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (mapping or list, key) below a value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield value, key
            yield from _places(inner)
    elif isinstance(value, list):
        for key, inner in enumerate(value):
            yield value, key
            yield from _places(inner)
