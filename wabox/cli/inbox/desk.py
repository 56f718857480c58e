"""What an agent's inbox knows, without a terminal: cases, the open one, what was typed, and how the server is reached.

1. Everything shown is what the server said last; nothing is made up while it is away.
2. What was typed is kept, case by case, until the server has said that it is done. A reply whose answer never came keeps its
   id: sent again it is the same act, and when the transcript shows that it had left, it is taken off the line.
3. A refusal is shown in the server's words, and what was typed stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

from wabox.cli.running import Unanswered
from wabox.core.act import message_id
from wabox.core.delivery import outbound_id
from wabox.errors import WaboxError
from wabox.services.desk import SAID

PAUSE: Final = 1.0
"""s between two tries to reach the server."""
CALM: Final = 0.2
"""s between two looks at the server while much happens."""

LINES: Final = 200
"""Of a transcript, at first."""
MOST: Final = 1000
"""That the server tells at once."""
SEEN: Final = 60
"""Lines of a transcript whose ticks are watched."""

Json = dict[str, Any]


class Line(Protocol):
    """To the server; see :class:`wabox.cli.running.Line`."""

    async def call(self, method: str, path: str, body: Any = None) -> Any: ...

    async def send_file(self, path: str, file: Path) -> Any: ...

    def events(self) -> AsyncIterator[Json]: ...


@dataclass(slots=True)
class Draft:
    """What is typed for a case and not sent."""

    text: str = ""
    id: str = ""
    """Of the act that was tried with this text; empty: none was."""
    file: Json | None = None
    """What was attached."""

    def write(self, text: str) -> None:
        if text != self.text:
            self.text, self.id = text, ""

    @property
    def empty(self) -> bool:
        return not self.text.strip() and self.file is None


@dataclass(slots=True)
class Desk:
    open: Callable[[], AbstractAsyncContextManager[Line]]
    """A connection to the server, wherever it is now. Raises WaboxError when there is none."""
    who: str
    now: Callable[[], float]
    """ms."""
    queue: str | None = None
    """Only this one's cases."""
    sleep: Callable[[float], Any] = asyncio.sleep
    cases: list[Json] = field(default_factory=list)
    at: float = 0.0
    """When they were told, ms."""
    report: Json | None = None
    """The open case."""
    chosen: str | None = None
    """Its id."""
    trouble: str | None = None
    """Why the server cannot be reached."""
    news: set[str] = field(default_factory=set)
    """Cases in which something was said that was not looked at."""
    drafts: dict[str, Draft] = field(default_factory=dict)
    prompts: dict[tuple[str, str], str] = field(default_factory=dict)
    """Notes, reasons … that were begun: by case and act."""
    lines: int = LINES
    """Of the open case's transcript, that are asked for."""
    _line: Line | None = None
    _stale: asyncio.Event = field(default_factory=asyncio.Event)
    _loud: bool = False

    # ---- staying up to date ------------------------------------------------------------------------------------------------

    async def follow(self, told: Callable[[bool], None]) -> None:
        """For ever. ``told``: there is something new to show; True: it is worth a sound."""
        while True:
            try:
                async with self.open() as line:
                    self._line = line
                    await self._listen(line, told)
                    self.trouble = "the server has stopped"
            except WaboxError as error:
                self.trouble = str(error)
            finally:
                self._line = None
            told(False)
            await self.sleep(PAUSE)

    async def _listen(self, line: Line, told: Callable[[bool], None]) -> None:
        events = line.events()
        looking: asyncio.Task[None] | None = None
        try:
            # The stream first: what happens while the rest is read is heard of.
            async for change in events:
                if looking is None:
                    looking = asyncio.create_task(self._look(told))
                if not change or self._concerns(change):
                    self._hear(change)
                    self._stale.set()
                if looking.done():
                    await looking  # for what went wrong
                    return
        finally:
            if looking is not None:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)

    def _hear(self, change: Mapping[str, Any]) -> None:
        """Of a customer who is this agent's, and not the one on the screen."""
        id_ = change.get("case_id")
        if (
            "message" in change.get("kinds", ())
            and id_ != self.chosen
            and any(case["id"] == id_ and case["agent"] == self.who for case in self.cases)
        ):
            self.news.add(str(id_))
            self._loud = True

    def _concerns(self, change: Mapping[str, Any]) -> bool:
        if self.report is None:
            return bool(change.get("case_id"))
        if change.get("outbound_id"):
            return any(said["ref"] == change["outbound_id"] for said in self.report["transcript"][-SEEN:])
        mine = change["conversation_id"] == self.report["case"]["conversation_id"]
        return mine or bool(change.get("case_id"))

    async def _look(self, told: Callable[[bool], None]) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            told(await self.refresh())
            await self.sleep(CALM)

    async def refresh(self) -> bool:
        """Read everything anew; whether something came that is worth a sound. Raises WaboxError."""
        line = self._reached()
        asked = f"?queue={quote(self.queue)}" if self.queue else ""
        cases = await line.call("GET", f"/api/v1/handoffs{asked}")
        known = {case["id"] for case in self.cases}
        loud = bool(self.at) and any(case["id"] not in known for case in cases)
        self.cases, self.at, self.trouble = cases, self.now(), None
        if self.chosen is not None:
            with contextlib.suppress(WaboxError):  # it may be forgotten; whether the server is there, the stream knows
                await self._read(line, self.chosen)
        self.news &= {case["id"] for case in cases}
        loud, self._loud = loud or self._loud, False
        return loud

    async def choose(self, case: str) -> None:
        """Open a case. Raises WaboxError."""
        if self.chosen != case:
            self.lines = LINES
        self.chosen = case
        self.news.discard(case)
        if self.report is not None and self.report["case"]["id"] != case:
            self.report = None
        await self._read(self._reached(), case)

    async def older(self) -> bool:
        """Ask for what was said before as well; whether there was more. Raises WaboxError."""
        if self.chosen is None or self.report is None or self.report["first"] is None or self.lines >= MOST:
            return False
        self.lines = min(MOST, self.lines * 3)
        await self._read(self._reached(), self.chosen)
        return True

    async def _read(self, line: Line, case: str) -> None:
        report = await line.call("GET", f"/api/v1/handoffs/{quote(case)}?lines={self.lines}")
        if self.chosen != case:
            return  # another one was opened meanwhile
        self.report = report
        draft = self.drafts.get(case)
        if draft is not None and draft.id:
            left = outbound_id(message_id(draft.id), SAID)
            if any(said["ref"] == left for said in report["transcript"]):
                self.drafts[case] = Draft()  # the answer was lost, the reply was not

    def _reached(self) -> Line:
        if self._line is None:
            raise WaboxError(f"not connected: {self.trouble or 'one moment'}")
        return self._line

    # ---- what the agent does -----------------------------------------------------------------------------------------------

    def draft(self, case: str) -> Draft:
        return self.drafts.setdefault(case, Draft())

    @property
    def unsent(self) -> int:
        """Replies that were typed and not sent."""
        return sum(not draft.empty for draft in self.drafts.values())

    async def reply(self, case: str) -> None:
        """Send what is typed. Raises WaboxError, and then it is still there."""
        draft = self.draft(case)
        if draft.empty:
            return
        text, draft.id = draft.text.strip(), draft.id or secrets.token_hex(12)
        body = {"text": text or None, "file": draft.file and draft.file["id"], "claim": True}
        try:
            await self._act(case, "reply", {**body, "id": draft.id})
        except Unanswered:
            raise
        except WaboxError:
            draft.id = ""  # it was refused, for good: another try is another act
            raise
        if draft.text.strip() == text:
            self.drafts[case] = Draft()

    async def template(self, case: str, name: str, values: Mapping[str, str]) -> None:
        await self._act(case, "reply", {"template": name, "values": values, "claim": True})

    async def act(self, case: str, what: str, **body: Any) -> None:
        """claim, note, transfer, close. Raises WaboxError with the server's words."""
        await self._act(case, what, body)

    async def attach(self, case: str, file: Path) -> None:
        """Put a file beside what is typed. Raises WaboxError."""
        draft = self.draft(case)
        draft.file = await self._reached().send_file(f"/api/v1/handoffs/{quote(case)}/files", file)
        draft.id = ""

    async def canned(self, case: str) -> list[Json]:
        found: list[Json] = await self._reached().call(
            "GET", f"/api/v1/canned?{urlencode({'case': case, 'by': self.who})}"
        )
        return found

    async def queues(self) -> list[str]:
        return [str(one["name"]) for one in await self._reached().call("GET", "/api/v1/queues")]

    async def _act(self, case: str, what: str, body: Mapping[str, Any]) -> None:
        call = {"id": secrets.token_hex(12), **body, "agent": self.who, "by": self.who}
        report = await self._reached().call("POST", f"/api/v1/handoffs/{quote(case)}/{what}", call)
        if self.chosen == case:
            self.report = report
        self._stale.set()
