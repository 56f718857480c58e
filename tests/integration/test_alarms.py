"""People are told that somebody waits: by mail, ntfy, webhook and their own WhatsApp, against real servers of this machine."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.fakes import FakeMessenger, VirtualClock
from tests.integration.test_desk import FLOW, HOUR, Desk
from tests.integration.world import BSUID, CONVERSATION
from wabox.app import build
from wabox.calls.mail import MailCalls
from wabox.core.alert import shown
from wabox.core.delivery import words
from wabox.errors import SettingsError
from wabox.flowfile.bot import load_bot
from wabox.services.accounts import NewAgent
from wabox.services.handoffs import NoCase, NotDone
from wabox.settings import SmtpSettings, load
from wabox.settings.secret import Secret

CERTIFICATE = Path(__file__).parents[1] / "data" / "tls" / "localhost.pem"
MARTA = "34600111222"


class Post:
    """A mail server that keeps what it takes; ``answers`` are said first."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.mails: list[Message] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        if self.answers:
            return self.answers.pop(0)
        self.mails.append(message_from_bytes(bytes(envelope.content or b"")))
        return "250 OK"


@asynccontextmanager
async def post_office(post: Post, **more: Any) -> AsyncIterator[int]:
    """Its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(post, hostname="post.example", **more), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Web:
    """An HTTP server that keeps what is posted to it, and answers with the next status, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.posts: list[tuple[str, dict[str, str], Any]] = []
        self.port = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:])}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.posts.append((path, headers, body))
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def website(*statuses: int) -> AsyncIterator[Web]:
    web = Web(*statuses)
    server = await asyncio.start_server(web, "127.0.0.1", 0)
    web.port = server.sockets[0].getsockname()[1]
    async with server:
        yield web


@asynccontextmanager
async def staffed(tmp_path: Path, toml: str, **env: str) -> AsyncIterator[Desk]:
    (tmp_path / "wabox.toml").write_text(toml)
    folder = tmp_path / "flows" / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flow.yaml").write_text(FLOW)
    settings = load(tmp_path, env)
    clock, messenger = VirtualClock(), FakeMessenger()
    bot = load_bot(folder, manners=settings.manners)
    app = await build(settings, bot, clock=clock, messenger=messenger)
    await app.start()
    yield Desk(app, messenger, clock)
    await app.stop()


async def ask(desk: Desk, name: str = "ana") -> None:
    """A customer wants a person."""
    who = {"from": f"52155500{sum(name.encode())}", "from_user_id": f"MX.{name}"}
    for text in ("hi", "a person please"):
        message = desk.element(**{**who, "text": {"body": text}})
        contacts = [{"profile": {"name": name.title()}, "user_id": who["from_user_id"], "wa_id": who["from"]}]
        await desk.post("messages", contacts=contacts, messages=[message])


async def test_a_mail_tells_of_the_case(tmp_path: Path) -> None:
    """It says who waits and why; then the case counts as handed over, and says so."""
    post = Post()
    async with post_office(post) as port:
        toml = f"""
[alerts]
to = ["mailto:marta@example.com"]
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
from = "Bot <bot@example.com>"
"""
        async with staffed(tmp_path, toml) as desk:
            await ask(desk)
            await desk.told()
            [mail] = post.mails
            assert (mail["To"], mail["Subject"]) == ("marta@example.com", "Ana waits: asked for a person")
            assert "wabox handoff reply h-" in str(mail.get_payload())
            (line,) = await desk.app.handoffs.lines()
            assert line.told is True
            report = await desk.app.handoffs.case(line.id)
            assert [(one.to, one.status) for one in report.alerts if one.to != "console"] == [
                ("marta@example.com", "accepted")
            ]


async def test_a_mail_server_of_today(tmp_path: Path) -> None:
    """STARTTLS with a checked certificate, and a password; a wrong one, or an unknown certificate, is not tried again."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(CERTIFICATE)
    trust = ssl.create_default_context(cafile=str(CERTIFICATE))

    def check(_: Any, __: Any, ___: Any, ____: Any, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data.password == b"right", handled=False)

    post = Post()
    more = {"tls_context": server, "require_starttls": True, "auth_required": True, "authenticator": check}
    async with post_office(post, **more) as port:

        def settings(password: str) -> SmtpSettings:
            return SmtpSettings(
                host="localhost",
                port=port,
                sender="bot@example.com",
                user="bot",
                password=Secret(password),
            )

        good = await MailCalls(settings("right"), trust=trust).send("a@example.com", "Ana\nBcc: x", "waits", "1")
        assert (good.status, len(post.mails), post.mails[0]["Subject"]) == ("accepted", 1, "Ana Bcc: x")
        wrong = await MailCalls(settings("wrong"), trust=trust).send("a@example.com", "Ana", "waits", "2")
        assert (wrong.status, wrong.again, "535" in str(wrong.reason)) == ("refused", False, True)
        strange = await MailCalls(settings("right")).send("a@example.com", "Ana", "waits", "3")
        assert (strange.status, strange.again) == ("refused", False)
        assert len(post.mails) == 1


async def test_a_mail_server_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    """Greylisting: the same mail, under the same id, a little later."""
    post = Post("451 come back later", "451 come back later")
    async with post_office(post) as port:
        toml = f"""
[alerts]
to = ["mailto:marta@example.com"]
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
from = "bot@example.com"
"""
        async with staffed(tmp_path, toml) as desk:
            await ask(desk)
            for _ in range(3):
                await desk.told()
                desk.clock.now += 60_000
            assert len(post.mails) == 1
            assert (await desk.app.handoffs.lines())[0].told is True
            assert desk.app.figures.measures.alerts == {("email", "accepted"): 1}


async def test_ntfy_and_its_token(tmp_path: Path) -> None:
    """JSON to the root of the server, with the token of the settings."""
    async with website() as web:
        toml = f'[alerts]\nto = ["ntfy:http://127.0.0.1:{web.port}/desk"]\n[calls]\nallow = ["127.0.0.1"]\n'
        async with staffed(tmp_path, toml, WABOX_NTFY_TOKEN="tk_secret") as desk:
            await ask(desk)
            await desk.told()
            [(path, headers, body)] = web.posts
            assert (path, headers["authorization"], body["topic"]) == ("/", "Bearer tk_secret", "desk")
            assert body["title"] == "Ana waits: asked for a person"


async def test_who_cannot_be_told_is_followed_by_the_next(tmp_path: Path) -> None:
    """A webhook that refuses: the case is urgent, ``escalate`` is told, and the case shows both."""
    async with website(410) as web:
        toml = f"""
[alerts]
to = ["http://127.0.0.1:{web.port}/hook"]
escalate = ["ntfy:http://127.0.0.1:{web.port}/owner"]
[calls]
allow = ["127.0.0.1"]
"""
        async with staffed(tmp_path, toml) as desk:
            await ask(desk)
            await desk.told()
            await desk.told()
            assert [body.get("topic") for _, _, body in web.posts] == [None, "owner"]
            report = await desk.app.handoffs.case(await desk.case_id())
            assert (report.case.priority, report.case.told) == (1, True)
            found = [(one.to, one.status) for one in report.alerts if one.to != "console"]
            assert found == [
                (f"webhook 127.0.0.1:{web.port}", "refused"),
                (f"ntfy 127.0.0.1:{web.port}", "accepted"),
            ]
            assert any("nobody could be told" in line.text for line in report.transcript)


async def test_when_nobody_at_all_can_be_told(tmp_path: Path) -> None:
    """It is pressed once for each stage, not for ever; it stays not handed over; the numbers say so."""
    async with website(*[410] * 20) as web:
        toml = f"""
[alerts]
to = ["http://127.0.0.1:{web.port}/hook"]
escalate = ["http://127.0.0.1:{web.port}/owner"]
[calls]
allow = ["127.0.0.1"]
"""
        async with staffed(tmp_path, toml) as desk:
            await ask(desk)
            for _ in range(6):
                await desk.told()
                desk.clock.now += 60_000
            (line,) = await desk.app.handoffs.lines()
            assert (line.priority, line.told, len(web.posts)) == (2, False, 2)
            figures = {one.name: one.value for one in await desk.app.figures.samples()}
            assert figures["handoffs_untold"] == 1


async def test_a_restart_forgets_nobody(tmp_path: Path) -> None:
    """The row is there before anybody is told: the next server tells them."""
    async with website() as web:
        toml = f'[alerts]\nto = ["http://127.0.0.1:{web.port}/hook"]\n[calls]\nallow = ["127.0.0.1"]\n'
        async with staffed(tmp_path, toml) as desk:
            desk.app.alarms.wake = lambda: None  # type: ignore[method-assign]
            await ask(desk)
        async with staffed(tmp_path, toml) as desk:
            await desk.told()
            assert len(web.posts) == 1


async def test_a_shift_begins_with_one_digest(tmp_path: Path) -> None:
    """What came at night is one message in the morning, without those that are over; the owner is told at once."""
    async with website() as web:
        toml = f"""
[alerts]
to = ["ntfy:http://127.0.0.1:{web.port}/desk"]
escalate = ["http://127.0.0.1:{web.port}/owner"]
[calls]
allow = ["127.0.0.1"]
[queues.desk]
hours = "14:00-18:00"
"""
        async with staffed(tmp_path, toml) as desk:
            for name in ("ana", "ben", "eva", "leo"):
                await ask(desk, name)
                await desk.told()
            assert [path for path, _, _ in web.posts] == ["/owner"] * 4
            last = (await desk.app.handoffs.lines())[-1]
            await desk.act("claim", case=last.id)
            desk.clock.now += 4 * HOUR
            await desk.told()
            [(_, _, body)] = web.posts[4:]
            assert body["title"] == "3 customers wait for a person"
            assert body["message"].count("asked for a person") == 3


async def test_an_open_console_counts(tmp_path: Path) -> None:
    """Whoever has it open is told, and nobody else needs to be; a viewer who may not answer does not count."""
    async with staffed(tmp_path, "") as desk:
        await ask(desk)
        await desk.told()
        assert (await desk.app.handoffs.lines())[0].told is False
        looks = desk.app.changes.listen()
        first = asyncio.ensure_future(anext(looks))
        await asyncio.sleep(0)
        await desk.told()
        assert (await desk.app.handoffs.lines())[0].told is False
        listens = desk.app.changes.listen("marta")
        second = asyncio.ensure_future(anext(listens))
        await asyncio.sleep(0)
        await desk.told()
        assert (await desk.app.handoffs.lines())[0].told is True
        for task, listener in ((first, looks), (second, listens)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await listener.aclose()
        assert desk.app.changes.there == frozenset()


WHATSAPP = f"""
[alerts]
to = ["whatsapp:+{MARTA}?agent=marta"]
template = "case_waits"
"""
TEMPLATES = """
case_waits:
  category: utility
  en: {body: "Customer {{1}} waits: {{2}} in the queue {{3}}."}
"""


class Shop(Desk):
    """A desk whose agent has a phone."""

    async def from_marta(self, text: str, quoting: str | None = None) -> list[str]:
        before = len(self.messenger.taken)
        element = self.element(**{"from": MARTA, "text": {"body": text}})
        if quoting is not None:
            element["context"] = {"id": quoting, "from": "1555"}
        await self.post("messages", messages=[element])
        await self.rest()
        return [words(sent.body) for sent in self.messenger.taken[before:]]

    @property
    def card(self) -> str:
        """What Marta was told last, its id at Meta."""
        return f"wamid.OUT-{[sent for sent in self.messenger.taken if sent.body.get('to') == f'+{MARTA}'][-1].id}"


async def test_an_agent_answers_from_their_own_whatsapp(tmp_path: Path) -> None:
    """The card leaves inside their 24 hours; quoting it answers the customer, who writes back to the phone; done closes."""
    async with staffed(tmp_path, WHATSAPP) as app:
        desk = Shop(app.app, app.messenger, app.clock)
        await desk.from_marta("hello bot")
        await ask(desk)
        await desk.told()
        assert desk.left[-1].startswith("Ana waits: asked for a person\n")
        card = desk.card
        said = await desk.from_marta("Good morning, what can I do?", quoting=card)
        assert sorted(said) == ["Good morning, what can I do?", "Sent to Ana."]
        (line,) = await desk.app.handoffs.lines()
        assert (line.agent, line.status) == ("marta", "claimed")
        await ask(desk)
        await desk.told()
        assert desk.left[-1].startswith("Ana: a person please")
        assert "Yes!" in await desk.from_marta("Yes!", quoting=desk.card)
        assert (await desk.from_marta("Done", quoting=card))[-1] == "The case of Ana is closed."
        assert await desk.app.handoffs.lines() == []
        again = await desk.from_marta("one more thing", quoting=card)
        assert again == ["Ana: this case is closed: the customer is with the bot, or has a new case"]


async def test_a_card_speaks_the_language_of_whoever_gets_it(tmp_path: Path) -> None:
    """Marta's account says Spanish: so do the card and what she is told about her answers; her word for done is understood."""
    async with staffed(tmp_path, WHATSAPP) as app:
        desk = Shop(app.app, app.messenger, app.clock)
        await desk.app.accounts.add(NewAgent(id="marta", name="Marta", language="es"))
        await desk.from_marta("hello bot")
        await ask(desk)
        await desk.told()
        first, place, _, how = desk.left[-1].split("\n")
        assert first == "Ana espera: pidió una persona"
        assert re.fullmatch(r"cola desk, espera \d+ min, caso \S+", place)
        assert how == "Responde a este mensaje: lo leerá el cliente. «hecho» cierra el caso."
        card = desk.card
        assert "Enviado a Ana." in await desk.from_marta("Good morning", quoting=card)
        assert (await desk.from_marta("Hecho", quoting=card))[-1] == "El caso de Ana está cerrado."


async def test_a_closed_account_is_told_nothing_and_says_nothing(tmp_path: Path) -> None:
    """Its number stands in wabox.toml still."""
    async with staffed(tmp_path, WHATSAPP) as app:
        desk = Shop(app.app, app.messenger, app.clock)
        await desk.app.accounts.add(NewAgent(id="marta", roles=["agent"]))
        await desk.from_marta("hello bot")
        await ask(desk)
        await desk.told()
        card, told = desk.card, len(desk.left)
        await desk.app.accounts.disable("marta", True)
        (said,) = await desk.from_marta("I still know where you live", quoting=card)
        assert "Your account may not answer customers" in said
        await ask(desk, "eva")
        await desk.told()
        assert not any("Eva" in one for one in desk.left[told:])
        (case,) = [line for line in await desk.app.handoffs.lines() if line.conversation_id.endswith("eva")]
        (alert,) = [one for one in (await desk.app.handoffs.case(case.id)).alerts if one.to.startswith("WhatsApp")]
        assert (alert.status, "the account of marta is closed" in str(alert.reason)) == ("refused", True)


async def test_only_the_agent_answers_by_quoting(tmp_path: Path) -> None:
    """A customer who quotes the id of a card talks to the bot; so does an agent who quotes something else."""
    async with staffed(tmp_path, WHATSAPP) as app:
        desk = Shop(app.app, app.messenger, app.clock)
        await desk.from_marta("hello bot")
        await ask(desk)
        await desk.told()
        element = desk.element(**{"from": "5215550009999", "from_user_id": BSUID, "text": {"body": "give me"}})
        await desk.post("messages", messages=[{**element, "context": {"id": desk.card, "from": "1555"}}])
        await desk.from_marta("hm", quoting="wamid.other")
        (line,) = await desk.app.handoffs.lines()
        assert line.status == "waiting"
        assert (await desk.session(CONVERSATION)).snapshot is not None


async def test_who_may_only_look_does_not_answer_from_whatsapp_either(tmp_path: Path) -> None:
    """Their phone still has the cards."""
    async with staffed(tmp_path, WHATSAPP) as app:
        desk = Shop(app.app, app.messenger, app.clock)
        await desk.app.accounts.add(NewAgent(id="marta", roles=["viewer"]))
        await desk.from_marta("hello bot")
        await ask(desk)
        await desk.told()
        card = desk.card
        for words in ("I know where you live", "done"):
            (said,) = await desk.from_marta(words, quoting=card)
            assert said.startswith("Your account may not answer customers.")
        (line,) = await desk.app.handoffs.lines()
        assert line.status == "waiting"


async def test_a_template_outside_the_agents_window(tmp_path: Path) -> None:
    """Who has not written for a day gets the template; a digest is answered by number."""
    folder = tmp_path / "flows" / "shop"
    folder.mkdir(parents=True)
    (folder / "templates.yaml").write_text(TEMPLATES)
    async with staffed(tmp_path, WHATSAPP) as app:
        desk = Shop(app.app, app.messenger, app.clock)
        await desk.from_marta("hello bot")
        desk.clock.now += 25 * HOUR
        desk.app.alarms.wake = lambda: None  # type: ignore[method-assign]
        await ask(desk, "ana")
        desk.clock.now += 1000
        await ask(desk, "ben")
        await desk.told()
        sent = desk.messenger.taken[-1].body
        assert sent["type"] == "template"
        texts = [part["text"] for part in sent["template"]["components"][0]["parameters"]]
        assert texts[0] == "2 customers wait for a person"
        card = desk.card
        assert "Begin with the number" in (await desk.from_marta("hello", quoting=card))[-1]
        assert "Sent to Ben." in await desk.from_marta("2 hello", quoting=card)
        assert [line.status for line in await desk.app.handoffs.lines()] == ["waiting", "claimed"]


async def test_without_a_template_the_case_goes_on(tmp_path: Path) -> None:
    """WhatsApp is closed to the agent: the reason is on record, and the case is urgent."""
    async with staffed(tmp_path, WHATSAPP.replace('template = "case_waits"', "")) as app:
        desk = Shop(app.app, app.messenger, app.clock)
        await ask(desk)
        await desk.told()
        report = await desk.app.handoffs.case(await desk.case_id())
        assert (report.case.priority, report.case.told) == (1, False)
        assert "names no template" in str([one.reason for one in report.alerts])


async def test_capacity_skills_and_queues_hold(tmp_path: Path) -> None:
    """An agent takes what they may: not another queue's, not without its skills, not more than its capacity, also at once."""
    from wabox.core.act import Act

    async with staffed(tmp_path, '[queues.desk]\ncapacity = 2\nskills = ["es"]\n') as desk:
        accounts = desk.app.accounts
        await accounts.add(NewAgent(id="marta", skills=["es"]))
        await accounts.add(NewAgent(id="sam"))
        await accounts.add(NewAgent(id="li", skills=["es"], queues=["other"]))
        for name in ("ana", "ben", "eva", "leo"):
            await ask(desk, name)
        cases = [line.id for line in await desk.app.handoffs.lines()]

        async def claim(who: str, case: str) -> str:
            agent = desk.app.entry.agent(who)
            act = Act(id=f"{who}{case}", kind="claim", case=case, agent=who, by=who)
            try:
                return str((await desk.app.handoffs.act(act, agent)).case.agent)
            except (NoCase, NotDone) as error:
                return str(error)

        assert "needs es" in await claim("sam", cases[0])
        assert "there is no case" in await claim("li", cases[0])
        took = await asyncio.gather(*(claim("marta", case) for case in cases))
        assert (took.count("marta"), sum("as many as one may have" in one for one in took)) == (2, 2)
        give = Act(id="give", kind="transfer", case=took_by(cases, took), agent="marta", by="M", more={"to": "sam"})
        with pytest.raises(NotDone, match="needs es"):
            await desk.app.handoffs.act(give, desk.app.entry.agent("marta"))
        give = replace(give, id="give li", more={"to": "li"})
        with pytest.raises(NotDone, match="does not answer the queue desk"):
            await desk.app.handoffs.act(give, desk.app.entry.agent("marta"))
        pulled = Act(id="pull", kind="claim", case="", agent="li", by="Li")
        assert await desk.app.handoffs.next(pulled, desk.app.entry.agent("li")) is None
        await accounts.add(NewAgent(id="kim", skills=["es"]))
        pulled = Act(id="pull2", kind="claim", case="", agent="kim", by="Kim")
        found = await desk.app.handoffs.next(pulled, desk.app.entry.agent("kim"))
        assert found is not None
        assert found.case.agent == "kim"


def took_by(cases: list[str], took: list[str]) -> str:
    return cases[took.index("marta")]


def test_addresses_are_checked(tmp_path: Path) -> None:
    """At the start, with what to write; secrets in them are not shown."""
    for wrong in ("marta@example.com", "mailto:marta", "ntfy:ntfy.sh", "whatsapp:600", "https://"):
        (tmp_path / "wabox.toml").write_text(f'[alerts]\nto = ["{wrong}"]\n')
        with pytest.raises(SettingsError, match="no address"):
            load(tmp_path, {})
    (tmp_path / "wabox.toml").write_text('[queues.desk]\nalerts = ["mailto:a@b.c"]\n')
    with pytest.raises(SettingsError, match="needs a mail server"):
        load(tmp_path, {})
    assert shown("https://user:pw@hooks.example/s3cret") == "webhook hooks.example"
    assert shown("ntfy:https://ntfy.sh/s3cret") == "ntfy ntfy.sh"
