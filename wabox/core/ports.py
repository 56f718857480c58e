"""The ports: what the services need of the world.

They exist for two reasons only. *Ingress, Lanes, Sessions, Timers, Calls, Records, Versions* have two adapters, one process on
SQLite and a cluster; one conformance suite (``tests/integration/test_storage_contract.py``) runs against every adapter.
*Messenger, MediaSource, Caller, Classifier* and *Clock* exist because a test can have neither Meta nor the world nor a trained
model nor time.

Nothing here speaks of SQL, files, threads or brokers. What returns has happened durably; what raises
:class:`~wabox.errors.Unavailable` has not happened at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from wabox.core.consent import Consent, ConsentEntry
from wabox.core.contact import Contact
from wabox.core.conversation import CommitResult, ConversationSummary, Record, Session, UnitOfWork
from wabox.core.delivery import Attempt, Delivery, OutboundMessage, Scope
from wabox.core.handoff import Handoff
from wabox.core.intent import Verdict
from wabox.core.invocation import Invocation, Outcome
from wabox.core.keep import DEFAULT, Keep
from wabox.core.media import InboundMedia, LocalFile, Transcript, Transfer
from wabox.core.message import Arrival, InboundMessage
from wabox.core.passage import Found
from wabox.core.person import Certificate, Person
from wabox.core.version import Version


class Clock(Protocol):
    def __call__(self) -> int:
        """Now, ms since the epoch."""


class Classifier(Protocol):
    """A trained model: from words to an intent, without the conversation."""

    @property
    def intents(self) -> tuple[str, ...]:
        """The intents that it tells apart."""

    def classify(self, text: str) -> Verdict:
        """What the text means by itself. Costs less than a millisecond, whatever the text; never raises."""


class Library(Protocol):
    """The owner's documents, indexed."""

    @property
    def threshold(self) -> float:
        """The score from which on a passage answers."""

    def search(self, text: str, language: str | None = None, limit: int = 5) -> tuple[Found, ...]:
        """The passages that speak of it most, the best first. Costs 1 ms for twenty pages, 15 for a thousand; never raises."""


class Ingress(Protocol):
    @property
    def crowded(self) -> bool:
        """``put`` would most likely refuse now: whoever is cheap to turn away should be, before work is spent on them."""

    async def put(self, arrival: Arrival) -> None:
        """Store everything a webhook brought, in one transaction, durably.

        A message id that was put before (up to 8 days ago) is dropped; delivery statuses are folded into the outbox.
        A message goes into the conversation of whoever holds its ids now (``conversation_id`` of the message is where it
        would go if nobody did): the BSUID decides, then the phone. A recycled phone number leads to a new conversation.
        Order of calls is kept within each conversation. Raises Unavailable at once when the store is overloaded.
        """


Handle = Callable[[InboundMessage], Awaitable[None]]
"""Handles one message and returns when the unit of work that names it is committed."""


class Lanes(Protocol):
    """One conversation, one order: messages put through Ingress come out here."""

    @property
    def backlog(self) -> int:
        """Messages that wait or are being handled."""

    def run(self, handle: Handle) -> None:
        """Begin: first everything left over from before a restart, then what arrives.

        At least once; within a conversation in order and one at a time; conversations do not wait for each other.
        There is no negative acknowledgement: ``handle`` commits a unit that names the message, or the lane tries again
        later, and what follows in that conversation waits.
        """

    async def drain(self, timeout: float) -> None:
        """Take nothing new; wait up to ``timeout`` seconds for what is being handled."""


class Sessions(Protocol):
    async def open(self, conversation_id: str) -> Session:
        """The conversation as last committed."""

    async def commit(self, unit: UnitOfWork) -> CommitResult:
        """All of the unit, or none of it. Durable when it returns. Conversations share commits under load.

        Raises ConversationError when the snapshot is over 1 MiB.

        What was settled before in this conversation, ``durable`` or not, is durable with it: a message must not leave while
        nobody could tell after a crash that the one before it had left.
        """

    async def ours(self, wamid: str) -> bool:
        """Whether a message of the outbox has this id at Meta."""

    async def settle(self, attempts: Sequence[Attempt], *, durable: bool = True) -> frozenset[str]:
        """Write what the sender learnt. A status webhook that came first is not overwritten (``delivery.later``).

        Says which messages must not be sent (again): they were settled meanwhile, by a status or by a person.

        With ``durable=False`` it may return before the write, which then shares a later commit: for marks that a delivery
        status would restore after a crash.
        """

    async def pending(self, conversation_id: str, limit: int) -> Sequence[OutboundMessage]:
        """The conversation's messages that may leave now (queued, sending, unknown; due), oldest first."""

    async def unsent(self) -> Sequence[str]:
        """Conversations with pending messages; read at the start."""

    async def due(self, now: int) -> Sequence[str]:
        """Conversations with pending messages whose ``due_at`` has come; perhaps others that may send now."""

    async def tell(self, limit: int) -> int:
        """Put ``delivery.failed`` into the conversations of up to ``limit`` failed messages, each once; how many there were."""


class Timers(Protocol):
    async def sweep(self, now: int, limit: int, *, since: int = 0) -> int:
        """Move up to ``limit`` timers that came due after ``since`` and not after ``now`` into their conversations' queues,
        each in one transaction; how many were moved.

        It may be fewer though more are due, while the queues hold very many.
        """


class Calls(Protocol):
    """Calls that units of work asked for."""

    async def calls(self) -> Sequence[Invocation]:
        """All without a result, oldest first; read at the start."""

    async def began(self, invocation_id: str) -> int | None:
        """Note that a try begins; how many began with it. None when nobody waits for the result any more."""

    async def answer(self, invocation: Invocation, outcome: Outcome) -> None:
        """Put the result into the conversation's queue; nothing when nobody waits for it. The first one counts."""


class Caller(Protocol):
    """The world that is called. It exists because a test cannot have it."""

    async def call(self, invocation: Invocation) -> Outcome:
        """One try; never raises for what the other side or the bot's own code does."""

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    conversations: int
    inbox: int
    outbox: int
    """Messages that still have to leave."""
    handoffs_waiting: int
    dead_letters: int


class Records(Protocol):
    """For people: consoles, commands. Never on the reply path."""

    async def append(self, conversation_id: str, records: Sequence[Record]) -> None: ...

    async def transcript(self, conversation_id: str, limit: int = 200) -> Sequence[Record]:
        """The newest ``limit`` lines, oldest first."""

    async def conversations(self, limit: int = 100) -> Sequence[ConversationSummary]:
        """The most recently active, newest first."""

    async def handoffs(self, limit: int = 100) -> Sequence[Handoff]:
        """Open cases, longest waiting first."""

    async def stats(self) -> StoreStats: ...

    async def deliveries(self, limit: int = 100, *, failed: bool = False) -> Sequence[Delivery]:
        """Messages that still have to leave, oldest first; or those that failed, newest first."""

    async def send_again(self, outbound_id: str) -> Delivery | None:
        """Make one that waits or failed due now; it as it is then, None when there is none. What may have left stays."""

    async def drop(self, outbound_id: str) -> Delivery | None:
        """Take out one that still has to leave; it as it is then, None when there is none."""

    async def scan(self, look: Callable[[str, bytes], None]) -> None:
        """Call ``look`` with the id and the snapshot of every conversation that is not over; it runs in another thread."""

    async def prune(self, now: int, keep: Keep = DEFAULT) -> None:
        """Forget what is past its keep, in steps that keep nobody waiting. Message ids are kept for 8 days whatever it says."""


class Register(Protocol):
    """Customers, for those who look after them. Never on the reply path."""

    async def find(self, words: str) -> Sequence[Person]:
        """Whoever has this id (a phone number in any spelling, a user id, a conversation), else whose name contains it."""

    async def people(self, limit: int = 100, *, stopped: bool = False) -> Sequence[Person]:
        """The newest; ``stopped``: those who asked us to stop, or want no marketing."""

    async def export(self, key: int) -> Mapping[str, Any]:
        """Everything that is kept about a person, JSON-serialisable."""

    async def enter(self, key: int, entry: ConsentEntry) -> Consent:
        """Add to the ledger of a person; what holds then."""

    async def bring(self, given: Sequence[tuple[Contact, ConsentEntry]]) -> list[str]:
        """Import opt-ins: one word each, ``added``, ``known`` or why not. Nobody's own word is overruled."""

    async def forget(self, person: Person) -> Certificate:
        """Erase a person, for good."""


class Versions(Protocol):
    """Published versions of bots: which there are, and which one is live."""

    async def versions(self, bot: str) -> Sequence[Version]:
        """Every one, in the order of their numbers."""

    async def make_live(self, version: Version, expected: str | None) -> Version | None:
        """Make it live from ``version.live_from`` on, and end the one that was; as it is then stored, with its number.

        None, and nothing changed, when the live one is not ``expected``.
        """

    async def forget_version(self, bot: str, id_: str) -> bool:
        """Take out one that is not live; whether it was there."""


class Bundles(Protocol):
    """What versions consist of, where several machines share them: an archive for each version and its model."""

    async def keep(self, bot: str, id_: str, model: str, bundle: bytes, at: int) -> None:
        """All of it, or nothing. One that is there already is the same."""

    async def fetch(self, bot: str, id_: str, model: str) -> bytes | None:
        """As it was kept; None when there is none."""

    async def tidy(self, bot: str, before: int) -> int:
        """Delete those that no version names and nobody kept since then, ms since the epoch; how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """What the channel said to one POST.

    ``sent``: Meta took it (``wamid`` is set). ``retry``: it certainly did not leave; try again after ``wait`` seconds.
    ``unknown``: it may have left (timeout after the request was written, 5xx). ``failed``: it will never leave as it is.
    """

    verdict: str
    wamid: str | None = None
    reason: str | None = None
    wait: float | None = None
    code: int | None = None
    """Meta's."""
    scope: Scope = "message"
    """What the fault stops; ``retry`` with ``number``: everything from that number would meet the same."""
    alert: bool = False
    """Somebody must act before anything leaves again."""
    later: bool = False
    """The pause is so long that what follows need not wait."""
    tries: int | None = None
    """More than so many are no use."""
    closed: bool = False
    """Refused because the service window was closed: a template would be taken."""
    usage: float | None = None
    """How much of its quota the app has used, in per cent, when that is worth knowing."""


class Messenger(Protocol):
    async def send(self, message: OutboundMessage) -> SendResult:
        """POST one message; never raises for what the network or Meta does."""

    async def seen(self, number_id: str, message_id: str, *, typing: bool = False) -> bool:
        """Mark a customer's message as read, and show that an answer is coming. Whether it was taken; nothing hangs on it."""

    async def aclose(self) -> None: ...


Write = Callable[[bytes], Awaitable[None]]


class MediaSource(Protocol):
    """Meta, as far as files are concerned."""

    async def fetch(self, media: InboundMedia, write: Write) -> Transfer:
        """One try to get what a customer sent; its bytes go to ``write``. What Meta or the network do is in the result; what
        ``write`` raises is raised."""

    async def upload(self, number_id: str, file: LocalFile, path: str, mime_type: str) -> Transfer:
        """One try to bring a file to Meta. ``path``: where it lies. Never raises for what Meta or the network do."""

    async def aclose(self) -> None: ...


class Receiving(Protocol):
    """A file on its way into the library."""

    @property
    def size(self) -> int:
        """Bytes so far."""

    async def write(self, data: bytes) -> None:
        """Raises OSError."""

    async def sha256(self) -> str:
        """Hex, of all that came."""

    async def keep(self, media: InboundMedia) -> InboundMedia | None:
        """It is whole and right: it is stored, durably. None when the message was erased meanwhile: so is the file."""


class MediaLibrary(Protocol):
    """The files that customers and agents sent, one row per message, one file per content."""

    async def prepare(self) -> None:
        """Before anything else: clears what a crash left half-written."""

    async def due(self, now: int, limit: int, without: Collection[str] = ()) -> Sequence[InboundMedia]:
        """Those to fetch now, but for these messages' (they are under way). Whoever asks fetches them."""

    async def find(self, message_id: str) -> InboundMedia | None: ...

    async def of_conversation(self, conversation_id: str) -> Sequence[InboundMedia]:
        """Oldest first."""

    def path(self, sha256: str) -> str:
        """Where the file is, or would be."""

    async def enter(self, media: InboundMedia) -> None:
        """A row for a file that is about to be received, and was not sent by a customer."""

    async def held(self, sha256: str) -> tuple[int, bytes] | None:
        """Size and first bytes of a file that is here."""

    def receiving(self) -> AbstractAsyncContextManager[Receiving]:
        """A file to write; gone at the end unless it was kept. Raises OSError."""

    async def known(self, media: InboundMedia) -> InboundMedia | None:
        """Its file, if another message brought the same; None when it is not here."""

    async def settle(self, media: InboundMedia, due_at: int = 0) -> None:
        """Write that it is lost, or (``waiting``) why it must wait until ``due_at``, ms."""

    async def erase(self, conversation_ids: Sequence[str]) -> int:
        """Forget the media of these conversations, and every file that no other one has; of how many messages."""

    async def erase_before(self, before: int) -> int:
        """The same for what was sent before then, ms since the epoch."""

    async def clear(self) -> int:
        """Remove the files of what was erased in a transaction of its own; of how many messages."""

    async def heard(self, message_id: str) -> Transcript | None:
        """What was found to be said in a voice message."""

    async def hear(self, message_id: str, transcript: Transcript) -> None:
        """Keep that, for as long as the message's file."""

    async def uploaded(self, number_id: str, sha256: str) -> str | None:
        """Meta's id of a file that this number uploaded, while it surely lives."""

    async def keep_upload(self, number_id: str, sha256: str, media_id: str) -> None: ...

    async def forget_upload(self, number_id: str, sha256: str) -> None: ...


class Transcriber(Protocol):
    """Writes down what is said in a recording."""

    async def transcribe(self, path: str, content_type: str, language: str | None) -> Transcript:
        """One request. ``language``: the likely one, as a hint. Raises Unheard with the reason; nothing else."""

    async def aclose(self) -> None: ...
