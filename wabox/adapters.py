"""From settings to what speaks with the world: Meta, the calls of flows, services of the owner's choice.

Used by the composition root alone.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable

from wabox import __version__
from wabox.calls.address import Allowed
from wabox.calls.caller import WorldCaller
from wabox.calls.http import HttpCalls
from wabox.calls.llm import LlmClient
from wabox.calls.mail import MailCalls
from wabox.calls.speech import SpeechCalls
from wabox.calls.tasks import Settled, TaskCalls
from wabox.core.agent import Agent
from wabox.core.alert import AlertKind
from wabox.core.delivery import Delivery
from wabox.core.llm import Purse
from wabox.core.ports import Caller, Clock, MediaLibrary, MediaSource, Messenger
from wabox.core.traces import Traces
from wabox.flowfile.bot import Bot
from wabox.services.accounts import FOLDER, Accounts
from wabox.services.alarms import Way
from wabox.services.briefs import Briefs, Cases
from wabox.services.downloads import Downloads
from wabox.services.hearing import Hearing
from wabox.services.llm import Advisor, Limits
from wabox.services.outward import Kept
from wabox.services.register import Register
from wabox.services.requests import reveal
from wabox.services.secondfactor import SecondFactor
from wabox.services.sends import Sends
from wabox.services.versions import Versions
from wabox.services.ways import MailWay, WebWay, WhatsAppWay, console
from wabox.settings import Settings, WhatsAppSettings, access_token
from wabox.sqlite.store import SqliteStore
from wabox.whatsapp.client import CloudMessenger
from wabox.whatsapp.graph import GraphClient
from wabox.whatsapp.media import CloudMedia
from wabox.whatsapp.token import Token


def steady_clock() -> int:
    """ms since some moment; goes on evenly when somebody sets the clock."""
    return time.monotonic_ns() // 1_000_000


def accounts_of(register: Register, clock: Clock, here: str = FOLDER) -> Accounts:
    """Accounts of the people who look after conversations. ``here``: what the log calls a caller that is no server's."""
    draw = secrets.token_urlsafe
    return Accounts(register, clock, draw, SecondFactor(register.second, clock, draw), here=here)


def traces_of(settings: Settings, bot: str) -> Traces | None:
    """Raises SettingsError where the part is not installed."""
    telemetry = settings.telemetry
    if telemetry is None:
        return None
    from wabox.telemetry.otlp import traces  # only who wants it pays for it

    return traces(telemetry.endpoint, telemetry.rate, bot)


def messenger_of(settings: Settings) -> Messenger:
    whatsapp = settings.require_whatsapp()
    return CloudMessenger(whatsapp.api_url, _token(settings, whatsapp))


def _token(settings: Settings, whatsapp: WhatsAppSettings) -> Token:
    """The access token, which may be replaced while the server runs."""

    def again() -> str | None:
        found = access_token(settings.root)
        return None if found is None else found.reveal()

    return Token(whatsapp.access_token.reveal(), again)


def media_of(settings: Settings) -> MediaSource | None:
    whatsapp = settings.whatsapp
    return None if whatsapp is None else CloudMedia(whatsapp.api_url, _token(settings, whatsapp))


def hearing_of(settings: Settings, library: MediaLibrary, downloads: Downloads, clock: Clock) -> Hearing | None:
    speech = settings.speech
    if speech is None:
        return None
    calls = SpeechCalls(speech.url, speech.model, speech.key.reveal() if speech.key else None)
    return Hearing(calls, library, downloads, clock, timeout=speech.timeout / 1000, sure=speech.confidence)


def advisor_of(settings: Settings, purse: Purse, clock: Clock) -> Advisor | None:
    """Who asks the language model; None without one."""
    if (llm := settings.llm) is None:
        return None
    key = llm.key.reveal() if llm.key else None
    client = LlmClient(llm.url, llm.model, key, user_agent=f"wabox/{__version__}")
    return Advisor(client, purse, clock, Limits.of(llm))


def kept_of(store: SqliteStore) -> Kept:
    """Where what our own side begins is kept."""
    return Kept(open=store.open, put=store.put, enter=store.enter, outgoing=store.outgoing)


def cases_of(store: SqliteStore) -> Cases:
    return Cases(store.desk.page, store.desk.find, store.put)


def briefs_of(
    settings: Settings, cases: Cases, advisor: Advisor | None, bot: Callable[[], Bot], clock: Clock
) -> Briefs | None:
    """Who writes summaries of cases; None when nobody is to."""
    if advisor is None or settings.llm is None or not settings.llm.summaries:
        return None
    return Briefs(advisor, cases, bot, clock)


def caller_of(settings: Settings, versions: Versions, media: str, settled: Settled) -> Caller:
    """``media``: the folder where tasks find customers' files; ``settled`` waits for those that are on their way there."""
    secrets = {name: secret.reveal() for name, secret in settings.secrets.items()}
    http = HttpCalls(Allowed(settings.allow), user_agent=f"wabox/{__version__}")
    tasks = TaskCalls(versions.tasks, media=media, settled=settled)
    return WorldCaller(http, tasks, lambda request: reveal(request, secrets), secrets.values())


def ways_of(
    settings: Settings,
    delivery: Callable[[str], Awaitable[Delivery | None]],
    sends: Sends,
    caller: Caller,
    bot: Callable[[], Bot],
    clock: Clock,
    account: Callable[[str], Agent | None],
) -> dict[AlertKind, Way]:
    """How people are told that somebody waits. ``delivery``: a message of the outbox; ``account``: an agent by id, also one
    whose account is closed."""
    token = settings.manners.alerts.ntfy_token
    web = WebWay(caller, bot, clock, None if token is None else token.reveal())
    ways: dict[AlertKind, Way] = {
        "console": console,
        "webhook": web.webhook,
        "ntfy": web.ntfy,
        "whatsapp": WhatsAppWay(sends, delivery, bot, clock, account),
    }
    if settings.smtp is not None:
        ways["email"] = MailWay(MailCalls(settings.smtp), bot, clock)
    return ways


def graph_of(settings: Settings) -> GraphClient | None:
    """Who asks Meta; None without an account."""
    whatsapp = settings.whatsapp
    return None if whatsapp is None else GraphClient(whatsapp.api_url, _token(settings, whatsapp))
