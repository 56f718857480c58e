"""Customers as people look at them, read from the conversations that came over: found by an id, listed, and what is kept about
one. For people, never on the reply path: finding reads every conversation's contact.

A person is whoever has the same id in conversations with several numbers of the business. Somebody who is known by a phone in
one conversation and by a user id in another is two, and what holds for one conversation is not known in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import msgspec

from wabox.cluster.records import consents
from wabox.cluster.records.database import Database
from wabox.cluster.records.words import sought
from wabox.core.consent import NEVER_ASKED, Consent, ConsentEntry
from wabox.core.contact import Contact
from wabox.core.person import Identity, Person
from wabox.core.phone import spellings
from wabox.errors import WaboxError

_consents = msgspec.json.Decoder(Consent)
_contacts = msgspec.json.Decoder(Contact)
NEWEST = 10_000
"""Conversations whose name fits, at most."""
_COLUMNS: Final = "key, id, contact, consent, opened_at, updated_at"
_HANDLE: Final = "substr(id, strpos(id, ':') + 1)"


class PostgresPeople:
    """Every method raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, words: str) -> Sequence[Person]:
        """Whoever is meant: an id (a phone number in any spelling), a conversation, else a part of a name."""
        wanted = sought(words.strip())
        digits = "".join(letter for letter in wanted if letter.isdigit())
        is_number = len(digits) >= 6 and not any(letter.isalpha() for letter in wanted)
        handle = wanted.partition(":")[2] or wanted
        values = sorted({wanted, handle, *(spellings(digits) if is_number else ())})
        async with self._database.transaction() as connection:
            handles = await _handles(connection, values) or await _earlier(connection, values)
            if not handles and len(wanted) >= 2:
                handles = await connection.fetch(
                    f"SELECT DISTINCT {_HANDLE} AS handle FROM (SELECT id FROM conversations WHERE contact IS NOT NULL"  # noqa: S608
                    " AND strpos(lower(convert_from(contact, 'UTF8')), lower($1)) > 0 ORDER BY updated_at DESC LIMIT $2) c",
                    wanted,
                    NEWEST,
                )
            return await _load(connection, [row["handle"] for row in handles])

    async def whose(self, values: Sequence[str]) -> dict[str, Person]:
        """Who has these ids, or had a conversation under them; reads every conversation's contact once."""
        async with self._database.transaction() as connection:
            found = await _load(connection, [row["handle"] for row in await _handles(connection, values)])
        return {value: person for person in found for value in (*person.ids, person.handle)}

    async def people(self, limit: int = 100, *, stopped: bool = False) -> Sequence[Person]:
        """The newest; ``stopped``: those who asked us to stop, or want no marketing."""
        where = " WHERE consent IS NOT NULL" if stopped else ""
        query = f"SELECT {_HANDLE} AS handle, consent FROM conversations{where} GROUP BY 1, 2 ORDER BY min(key) DESC"  # noqa: S608
        async with self._database.transaction() as connection:
            handles: dict[str, None] = {}
            async for row in connection.cursor(query):
                if not stopped or _refuses(_consent(row)):
                    handles[row["handle"]] = None
                if len(handles) == limit:
                    break
            return sorted(await _load(connection, list(handles)), key=lambda person: -person.key)

    async def load(self, key: int) -> Person:
        """Whose conversation has this key. Raises WaboxError when it is gone."""
        async with self._database.transaction() as connection:
            found = await of_conversations(connection, [key])
        if not found:
            raise WaboxError("this customer was forgotten meanwhile")
        return found[0]

    async def ledger(self, person: Person) -> list[ConsentEntry]:
        """What they said in any of their conversations."""
        async with self._database.transaction() as connection:
            return await consents.entries(connection, person.conversations)

    async def export(self, person: Person) -> dict[str, Any]:
        """What PostgreSQL has of a person, as JSON: times in ms since the epoch, every table under its name."""
        async with self._database.transaction() as connection:
            ledger = await consents.entries(connection, person.conversations)
            return {
                "person": asdict(person),
                "consents": [asdict(entry) for entry in ledger],
                "conversations": [await _conversation(connection, id_) for id_ in person.conversations],
                "media": [],
            }


async def of_conversations(connection: Any, keys: Sequence[int]) -> list[Person]:
    """Whose conversations have these keys, with all of theirs."""
    query = f"SELECT DISTINCT {_HANDLE} AS handle FROM conversations WHERE key = ANY($1)"  # noqa: S608 - ours
    return await _load(connection, [row["handle"] for row in await connection.fetch(query, list(keys))])


async def same(connection: Any, contact: Contact, but: str) -> dict[str, Consent]:
    """Other conversations of the same person, and what holds there. A phone number alone proves nothing where the other has
    another user id: it may have changed hands."""
    rows = await connection.fetch(
        "SELECT id, consent FROM conversations WHERE id <> $3 AND (user_id = $1"
        " OR wa_id = ANY($2) AND (user_id IS NULL OR $1::text IS NULL)) ORDER BY key",
        contact.user_id,
        list(spellings(contact.wa_id)) if contact.wa_id else [],
        but,
    )
    return {row["id"]: _consent(row) for row in rows}


async def _handles(connection: Any, values: Sequence[str]) -> Sequence[Any]:
    found: Sequence[Any] = await connection.fetch(
        f"SELECT DISTINCT {_HANDLE} AS handle FROM conversations"  # noqa: S608 - ours
        f" WHERE {_HANDLE} = ANY($1) OR user_id = ANY($1) OR wa_id = ANY($1)",
        list(values),
    )
    return found


async def _earlier(connection: Any, values: Sequence[str]) -> Sequence[Any]:
    """Whoever had one of these before."""
    found: Sequence[Any] = await connection.fetch(
        f"SELECT DISTINCT {_HANDLE} AS handle FROM conversations"  # noqa: S608 - ours
        " WHERE id IN (SELECT conversation FROM earlier_ids WHERE value = ANY($1))",
        list(values),
    )
    return found


async def _load(connection: Any, handles: Sequence[str]) -> list[Person]:
    """Those who have these, in the order of their first conversations."""
    query = f"SELECT {_COLUMNS}, {_HANDLE} AS handle FROM conversations WHERE {_HANDLE} = ANY($1) ORDER BY key"  # noqa: S608
    theirs: dict[str, list[Any]] = {}
    for row in await connection.fetch(query, list(handles)):
        theirs.setdefault(row["handle"], []).append(row)
    # What somebody else has now tells nothing: forgetting one must not forget the other.
    query = (
        "SELECT substr(conversation, strpos(conversation, ':') + 1) AS handle, kind, value, replaced_at FROM earlier_ids e"
        " WHERE conversation = ANY($1) AND NOT EXISTS"
        " (SELECT FROM conversations c WHERE c.wa_id = e.value OR c.user_id = e.value) ORDER BY replaced_at, key"
    )
    before: dict[str, list[Any]] = {}
    for row in await connection.fetch(query, [row["id"] for rows in theirs.values() for row in rows]):
        before.setdefault(row["handle"], []).append(row)
    return [_person(handle, rows, before.get(handle, ())) for handle, rows in theirs.items()]


def _person(handle: str, rows: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> Person:
    newest = sorted(rows, key=lambda row: int(row["updated_at"]))
    cards = [(row["updated_at"], _contacts.decode(row["contact"])) for row in newest if row["contact"] is not None]
    began = min(int(row["opened_at"] or row["updated_at"]) for row in rows)
    ids: dict[tuple[str, str], int] = {}
    for at, card in cards:
        for kind, value in (("user_id", card.user_id), ("wa_id", card.wa_id)):
            if value:
                ids[kind, value] = at
    replaced = {(row["kind"], row["value"]): row["replaced_at"] for row in before}
    return Person(
        key=rows[0]["key"],
        handle=handle,
        created_at=began,
        name=cards[-1][1].name if cards else None,
        username=cards[-1][1].username if cards else None,
        identities=(
            *(Identity(kind=kind, value=value, first_seen=began, last_seen=at) for (kind, value), at in ids.items()),
            *(
                Identity(kind=kind, value=value, first_seen=began, last_seen=at, replaced_at=at)
                for (kind, value), at in replaced.items()
            ),
        ),
        consent=strictest(_consent(row) for row in newest),
        conversations=tuple(row["id"] for row in newest),
        last_seen=newest[-1]["updated_at"],
    )


def _consent(row: Mapping[str, Any]) -> Consent:
    return NEVER_ASKED if row["consent"] is None else _consents.decode(row["consent"])


def _refuses(consent: Consent) -> bool:
    return consent.stopped or consent.marketing is False


def strictest(given: Iterable[Consent]) -> Consent:
    """What a person is shown to want: a refusal anywhere is not hidden by what was said to another number later."""
    every = list(given)
    said = [one for one in every if one.stopped] or [one for one in every if _refuses(one)] or every
    shown = max(said, key=lambda one: one.since or 0)
    return replace(shown, marketing=False) if any(one.marketing is False for one in every) else shown


async def _conversation(connection: Any, id_: str) -> dict[str, Any]:
    row = dict(await connection.fetchrow("SELECT * FROM conversations WHERE id = $1", id_))
    row.pop("key")
    row["archived"] = _plain(row["archived"], msgspec.msgpack.decode)
    found = {name: _plain(part) for name, part in row.items()}
    for table in ("transcript", "outbox", "handoffs"):
        rows = await connection.fetch(f"SELECT * FROM {table} WHERE conversation = $1 ORDER BY key", id_)  # noqa: S608 - ours
        found[table] = [_line(dict(one)) for one in rows]
    return found


def _line(row: dict[str, Any]) -> dict[str, Any]:
    del row["conversation"], row["key"]
    if "message" in row:
        row["message"] = _plain(row["message"], msgspec.msgpack.decode)
    if "handoff" in row:
        row |= _plain(row.pop("handoff"))
    return {name: _plain(part) for name, part in row.items()}


def _plain(part: Any, decode: Callable[[bytes], Any] = msgspec.json.decode) -> Any:
    """What is stored packed, as JSON has it."""
    return msgspec.to_builtins(decode(part)) if isinstance(part, bytes) else part
