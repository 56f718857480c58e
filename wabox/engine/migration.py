"""What a chart says about conversations that began in an earlier version of it.

::

    max_pin: 72h            # how long a conversation may stay on an older version
    versions: pinned        # or auto, or drain
    migrations:
      - from: "*"           # an older chart's hash ("0123456789ab"), several, "*", or another chart's: "cart@*"
        states: {checkout.confirm: checkout.review, old_part: new_part}   # what is inside old_part goes along
        context: {rename: {addr: address}, default: {notes: ""}, drop: [draft]}
        timers: {"after:10m:checkout.confirm": "after:15m:checkout.review", "raise:reminder:remind": null}

The first entry that fits is applied, alone. What it does not name stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from wabox.core.duration import parse_duration
from wabox.engine.event import AFTER
from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.state import State
from wabox.engine.value import plain

Policy: TypeAlias = Literal["pinned", "auto", "drain"]
"""``pinned``: what fits moves, and the owner is asked about the rest. ``auto``: what does not fit goes to the failure target
without asking. ``drain``: nothing moves; running conversations end on the version they are on."""

MAX_PIN = 72 * 3_600_000
KEYS = ("from", "states", "context", "timers")
CONTEXT_KEYS = ("rename", "default", "drop")

_SOURCE = re.compile(r"(?:([^\s@#:]+)@)?(\*|[0-9a-f]{4,12})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One entry: from an older version to the chart that it stands in."""

    sources: tuple[tuple[str | None, str], ...]
    """(chart id or None for this one's, hash or the beginning of one or ``*``)."""
    states: Mapping[str, str] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)
    default: Mapping[str, Any] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    timers: Mapping[str, str | None] = field(default_factory=dict)
    """Engine names; None drops one."""

    def fits(self, own: str, ref: str) -> bool:
        """Whether it is for conversations in the chart ``ref``; ``own`` is the id of the chart that it stands in."""
        id_, _, digest = ref.partition("@")
        return any((name or own) == id_ and (hash_ == "*" or digest.startswith(hash_)) for name, hash_ in self.sources)

    def state(self, id_: str) -> str:
        """Where the state is now: its own entry, or that of the nearest state around it."""
        if id_ in self.states:
            return self.states[id_]
        around = id_
        while around:
            around = around.rpartition(".")[0]
            if around and around in self.states:
                return self.states[around] + id_[len(around) :]
        return id_

    def timer(self, name: str) -> str | None:
        """What the timer is called now; None: it is dropped."""
        if name in self.timers:
            return self.timers[name]
        if not name.startswith(AFTER):
            return name
        before, _, state = name.removeprefix(AFTER).partition(":")
        return f"{AFTER}{before}:{self.state(state)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Versioning:
    """All of it, for one chart; what counts is what the live main chart says."""

    policy: Policy = "pinned"
    max_pin: int = MAX_PIN
    """ms."""
    migrations: tuple[Migration, ...] = ()
    calm: bool = False
    """``anger: off``: no person is called because a customer is angry."""


def read_versioning(
    reader: Reader, definition: Mapping[str, Any], states: Mapping[str, State], timers: frozenset[str]
) -> Versioning:
    """The keys of the root; what is wrong is reported."""
    policy = definition.get("versions", "pinned")
    if policy not in get_args(Policy):
        fix = reader.instead(str(policy), get_args(Policy), "write pinned, auto or drain")
        reader.wrong(("versions",), "bad-value", f"versions cannot be {reader.show(policy)}", fix)
        policy = "pinned"
    anger = definition.get("anger", "handoff")
    if anger not in ("handoff", "off"):
        fix = "write handoff, or off if no person is to be called for it"
        reader.wrong(("anger",), "bad-value", f"anger cannot be {reader.show(anger)}", fix)
    pin = reader.duration(definition["max_pin"], ("max_pin",)) if "max_pin" in definition else MAX_PIN
    if pin == 0:
        reader.wrong(("max_pin",), "bad-duration", "a pin of nothing holds nobody", "write versions: auto")
    entries = reader.list(definition.get("migrations"))
    several = isinstance(definition.get("migrations"), list | tuple)
    found = [
        _read(reader, entry, ("migrations", place) if several else ("migrations",), states, timers)
        for place, entry in enumerate(entries)
    ]
    return Versioning(policy=policy, max_pin=pin or MAX_PIN, migrations=tuple(found), calm=anger == "off")


def _read(
    reader: Reader, written: object, path: Path, states: Mapping[str, State], timers: frozenset[str]
) -> Migration:
    entry = reader.mapping(written, path, "a migration")
    reader.only(entry, path, KEYS, "a migration")
    context = reader.mapping(entry.get("context"), (*path, "context"), "context")
    reader.only(context, (*path, "context"), CONTEXT_KEYS, "the context of a migration")
    rename = reader.mapping(context.get("rename"), (*path, "context", "rename"), "rename")
    default = reader.mapping(context.get("default"), (*path, "context", "default"), "default")
    try:
        plain(default)
    except (TypeError, ValueError) as error:
        where = (*path, "context", "default")
        reader.wrong(where, "bad-value", f"this cannot be stored: {error}", "use text, numbers, lists and mappings")
        default = {}
    return Migration(
        sources=_sources(reader, entry.get("from", "*"), (*path, "from")),
        states=_states(reader, entry.get("states"), (*path, "states"), states),
        rename={
            old: new
            for old, one in rename.items()
            if (new := reader.text(one, (*path, "context", "rename", old), "a variable's name")) is not None
        },
        default=default,
        drop=reader.texts(context.get("drop"), (*path, "context", "drop"), "a variable's name"),
        timers=_timers(reader, entry.get("timers"), (*path, "timers"), timers),
    )


def _sources(reader: Reader, written: object, path: Path) -> tuple[tuple[str | None, str], ...]:
    found: list[tuple[str | None, str]] = []
    for word in reader.list(written):
        match = _SOURCE.fullmatch(word) if isinstance(word, str) else None
        if match is None:
            fix = 'write "*", or the hash of a chart in quotes: what wabox flows versions shows behind the @'
            reader.wrong(path, "bad-value", f"{reader.show(word)} names no version", fix)
        else:
            found.append((match[1], match[2]))
    return tuple(found)


def _states(reader: Reader, written: object, path: Path, states: Mapping[str, State]) -> dict[str, str]:
    found: dict[str, str] = {}
    for old, target in reader.mapping(written, path, "states").items():
        new = reader.text(target, (*path, old), "a state")
        if new is None:
            continue
        state = states.get(new)
        if state is None or not new:
            fix = reader.instead(new, states, "write the id of a state of this chart, such as checkout.review")
            reader.wrong((*path, old), "unknown-target", f"there is no state {new!r}", fix)
        elif state.type == "history":
            fix = "name the state itself"
            reader.wrong((*path, old), "bad-target", "a conversation cannot stand in a history state", fix)
        else:
            found[old] = new
    return found


def _timers(reader: Reader, written: object, path: Path, timers: frozenset[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for old, target in reader.mapping(written, path, "timers").items():
        name = _timer_name(old)
        new = None
        if target is not None:
            text = reader.text(target, (*path, old), "a timer")
            if text is None:
                continue
            new = _timer_name(text)
            if new not in timers and not new.startswith("raise:"):
                fix = "write soft, hard, or after:<delay>:<state> as the chart has it, or null to drop the timer"
                reader.wrong((*path, old), "unknown-timer", f"the chart arms no timer {target!r}", fix)
                continue
        found[name] = new
    return found


def _timer_name(written: str) -> str:
    """As the engine writes it: ``after:10m:x`` is ``after:600000:x``."""
    if not written.startswith(AFTER) or written.count(":") < 2:
        return written
    _, delay, state = written.split(":", 2)
    try:
        return f"{AFTER}{parse_duration(delay)}:{state}"
    except ValueError:
        return written
