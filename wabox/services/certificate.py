"""The certificate of the public address: obtained, renewed when a third of its life is left or when its authority says so (ACME
renewal information), tried again when that fails.

A failure never ends the server: the old certificate serves for as long as it is valid, the sentence of what to do is in the
log, at ``/readyz`` and in ``wabox doctor``, and the pauses between tries double, from ten minutes to six hours: authorities
count failures (Let's Encrypt: five an hour and name).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog

from wabox.acme.folder import CertificateFolder, Validity
from wabox.core.ports import Clock
from wabox.errors import SettingsError, WaboxError

log = structlog.get_logger(__name__)

FIRST_PAUSE: Final = 600_000
LONGEST_PAUSE: Final = 6 * 3_600_000
"""ms."""
NEVER: Final = 1 << 62


class Certificate:
    """What the HTTPS port shows, and the proofs that the HTTP port shows while a new one is obtained."""

    def __init__(
        self,
        folder: CertificateFolder,
        clock: Clock,
        issue: Callable[[Callable[[str, str], None]], None],
        advise: Callable[[], tuple[int | None, int]] = lambda: (None, NEVER),
    ) -> None:
        """``issue`` puts a certificate into the folder and is given how to publish proofs; ``advise`` says when the authority
        wants it renewed, and when to ask again. Both block."""
        self._advise = advise
        self._advised: int | None = None
        self._ask_at = 0
        self._folder = folder
        self._clock = clock
        self._issue = issue
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.proofs: dict[str, str] = {}
        """By token."""
        self.trouble: str | None = None
        """Why there is no new one; None: nothing is wrong."""
        self._validity: Validity | None = None
        self._failures = 0
        self._not_before = 0

    @property
    def domain(self) -> str:
        return self._folder.domain

    def begin(self) -> None:
        """Show what there is, or a placeholder, so that the port can open. Raises StorageError."""
        from wabox.acme.issuing import placeholder

        self._validity = self._folder.validity()
        if self._validity is None:
            placeholder(self._folder)
        self._folder.into(self.context, placeholder=self._validity is None)

    async def look(self) -> None:
        """Obtain one if it is time; never raises for what an authority or a network does."""
        now = self._clock()
        if now < self._not_before:
            return
        if self._validity is not None and not self._validity.due(now) and not await self._wanted(now):
            return
        try:
            await _aside(lambda: self._issue(self._publish))
            self._validity = self._folder.validity()
            self._folder.into(self.context)
        except WaboxError as error:
            self._failed(str(error), now)
            return
        self._failures, self._not_before, self.trouble = 0, 0, None
        self._advised, self._ask_at = None, 0
        self._folder.trouble = None
        log.info("certificate.obtained", domain=self.domain, until=self.until)

    async def _wanted(self, now: int) -> bool:
        """Whether the authority wants it renewed by now."""
        if now >= self._ask_at:
            self._ask_at = now + LONGEST_PAUSE
            try:
                await _aside(self._ask)
            except WaboxError as error:
                log.info("certificate.not_advised", domain=self.domain, error=str(error))
        return self._advised is not None and now >= self._advised

    def _ask(self) -> None:
        self._advised, self._ask_at = self._advise()

    def _failed(self, sentence: str, now: int) -> None:
        pause = min(FIRST_PAUSE << min(self._failures, 10), LONGEST_PAUSE)
        self._failures += 1
        self._not_before = now + pause
        self.trouble = sentence
        log.error("certificate.failed", domain=self.domain, error=sentence, again_in=pause // 1000, until=self.until)
        try:
            self._folder.trouble = sentence
        except WaboxError as error:
            log.warning("certificate.not_noted", error=str(error))

    def _publish(self, token: str, proof: str) -> None:
        if proof:
            self.proofs[token] = proof
        else:
            self.proofs.pop(token, None)

    @property
    def until(self) -> str | None:
        """The day on which it ends."""
        if self._validity is None:
            return None
        return datetime.fromtimestamp(self._validity.ends / 1000, UTC).date().isoformat()

    def state(self) -> dict[str, str | None]:
        """For ``/readyz``: it is no reason to turn messages away."""
        return {"domain": self.domain, "until": self.until, "trouble": self.trouble}


async def _aside(work: Callable[[], None]) -> None:
    """On a thread that the end of the process does not wait for: an authority may take a minute and a half."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        found: Exception | None = None
        try:
            work()
        except Exception as error:  # noqa: BLE001 - it is raised again, where somebody waits for it
            found = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=run, name="wabox-certificate", daemon=True).start()
    await done


def require_acme() -> None:
    """Raises SettingsError where the extra is not installed."""
    try:
        import acme  # noqa: F401
    except ImportError:
        raise SettingsError(
            "[server] domain needs a part that is not installed: pip install 'wabox[domain]'. Or put a reverse proxy in "
            "front: wabox serve --print-proxy prints its lines"
        ) from None
