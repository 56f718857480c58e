"""A conversation test, made of a real conversation's transcript.

What the customer and people did become steps, the time between them becomes waits, what calls brought becomes stubs, and what
the bot said and where it stood become expectations. Then everything personal is replaced (:mod:`wabox.core.disguise`).

The conversation is played along in the simulator while it is written down: so a wait is as long as the timer that went off in
it needs, also when the pauses before it were left out, and values that the flow collected are known as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from wabox.core.contact import Contact
from wabox.core.disguise import PERSONAL, Disguise
from wabox.core.duration import written as written_duration
from wabox.engine.value import look_up
from wabox.errors import WaboxError
from wabox.flowfile.bot import Bot
from wabox.flowfile.vocabulary import vocabulary
from wabox.flowfile.writing import flow, scalar
from wabox.simulator.bubble import Bubble, bubble
from wabox.simulator.moment import Moment, results
from wabox.simulator.simulator import CUSTOMER, Simulator

PAUSE = 60_000
"""ms. Shorter ones are left out."""
LATE = 5_000
"""ms that a timer may be late: a message that comes within them may be handled first."""
_TAPS = ("button_reply", "list_reply")


@dataclass(slots=True)
class Step:
    """A step of the test."""

    input: str
    value: Any
    said: list[Bubble] = field(default_factory=list)
    states: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    text: str
    """The file."""
    replaced: str
    """What personal data was replaced: ``1 name, 2 phone numbers``; empty for none."""
    steps: int


def record(bot: Bot, contact: Contact, found: Sequence[Moment]) -> Recording:
    """The test of these moments, personal data replaced. WaboxError when there is nothing to be played in them."""
    recorder = _Recorder(bot, contact, found)
    steps = list(recorder.steps())
    if not any(step.input in ("user", "tap", "message") for step in steps):
        raise WaboxError("the customer did nothing in this conversation, so there is nothing to record")
    disguise = recorder.disguise
    lines = [
        "# Recorded from a real conversation. Look through it before you share it: what has no shape of its own,",
        "# such as a name in the middle of a sentence, is not found. Replaced:",
        f"# {disguise.summary() or 'nothing'}.",
        f"at: {datetime.fromtimestamp(found[0].at // 60_000 * 60, UTC).strftime('%Y-%m-%dT%H:%M')}",
        *(["stub: " + flow(disguise.value(recorder.stubs))] if recorder.stubs else []),
        "steps:",
        *(line for step in steps for line in _written(step, disguise)),
    ]
    return Recording("\n".join(lines) + "\n", disguise.summary(), len(steps))


class _Recorder:
    def __init__(self, bot: Bot, contact: Contact, found: Sequence[Moment]) -> None:
        self._bot = bot
        self._moments = found
        self.disguise = Disguise(contact, vocabulary(bot), CUSTOMER)
        self._typed: list[str] = []
        self._slots = _collected(bot)
        self._at = found[0].at if found else 0
        self._since = 0
        """ms between the moment at hand and the one before it."""
        self.stubs = results(found)
        for moment in found:
            if moment.channel in ("whatsapp", "agent", "action"):
                self.disguise.read([moment.body.get("text"), moment.content, moment.result])
            if moment.channel == "whatsapp":
                self._typed.append(str(moment.body.get("text") or ""))
        self._simulator = Simulator(
            bot,
            clock_start_ms=found[0].at if found else 0,
            contact=replace(CUSTOMER, name=contact.name or CUSTOMER.name),
            stubs=self.stubs,
        )

    def steps(self) -> Iterator[Step]:
        last: Step | None = None
        for moment in self._moments:
            self._since = moment.at - self._at
            self._at = moment.at
            if moment.channel == "action" or (moment.channel == "timer" and self._has_gone_off(moment)):
                # In a test it happens within the step before it.
                if last is not None:
                    _add(last, moment, self._seen(moment))
                continue
            for step in self._steps(moment):
                if last is not None:
                    yield last
                last = step
                self._play(step)
            if last is not None:
                _add(last, moment, self._seen(moment))
        if last is not None:
            yield last

    def _steps(self, moment: Moment) -> Iterator[Step]:
        if moment.channel == "timer":
            timer = next(timer for timer in self._simulator.due if timer.name == moment.payload.get("name"))
            ms = max(timer.due_at - self._simulator.now, self._since)
            yield Step("wait", -(-ms // 1000) * 1000)
            return
        if pause := self._pause(moment):
            yield Step("wait", pause)
        text = moment.body.get("text")
        match moment.channel, moment.type:
            case "agent", "closed" | "close":
                yield Step("close", True)
            case "agent", "reply" | "claimed" if moment.body.get("outcome", "done") == "done":
                yield Step("agent", str(text or ""))
            case "agent", _:
                return
            case _, "text" if isinstance(text, str) and text.strip():
                yield Step("user", text)
            case _, kind if kind in _TAPS and isinstance(moment.payload.get("id"), str):
                yield Step("tap", moment.payload["id"])
            case _:
                yield Step("message", moment.content)

    def _pause(self, moment: Moment) -> int:
        """How long nothing happened before it, in whole seconds."""
        now, pause, due = self._simulator.now, self._since, self._simulator.due
        if due and 0 <= now + pause - due[0].due_at < LATE:
            # The message was a little faster than the timer, which then began anew.
            pause = due[0].due_at - now - 1000
        return pause // 1000 * 1000 if pause >= PAUSE else 0

    def _has_gone_off(self, moment: Moment) -> bool:
        return all(timer.name != moment.payload.get("name") for timer in self._simulator.due)

    def _play(self, step: Step) -> None:
        try:
            self._simulator.play({step.input: step.value})
        except WaboxError:
            return  # today's flow cannot take it; the replay will say so
        snapshot = self._simulator.snapshot
        for path, kind in self._slots if snapshot else ():
            value = look_up(snapshot.context, path) if snapshot else None
            self.disguise.read({kind: value})
            if isinstance(value, str):
                self.disguise.told(kind, value)
        for value in _typed_values(snapshot.context, self._typed) if snapshot else ():
            self.disguise.read(value)

    def _seen(self, moment: Moment) -> list[Bubble]:
        return [bubble(body, self._bot.templates) for body in moment.sent if "type" in body]


def _add(step: Step, moment: Moment, said: list[Bubble]) -> None:
    step.said += said
    if moment.states is not None:
        step.states = moment.states


def _collected(bot: Bot) -> list[tuple[tuple[str, ...], str]]:
    """The paths of the slots that hold something personal, with their types."""
    return [
        (state.collect.keys, state.collect.slot.type)
        for chart in bot.charts.live.values()
        for state in chart.states.values()
        if state.collect is not None and state.collect.slot.type in PERSONAL
    ]


def _typed_values(context: Mapping[str, Any], typed: Sequence[str]) -> Iterator[dict[str, str]]:
    """Variables that hold what the customer wrote, with their names: those may say what it is."""
    for key, value in context.items():
        if isinstance(value, str) and value.strip() and any(value == text.strip() for text in typed):
            yield {key: value}
        elif isinstance(value, Mapping):
            yield from _typed_values(value, typed)


def _written(step: Step, disguise: Disguise) -> Iterator[str]:
    match step.input:
        case "wait":
            yield f"  - wait: {written_duration(step.value)}"
        case "message":
            yield f"  - message: {flow(_message(disguise.value(step.value)))}"
        case "close":
            yield "  - close: true"
        case _:
            yield f"  - {step.input}: {scalar(disguise.text(step.value))}"
    if step.input != "wait" or step.said:
        yield f"    bot: {flow([disguise.text(_gist(one)) for one in step.said])}"
    if step.states is not None:
        states: Any = step.states if len(step.states) > 1 else step.states[0] if step.states else None
        yield f"    state: {flow(states)}"


def _gist(said: Bubble) -> str:
    """The first line that has words."""
    lines = [line.strip() for part in said.words for line in part.split("\n") if line.strip()]
    return next((line for line in lines if not line.startswith("[")), lines[0] if lines else "")


def _message(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Without what leads to a person or a file: places become another, files lose their ids and hashes."""
    kind = str(raw.get("type"))
    content = raw.get(kind)
    if isinstance(content, Mapping):
        if kind == "location":
            content = {"latitude": 51.5, "longitude": -0.12}
        elif kind != "interactive":
            content = {
                key: "1" if key == "id" else value for key, value in content.items() if key not in ("sha256", "url")
            }
    elif kind == "contacts":
        content = [
            {"name": {"formatted_name": "Alex Doe", "first_name": "Alex"}, "phones": [{"phone": "+15550002222"}]}
        ]
    return {**raw, kind: content} if content is not None else dict(raw)
