"""From a file to a broadcast's recipients: every bad row with its line and what is wrong, before anything is sent. Pure.

A row is bad when nobody can be written to (no number, one that is none, the same customer twice), when the template cannot be
filled from it, or when the customer must not be written to: no consent, STOP. What is not decided here is whether a person has
the conversation; that changes, and each customer's own turn asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wabox.core.broadcast import MAX_FAILURES, RATE, Broadcast, Estimate, Problem, Recipient
from wabox.core.contact import Contact
from wabox.core.phone import spellings
from wabox.core.prices import AS_OF, CURRENCY, Prices, price
from wabox.errors import WaboxError
from wabox.flowfile.bot import Bot
from wabox.services.sends import CannotSend, Chosen, SendRequest, filled, read_contact, region_of
from wabox.services.sheet import LANGUAGE, Sheet
from wabox.whatsapp.payload import request_body

NO_MARKETING = "US"
"""Where WhatsApp delivers no marketing. Source: Meta, "pricing" (Oct 2026)."""
SHOWN = 20
"""Problems and countries that a report lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastRequest:
    """What an owner asks for."""

    name: str
    csv: str
    """The file's text."""
    template: str
    to: str | None = None
    """The column of phone numbers or user ids; None: the one that is called so."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Which column fills a variable, where it is not the one of the same name; also ``header`` and ``button.KEY``."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """What fills a variable in every row."""
    language: str | None = None
    """For rows without one of their own."""
    rate: float = RATE
    """Messages a minute."""
    daily: int | None = None
    """People in 24 hours; None: WhatsApp's limit for the number."""
    max_failures: float = MAX_FAILURES
    skip_bad: bool = False
    """Send to the others all the same."""
    number_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastPlan:
    """What a broadcast would be."""

    broadcast: Broadcast
    recipients: int
    problems: int
    """Bad rows."""
    shown: Sequence[Problem]
    """The first of them."""
    example: str
    """The first message, as the customer will read it."""
    minutes: float
    """How long it takes at its rate, and within its limit."""
    cost: Estimate
    warnings: Sequence[str] = ()
    started: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row that can be sent, as far as the file tells."""

    line: int
    contact: Contact
    content: Recipient
    text: str
    category: str


def rows_of(
    sheet: Sheet, request: BroadcastRequest, chosen: Chosen, bot: Bot
) -> tuple[list[Row], list[Problem], set[str]]:
    """Rows that can be sent, problems of the others, warnings. Raises BadSheet, CannotSend for what is wrong with all."""
    address = sheet.address(request.to)
    sources = _sources(sheet, request, chosen)
    spoken = next((name for name in sheet.columns if name.lower() == LANGUAGE), None)
    problems: dict[int, str] = dict.fromkeys(sheet.short, "has more or fewer cells than the header")
    seen: dict[str, int] = {}
    rows: list[Row] = []
    warnings: list[str] = []
    for line, cells in sheet.rows:
        if line in problems:
            continue
        try:
            contact = read_contact(cells.get(address, ""), bot.manners.region)
            first = next((seen[one] for one in _ids(contact) if one in seen), None)
            if first is not None:
                raise CannotSend(f"the same customer as in line {first}")
            values = {name: cells.get(column, "") for name, column in sources.items()} | dict(request.fixed)
            language = (cells.get(spoken, "") if spoken else "") or request.language
            wanted = SendRequest(
                to="",
                template=request.template,
                language=language,
                values={name: text for name, text in values.items() if not _is_extra(name)},
                header=values.get("header"),
                buttons={name[len("button.") :]: text for name, text in values.items() if name.startswith("button.")},
            )
            warnings.clear()
            content, language, text = filled(chosen, wanted, bot, warnings)
            category = chosen.category(language)
            if category == "marketing" and region_of(contact) == NO_MARKETING:
                raise CannotSend("WhatsApp delivers no marketing to numbers of the United States")
        except CannotSend as error:
            problems[line] = str(error)
            continue
        seen.update(dict.fromkeys(_ids(contact), line))
        whole = request_body(content, contact)
        body = {"type": "template", "template": whole["template"]}
        recipient = Recipient(line=line, contact=contact, body=body)
        rows.append(Row(line=line, contact=contact, content=recipient, text=text, category=category))
    return rows, sorted(problems.items()), set(warnings)


def _ids(contact: Contact) -> Sequence[str]:
    return spellings(contact.wa_id) if contact.wa_id else (contact.key,)


def _is_extra(name: str) -> bool:
    return name == "header" or name.startswith("button.")


def _sources(sheet: Sheet, request: BroadcastRequest, chosen: Chosen) -> dict[str, str]:
    """The column that fills each variable. Raises BadSheet, CannotSend."""
    texts = chosen.template.languages.values()
    known = {name for text in texts for name in text.variables} | {"header"}
    known |= {f"button.{button.key}" for text in texts for button in text.buttons}
    for name in (*request.columns, *request.fixed):
        if name not in known:
            has = ", ".join(sorted(known - {"header"})) or "no variables"
            raise CannotSend(f"the template {request.template!r} has no variable {name}; it has {has}")
    found = {name: sheet.column(column) for name, column in request.columns.items()}
    for name in sorted(known - found.keys() - request.fixed.keys()):
        same = next((column for column in sheet.columns if column.lower() == name.lower()), None)
        if same is not None:
            found[name] = same
    return found


def estimate(rows: Sequence[Row], prices: Prices, currency: str) -> Estimate:
    """What it would cost if all were delivered."""
    counted = Counter((row.category, region_of(row.contact)) for row in rows)
    amount, unknown = 0.0, 0
    countries: dict[str, tuple[int, float | None]] = {}
    for (category, country), count in counted.items():
        one = price(category, country, prices)
        amount += count * (one or 0.0)
        unknown += count if one is None else 0
        before = countries.get(country or "?", (0, None))
        countries[country or "?"] = (before[0] + count, one)
    listed = sorted(((name, *found) for name, found in countries.items()), key=lambda one: -one[1])
    return Estimate(
        currency=currency if prices else CURRENCY,
        amount=round(amount, 4),
        unknown=unknown,
        as_of="[prices] in wabox.toml" if prices else AS_OF,
        countries=listed[:SHOWN],
    )


def duration(count: int, rate: float, daily: int | None) -> float:
    """Minutes."""
    minutes = count / rate
    if daily is not None and daily > 0:
        minutes = max(minutes, (count - 1) // daily * 24 * 60.0)
    return round(minutes, 1)


def checked(request: BroadcastRequest) -> None:
    """Raises WaboxError for numbers that make no sense."""
    if not request.name.strip() or len(request.name) > 60 or any(sign in request.name for sign in "/\\\n:"):
        raise WaboxError("a broadcast's name has 1 to 60 characters, and no slash or colon")
    if not 0 < request.rate <= 4800:
        raise WaboxError("the rate is more than 0 and at most 4,800 messages a minute, WhatsApp's 80 a second")
    if request.daily is not None and request.daily < 1:
        raise WaboxError("the limit of people in 24 hours is 1 or more")
    if not 0 < request.max_failures <= 100:
        raise WaboxError("the share of failures is more than 0 and at most 100 per cent")
