"""Every kind of message from the flow to WhatsApp: rendered, taken by the other side of the wire, shown in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.flowfile.folders import check, write
from wabox.cli.bubble import bubble
from wabox.core.contact import Contact
from wabox.core.limits import breaches
from wabox.core.markup import THIN
from wabox.demo.body import check as refuse
from wabox.demo.refusal import Refused
from wabox.flowfile.bot import Bot, check_bot, load_bot
from wabox.whatsapp.payload import request_body

FLOW = """\
initial: menu
context: {{order: A 1, place: {{lat: 40.5}}}}
timeouts: {{hard: 23h}}
on: {{human: people}}
states:
  menu: {{ask: {say}, on: {{human: people, confirm: people, message.*: people}}}}
  people: {{handoff: support, say: One moment., on: {{handoff.closed: menu}}}}
"""
TEMPLATES = """\
reminder:
  category: utility
  en:
    header: Order {{1}}
    body: Hi {{1}}, see you on {{2}}.
    footer: Luna
    buttons: {confirm: I will come, page: {title: Open, url: "https://e.com/{{1}}"}, call: {title: Call, phone: "+3491"}}
    examples: {1: Ana, 2: Monday}
  es_MX:
    body: Hola {{1}}, hasta el {{2}}.
    examples: {1: Ana, 2: lunes}
named:
  category: marketing
  en: {header: {image: "https://e.com/a.png"}, body: "Dear {{name}}!", examples: {name: Ana}}
"""
KINDS: dict[str, tuple[str, dict[str, Any], str]] = {
    "video": (
        "{video: 'https://e.com/v.mp4', text: Look}",
        {"type": "video", "video": {"link": "https://e.com/v.mp4", "caption": "Look"}},
        "[video: https://e.com/v.mp4]",
    ),
    "video_by_id": ("{video: '300001'}", {"type": "video", "video": {"id": "300001"}}, "[video: 300001]"),
    "voice": (
        "{audio: {link: 'https://e.com/a.ogg', voice: true}}",
        {"type": "audio", "audio": {"link": "https://e.com/a.ogg", "voice": True}},
        "[voice message: https://e.com/a.ogg]",
    ),
    "document": (
        "{document: {link: 'https://e.com/f.pdf', filename: 'order {order}.pdf'}, text: Bill}",
        {"type": "document", "document": {"link": "https://e.com/f.pdf", "filename": "order A 1.pdf", "caption": "Bill"}},
        "order A 1.pdf",
    ),
    "sticker": (
        "{sticker: 'https://e.com/s.webp'}",
        {"type": "sticker", "sticker": {"link": "https://e.com/s.webp"}},
        "[sticker: https://e.com/s.webp]",
    ),
    "location": (
        "{location: {latitude: '{place.lat}', longitude: -3, name: Luna, address: Calle 1}}",
        {"type": "location", "location": {"latitude": 40.5, "longitude": -3.0, "name": "Luna", "address": "Calle 1"}},
        "Calle 1",
    ),
    "contacts": (
        "{contacts: {name: Luna, phone: '+34 910', email: a@e.com, company: Luna & Sol, url: 'https://e.com'}}",
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "Luna", "first_name": "Luna"},
                    "phones": [{"phone": "+34 910", "type": "WORK"}],
                    "emails": [{"email": "a@e.com", "type": "WORK"}],
                    "org": {"company": "Luna & Sol"},
                    "urls": [{"url": "https://e.com", "type": "WORK"}],
                }
            ],
        },
        "+34 910",
    ),
    "cta_url": (
        "{text: Pay here, header: H, footer: F, cta_url: {title: Pay, url: 'https://e.com/p'}}",
        {
            "type": "interactive",
            "interactive": {
                "type": "cta_url",
                "header": {"type": "text", "text": "H"},
                "body": {"text": "Pay here"},
                "footer": {"text": "F"},
                "action": {"name": "cta_url", "parameters": {"display_text": "Pay", "url": "https://e.com/p"}},
            },
        },
        "[Pay → https://e.com/p]",
    ),
    "location_request": (
        "{text: Where?, location_request: true}",
        {
            "type": "interactive",
            "interactive": {
                "type": "location_request_message",
                "body": {"text": "Where?"},
                "action": {"name": "send_location"},
            },
        },
        "share your location",
    ),
    "form": (
        "{text: Your data, form: {id: 700001, button: Open, screen: START, data: {who: '{order}', n: [1]}, token: t-1}}",
        {
            "type": "interactive",
            "interactive": {
                "type": "flow",
                "body": {"text": "Your data"},
                "action": {
                    "name": "flow",
                    "parameters": {
                        "flow_message_version": "3",
                        "flow_id": "700001",
                        "flow_cta": "Open",
                        "flow_token": "t-1",
                        "mode": "published",
                        "flow_action": "navigate",
                        "flow_action_payload": {"screen": "START", "data": {"who": "A 1", "n": [1]}},
                    },
                },
            },
        },
        "[form 700001: Open]",
    ),
    "product": (
        "{product: {catalog: 900, id: SKU-1}}",
        {
            "type": "interactive",
            "interactive": {"type": "product", "action": {"catalog_id": "900", "product_retailer_id": "SKU-1"}},
        },
        "[product SKU-1]",
    ),
    "products": (
        "{header: Menu, text: Choose, product: {catalog: 900, sections: [{title: Food, ids: [A, B]}]}}",
        {
            "type": "interactive",
            "interactive": {
                "type": "product_list",
                "header": {"type": "text", "text": "Menu"},
                "body": {"text": "Choose"},
                "action": {
                    "catalog_id": "900",
                    "sections": [
                        {
                            "title": "Food",
                            "product_items": [{"product_retailer_id": "A"}, {"product_retailer_id": "B"}],
                        }
                    ],
                },
            },
        },
        "A, B",
    ),
    "catalog": (
        "{text: All of it, catalog: {thumbnail: SKU-1}}",
        {
            "type": "interactive",
            "interactive": {
                "type": "catalog_message",
                "body": {"text": "All of it"},
                "action": {"name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": "SKU-1"}},
            },
        },
        "the catalogue",
    ),
    "contact_request": (
        "{text: Your number?, contact_request: true}",
        {
            "type": "interactive",
            "interactive": {
                "type": "request_contact_info",
                "body": {"text": "Your number?"},
                "action": {"name": "request_contact_info"},
            },
        },
        "share your phone number",
    ),
    "address_request": (
        "{text: Where to?, address_request: IN}",
        {
            "type": "interactive",
            "interactive": {
                "type": "address_message",
                "body": {"text": "Where to?"},
                "action": {"name": "address_message", "parameters": {"country": "IN"}},
            },
        },
        "your address",
    ),
    "call": (
        "{text: Call us, call: {title: Call, minutes: 60}}",
        {
            "type": "interactive",
            "interactive": {
                "type": "voice_call",
                "body": {"text": "Call us"},
                "action": {"name": "voice_call", "parameters": {"display_text": "Call", "ttl_minutes": 60}},
            },
        },
        "[Call: calls us]",
    ),
    "call_request": (
        "{text: May we?, call_request: true}",
        {
            "type": "interactive",
            "interactive": {
                "type": "call_permission_request",
                "body": {"text": "May we?"},
                "action": {"name": "call_permission_request"},
            },
        },
        "may we call you",
    ),
    "carousel": (
        "{text: Look, carousel: [{image: 'https://e.com/{order}.png', text: '*One*', title: Buy, url: 'https://e.com/1'},"
        " {image: 'https://e.com/2.png', title: Buy, url: 'https://e.com/2'}]}".replace("{order}", "1"),
        {
            "type": "interactive",
            "interactive": {
                "type": "carousel",
                "body": {"text": "Look"},
                "action": {
                    "cards": [
                        {
                            "card_index": 0,
                            "type": "cta_url",
                            "header": {"type": "image", "image": {"link": "https://e.com/1.png"}},
                            "body": {"text": "*One*"},
                            "action": {"name": "cta_url", "parameters": {"display_text": "Buy", "url": "https://e.com/1"}},
                        },
                        {
                            "card_index": 1,
                            "type": "cta_url",
                            "header": {"type": "image", "image": {"link": "https://e.com/2.png"}},
                            "action": {"name": "cta_url", "parameters": {"display_text": "Buy", "url": "https://e.com/2"}},
                        },
                    ]
                },
            },
        },
        "[Buy → https://e.com/2]",
    ),
    "quote": (
        "{text: 'See https://e.com', quote: true, preview: true}",
        {
            "type": "text",
            "text": {"body": "See https://e.com", "preview_url": True},
            "context": {"message_id": "wamid.IN1"},
        },
        "See",
    ),
    "no_reaction": (
        "{react: false}",
        {"type": "reaction", "reaction": {"message_id": "wamid.IN1", "emoji": ""}},
        "takes the reaction away",
    ),
    "react": (
        "{react: 👍}",
        {"type": "reaction", "reaction": {"message_id": "wamid.IN1", "emoji": "👍"}},
        "👍",
    ),
    "template": (
        "{template: {name: reminder, header: '{order}', values: {1: Ana, 2: Monday}, buttons: {page: x/1}}}",
        {
            "type": "template",
            "template": {
                "name": "reminder",
                "language": {"code": "en"},
                "components": [
                    {"type": "header", "parameters": [{"type": "text", "text": "A 1"}]},
                    {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "Monday"}]},
                    {
                        "type": "button",
                        "sub_type": "quick_reply",
                        "index": "0",
                        "parameters": [{"type": "payload", "payload": "confirm"}],
                    },
                    {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "x/1"}]},
                ],
            },
        },
        "Hi Ana, see you on Monday.",
    ),
    "template_in_spanish": (
        "{template: {name: reminder, language: es, values: {1: Ana, 2: lunes}}}",
        {
            "type": "template",
            "template": {
                "name": "reminder",
                "language": {"code": "es_MX"},
                "components": [
                    {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "lunes"}]}
                ],
            },
        },
        "hasta el lunes",
    ),
    "template_with_names": (
        "{template: {name: named, values: {name: Ana}}}",
        {
            "type": "template",
            "template": {
                "name": "named",
                "language": {"code": "en"},
                "components": [
                    {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://e.com/a.png"}}]},
                    {"type": "body", "parameters": [{"type": "text", "parameter_name": "name", "text": "Ana"}]},
                ],
            },
        },
        "Dear Ana!",
    ),
}  # fmt: skip


TWO_CARDS = (
    "{text: W, carousel: [{image: 'https://e.com', title: T, url: 'https://e.com'},"
    " {video: 'https://e.com', text: " + "t" * 161 + ", title: T, url: e.com}]}"
)


def bot_that_says(folder: Path, say: str) -> Bot:
    return load_bot(write(folder, {"flow.yaml": FLOW.format(say=say), "templates.yaml": TEMPLATES}))


def body_of(bot: Bot) -> dict[str, Any]:
    """The request for the menu's message, without what every request has."""
    menu = bot.charts[bot.main].states["menu"]
    content = bot.render(menu.ask[0], bot.charts[bot.main].context, "en")
    assert breaches(content) == ()
    return request_body(content, Contact(wa_id="15550002222"), "wamid.IN1")


def approved(bot: Bot) -> dict[str, dict[str, Any]]:
    return {one.name: {code: text.to_json() for code, text in one.languages.items()} for one in bot.templates.values()}


@pytest.mark.parametrize("name", KINDS)
def test_kind(tmp_path: Path, name: str) -> None:
    """Each kind has Meta's shape, is taken by the other side, and can be read in the terminal."""
    say, wanted, words = KINDS[name]
    bot = bot_that_says(tmp_path, say)
    body = body_of(bot)
    assert {key: body[key] for key in wanted} == wanted
    assert refuse(body, approved(bot)) == body
    assert words in bubble(body, bot.templates)


@pytest.mark.parametrize(
    ("say", "words"),
    [
        ("{audio: 'https://e.com', text: Words}", "the audio has no place for a text"),
        ("{sticker: 'https://e.com', text: W, buttons: {human: H}}", "the sticker has no place for buttons"),
        ("{video: film.mp4}", "the video names no file of the bot's folder"),
        ("{document: {link: 'https://e.com', filename: " + "f" * 241 + "}}", "the name of the file has 241"),
        ("{location: {latitude: 91, longitude: 1}}", "the latitude cannot be"),
        ("{location: {latitude: 9, longitude: x}, text: There}", "the location has no place for a text"),
        ("{text: Pay, cta_url: {title: Pay for it all right now, url: 'https://e.com'}}", "has 24 characters"),
        ("{text: Pay, cta_url: {title: Pay, url: e.com}}", "the link is no address"),
        ("{cta_url: {title: Pay, url: 'https://e.com'}}", "has a cta_url but no text"),
        ("{text: W, header: H, location_request: true}", "the header is not shown"),
        ("{text: W, footer: F, location_request: true}", "the footer is not shown"),
        ("{text: W, form: {id: 1, button: Open the form right now}}", "the button of the form has 23"),
        ("{text: W, product: {catalog: 1, ids: [A]}}", "several products and no header"),
        ("{text: W, header: H, product: {catalog: 1, ids: [" + ",".join(map(str, range(31))) + "]}}", "31 products"),
        ("{text: W, header: H, product: {catalog: 1, sections: [{ids: [A]}, {title: B, ids: [C]}]}}", "has no title"),
        ("{header: H, product: {catalog: 1, id: A}}", "the header is not shown"),
        ("{catalog: true}", "has a catalog but no text"),
        ("{image: 'https://e.com', header: H, text: W, cta_url: {title: P, url: 'https://e.com'}}", "two headers"),
        ("{text: W, header: H, contact_request: true}", "the header is not shown"),
        ("{text: W, footer: F, call_request: true}", "the footer is not shown"),
        ("{contact_request: true}", "has a contact_request but no text"),
        ("{text: W, call: Call us right now please}", "the title of the call button has 24"),
        ("{text: W, call: {title: Call, minutes: 43201}}", "the call button lasts too long"),
        ("{text: W, address_request: ES}", "where WhatsApp has none"),
        ("{text: W, carousel: [{image: 'https://e.com', title: T, url: 'https://e.com'}]}", "has 1 cards"),
        (TWO_CARDS, "the carousel has images and videos"),
        (TWO_CARDS, "the text of card 2 has 161 characters"),
        (TWO_CARDS, "the link of card 2 is no address"),
        ("{react: 👍, text: Thanks}", "the reaction has no place for a text"),
    ],
)
def test_what_whatsapp_would_refuse(tmp_path: Path, say: str, words: str) -> None:
    """Each limit of each kind is a finding in the flow, at the message."""
    found = check_bot(write(tmp_path, {"flow.yaml": FLOW.format(say=say)}))
    assert words in " ".join(one.sentence for one in found if one.code == "whatsapp-limit")
    assert all(Path(one.file).name == "flow.yaml" and one.line == 6 and one.column > 8 for one in found)


@pytest.mark.parametrize(
    ("say", "code"),
    [
        ("{text: W, location_request: true, buttons: {human: H}}", "two-messages"),
        ("{video: 'https://e.com', image: 'https://e.com'}", "two-messages"),
        ("{react: 👍, location: {latitude: 1, longitude: 1}}", "two-messages"),
        ("{image: 'https://e.com', location: {latitude: 1, longitude: 1}}", "two-messages"),
        ("{vidoe: 'https://e.com', text: W}", "unknown-key"),
        ("{location: {latitude: 1}}", "missing-key"),
        ("{text: W, carousel: [{title: T, url: 'https://e.com'}]}", "missing-key"),
        ("{text: W, call: {title: T, minutes: soon}}", "bad-value"),
        ("{template: reminde}", "unknown-template"),
    ],
)
def test_wrong_kinds(tmp_path: Path, say: str, code: str) -> None:
    """What is no message is told with the place."""
    folder = write(tmp_path, {"flow.yaml": FLOW.format(say=say), "templates.yaml": TEMPLATES})
    assert code in " ".join(check(folder))


def test_what_a_placeholder_broke(tmp_path: Path) -> None:
    """A place without degrees, a file without an address and line breaks in a template still reach the customer."""

    def sent(say: str, **context: Any) -> dict[str, Any]:
        bot = bot_that_says(tmp_path, say)
        content = bot.render(bot.charts[bot.main].states["menu"].ask[0], context, "en")
        assert breaches(content) == ()
        return request_body(content, Contact(wa_id="1"), "wamid.IN1")

    assert sent("{location: {latitude: '{a}', longitude: '{b}', name: Luna}}")["text"]["body"] == "Luna"
    assert sent("{document: '{url}', text: Bill}")["text"]["body"] == "Bill"
    assert sent("{video: '{url}'}")["text"]["body"] == "…"
    lines = sent(
        "{template: {name: reminder, header: x, values: {1: '{n}', 2: '{n}'}, buttons: {page: x}}}", n="a\n  b"
    )
    assert lines["template"]["components"][1]["parameters"][0]["text"] == "a b"
    long = sent(
        "{template: {name: reminder, header: x, values: {1: '{n}', 2: b}, buttons: {page: x}}}", n="word " * 500
    )
    assert refuse(long, approved(bot_that_says(tmp_path, "{template: {name: named, values: {name: x}}}"))) == long


def interactive(type_: str, action: Any, body: str = "x", **more: Any) -> dict[str, Any]:
    part = {"type": type_, "body": {"text": body}, "action": action, **more}
    return {"type": "interactive", "interactive": part}


def flow(cta: str = "B", **more: Any) -> dict[str, Any]:
    parameters = {"flow_message_version": "3", "flow_id": "1", "flow_cta": cta, **more}
    return interactive("flow", {"name": "flow", "parameters": parameters})


def template(code: str, *values: str) -> dict[str, Any]:
    parameters = [{"type": "text", "text": value} for value in values]
    components = [{"type": "body", "parameters": parameters}] if values else []
    part = {"name": "reminder", "language": {"code": code}, "components": components}
    return {"type": "template", "template": part}


SEND = {"name": "send_location"}
ONE = {"catalog_id": "1", "product_retailer_id": "A"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "sticker", "sticker": {"link": "https://e.com", "caption": "x"}}, 100),
        ({"type": "location", "location": {"latitude": 200, "longitude": 1}}, 131009),
        ({"type": "location", "location": {"latitude": "here", "longitude": 1}}, 100),
        ({"type": "contacts", "contacts": [{"name": {"formatted_name": "A"}}]}, 131009),
        ({"type": "contacts", "contacts": [{"name": {"first_name": "A"}}]}, 131008),
        ({"type": "reaction", "reaction": {"message_id": "", "emoji": "x"}}, 100),
        ({"type": "reaction", "reaction": {"message_id": "m"}}, 131008),
        (flow("a long button of a form"), 131009),
        (flow(flow_action_payload={"screen": "S", "data": {}}), 100),
        (interactive("location_request_message", SEND, footer={"text": "x"}), 131009),
        (interactive("location_request_message", {"name": "location"}), 100),
        (interactive("product_list", {"catalog_id": "1", "sections": []}), 131008),
        (interactive("catalog_message", {"name": "catalog_message"}, body=""), 131009),
        (interactive("product", ONE, header={"type": "text", "text": "H"}), 131009),
        (template("fr"), 132001),
        (template("es_MX"), 132000),
        (template("es_MX", "a\nb", "b"), 132012),
        (template("es_MX", "a" * 1000, "b" * 100), 132005),
    ],
)
def test_what_the_other_side_refuses(tmp_path: Path, body: dict[str, Any], code: int) -> None:
    """The fake Cloud API has Meta's rules for each kind, with Meta's codes."""
    bot = bot_that_says(tmp_path, "{template: {name: named, values: {name: x}}}")
    with pytest.raises(Refused) as refused:
        refuse({"messaging_product": "whatsapp", "to": "+1", **body}, approved(bot))
    assert refused.value.code == code


def test_options_that_nothing_fills_are_left_out(tmp_path: Path) -> None:
    """A list shows as many rows as were found; without any it is a plain text, and what is not there cannot be chosen."""
    (tmp_path / "flow.yaml").write_text(
        "initial: a\n"
        "timeouts: {hard: 1h}\n"
        "on: {human: people}\n"
        "context: {times: [nine, ten]}\n"
        "states:\n"
        "  a:\n"
        "    ask:\n"
        "      text: When?\n"
        "      list:\n"
        "        button: Times\n"
        "        rows: {t.0: '{times.0}', t.1: {title: '{times.1}', description: '{notes.1}'}, t.2: '{times.2}'}\n"
        "    on: {t.*: b}\n"
        "  b: {type: final}\n"
        "  people: {handoff: true, say: A person will answer., on: {handoff.closed: a}}\n"
    )
    bot = load_bot(tmp_path)
    (template,) = bot.charts[bot.main].states["a"].ask
    shown = bot.render(template, {"times": ["nine", "ten"]}, "en")
    assert [(option.event, option.title, option.description) for option in shown.options] == [
        ("t.0", "nine", None),
        ("t.1", "ten", None),
    ]
    assert [choice.event for choice in bot.choices(template, {"times": ["nine"]}, "en")] == ["t.0"]
    assert bot.render(template, {"times": []}, "en").list is None


def test_formatting_where_whatsapp_shows_it(tmp_path: Path) -> None:
    """The owner's Markdown in a text, a footer and a card; never in a title; a customer's marks nowhere."""
    name = "*Ana*"
    plain = f"*{THIN}Ana{THIN}*"

    def sent(say: str) -> dict[str, Any]:
        bot = bot_that_says(tmp_path, say)
        content = bot.render(bot.charts[bot.main].states["menu"].ask[0], {"n": name}, "en")
        return request_body(content, Contact(wa_id="1"), "wamid.IN1")

    said = sent("{header: '**H**', text: '**Hi** {n}', footer: '__F__', buttons: {human: '**B**'}}")["interactive"]
    assert (said["header"]["text"], said["body"]["text"]) == ("H", f"*Hi* {plain}")
    assert (said["footer"]["text"], said["action"]["buttons"][0]["reply"]["title"]) == ("*F*", "**B**")
    card = "{image: 'https://e.com', text: '**C** {n}', title: T, url: 'https://e.com'}"
    cards = sent(f"{{text: W, carousel: [{card}, {card}]}}")["interactive"]["action"]["cards"]
    assert cards[0]["body"]["text"] == f"*C* {plain}"
    template = sent("{template: {name: reminder, header: x, values: {1: '{n}', 2: b}, buttons: {page: x}}}")["template"]
    assert template["components"][1]["parameters"][0]["text"] == plain
    assert sent("{location: {latitude: 1, longitude: 1, name: '{n}'}}")["location"]["name"] == name
