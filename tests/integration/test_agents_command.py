"""``wabox agents``: the same with a server and without one; and the log that remembers it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.integration.doors import TOKEN, house
from tests.integration.storage import arrival, conversation, message, unit
from tests.integration.test_contacts_command import server
from wabox.cli.main import app as commands
from wabox.sqlite.connection import DATABASE

PASSWORD = "four words in a row\n"


@pytest.fixture(params=["with a server", "without one"])
async def data(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Path]:
    (tmp_path / "data").mkdir(mode=0o700)
    async with server(tmp_path) if request.param == "with a server" else contextlib.nullcontext():
        yield tmp_path / "data"


async def run(data: Path, *words: str, stdin: str = "") -> Result:
    call = ["agents", *words, "--data", str(data)]
    return await asyncio.to_thread(CliRunner().invoke, commands, call, input=stdin)


async def test_an_account_from_first_to_last(data: Path) -> None:
    """Added, listed, given a token that opens nothing once it is gone, disabled, enabled; every step is in the log."""
    added = await run(
        data, "add", "ana", "--name", "Ana López", "--role", "owner", "--password-file", "-", stdin=PASSWORD
    )
    assert added.exit_code == 0, added.output
    assert "Ana López  owner  password  never seen" in added.output
    crm = ("add", "crm", "--role", "viewer", "--no-password", "--queue", "orders")
    refused = await run(data, *crm, "--language", "klingon")
    assert "a language is one of ar, bn, de, en, " in str(refused.exception)
    assert "speaks es-MX" in (await run(data, *crm, "--language", "es-MX")).output
    token = (await run(data, "token", "crm", "--label", "nightly")).output.strip()
    assert token.startswith("wabox_")
    listed = [json.loads(line) for line in (await run(data, "list", "--json")).output.splitlines()]
    assert [(one["agent"]["id"], one["agent"]["roles"], one["tokens"]) for one in listed] == [
        ("ana", ["owner"], []),
        ("crm", ["viewer"], ["nightly"]),
    ]
    assert (await run(data, "token", "crm", "--label", "nightly", "--revoke")).exit_code == 0
    assert "DISABLED" in (await run(data, "disable", "crm")).output
    assert "DISABLED" not in (await run(data, "enable", "crm")).output
    assert "speaks hi" in (await run(data, "language", "crm", "hi")).output
    assert "speaks" not in (await run(data, "language", "crm", "--off")).output
    assert (await run(data, "language", "crm")).exit_code == 2
    assert (await run(data, "passwd", "ana", "--password-file", "-", stdin="another four words\n")).exit_code == 0
    acts = [json.loads(line) for line in (await run(data, "audit", "--json")).output.splitlines()]
    assert [(act["who"], act["what"], act["target"]) for act in reversed(acts)] == [
        ("shell", "agent add: owner", "ana"),
        ("shell", "agent add: viewer", "crm"),
        ("shell", "agent token: nightly", "crm"),
        ("shell", "agent token revoke: nightly", "crm"),
        ("shell", "agent disable", "crm"),
        ("shell", "agent enable", "crm"),
        ("shell", "agent language: hi", "crm"),
        ("shell", "agent language: none", "crm"),
        ("shell", "agent password", "ana"),
    ]
    assert token not in str(acts)


@pytest.mark.parametrize(
    ("words", "stdin", "says"),
    [
        (("add", "Ana", "--no-password"), "", "small letters"),
        (("add", "shell", "--no-password"), "", "choose another id"),
        (("add", "ana", "--role", "boss", "--no-password"), "", "roles are owner, agent, viewer"),
        (("add", "ana", "--password-file", "-"), "short\n", "10 to 256 characters"),
        (("add", "ana", "--password-file", "-"), "aaaaaaaaaaaa\n", "too easy"),
        (("disable", "nobody"), "", "no agent 'nobody'"),
        (("token", "nobody"), "", "no agent 'nobody'"),
        (("language", "nobody", "es"), "", "no agent 'nobody'"),
        (("language", "nobody", "klingon"), "", "no agent 'nobody'"),
    ],
)
async def test_what_cannot_be_is_refused_in_a_sentence(
    data: Path, words: tuple[str, ...], stdin: str, says: str
) -> None:
    """Nothing was changed then, and the password is not repeated."""
    refused = await run(data, *words, stdin=stdin)
    assert refused.exit_code == 1
    assert says in str(refused.exception)
    assert not stdin.strip() or stdin.strip() not in refused.output


async def test_what_is_kept_opens_nothing(tmp_path: Path) -> None:
    """Neither a password nor a token nor a cookie stands in the database."""
    async with house(tmp_path) as doors:
        await doors.people()
        async with doors.client() as client:
            await doors.sign_in(client)
            cookie = str(client.cookies["wabox"])
        secrets = ["four words in a row", cookie, *doors.tokens.values()]
    kept = (tmp_path / "data" / DATABASE).read_bytes()
    assert b"$argon2id$" in kept
    assert [secret for secret in secrets if secret.encode() in kept] == []


async def test_the_log_says_what_was_done_and_names_no_customer(tmp_path: Path) -> None:
    """Changes and refusals are there before the answer; a conversation is its row, so whoever is forgotten is not found."""
    async with house(tmp_path) as doors:
        await doors.people()
        await doors.app.store.put(arrival(message("m1")))
        await doors.app.store.commit(unit("m1"))
        path = f"/api/v1/conversations/{conversation()}/end"
        for who in ("agent", "owner"):
            async with doors.client(headers={"Authorization": f"Bearer {doors.tokens[who]}"}) as client:
                await client.post(path, json={"id": "1"})
                await client.get("/api/v1/contacts", params={"who": "x"})
        acts = [act for act in await doors.app.accounts.acts(100) if act.what.startswith("POST")]
    assert [(act.who, act.what, act.target, act.outcome) for act in reversed(acts)] == [
        ("agent", "POST /api/v1/conversations/{conversation_id}/end", "conversation 1", "403"),
        ("owner", "POST /api/v1/conversations/{conversation_id}/end", "conversation 1", "200"),
    ]


def test_the_log_cannot_be_changed(tmp_path: Path) -> None:
    """The database refuses to, whoever asks."""

    async def filled() -> None:
        async with house(tmp_path) as doors:
            await doors.people()

    asyncio.run(filled())
    connection = sqlite3.connect(tmp_path / "data" / DATABASE)
    for change in ("UPDATE audit SET who = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(change)
    connection.close()


async def test_a_stream_ends_with_its_session(tmp_path: Path) -> None:
    """Whoever is disabled hears nothing more, though the stream was open before."""
    async with house(tmp_path) as doors:
        await doors.people()
        steps = iter(range(0, 10_000, 11))
        doors.guard._monotonic = lambda: float(next(steps))
        sent: list[bytes] = []
        over = asyncio.Event()

        async def receive() -> dict[str, object]:
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(event: dict[str, object]) -> None:
            sent.append(bytes(event.get("body", b"")))  # type: ignore[call-overload]
            if event["type"] == "http.response.body" and not event.get("more_body"):
                over.set()
            elif event["type"] == "http.response.start":
                await doors.app.accounts.disable("viewer", True)

        scope = {
            "type": "http", "method": "GET", "path": "/api/v1/events", "raw_path": b"/api/v1/events",
            "query_string": b"", "scheme": "http", "http_version": "1.1", "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {doors.tokens['viewer']}".encode())],
            "client": ("127.0.0.1", 40_000), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        async with asyncio.timeout(20):
            await doors.asgi(scope, receive, send)
        assert b"".join(sent) == b""


async def test_the_token_of_the_folder_is_an_owners(tmp_path: Path) -> None:
    """Named shell, who is in no list and cannot be disabled."""
    async with house(tmp_path) as doors, doors.client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        me: httpx.Response = await client.get("/api/v1/agents/me")
        assert (me.json()["id"], me.json()["roles"]) == ("shell", ["owner"])
        assert (await client.post("/api/v1/agents/shell/disable")).status_code == 400


@pytest.mark.parametrize("what", ["list", "audit"])
def test_reading_leaves_nothing_behind(tmp_path: Path, what: str) -> None:
    """Where there is no data yet, that is said, and no folder is made."""
    refused = CliRunner().invoke(commands, ["agents", what, "--data", str(tmp_path / "data")])
    assert refused.exit_code == 1
    assert "there is no data in" in str(refused.exception)
    assert "wabox agents add ID" in str(refused.exception)
    assert list(tmp_path.iterdir()) == []
