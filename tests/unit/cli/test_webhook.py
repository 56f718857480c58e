"""``wabox webhook parse``, ``sign`` and ``send``."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.unit.whatsapp.payloads import NUMBER, SENT_AT, body, envelope, text
from wabox.cli.main import app
from wabox.whatsapp.signature import verify

CONTACT = {
    "user_id": "MX.40000000000000000001",
    "wa_id": "5215550002222",
    "username": "ana.prueba",
    "name": "Ana Prueba",
}


def run(command: str, stdin: bytes = b"", *more: str, secret: str = "s3cret") -> Result:
    env = {"WABOX_APP_SECRET": secret}
    return CliRunner().invoke(app, ["webhook", command, *more], input=stdin, env=env)


def parsed(stdin: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("parse", stdin).stdout.splitlines()]


def test_a_message_has_every_key() -> None:
    """A message shows all that the normalised form has, under its names, and the element as it came."""
    (line,) = parsed(body("list_reply"))
    raw = line.pop("raw")
    assert raw["interactive"]["list_reply"]["id"] == "n8:row3"
    customer = f"{NUMBER}:{CONTACT['user_id']}"
    assert line == {
        "kind": "message",
        "message_id": "wamid.LIST_REPLY",
        "session_id": customer,
        "conversation_id": customer,
        "number_id": NUMBER,
        "timestamp": SENT_AT,
        "channel": "whatsapp",
        "type": "interactive",
        "interactive": "list",
        "text": "Talla M",
        "payload": {"id": "n8:row3", "title": "Talla M", "description": "Azul"},
        "contact": CONTACT,
        "locale": None,
        "context": {"reply_to": "wamid.OUT2", "forwarded": False, "referral": None},
        "group_id": None,
    }


@pytest.mark.parametrize(
    ("name", "kind", "interactive"),
    [
        ("button_reply", "interactive", "button"),
        ("form_reply", "interactive", "form"),
        ("call_permission_reply", "interactive", "call_permission_reply"),
        ("interactive_without_body", "unsupported", None),
        ("quick_reply", "button", None),
        ("voice_note", "voice", None),
        ("edited", "edited", None),
        ("deleted", "deleted", None),
        ("number_changed", "system", None),
    ],
)
def test_types(name: str, kind: str, interactive: str | None) -> None:
    """Types are those of the specification; a tap tells which kind of tap."""
    line = next(line for line in parsed(body(name)) if line["kind"] == "message")
    assert (line["type"], line["interactive"]) == (kind, interactive)


def test_a_status() -> None:
    """A status names its message, the word and the recipient."""
    (line,) = parsed(body("status_failed"))
    assert (line["kind"], line["status"], line["message_id"]) == ("status", "failed", "wamid.OUT3")
    assert line["errors"][0]["code"] == 131047


@pytest.mark.parametrize(
    ("name", "field", "event", "id_"),
    [
        ("echo", "smb_message_echoes", "echo", "wamid.E1"),
        ("standby_message", "standby", "message", "standby:wamid.S1"),
        ("call", "calls", "call", "call:wacid.C1:connect"),
    ],
)
def test_an_event_of_a_conversation(name: str, field: str, event: str, id_: str) -> None:
    """What is about one customer is normalised like a message, and is none."""
    (line,) = parsed(body(name))
    assert (line["kind"], line["field"], line["event"], line["message_id"]) == ("event", field, event, id_)
    assert line["contact"]["wa_id"] == "5215550002222"


def test_what_is_ignored_is_shown_in_the_form_of_its_kind() -> None:
    """A group's message is a message with its group; a status with a new word is a status."""
    (line,) = parsed(body("text_in_group"))
    assert (line["kind"], line["group_id"], line["message_id"]) == ("message", "HBgLGROUP1", "wamid.TEXT_IN_GROUP")
    (line,) = parsed(body("status_word_invented_tomorrow"))
    assert line["kind"] == "status"
    assert line["status"]


def test_another_field_is_an_event() -> None:
    """Whatever is neither message nor status is an event with its field and value."""
    (line,) = parsed(body("template_rejected"))
    assert (line["kind"], line["field"], line["event"]) == ("event", "message_template_status_update", "REJECTED")
    assert line["details"]["reason"] == line["value"]["reason"] == "INVALID_FORMAT"


def test_what_nobody_can_read_is_shown() -> None:
    """A broken element is a dead letter with the reason; the good ones beside it are messages; nothing of either is lost."""
    lines = parsed(envelope(text(message_id="wamid.1"), {"type": "text"}, text(message_id="wamid.2")))
    assert [line["kind"] for line in lines] == ["message", "message", "dead_letter"]
    assert lines[2]["reason"] == f"message to number {NUMBER}: a message without id"
    assert lines[2]["raw"] == {"type": "text"}


@pytest.mark.parametrize("between", [b"", b"\n", b"\r\n\r\n", b" "], ids=["nothing", "line", "blank line", "space"])
def test_several_bodies(between: bytes) -> None:
    """Bodies may follow each other, pretty-printed or one a line."""
    pretty = json.dumps(json.loads(body("text")), indent=2).encode()
    lines = parsed(between.join([pretty, body("text"), envelope(text(message_id="wamid.9"))]))
    assert [line["message_id"] for line in lines] == ["wamid.TEXT", "wamid.TEXT", "wamid.9"]


def test_a_broken_line_among_lines() -> None:
    """A line that is no JSON is a dead letter; the next line is read."""
    lines = parsed(b"not json\n" + envelope(text()) + b"\n{broken\n\xff\xfe\n" + envelope(text()))
    assert [line["kind"] for line in lines] == ["dead_letter", "message", "dead_letter", "dead_letter", "message"]
    assert lines[0]["raw"] == "not json"


def test_samples_of_the_dashboard() -> None:
    """A change alone, a value alone, a list and named samples are taken for the webhooks that they are parts of."""
    whole = json.loads(envelope(text()))
    change = whole["entry"][0]["changes"][0]
    for sample in (
        change,
        change["value"],
        [whole, whole],
        {"text": whole},
        {"body": {"body": whole}},
        whole["entry"][0],
    ):
        assert {line["kind"] for line in parsed(json.dumps(sample).encode())} == {"message"}, sample


def test_a_sample_without_a_number() -> None:
    """A message to no number is understood here all the same; the number is null."""
    value = json.dumps({"messages": [text()], "contacts": []}).encode()
    (line,) = parsed(value)
    assert (line["kind"], line["number_id"], line["session_id"]) == ("message", None, "unknown:5215550002222")


def test_exit_codes() -> None:
    """0 when something was understood, 1 when nothing was there or nothing of it makes sense."""
    assert run("parse", body("text")).exit_code == 0
    assert run("parse", b"").exit_code == 1
    assert run("parse", b"{").exit_code == 1
    assert "nothing on stdin" in run("parse", b" \n").stderr


def test_sign() -> None:
    """The published vector of the signature, over the very bytes."""
    ran = run("sign", b"Hello, World!", secret="It's a Secret to Everybody")
    assert ran.stdout == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\n"


def test_the_secret_is_missing() -> None:
    """Without a secret it is said which variable to set."""
    ran = run("sign", b"{}", secret="")
    assert ran.exit_code == 1
    assert "WABOX_APP_SECRET" in str(ran.exception)


class Posted(HTTPServer):
    answer = 200
    got: list[tuple[bytes, str]]


@pytest.fixture
def server() -> Iterator[Posted]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted = self.rfile.read(int(self.headers["content-length"]))
            listening.got.append((posted, self.headers["x-hub-signature-256"]))
            self.send_response(listening.answer)
            self.end_headers()
            self.wfile.write(b"well")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    listening = Posted(("127.0.0.1", 0), Handler)
    listening.got = []
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    yield listening
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_send(server: Posted) -> None:
    """The body is posted as it is, signed; what came back is printed."""
    ran = run("send", body("text"), f"http://127.0.0.1:{server.server_port}/webhook")
    assert ran.exit_code == 0
    assert ran.stdout.startswith("200 in ")
    ((posted, signature),) = server.got
    assert posted == body("text").strip()
    assert verify(posted, signature, (b"s3cret",))


def test_send_is_refused(server: Posted) -> None:
    """Any other answer is exit code 1: Meta would bring it again."""
    server.answer = 503
    ran = run("send", b'{"entry": []}{"entry": []}', f"http://127.0.0.1:{server.server_port}/", "--json")
    assert ran.exit_code == 1
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(answer["status"], answer["body"]) for answer in answers] == [(503, "well")] * 2


def test_send_to_nobody() -> None:
    """No answer is said in one sentence; an address that is none is wrong usage."""
    ran = run("send", b"{}", "http://127.0.0.1:1/webhook")
    assert ran.exit_code == 1
    assert "no answer from http://127.0.0.1:1/webhook" in ran.stderr
    assert run("send", b"{}", "127.0.0.1").exit_code == 2


@pytest.mark.parametrize(("said", "shown"), [("121323212", 121323212000), (7, 7000), ("soon", None), (None, None)])
def test_a_time_that_cannot_be_true(said: Any, shown: int | None) -> None:
    """The same payload gives the same lines whenever it is read: what it says, or null."""
    (line,) = parsed(envelope(text(timestamp=said)))
    assert line["timestamp"] == shown
