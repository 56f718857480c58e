"""``wabox send`` and ``wabox templates`` against a whole wabox and the fake Cloud API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.fakes import NOW, VirtualClock
from tests.integration.meta import NUMBER, Town, agrees, town
from wabox.cli.main import app as commands
from wabox.core.contact import Contact
from wabox.core.dispatch import Dispatch
from wabox.core.message import Arrival
from wabox.demo.customer import CUSTOMERS
from wabox.flowfile.bot import load_bot
from wabox.services.sends import CannotSend, SendRequest
from wabox.whatsapp.webhook import parse

SAM = next(one for one in CUSTOMERS if one.wa_id)
HIDDEN = next(one for one in CUSTOMERS if one.wa_id is None)
REMINDER = ("visit_reminder", "-v", "1=Ana", "-v", "2=Monday")


@pytest.fixture
async def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.chdir(tmp_path)
    async with town(tmp_path) as found:
        yield found


def run(*args: str) -> Result:
    return CliRunner().invoke(commands, list(args))


async def wabox(*args: str) -> Result:
    """The command, from a thread: it has a loop of its own."""
    return await asyncio.to_thread(run, *args)


async def test_a_template_to_somebody_who_never_wrote(there: Town) -> None:
    """It leaves with its values and button, and the command says that it was sent."""
    sent = await wabox("send", f"+{SAM.wa_id}", *REMINDER, "--json")
    assert sent.exit_code == 0, sent.output
    said = json.loads(sent.stdout)
    assert said["delivery"]["status"] in ("sent", "delivered")
    (body,) = await there.cloud.until(SAM.key, 1)
    assert body["to"] == f"+{SAM.wa_id}"
    assert body["template"]["name"] == "visit_reminder"
    assert body["biz_opaque_callback_data"] == said["outbound_id"]
    await there.cloud.tap(SAM.key, "I will come")
    hello = (await there.cloud.until(SAM.key, 2))[1]
    assert hello["interactive"]["body"]["text"] == "Hello!"


async def test_a_dry_run(there: Town) -> None:
    """It says what would be sent, word for word, and nothing leaves; the text is refused, because nobody wrote."""
    shown = await wabox("send", f"+{SAM.wa_id}", *REMINDER, "--language", "es", "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "Hola Ana, tu visita es el Monday." in shown.stdout
    refused = await wabox("send", f"+{SAM.wa_id}", "--text", "Hi", "--dry-run")
    assert refused.exit_code == 1
    assert "only a template may be sent" in refused.stdout
    assert there.cloud.sent(SAM.key) == []


async def test_a_text_inside_the_window(there: Town) -> None:
    """Words leave after the customer wrote, also to one who has no phone number; not while a person has the conversation."""
    await there.cloud.say(HIDDEN.key, "Hi")
    await there.cloud.until(HIDDEN.key, 1)
    sent = await wabox("send", HIDDEN.user_id, "--text", "Your parcel is here")
    assert sent.exit_code == 0, sent.output
    assert (await there.cloud.until(HIDDEN.key, 2))[1]["recipient"] == HIDDEN.user_id
    await there.cloud.say(HIDDEN.key, "a person please")
    await there.cloud.settle()
    for _ in range(1000):
        if (await there.app.store.stats()).handoffs_waiting:
            break
        await asyncio.sleep(0.005)
    refused = await wabox("send", HIDDEN.user_id, "--text", "Your parcel is here")
    assert refused.exit_code == 1
    assert "a person has the conversation" in str(refused.exception)
    reminder = await wabox("send", HIDDEN.user_id, *REMINDER)
    assert reminder.exit_code == 0, reminder.output


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("+34600111222", "nothing"), "there is no template 'nothing'"),
        (("+34600111222", "visit_reminder", "-v", "1=Ana"), "needs a value for 2"),
        (("+34600111222", *REMINDER, "-v", "3=x"), "has no variable 3"),
        (("+34600111222", *REMINDER, "--language", "fr"), "is not in 'fr'; it is in en, es"),
        (("600111222", *REMINDER), "begin it with + and the country code"),
        (("+34600", *REMINDER), "too many or too few digits"),
        (("+34600111222",), "name a template, or give a text"),
    ],
)
async def test_what_cannot_be_right(there: Town, args: tuple[str, ...], sentence: str) -> None:
    """Each mistake is named before anything is stored."""
    refused = await wabox("send", *args)
    assert refused.exit_code == 1
    assert sentence in str(refused.exception)
    assert (await there.app.store.stats()).conversations == 0


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ((), "has not agreed to marketing"),
        (("opt_out",), "does not want marketing"),
        (("opt_in", "stop"), "asked us to stop"),
        (("opt_in",), None),
    ],
)
async def test_marketing_needs_consent(there: Town, said: tuple[str, ...], sentence: str | None) -> None:
    """Only who agreed to it and did not say STOP gets it: refused when planned, and again in the customer's own turn."""
    for what in said:
        await agrees(there.app, f"+{SAM.wa_id}", what)
    request = SendRequest(to=f"+{SAM.wa_id}", template="spring", values={"1": "Ana"})
    plan = await there.app.outward.sends.plan(request)
    assert plan.purpose == "marketing"
    if sentence is None:
        await there.app.outward.sends.send(request, "m")
        await there.cloud.until(SAM.key, 1)
        return
    with pytest.raises(CannotSend, match=sentence):
        await there.app.outward.sends.send(request, "m")
    body = {"type": plan.body["type"], "template": plan.body["template"]}
    contact = Contact(wa_id=SAM.wa_id)
    dispatch = Dispatch(
        id="late", number_id=NUMBER, contact=contact, body=body, purpose="marketing", by="broadcast:spring"
    )
    await there.app.store.put(Arrival(messages=(dispatch.message(NOW),)))
    for _ in range(1000):
        if failed := await there.app.store.deliveries(failed=True):
            break
        await asyncio.sleep(0.005)
    assert sentence in (failed[0].reason or "")
    assert failed[0].attempts == 0
    assert there.cloud.sent(SAM.key) == []


async def test_the_same_wish_again(there: Town) -> None:
    """It is said once (P2)."""
    request = SendRequest(to=f"+{SAM.wa_id}", template="visit_reminder", values={"1": "Ana", "2": "Monday"})
    first = await there.app.outward.sends.send(request, "a")
    again = await there.app.outward.sends.send(request, "a")
    await there.app.outward.sends.send(request, "b")
    assert first.outbound_id == again.outbound_id
    await there.cloud.until(SAM.key, 2)
    await there.app.store.lanes.drain(1.0)
    assert len(there.cloud.sent(SAM.key)) == 2


async def test_the_accounts_templates(there: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """All pages of them are kept; what changed since is said; a paused one is not sent, whoever told us."""
    monkeypatch.setattr("wabox.whatsapp.templates.PAGE", "1")
    first = await wabox("templates", "sync")
    assert first.exit_code == 0, first.output
    assert "WhatsApp has 3 templates" in first.stdout
    assert there.cloud.templates is not None
    there.cloud.templates["spring"]["en"]["status"] = "PAUSED"  # type: ignore[index]
    again = await wabox("templates", "sync")
    assert "spring (en): status APPROVED → PAUSED" in again.stdout
    listed = await wabox("templates", "list", "--json")
    assert [(one["name"], one["status"]) for one in map(json.loads, listed.stdout.splitlines())] == [
        ("spring", "PAUSED"),
        ("visit_reminder", "APPROVED"),
        ("visit_reminder", "APPROVED"),
    ]
    refused = await wabox("send", f"+{SAM.wa_id}", "spring", "-v", "1=Ana")
    assert "is paused at WhatsApp" in str(refused.exception)


async def test_what_differs_at_whatsapp(there: Town) -> None:
    """Other variables are an error, another category and other words a warning; it works without a server, too."""
    assert there.cloud.templates is not None
    theirs: Any = there.cloud.templates
    theirs["visit_reminder"]["en"]["body"] = "Hello {{1}}, see you."
    theirs["visit_reminder"]["es"]["body"] = "Buenas {{1}}, tu visita es el {{2}}."
    theirs["spring"]["en"]["category"] = "utility"
    await there.app.outward.templates.sync()
    shown = await wabox("templates", "check", "--json")
    assert shown.exit_code == 1
    found = {(one["template"], one["language"]): one for one in map(json.loads, shown.stdout.splitlines())}
    assert found["visit_reminder", "en"]["severity"] == "error"
    assert "has the variables {{1}} at WhatsApp and {{1}}, {{2}} here" in found["visit_reminder", "en"]["sentence"]
    assert "other words" in found["visit_reminder", "es"]["sentence"]
    assert "is utility at WhatsApp and marketing here" in found["spring", "en"]["sentence"]
    checked = await wabox("check", "--json")
    said = [one for one in map(json.loads, checked.stdout.splitlines()) if one["code"] == "template-at-whatsapp"]
    assert {one["line"] for one in said} == {3, 7, 13}
    assert {one["severity"] for one in said} == {"warning"}


async def test_they_are_asked_for_once_a_day(tmp_path: Path) -> None:
    """By itself, and not while the last answer is fresh; an account that does not answer is no trouble."""
    clock = VirtualClock()
    async with town(tmp_path, clock) as there:
        refresh, shelf = there.app.outward.templates.refresh, there.app.store.outgoing
        await refresh()
        assert len(await shelf.templates()) == 3
        theirs: Any = there.cloud.templates
        del theirs["spring"]
        await refresh()
        assert len(await shelf.templates()) == 3
        clock.now += 86_400_001
        await refresh()
        assert len(await shelf.templates()) == 2
        clock.now += 86_400_001
        there.cloud.access_token = "another"
        await refresh()
        assert len(await shelf.templates()) == 2


async def test_a_webhook_about_a_template(there: Town) -> None:
    """It changes what is known without asking again."""
    await there.app.outward.templates.sync()
    value = {
        "event": "DISABLED",
        "message_template_id": 1,
        "message_template_name": "spring",
        "message_template_language": "en",
        "reason": "LOW_QUALITY",
    }
    envelope = {"entry": [{"id": "1", "changes": [{"field": "message_template_status_update", "value": value}]}]}
    await there.app.accept(parse(json.dumps(envelope).encode(), NOW))
    (spring,) = await there.app.store.outgoing.templates("spring")
    assert (spring.status, spring.reason) == ("DISABLED", "LOW_QUALITY")


async def test_one_that_only_whatsapp_knows(there: Town) -> None:
    """It can be sent once the account was asked."""
    theirs: Any = there.cloud.templates
    theirs["late"] = {"en_US": {"header": None, "body": "Late by {{minutes}} min.", "footer": None, "buttons": []}}
    await there.app.outward.templates.sync()
    sent = await wabox("send", f"+{SAM.wa_id}", "late", "-v", "minutes=5")
    assert sent.exit_code == 0, sent.output
    (body,) = await there.cloud.until(SAM.key, 1)
    (component,) = body["template"]["components"]
    assert component["parameters"] == [{"type": "text", "parameter_name": "minutes", "text": "5"}]


async def test_a_mexican_number_in_the_other_spelling(tmp_path: Path) -> None:
    """The conversation that there is goes on: it is the same customer."""
    async with town(tmp_path, VirtualClock()) as there:
        await there.app.store.put(
            Arrival(
                messages=(
                    Dispatch(
                        id="x",
                        number_id=NUMBER,
                        contact=Contact(wa_id="5215550002222"),
                        body={"type": "text", "text": {"body": "x"}},
                        purpose="service",
                        by="send",
                    ).message(NOW),
                )
            )
        )
        plan = await there.app.outward.sends.plan(
            SendRequest(to="+525550002222", template="visit_reminder", values={"1": "Ana", "2": "Monday"})
        )
        assert plan.conversation_id == f"{NUMBER}:5215550002222"
        assert plan.body["to"] == "+5215550002222"
        assert load_bot(tmp_path / "flows" / "bot", published=True).templates
