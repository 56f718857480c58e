"""What customers really wrote, played to the bot as it is and to the bot as it would be: what would be answered differently.

Both play in the simulator, with the clock of then, and calls bring what they brought then
(:func:`~wabox.simulator.moment.results`), so nothing but the two bots can differ: not a person who answered, not a service that
was down. Once the two stand in different states they are in different conversations, and what follows says nothing: it is
counted and not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from wabox.core.contact import Contact
from wabox.errors import WaboxError
from wabox.flowfile.bot import Bot
from wabox.nlu.resolver import Resolver
from wabox.services.turn import Turn
from wabox.simulator.bubble import Bubble, bubble
from wabox.simulator.moment import Moment, results
from wabox.simulator.simulator import CUSTOMER, Simulator

EXAMPLES: Final = 3
"""Shown of each group."""

Kind = Literal["failure", "silence", "understanding", "state", "options", "words"]
KINDS: Final[tuple[Kind, ...]] = ("failure", "silence", "understanding", "state", "options", "words")
"""The worst first. ``failure``: WhatsApp or the engine would refuse it; ``silence``: one of the two says nothing;
``understanding``: taken for something else; ``state``: the conversation goes elsewhere; ``options``: other buttons or rows."""


@dataclass(frozen=True, slots=True)
class Side:
    """A bot that plays."""

    bot: Bot
    resolver: Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one of the two made of a message."""

    said: tuple[str, ...]
    options: tuple[str, ...]
    states: tuple[str, ...]
    intent: str | None = None
    trouble: str | None = None
    """Why there is no reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    conversation_id: str
    at: int
    """ms since the epoch."""
    words: str
    """The customer's."""
    kind: Kind
    states: tuple[str, ...]
    """Where both stood before it."""
    before: Reply
    after: Reply


@dataclass(slots=True)
class Group:
    """Differences of one kind, where the same was understood in the same place."""

    kind: Kind
    states: tuple[str, ...]
    intent: str | None
    """What it is taken for today."""
    becomes: str | None
    """What it would be taken for."""
    count: int = 0
    conversations: set[str] = field(default_factory=set)
    examples: list[Difference] = field(default_factory=list)


@dataclass(slots=True)
class Replay:
    """The sum of it."""

    conversations: int = 0
    messages: int = 0
    """Compared."""
    apart: int = 0
    """Not compared: the two had parted before."""
    left_out: int = 0
    """That no simulator can play: edits, what was deleted, other people's messages."""
    groups: dict[tuple[Any, ...], Group] = field(default_factory=dict)

    @property
    def differing(self) -> int:
        return sum(group.count for group in self.groups.values())

    @property
    def sorted(self) -> list[Group]:
        return sorted(self.groups.values(), key=lambda one: (-one.count, KINDS.index(one.kind), one.states))

    def add(self, found: Difference) -> None:
        key = (found.kind, found.states, found.before.intent, found.after.intent)
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(found.kind, found.states, found.before.intent, found.after.intent)
        group.count += 1
        group.conversations.add(found.conversation_id)
        if len(group.examples) < EXAMPLES:
            group.examples.append(found)


def episodes(found: Sequence[Moment], since: int) -> Iterator[list[Moment]]:
    """A transcript, conversation by conversation: each from its beginning, those in which something happened since then."""
    episode: list[Moment] = []
    for moment in found:
        episode.append(moment)
        if moment.states == []:
            if moment.at >= since:
                yield episode
            episode = []
    if episode and episode[-1].at >= since:
        yield episode


class Replayer:
    def __init__(self, current: Side, candidate: Side) -> None:
        self._current = current
        self._candidate = candidate
        self.found = Replay()

    def play(self, conversation_id: str, contact: Contact, moments: Sequence[Moment], since: int) -> None:
        """One conversation with one customer, from its beginning; what was written before ``since`` only leads there."""
        self.found.conversations += 1
        who = replace(CUSTOMER, name=contact.name or CUSTOMER.name, wa_id=contact.wa_id or CUSTOMER.wa_id)
        two = tuple(_Player(side, who, moments) for side in (self._current, self._candidate))
        parted = False
        for moment in moments:
            line = _line(moment)
            if line is None:
                self.found.left_out += moment.channel not in ("timer", "action", "delivery")
                continue
            if parted:
                self.found.apart += moment.channel == "whatsapp" and moment.at >= since
                continue
            before, after = two[0].states, two[1].states
            replies = [player.play(line, moment.at) for player in two]
            counts = moment.channel == "whatsapp" and moment.at >= since
            self.found.messages += counts
            kind = difference(*replies)
            parted = replies[0].states != replies[1].states
            if kind is not None and counts and before == after:
                self.found.add(
                    Difference(
                        conversation_id=conversation_id,
                        at=moment.at,
                        words=str(moment.body.get("text") or f"[{moment.type}]"),
                        kind=kind,
                        states=before,
                        before=replies[0],
                        after=replies[1],
                    )
                )


def difference(before: Reply, after: Reply) -> Kind | None:
    """How a customer would notice; None: they would not."""
    same = before.said == after.said and before.options == after.options and before.states == after.states
    if before.trouble != after.trouble:
        return "failure"
    if same:
        return None
    if bool(before.said) != bool(after.said):
        return "silence"
    if before.intent != after.intent:
        return "understanding"
    if before.states != after.states:
        return "state"
    return "options" if before.said == after.said else "words"


class _Player:
    def __init__(self, side: Side, contact: Contact, moments: Sequence[Moment]) -> None:
        self._templates = side.bot.templates
        self._simulator = Simulator(
            side.bot,
            clock_start_ms=moments[0].at,
            contact=contact,
            stubs=results(moments),
            resolver=side.resolver,
        )

    @property
    def states(self) -> tuple[str, ...]:
        snapshot = self._simulator.snapshot
        return snapshot.leaves if snapshot else ()

    def play(self, line: Mapping[str, Any], at: int) -> Reply:
        """What time brings until then goes with it: a reminder is no answer to the message, but its customer sees both."""
        turns: list[Turn] = []
        trouble = None
        try:
            if at > self._simulator.now:
                turns += self._simulator.turns({"wait": at - self._simulator.now})
            turns += self._simulator.turns(line)
        except WaboxError as error:
            trouble = str(error)
        out = self._simulator.output(turns)
        failures = [str(failed.error) for turn in turns for failed in turn.failures]
        said: list[Bubble] = [bubble(body, self._templates) for body in out["sent"]]
        return Reply(
            said=tuple(word for one in said for word in one.words),
            options=tuple(option for one in said for option in one.options),
            states=self.states,
            intent=out["intent"],
            trouble=trouble or "; ".join(failures) or None,
        )


def _line(moment: Moment) -> dict[str, Any] | None:
    """The simulator's input; None when there is none: timers go off and calls bring their results by themselves."""
    text = moment.body.get("text")
    match moment.channel, moment.type:
        case "agent", "closed" | "close":
            return {"close": True}
        case "agent", _:
            return {"agent": text} if isinstance(text, str) and text else None
        case "whatsapp", "text":
            return {"user": text} if isinstance(text, str) and text.strip() else None
        case "whatsapp", "edited" | "deleted" | "system":
            return None
        case "whatsapp", "button_reply" | "list_reply" if isinstance(moment.payload.get("id"), str):
            return {"tap": moment.payload["id"]}
        case "whatsapp", _ if moment.body.get("raw"):
            return {"message": moment.content}
        case _:
            return None


def compare(
    current: Side,
    candidate: Side,
    conversations: Sequence[tuple[str, Contact]],
    moments: Callable[[str], Sequence[Moment]],
    since: int,
    progress: Callable[[str, float], None],
) -> Replay:
    """All of them. ``moments`` gives a conversation's transcript, turn by turn."""
    replayer = Replayer(current, candidate)
    for number, (id_, contact) in enumerate(conversations):
        progress("playing conversations", number / len(conversations))
        for episode in episodes(moments(id_), since):
            replayer.play(id_, contact, episode, since)
    return replayer.found
