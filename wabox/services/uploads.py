"""Sends messages with files of the bot's folder, or of an agent: each is uploaded once, and its id at Meta used for 25 days.

A messenger around the messenger. A message that waits in the outbox names its file by hash (:data:`wabox.core.media.PREFIX`);
only when it leaves does it get Meta's id. An id that Meta does not know any more is forgotten, the file uploaded once more, and
the message sent again: it was refused, so it cannot arrive twice.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import structlog

from wabox.core.changed import changed
from wabox.core.delivery import OutboundMessage
from wabox.core.media import TYPES, LocalFile, Transfer, local
from wabox.core.ports import MediaLibrary, MediaSource, Messenger, SendResult

log = structlog.get_logger(__name__)

T = TypeVar("T")

Find = Callable[[str], tuple[LocalFile, str] | None]
"""By hash: a file of a bot that is served now, and where it lies."""

GONE = frozenset({33, 100, 131009, 131052, 131053})
"""Meta's codes for an id that leads to no file; other mistakes have them too, so one more upload is all that they cause."""


class Uploads:
    """Implements Messenger."""

    def __init__(self, messenger: Messenger, source: MediaSource, library: MediaLibrary, find: Find) -> None:
        self._messenger = messenger
        self._source = source
        self._library = library
        self._find = find
        # A broadcast must not upload its picture a hundred times at once.
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send(self, message: OutboundMessage) -> SendResult:
        files = _files(message.body)
        if not files:
            return await self._messenger.send(message)
        if message.code in GONE:
            # It was taken and then reported as failed: the file was not to be had.
            await self._forget(message.number_id, files)
        ids: dict[str, str] = {}
        old = False
        for id_, kind in files.items():
            found = await self._id(message.number_id, id_, kind)
            if isinstance(found, SendResult):
                return found
            ids[id_], known = found
            old = old or known
        result = await self._messenger.send(changed(message, body=_with(message.body, ids)))
        if not old or result.verdict not in ("failed", "retry") or result.code not in GONE:
            return result
        log.info("media.gone", outbound=message.id, code=result.code)
        await self._forget(message.number_id, files)
        for id_, kind in files.items():
            found = await self._id(message.number_id, id_, kind)
            if isinstance(found, SendResult):
                return found
            ids[id_] = found[0]
        return await self._messenger.send(changed(message, body=_with(message.body, ids)))

    async def seen(self, number_id: str, message_id: str, *, typing: bool = False) -> bool:
        return await self._messenger.seen(number_id, message_id, typing=typing)

    async def aclose(self) -> None:
        await self._messenger.aclose()

    async def _id(self, number_id: str, id_: str, kind: str) -> tuple[str, bool] | SendResult:
        """Meta's id, and whether it is one of before; or why there is none."""
        sha256, path = local(id_) or ("", "")
        async with self._locks[number_id, sha256]:
            known = await self._library.uploaded(number_id, sha256)
            if known is not None:
                return known, True
            found = self._find(sha256) or await self._agents(sha256, path)
            if found is None:
                reason = f"{path} is not here any more. To do: publish the bot with it, or send something else"
                return SendResult(verdict="failed", reason=reason)
            file, place = found
            type_ = file.type_as(kind)
            if type_ is None or file.size > file.most(kind):
                reason = f"{path} is not what WhatsApp takes as {kind}. To do: see wabox check"
                return SendResult(verdict="failed", reason=reason)
            transfer = await self._source.upload(number_id, file, place, type_)
            if transfer.media_id is None:
                return _refused(path, transfer)
            await self._library.keep_upload(number_id, sha256, transfer.media_id)
            log.info("media.uploaded", file=path, bytes=file.size)
            return transfer.media_id, False

    async def _agents(self, sha256: str, name: str) -> tuple[LocalFile, str] | None:
        """A file that an agent attached."""
        held = await self._library.held(sha256)
        if held is None:
            return None
        return LocalFile(path=name, sha256=sha256, size=held[0], head=held[1]), self._library.path(sha256)

    async def _forget(self, number_id: str, files: Mapping[str, str]) -> None:
        for id_ in files:
            found = local(id_)
            if found is not None:
                await self._library.forget_upload(number_id, found[0])


def _refused(path: str, transfer: Transfer) -> SendResult:
    reason = f"{path} could not be uploaded: {transfer.reason}"
    if not transfer.again:
        return SendResult(verdict="failed", reason=reason, code=transfer.code)
    return SendResult(
        verdict="retry",
        reason=reason,
        wait=transfer.wait or 1.0,
        code=transfer.code,
        scope="number" if transfer.number else "message",
        alert=transfer.number,
        tries=transfer.tries,
    )


def _files(part: Any, kind: str = "") -> dict[str, str]:
    """Every file that is still to be uploaded, with the kind of message or header that it is in.

    Each message on its way out is looked through here, so this asks for plain containers only: that is what bodies are made of.
    """
    found: dict[str, str] = {}
    if isinstance(part, dict):
        id_ = part.get("id")
        if kind in TYPES and isinstance(id_, str) and local(id_) is not None:
            found[id_] = kind
        for key, inner in part.items():
            if isinstance(inner, dict | list | tuple):
                found.update(_files(inner, key))
    elif isinstance(part, list | tuple):
        for inner in part:
            found.update(_files(inner))
    return found


def _with(part: T, ids: Mapping[str, str], kind: str = "") -> T:
    """The same with Meta's ids."""
    made: Any = part
    if isinstance(part, Mapping):
        made = {key: _with(inner, ids, key) for key, inner in part.items()}
        if kind in TYPES and part.get("id") in ids:
            made["id"] = ids[part["id"]]
    elif isinstance(part, list | tuple):
        made = [_with(inner, ids) for inner in part]
    return made  # type: ignore[no-any-return]
