"""Voice messages become text before the bot reads them.

The conversation waits for that, and only this one: its lane. There is a deadline for all of it, fetching the recording
included; afterwards, or when nobody could write it down, the message stays what it is, and the bot says that it cannot listen.
What was understood poorly is not guessed at: the bot says what it heard and asks again.

The text is kept with the recording, so a turn that a crash repeats costs nothing, and goes with it.
"""

from __future__ import annotations

import asyncio

import structlog

from wabox.core.changed import changed
from wabox.core.media import MediaStatus, Transcript, Unheard
from wabox.core.message import InboundMessage
from wabox.core.ports import Clock, MediaLibrary, Transcriber
from wabox.engine.snapshot import Snapshot
from wabox.engine.view import takes_voice
from wabox.errors import StorageError
from wabox.flowfile.bot import Bot
from wabox.services.downloads import Downloads

log = structlog.get_logger(__name__)

AT_ONCE = 8
"""Recordings that are being written down; each is a minute of work for a small machine."""
FAILURES = 3
"""In a row, after which the service is left alone for a while: every customer would wait for nothing."""
REST = 60_000
"""ms of that."""


class Missing(Unheard):
    """There is nothing to write down; the service is not to blame."""


class Hearing:
    def __init__(
        self,
        transcriber: Transcriber,
        library: MediaLibrary,
        downloads: Downloads,
        clock: Clock,
        *,
        timeout: float,
        sure: float,
    ) -> None:
        """``timeout`` in s; below the confidence ``sure`` nothing is made of what was heard."""
        self._transcriber = transcriber
        self._library = library
        self._downloads = downloads
        self._clock = clock
        self._timeout = timeout
        self._sure = sure
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._failures = 0
        self._rests_until = 0

    async def heard(self, message: InboundMessage, bot: Bot, snapshot: Snapshot | None) -> InboundMessage:
        """The message as text, if it is a voice message whose words could be made out; else as it is. Raises nothing."""
        language = (snapshot.language if snapshot is not None else None) or bot.default_language
        transcript = await self._transcript(message, language)
        if transcript is None or not transcript.text:
            return message
        said = {"text": transcript.text, "confidence": transcript.confidence}
        sure = transcript.confidence is None or transcript.confidence >= self._sure
        if not sure or (snapshot is not None and takes_voice(bot.charts, snapshot)):
            # The flow wants the recording itself; or nobody can be sure of a word of it.
            return changed(message, payload={**message.payload, "heard": {**said, "sure": sure}})
        payload = {"voice": message.payload, "heard": {**said, "sure": True}}
        return changed(message, type="text", text=transcript.text, payload=payload)

    async def aclose(self) -> None:
        await self._transcriber.aclose()

    async def _transcript(self, message: InboundMessage, language: str) -> Transcript | None:
        try:
            known = await self._library.heard(message.message_id)
            if known is not None:
                return known
            if self._clock() < self._rests_until:
                raise Unheard("the service failed several times and rests")
            async with asyncio.timeout(self._timeout), self._slots:
                transcript = await self._asked(message, language)
        except TimeoutError:
            self._failed(message, f"it took longer than {self._timeout:g} s")
            return None
        except Missing as error:
            log.warning("voice.unheard", conversation=message.conversation_id, reason=str(error))
            return None
        except Unheard as error:
            self._failed(message, str(error))
            return None
        except StorageError as error:
            log.warning("voice.later", error=str(error))
            return None
        except Exception as error:
            log.error("voice.bug", message=message.message_id, exc_info=error)
            return None
        self._failures = 0
        log.info(
            "voice.heard",
            conversation=message.conversation_id,
            characters=len(transcript.text),
            confidence=transcript.confidence,
        )
        return transcript

    async def _asked(self, message: InboundMessage, language: str) -> Transcript:
        media = await self._downloads.wait(message.message_id)
        if media is None or media.status is not MediaStatus.STORED or media.sha256 is None:
            raise Missing(f"the recording is not here: {media.reason if media is not None else 'WhatsApp has none'}")
        content_type = media.content_type or (media.mime_type or "audio/ogg").partition(";")[0]
        transcript = await self._transcriber.transcribe(self._library.path(media.sha256), content_type, language)
        await self._library.hear(message.message_id, transcript)
        return transcript

    def _failed(self, message: InboundMessage, reason: str) -> None:
        log.warning("voice.unheard", conversation=message.conversation_id, reason=reason)
        if self._clock() < self._rests_until:
            return
        self._failures += 1
        if self._failures >= FAILURES:
            self._failures, self._rests_until = 0, self._clock() + REST
