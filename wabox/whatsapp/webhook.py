"""What one webhook brought.

An envelope holds entries (one per WhatsApp account), an entry holds changes, a change has a field and a value. The value of
the field ``messages`` holds lists of messages and statuses; those are what a bot lives on. Everything else is kept for whom
it concerns: what is about one customer (echoes, calls, standby, preferences, hand-overs) as an inbound message on a channel of
its own; a change of another field (account, templates …) as an entry of its own, with the account's id; an unknown part of a
value that is opened under the field ``<field>.<part>``.

Promises, because Meta answers anything but 200 by sending the whole batch again for seven days:

* :func:`parse` never raises.
* Nothing is lost: every message, status and change comes out exactly once, as itself or as a dead letter with the reason.
  Where a container is broken, the container is the dead letter.
* One bad element costs nobody else anything.

Nearly every webhook is *ordinary*: nothing in it but messages and statuses of the field ``messages``. Those are recognised and
opened in one typed decoding (:class:`Ordinary`); any other is opened level by level, so that what is odd about it stays local.
That is two doors to the same room: from the lists inwards both take one path.

The signature is checked before (:mod:`wabox.whatsapp.signature`), over the bytes; here they may be mended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Raw

from wabox.core.delivery import StatusUpdate
from wabox.core.message import Arrival, DeadLetter, InboundMessage, OtherChange
from wabox.whatsapp import inbound, notices, statuses, wire
from wabox.whatsapp.wire import Malformed

_NULL: Final = b"null"
_CONTENT: Final = frozenset({"messages", "statuses"})
_ENVELOPE: Final = frozenset({"metadata", "messaging_product"})

Read = Callable[[Any, str, inbound.Cards, int], InboundMessage | None]
"""Element, our number, contact cards, now → message; ``None``: about nobody. Raises Malformed."""
_WHOLE: Final[Mapping[str, Read]] = {}
"""The value itself is the element."""
_ELEMENTS: Final[Mapping[str, Mapping[str, Read]]] = {
    "calls": {"calls": notices.call},
    "messaging_handovers": _WHOLE,
    "smb_message_echoes": {"message_echoes": notices.echo},
    "standby": {"messages": notices.standby_message, "message_echoes": notices.standby_echo},
    "user_preferences": {"user_preferences": notices.preference},
}
"""Fields about customers: which lists of the value hold what."""


class _Metadata(msgspec.Struct):
    phone_number_id: Annotated[str, msgspec.Meta(min_length=1)]


class _Value(msgspec.Struct, forbid_unknown_fields=True):
    metadata: _Metadata
    messaging_product: str = ""
    contacts: Raw = Raw()
    messages: list[Raw] = []
    statuses: list[Raw] = []


class _Change(msgspec.Struct):
    field: Literal["messages"]
    value: _Value


class _Entry(msgspec.Struct):
    changes: list[_Change]


class Ordinary(msgspec.Struct):
    """The envelope of a webhook that holds messages and statuses only."""

    entry: list[_Entry]


_ORDINARY: Final = msgspec.json.Decoder(Ordinary)


def parse(body: bytes, now: int, *, number_id: str | None = None) -> Arrival:
    """Everything in the body of one webhook.

    ``now`` in ms stands in for timestamps that are missing, ``number_id`` for a number that is: without it, what came to no
    number is a dead letter, because it could not be answered from any.
    """
    found = _Found(body, now, number_id)
    found.envelope()
    return Arrival(
        messages=tuple(found.messages),
        statuses=tuple(found.statuses),
        others=tuple(found.others),
        dead=tuple(found.dead),
    )


class _Found:
    __slots__ = ("_body", "_crowded", "_default", "_now", "dead", "messages", "others", "statuses")

    def __init__(self, body: bytes, now: int, default: str | None) -> None:
        self._body = body
        self._default = default
        self._now = now
        self._crowded = wire.crowded(body)
        self.messages: list[InboundMessage] = []
        self.statuses: list[StatusUpdate] = []
        self.others: list[OtherChange] = []
        self.dead: list[DeadLetter] = []

    def _each(self, what: str, parts: Iterable[Raw | bytes], read: Callable[[Raw | bytes], None]) -> None:
        """Read each part; one that cannot be read is put aside, and the next one's turn comes."""
        for part in parts:
            try:
                read(part)
            except Malformed as error:
                reason = f"{what}: {error}"
            except Exception as error:  # noqa: BLE001 - a bug of ours must not make Meta send 999 others again for a week
                reason = f"{what}: {type(error).__name__}"
            else:
                continue
            self.dead.append(DeadLetter(reason=reason, raw=bytes(part)))

    def envelope(self) -> None:
        self._each("webhook", [self._body], self._envelope)

    def _envelope(self, body: Raw | bytes) -> None:
        body = wire.clean(bytes(body))
        try:
            ordinary = _ORDINARY.decode(body)
        except (ValueError, RecursionError):
            self._unusual(body)
            return
        values = [change.value for entry in ordinary.entry for change in entry.changes]
        if not all(value.messages or value.statuses for value in values):
            self._unusual(body)
            return
        for value in values:
            number_id = value.metadata.phone_number_id
            if value.messages:
                self._messages(value.messages, number_id, value.contacts)
            if value.statuses:
                self._statuses(value.statuses, number_id)

    def _unusual(self, body: bytes) -> None:
        envelope = wire.envelope(body)
        if "entry" not in envelope:
            raise Malformed("no entry in it")
        self._each("entry", wire.items(envelope["entry"]), self._entry)

    def _entry(self, raw: Raw | bytes) -> None:
        entry = wire.objects(raw)
        if "changes" not in entry:
            raise Malformed("no changes in it")

        def change(raw: Raw | bytes) -> None:
            self._change(raw, entry)

        self._each("change", wire.items(entry["changes"]), change)

    def _change(self, raw: Raw | bytes, entry: dict[str, Raw]) -> None:
        change = wire.objects(raw)
        field = wire.value(change.get("field", _NULL))
        if field is None and _CONTENT & _members(change).keys():
            field = "messages"  # no other has these parts
        if type(field) is not str or not field:
            raise Malformed("no field in it")
        if field == "messages" and self._value(wire.objects(change.get("value", _NULL))):
            return
        if field in _ELEMENTS and self._notices(field, _members(change)):
            return
        self.others.append(OtherChange(field=field, number_id=_number(change), raw=_alone(raw, entry)))

    def _value(self, parts: dict[str, Raw]) -> bool:
        """The value of the field ``messages``; false when it holds nothing that we could name."""
        number_id = _phone_number_id(parts.pop("metadata", _NULL)) or self._default
        if number_id is None:
            raise Malformed("no metadata.phone_number_id in it")
        contacts = parts.pop("contacts", Raw())
        parts.pop("messaging_product", None)
        parts = {name: part for name, part in parts.items() if bytes(part) != _NULL}
        for name, part in parts.items():
            if name == "messages":
                self._each("messages", [part], lambda part: self._messages(wire.items(part), number_id, contacts))
            elif name == "statuses":
                self._each("statuses", [part], lambda part: self._statuses(wire.items(part), number_id))
            else:
                self.others.append(OtherChange(field=f"messages.{name}", number_id=number_id, raw=bytes(part)))
        return bool(parts)

    def _notices(self, field: str, parts: dict[str, Raw]) -> bool:
        """The value of a field about customers; false when it is not built as we know it."""
        known = _ELEMENTS[field]
        number_id = _phone_number_id(parts.get("metadata", _NULL)) or self._default
        if known is _WHOLE:
            number_id = _phone_number_id(parts.get("recipient", _NULL)) or number_id
            if number_id is None or "sender" not in parts:
                return False
            self._elements(field, [msgspec.Raw(msgspec.json.encode(parts))], number_id, Raw(), notices.handover)
            return True
        contacts = parts.pop("contacts", Raw())
        inside = _opened(parts.pop(field, _NULL)) if field == "standby" else parts
        if number_id is None or not known.keys() & inside.keys():
            return False
        if inside is not parts:
            contacts = inside.pop("contacts", contacts)
            inside = {**parts, **inside}
        for name, part in inside.items():
            if bytes(part) == _NULL or name in _ENVELOPE:
                continue
            read = known.get(name)
            if read is None:
                self.others.append(OtherChange(field=f"{field}.{name}", number_id=number_id, raw=bytes(part)))
                continue

            def elements(part: Raw | bytes, read: Read = read) -> None:
                self._elements(field, wire.items(part), number_id, contacts, read)

            self._each(f"{field}.{name}", [part], elements)
        return True

    def _elements(self, field: str, parts: list[Raw], number_id: str, contacts: Raw, read: Read) -> None:
        cards = inbound.Cards(contacts)

        def element(raw: Raw | bytes) -> None:
            message = read(self._element(raw), number_id, cards, self._now)
            if message is None:
                self.others.append(OtherChange(field=f"{field}.element", number_id=number_id, raw=bytes(raw)))
            else:
                self.messages.append(message)

        self._each(f"{field} at number {number_id}", parts, element)

    def _messages(self, parts: list[Raw], number_id: str, contacts: Raw) -> None:
        cards = inbound.Cards(contacts)

        def message(raw: Raw | bytes) -> None:
            decoded = self._element(raw)
            if type(decoded) is dict and decoded.get("group_id"):
                # An answer to one would go to all: kept, not handled.
                self.others.append(OtherChange(field="messages.group", number_id=number_id, raw=bytes(raw)))
            else:
                self.messages.append(inbound.normalise(decoded, number_id, cards, self._now))

        self._each(f"message to number {number_id}", parts, message)

    def _statuses(self, parts: list[Raw], number_id: str) -> None:
        def status(raw: Raw | bytes) -> None:
            decoded = self._element(raw)
            update = statuses.normalise(decoded, number_id, self._now)
            if update is None:
                kept = "messages.payment" if decoded.get("type") == statuses.PAYMENT else "messages.status"
                self.others.append(OtherChange(field=kept, number_id=number_id, raw=bytes(raw)))
            else:
                self.statuses.append(update)

        self._each(f"status from number {number_id}", parts, status)

    def _element(self, raw: Raw | bytes) -> Any:
        if self._crowded and wire.too_deep(raw):
            raise Malformed(f"nested deeper than {wire.DEEPEST} levels")
        return wire.value(raw)


def _phone_number_id(metadata: Raw | bytes) -> str | None:
    try:
        decoded = wire.value(metadata)
    except Malformed:
        return None
    number_id = decoded.get("phone_number_id") if type(decoded) is dict else None
    return number_id if type(number_id) is str and number_id else None


def _members(change: dict[str, Raw]) -> dict[str, Raw]:
    """The parts of a change's value, if it has any."""
    return _opened(change.get("value", _NULL))


def _opened(part: Raw | bytes) -> dict[str, Raw]:
    """The members of what may be an object."""
    try:
        return wire.objects(part)
    except Malformed:
        return {}


def _number(change: dict[str, Raw]) -> str | None:
    """The business number that a change of any field is about, if it names one."""
    value = _members(change)
    # `messaging_handovers` names the number where others have `metadata`.
    return _phone_number_id(value.get("metadata", _NULL)) or _phone_number_id(value.get("recipient", _NULL))


def _alone(change: Raw | bytes, entry: dict[str, Raw]) -> bytes:
    """The entry with this change only: account changes name the account nowhere else, and the time neither."""
    parts = [b'"%b":%b' % (key.encode(), bytes(entry[key])) for key in ("id", "time") if key in entry]
    parts.append(b'"changes":[%b]' % bytes(change))
    return b"{%b}" % b",".join(parts)
