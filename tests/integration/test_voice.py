"""Voice messages, heard by a real HTTP service that is good, slow, wrong, huge or dead."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW, FakeMessenger, VirtualClock
from tests.integration.world import BSUID, CONVERSATION, PHONE, World
from tests.loopback import Answer, FileServer, parts, served
from wabox.app import build
from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.delivery import words
from wabox.core.message import InboundMessage
from wabox.flowfile.bot import load_bot
from wabox.settings import Secret, Settings, SpeechSettings, WhatsAppSettings

ANA = {"from": PHONE, "from_user_id": BSUID}
VOICE = b"OggS\0\x02" + b"voice" * 100
KEY = "speech-key"
FLOW = """
initial: menu
timeouts: {soft: 30m, hard: 24h}
on: {human: people}
states:
  people: {type: final, say: "A person will write.", handoff: {reason: asked}}
  menu:
    ask: {text: "Bread or cake?", buttons: {bread: Bread, cake: Cake, keep: Keep}}
    on: {bread: baked, cake: baked, keep: kept}
  baked: {type: final, say: "Baked."}
  kept: {ask: "Say something.", collect: {slot: memo, type: media, kinds: [voice]}, on: {collected: done, invalid: people}}
  done: {type: final, say: "Kept {memo.type}."}
"""


@dataclass
class Speech:
    """A transcription service. Its answers are given one after the other, then the last one again."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raw, more = b"", True
        while more:
            part = await receive()
            raw, more = raw + part.get("body", b""), part.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append({"path": scope["path"], **parts(headers["content-type"], raw)})
        self.keys.append(headers.get("authorization"))
        await self.gate.wait()
        status, _, body = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-length", str(len(body)).encode())]}
        )
        await send({"type": "http.response.body", "body": body})


def said(text: str, sure: float | None = 0.9) -> Answer:
    segments = (
        [] if sure is None else [{"start": 0.0, "end": 2.0, "avg_logprob": math.log(sure), "no_speech_prob": 0.01}]
    )
    return 200, {}, json.dumps({"text": text, "language": "english", "segments": segments}).encode()


class Voices(World):
    speech: Speech
    meta: FileServer

    async def speak(self) -> list[str]:
        """What the bot says to a voice message."""
        before = len(self.messenger.taken)
        voice = self.meta.put("300001", VOICE)
        await self.hear(type="audio", audio={"voice": True, "mime_type": "audio/ogg; codecs=opus", **voice})
        return [words(sent.body) for sent in self.messenger.taken[before:]]


@contextlib.asynccontextmanager
async def running(tmp_path: Path, meta: FileServer, speech: SpeechSettings | None) -> AsyncIterator[Voices]:
    folder = tmp_path / "flows" / "bot"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    secret = Secret(meta.token)
    settings = Settings(
        root=tmp_path,
        data=tmp_path / "data",
        speech=speech,
        whatsapp=WhatsAppSettings(
            app_secrets=(secret,), verify_token=secret, access_token=secret, api_url=f"{meta.url}/v26.0"
        ),
    )
    clock, messenger = VirtualClock(NOW), FakeMessenger()
    app = await build(settings, load_bot(folder), clock=clock, messenger=messenger)
    await app.start()
    world = Voices(app, messenger, clock)
    world.meta = meta
    try:
        yield world
    finally:
        await app.stop()


@pytest.fixture
async def meta() -> AsyncIterator[FileServer]:
    server = FileServer()
    async with served(server) as url:
        server.url = url
        yield server


@pytest.fixture
async def service() -> AsyncIterator[tuple[Speech, SpeechSettings]]:
    speech = Speech()
    async with served(speech) as url:
        yield speech, SpeechSettings(url=f"{url}/v1", model="whisper-large", key=Secret(KEY))


@pytest.fixture
async def world(tmp_path: Path, meta: FileServer, service: tuple[Speech, SpeechSettings]) -> AsyncIterator[Voices]:
    speech, settings = service
    async with running(tmp_path, meta, settings) as found:
        found.speech = speech
        await found.write("hi")
        yield found


async def test_a_voice_message_is_read_like_a_typed_one(world: Voices) -> None:
    """The recording goes to the service with its type, the model, the key and the language; the flow gets the words."""
    world.speech.answers = [said("Bread, please.")]
    assert await world.speak() == ["Baked."]
    (asked,) = world.speech.asked
    assert asked == {
        "path": "/v1/audio/transcriptions",
        "model": "whisper-large",
        "language": "en",
        "temperature": "0",
        "response_format": "verbose_json",
        "file": ("voice.ogg", "audio/ogg", VOICE),
    }
    assert world.speech.keys == [f"Bearer {KEY}"]
    received = [line.body for line in await world.app.store.transcript(CONVERSATION) if line.kind == "in"][-1]
    assert (received["type"], received["text"]) == ("text", "Bread, please.")
    assert received["payload"]["heard"] == {"text": "Bread, please.", "confidence": 0.9, "sure": True}
    assert received["payload"]["voice"]["file"]


async def test_what_is_hardly_understood_is_asked_again(world: Voices) -> None:
    """The customer reads what was heard, and the question once more; nothing is baked on a guess."""
    world.speech.answers = [said("dread peas", 0.2)]
    assert await world.speak() == [
        "I heard “dread peas”, but I am not sure. Please say it again, or write it.\n\nBread or cake?"
    ]


async def test_a_state_that_wants_the_recording_gets_it(world: Voices) -> None:
    """Its words are beside it."""
    await world.hear(
        type="interactive", interactive={"type": "button_reply", "button_reply": {"id": "keep", "title": "Keep"}}
    )
    world.speech.answers = [said("Remember the milk")]
    assert await world.speak() == ["Kept voice."]


@pytest.mark.parametrize(
    "answers",
    [
        [(500, {}, b"boom")],
        [(401, {}, b"bad key speech-key")],
        [(302, {"location": "http://127.0.0.1:1/"}, b"")],
        [(200, {}, b"<html>")],
        [(200, {}, b'{"text": 7}')],
        [(200, {}, b"[" * 100_000)],
        [(200, {}, b'{"text": "' + b"x" * 2_000_000 + b'"}')],
        [said("")],
        [
            (
                200,
                {},
                json.dumps(
                    {"text": "Thanks for watching", "segments": [{"avg_logprob": -2, "no_speech_prob": 0.9}]}
                ).encode(),
            )
        ],
    ],
    ids=["broken", "refused", "redirect", "html", "no_text", "deep", "huge", "silence", "made_up"],
)
async def test_a_service_that_cannot_hear_is_no_silence(
    world: Voices, answers: list[Answer], capsys: pytest.CaptureFixture[str]
) -> None:
    """The bot says that it cannot listen; the key is in no log."""
    world.speech.answers = answers
    assert await world.speak() == ["I can't listen to voice messages. Please write what you need.\n\nBread or cake?"]
    assert KEY not in capsys.readouterr().out
    assert await world.write("bread") == ["Baked."]


async def test_a_service_that_takes_too_long_is_not_waited_for(
    tmp_path: Path, meta: FileServer, service: tuple[Speech, SpeechSettings]
) -> None:
    """The deadline is for all of it; other conversations never waited."""
    speech, settings = service
    async with running(tmp_path, meta, changed(settings, timeout=100)) as world:
        await world.write("hi")
        speech.gate.clear()
        assert (await world.speak())[0].startswith("I can't listen")
        speech.gate.set()


async def test_other_conversations_do_not_wait(world: Voices) -> None:
    """While one customer's recording is being written down, another customer is answered."""
    world.speech.answers = [said("Bread")]
    world.speech.gate.clear()
    voice = world.meta.put("300001", VOICE)
    element = world.element(type="audio", audio={"voice": True, "mime_type": "audio/ogg", **voice}, **ANA)
    await world.send("messages", messages=[element])
    other = world.element(**{"from": "34600000000", "from_user_id": "ES.2"})
    answered = len(world.messenger.taken)
    await world.send("messages", messages=[other])
    for _ in range(3000):
        if len(world.messenger.taken) > answered:
            break
        await asyncio.sleep(0.001)
    assert [sent.conversation_id for sent in world.messenger.taken[answered:]] == ["200:ES.2"]
    world.speech.gate.set()
    await world.rest()
    assert words(world.messenger.taken[-1].body) == "Baked."


async def test_a_recording_that_does_not_come_is_not_waited_for(
    tmp_path: Path, meta: FileServer, service: tuple[Speech, SpeechSettings]
) -> None:
    """Meta does not have it: nobody is asked, and the bot says that it cannot listen."""
    speech, settings = service
    async with running(tmp_path, meta, settings) as world:
        await world.write("hi")
        before = len(world.messenger.taken)
        await world.hear(type="audio", audio={"voice": True, "id": "300404", "mime_type": "audio/ogg"})
        assert words(world.messenger.taken[before].body).startswith("I can't listen")
        assert speech.asked == []


async def test_a_dead_service_is_left_alone_for_a_while(tmp_path: Path, meta: FileServer) -> None:
    """After three failures nobody waits for it; a minute later it is asked again."""
    speech = Speech(answers=[(503, {}, b"")])
    async with served(speech) as url, running(tmp_path, meta, SpeechSettings(url=url)) as world:
        await world.write("hi")
        for _ in range(5):
            assert (await world.speak())[0].startswith("I can't listen")
        assert len(speech.asked) == 6, "two tries each, three times"
        assert speech.asked[0]["path"] == "/audio/transcriptions"
        assert speech.keys[0] is None
        world.clock.now += 60_000
        speech.answers = [said("Cake", None)]
        assert await world.speak() == ["Baked."]


async def test_a_service_without_segments_is_asked_for_log_probabilities(world: Voices) -> None:
    """It refuses verbose_json once; from then on it is asked for what it knows."""
    tokens = json.dumps({"text": "Bread", "logprobs": [{"token": "Bread", "logprob": math.log(0.2)}]}).encode()
    world.speech.answers = [(400, {}, b'{"error": "response_format"}'), (200, {}, tokens)]
    assert (await world.speak())[0].startswith("I heard “Bread”")
    assert [asked["response_format"] for asked in world.speech.asked] == ["verbose_json", "json"]
    await world.speak()
    assert world.speech.asked[-1]["response_format"] == "json"


async def test_what_was_heard_is_not_asked_twice(world: Voices) -> None:
    """A turn that is handled again, after a crash say, finds the words with the recording."""
    world.speech.answers = [said("Bread")]
    await world.speak()
    transcript = await world.app.store.media.heard("wamid.2")
    assert transcript is not None
    assert (transcript.text, transcript.confidence) == ("Bread", 0.9)
    hearing = world.app._messages._hearing
    assert hearing is not None
    message = changed(_voice(), message_id="wamid.2")
    assert (await hearing.heard(message, world.app.bot, None)).text == "Bread"
    assert len(world.speech.asked) == 1


async def test_without_a_service_the_bot_says_that_it_cannot_listen(tmp_path: Path, meta: FileServer) -> None:
    """Off by default."""
    async with running(tmp_path, meta, None) as world:
        await world.write("hi")
        assert (await world.speak())[0].startswith("I can't listen")


def _voice() -> Any:
    return InboundMessage(
        message_id="wamid.1",
        number_id="200",
        conversation_id=CONVERSATION,
        timestamp=NOW,
        type="voice",
        contact=Contact(wa_id="1"),
    )
