"""What Meta says: can it be reached, is the version of its API alive, what are the token, the secret, the number worth."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from wabox.core.checkup import Finding, Notes
from wabox.core.template import StoredTemplate
from wabox.flowfile.bot import Bot
from wabox.services.doctor.machine import ago
from wabox.services.templates import compare
from wabox.settings import WhatsAppSettings
from wabox.whatsapp import account
from wabox.whatsapp.account import NumberInfo, Subscription, TokenInfo
from wabox.whatsapp.graph import GraphClient, GraphRefused
from wabox.whatsapp.reach import Reply, ask
from wabox.whatsapp.templates import fetch
from wabox.whatsapp.token import NOT_ACCEPTED

SKEW: Final = 120_000
"""ms that our clock may differ from Meta's before windows and timers are wrong by something that matters."""
SOON: Final = 7 * 86_400
"""Seconds before a token expires at which somebody should act."""
SCOPES: Final = ("whatsapp_business_messaging", "whatsapp_business_management")
FIELDS: Final = "messages"
USEFUL: Final = (
    *("user_preferences", "account_update", "phone_number_quality_update", "message_template_status_update"),
    *("template_category_update", "security"),
)
"""Fields without which wabox works and hears of trouble late."""

ENDS: Final = {
    "v20.0": "2026-09-24",
    "v21.0": "2027-01-21",
    "v22.0": "2027-05-20",
    "v23.0": "2027-10-08",
    "v24.0": "2028-02-18",
    "v25.0": "2028-07-29",
}
"""When versions of the Graph API end. Source: Meta, "Graph API changelog" (Oct 2026)."""

Asker = Callable[[str], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What Meta said, for those who look further."""

    online: bool = False
    token: TokenInfo | None = None
    secret: bool | None = None
    """Whether app secret and token belong together; None: not known."""
    account_id: str | None = None
    number: NumberInfo | None = None
    subscription: Subscription | None = None
    listens: bool | None = None
    """Whether the app hears what happens in the business account; None: not known."""

    @property
    def url(self) -> str:
        """Where webhooks go."""
        return (self.number.webhook if self.number else "") or (self.subscription.url if self.subscription else "")


async def line(api_url: str, now: int, day: str, asked: Asker = ask) -> tuple[list[Finding], bool]:
    """The way to Meta: network, version, clock. Needs no account. ``day``: today, ISO 8601. Also whether Meta answers."""
    notes = Notes("meta")
    reply = await asked(f"{api_url}/me")
    host = urlsplit(api_url).hostname
    if not reply.status:
        notes.fail(
            "network",
            f"{host} cannot be reached: {reply.body}",
            "see that this machine gets out to the internet (DNS, firewall); nothing can be sent meanwhile",
        )
        return notes.made, False
    notes.ok("network", f"{host} answers in {reply.milliseconds} ms")
    _version(notes, api_url, day, reply)
    if reply.clock is not None:
        behind = reply.clock - now
        if abs(behind) > SKEW:
            where = "behind" if behind > 0 else "ahead of"
            notes.fail(
                "clock",
                f"this machine's clock is {ago(abs(behind) / 1000)} {where} Meta's: 24-hour windows and timers go wrong",
                "set it, and keep it right: sudo timedatectl set-ntp true",
            )
        else:
            notes.ok("clock", "agrees with Meta's")
    return notes.made, True


def _version(notes: Notes, api_url: str, day: str, reply: Reply) -> None:
    found = re.search(r"/(v\d+\.\d+)$", api_url)
    if found is None:
        notes.warn(
            "Graph version", f"{api_url} names none: Meta takes the oldest", "write https://graph.facebook.com/v26.0"
        )
        return
    version, end = found[1], ENDS.get(found[1])
    newer = 'take a newer one: [whatsapp] api_url = "https://graph.facebook.com/v26.0"'
    if "nknown path components" in reply.body:
        notes.fail("Graph version", f"{version} does not exist, or no more", newer)
    elif end is not None and day >= end:
        notes.fail("Graph version", f"{version} ended on {end}", newer)
    elif end is not None and day[:7] >= _before(end):
        notes.warn("Graph version", f"{version} ends on {end}", newer)
    else:
        notes.ok("Graph version", f"{version} is alive{f', until {end}' if end else ''}")


def _before(end: str) -> str:
    """Two months before: ``2026-11``."""
    months = int(end[:4]) * 12 + int(end[5:7]) - 1 - 2
    return f"{months // 12}-{months % 12 + 1:02}"


async def look(
    graph: GraphClient,
    whatsapp: WhatsAppSettings,
    number_id: str | None,
    now: int,
    as_app: Callable[[str], GraphClient],
) -> tuple[list[Finding], Standing]:
    """The account. ``as_app`` makes a client that speaks with a token of the app's own; ``now`` in ms."""
    notes = Notes("meta")
    standing = Standing(online=True)
    access = whatsapp.access_token.reveal()
    try:
        info = await account.token(graph, access)
    except GraphRefused as refused:
        accepted = refused.code not in NOT_ACCEPTED
        notes.fail("token", str(refused) if accepted else f"Meta does not accept it (code {refused.code})", _TOKEN)
        return notes.made, standing if accepted else replace(standing, token=TokenInfo(valid=False))
    standing = replace(standing, token=info, account_id=whatsapp.account_id)
    _token(notes, info, now)
    if not info.valid:
        return notes.made, standing
    standing = await _account(notes, graph, standing)
    standing = await _number(notes, graph, number_id, standing)
    standing = await _secret(notes, graph, whatsapp, standing, as_app)
    standing = await _listens(notes, graph, standing)
    return notes.made, standing


_TOKEN = "make a system-user token that does not expire: Business settings > System users > Generate token"  # noqa: S105


def _token(notes: Notes, info: TokenInfo, now: int) -> None:
    left = info.expires_at - now / 1000 if info.expires_at else None
    if not info.valid or (left is not None and left <= 0):
        notes.fail("token", f"Meta does not accept it{f': {info.error}' if info.error else ''}", _TOKEN)
        return
    kind = "a system user's" if info.type == "SYSTEM_USER" else f"of type {info.type.lower() or 'unknown'}"
    if left is None:
        notes.ok("token", f"{kind}, does not expire")
    elif left < SOON:
        notes.fail("token", f"{kind}, expires in {ago(left)}: then nothing is sent", _TOKEN)
    else:
        notes.warn("token", f"{kind}, expires in {ago(left)}", _TOKEN)
    lacking = [scope for scope in SCOPES if scope not in info.scopes]
    if lacking and info.scopes:
        notes.fail("permissions", f"the token lacks {' and '.join(lacking)}", "tick them when you generate the token")
    elif info.scopes:
        notes.ok("permissions", "messaging and management")


async def _account(notes: Notes, graph: GraphClient, standing: Standing) -> Standing:
    """Which business account: the one in the settings, or the only one that the token was made for."""
    info = standing.token
    if standing.account_id is None and info is not None and info.accounts:
        named = ", ".join(info.accounts)
        notes.warn(
            "account",
            f"wabox does not know which business account is yours; the token was made for {named}",
            f"set WABOX_ACCOUNT_ID={info.accounts[0]}, or [whatsapp] account_id",
        )
        return replace(standing, account_id=info.accounts[0])
    if standing.account_id is None:
        notes.warn(
            "account",
            "wabox does not know your business account: it cannot look at templates and subscriptions",
            "set WABOX_ACCOUNT_ID: App dashboard > WhatsApp > API Setup shows it",
        )
    return standing


async def _number(notes: Notes, graph: GraphClient, number_id: str | None, standing: Standing) -> Standing:
    wanted = number_id
    if wanted is None and standing.account_id is not None:
        try:
            found = await account.numbers(graph, standing.account_id)
        except GraphRefused as refused:
            notes.fail("number", str(refused), "see that the system user may see this WhatsApp account")
            return standing
        if not found:
            notes.fail("number", "the account has no number", "add one: WhatsApp Manager > Phone numbers")
            return standing
        wanted = found[0].id
        if len(found) > 1:
            several = ", ".join(f"{one.id} ({one.phone})" for one in found)
            notes.ok(
                "numbers", f"the account has several: {several}", "WABOX_NUMBER_ID says which one wabox writes from"
            )
    if wanted is None:
        notes.unknown(
            "number", "not known which one", "set WABOX_NUMBER_ID: App dashboard > WhatsApp > API Setup shows it"
        )
        return standing
    try:
        info = await account.number(graph, wanted)
    except GraphRefused as refused:
        notes.fail("number", str(refused), "compare WABOX_NUMBER_ID with App dashboard > WhatsApp > API Setup")
        return standing
    notes.made += judge(info)
    return replace(standing, number=info)


def judge(info: NumberInfo) -> list[Finding]:
    """A number."""
    notes = Notes("meta")
    name = info.phone or info.id
    manager = "see it in WhatsApp Manager > Phone numbers"
    if info.status in ("", "CONNECTED"):
        notes.ok("number", f"{name}{f' ({info.name})' if info.name else ''}, id {info.id}")
    elif info.status in ("PENDING", "DISCONNECTED", "UNVERIFIED", "MIGRATED"):
        notes.fail("number", f"{name} is {info.status.lower()}: not registered for the Cloud API", manager)
    else:
        notes.fail("number", f"{name} is {info.status.lower()}", manager)
    for what, advice in info.troubles:
        notes.fail("sending", what, advice or manager)
    if info.sends in ("BLOCKED", "LIMITED") and not info.troubles:
        notes.fail("sending", f"Meta says that sending is {info.sends.lower()}", manager)
    if info.quality == "RED":
        notes.fail(
            "quality", "low: customers report or block the number; Meta will limit it", "write less, and when asked"
        )
    elif info.quality == "YELLOW":
        notes.warn("quality", "medium: customers report or block the number", "write less, and only when asked")
    elif info.quality:
        notes.ok("quality", "high" if info.quality == "GREEN" else "not rated yet")
    if info.name_status in ("DECLINED", "EXPIRED", "NONE"):
        notes.fail("name", f"{info.name!r} is {info.name_status.lower()}", "choose another in WhatsApp Manager")
    elif info.name_status.startswith("PENDING"):
        notes.warn("name", f"{info.name!r} is not approved yet", "wait: Meta looks at it within days")
    elif info.name_status:
        notes.ok("name", f"{info.name!r} is approved")
    if info.rate is not None:
        people = f"; {info.limit:,} people a day may be written to first" if info.limit else ""
        notes.ok("throughput", f"{info.rate:g} messages a second{people}")
    return notes.made


async def _secret(
    notes: Notes,
    graph: GraphClient,
    whatsapp: WhatsAppSettings,
    standing: Standing,
    as_app: Callable[[str], GraphClient],
) -> Standing:
    """The app secret: a proof made with it is accepted, and it opens the app's own settings, which say where webhooks go."""
    secret, info = whatsapp.app_secrets[0].reveal(), standing.token
    wrong = "copy it again: App dashboard > App settings > Basic > App secret"
    about = standing.number.id if standing.number else "me"
    try:
        right = await account.proves(graph, about, whatsapp.access_token.reveal(), secret)
    except GraphRefused as refused:
        notes.unknown("app secret", str(refused))
        return standing
    if not right:
        notes.fail("app secret", "it is not that of the token's app: every webhook would be refused", wrong)
        return replace(standing, secret=False)
    notes.ok("app secret", "it is that of the token's app")
    standing = replace(standing, secret=True)
    if info is None or not info.app_id:
        return standing
    app = as_app(f"{info.app_id}|{secret}")
    try:
        found = await account.subscription(app, info.app_id)
    except GraphRefused as refused:
        notes.unknown("subscription", str(refused))
        return standing
    finally:
        await app.aclose()
    _subscription(notes, found)
    return replace(standing, subscription=found)


def _subscription(notes: Notes, found: Subscription | None) -> None:
    where = "App dashboard > WhatsApp > Configuration > Webhook"
    if found is None or not found.active:
        notes.fail(
            "subscription", "the app has no webhook: no message arrives", f"enter address and verify token: {where}"
        )
        return
    if FIELDS not in found.fields:
        notes.fail(
            "subscription", f"the app does not listen to {FIELDS!r}: no message arrives", f"subscribe to it: {where}"
        )
        return
    lacking = [field for field in USEFUL if field not in found.fields]
    if lacking:
        notes.warn(
            "subscription", f"the app listens to messages, not to {', '.join(lacking)}", f"subscribe to them: {where}"
        )
    else:
        notes.ok("subscription", f"the app listens to {len(found.fields)} fields")


async def _listens(notes: Notes, graph: GraphClient, standing: Standing) -> Standing:
    if standing.account_id is None or standing.token is None:
        return standing
    try:
        apps = await account.subscribed(graph, standing.account_id)
    except GraphRefused as refused:
        notes.unknown("subscribed app", str(refused))
        return standing
    mine = standing.token.app_id
    listens = mine in apps if mine else bool(apps)
    if listens:
        others = len(apps) - 1
        more = "" if not others else f"; {others} more app{'' if others == 1 else 's'} besides"
        notes.ok("subscribed app", f"the business account tells the app{more}")
    else:
        notes.fail(
            "subscribed app",
            "the business account does not tell the app: no message arrives",
            f"once, with the token: curl -X POST to /{standing.account_id}/subscribed_apps of the Graph API",
        )
    return replace(standing, listens=listens)


async def asked_templates(bot: Bot, graph: GraphClient, account_id: str, now: int) -> list[Finding]:
    """The bot's templates, beside what Meta says of them now. ``now`` in ms."""
    try:
        stored = await fetch(graph, account_id, now)
    except GraphRefused as refused:
        notes = Notes("meta")
        notes.unknown("templates", str(refused))
        return notes.made
    if not stored:
        notes = Notes("meta")
        notes.fail("templates", "the bot has some, and the account has none", "make them: WhatsApp Manager > Templates")
        return notes.made
    return templates(bot, stored)


def templates(bot: Bot | None, stored: Sequence[StoredTemplate]) -> list[Finding]:
    """The bot's templates, beside what was last heard of them."""
    notes = Notes("meta")
    if bot is None or not bot.templates:
        return notes.made
    count = f"{len(bot.templates)} template{'' if len(bot.templates) == 1 else 's'}"
    if not stored:
        sentence = f"the bot has {count}; Meta was not asked yet, or has none"
        notes.warn("templates", sentence, "wabox templates sync; then submit them in WhatsApp Manager")
        return notes.made
    found = list(compare(bot.templates, stored))
    for one in found:
        (notes.fail if one.severity == "error" else notes.warn)("templates", one.sentence, one.fix)
    if not found:
        notes.ok("templates", f"{count}, as Meta has {'it' if len(bot.templates) == 1 else 'them'}")
    return notes.made
