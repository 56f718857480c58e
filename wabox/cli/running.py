"""What a command changes: through the API of the server that has the data folder, or in the folder itself."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import httpx
import msgspec

from wabox.core.version import Choice, Forecast, Version, VersionReport
from wabox.errors import DataFolderBusy, FlowError, StorageError, WaboxError
from wabox.services.publishing import Publishing, Refused
from wabox.settings import Settings

if TYPE_CHECKING:
    from wabox.sqlite.store import SqliteStore

PATIENCE = 10.0
"""s to wait for somebody who has the data folder and does not answer: a server that starts, another command."""
LOOK_EVERY = 0.2
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what to connect to when it listens on all
TIMEOUT = 120.0
"""s for an answer: a forecast over a million conversations takes its time."""


class Desk(Protocol):
    async def publish(
        self, id_: str, choice: Choice | None = None, *, expected: str | None = None, dry_run: bool = False
    ) -> Forecast: ...

    async def reports(self) -> Sequence[VersionReport]: ...

    async def bring(self, version: Version) -> None:
        """See that the copy is on this machine. Raises SpoiltCopy."""


@contextlib.asynccontextmanager
async def desk(settings: Settings, bot: str) -> AsyncIterator[Desk]:
    """Whoever can say and change what is published of the bot.

    On a cluster that is this command itself. Raises Unavailable, DataFolderBusy when another process has the data folder and
    does not answer, FlowError with what a server says.
    """
    from wabox.app import wall_clock
    from wabox.bots import publishing_of

    if settings.cluster is not None:
        from wabox.cli.looking import clustered

        async with clustered(settings, shards=False) as store:
            publishing = publishing_of(settings, bot, store, wall_clock, bundles=store.bundles)
            await _open(publishing)
            yield publishing
        return
    async with reached(settings) as there:
        if isinstance(there, Line):
            yield _Server(there, bot)
        else:
            publishing = publishing_of(settings, bot, there, wall_clock)
            await _open(publishing)
            yield publishing


@contextlib.asynccontextmanager
async def reached(settings: Settings) -> AsyncIterator[Line | SqliteStore]:
    """The server that has the data folder, or the store itself when none has it. Raises DataFolderBusy."""
    from wabox.app import wall_clock
    from wabox.sqlite.folder import holder
    from wabox.sqlite.store import open_store
    from wabox.web.door import Door

    door = Door(settings.data)
    end = asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            store = await open_store(settings.data, wall_clock)
        except DataFolderBusy:
            address = door.address()
            # The lock is held, so its holder lives; an address that another process left is of no use.
            if address is not None and address.pid == holder(settings.data):
                async with httpx.AsyncClient(base_url=address.url, timeout=TIMEOUT, trust_env=False) as client:
                    if await _proves(client, door.token()):
                        client.headers["Authorization"] = f"Bearer {door.token()}"
                        yield Line(client)
                        return
            if asyncio.get_running_loop().time() > end:
                raise
            await asyncio.sleep(LOOK_EVERY)
            continue
        try:
            yield store
        finally:
            await store.close()
        return


@contextlib.asynccontextmanager
async def line_to(settings: Settings, url: str | None = None) -> AsyncIterator[Line]:
    """The running server: the one that has the data folder, or the one at ``url``; of a cluster the web process there, or where
    ``[server]`` says. Raises StorageError when there is none.

    A server elsewhere must know the data folder's token, too; or the cluster's.
    """
    if settings.cluster is not None:
        from wabox.cli.looking import shared_token

        url, token, whose = url or _here(settings), await shared_token(settings), "this cluster"
        fix = "start wabox serve --role web there, or name a web process with --server"
    elif url is None:
        async with listening(settings) as found:
            if found is None:
                raise StorageError(
                    f"no server is running on {settings.data}: start wabox serve or wabox demo, or name one with --server"
                )
            yield found
        return
    else:
        from wabox.web.door import Door

        token, whose = Door(settings.data).token(), str(settings.data)
        fix = "name its data folder with --data"
    async with httpx.AsyncClient(base_url=url.rstrip("/"), timeout=TIMEOUT, trust_env=False) as client:
        if not await _proves(client, token):
            if not await _answers(client):
                raise StorageError(f"nobody answers at {url}: {fix}")
            raise StorageError(f"what listens at {url} does not know the token of {whose}: {fix}")
        client.headers["Authorization"] = f"Bearer {token}"
        yield Line(client)


def begun_at(settings: Settings, url: str | None) -> contextlib.AbstractAsyncContextManager[Line | SqliteStore]:
    """Where what our own side begins is begun: the server at ``url``, or of the cluster; else as :func:`reached`."""
    elsewhere = settings.cluster is not None or url is not None
    return line_to(settings, url) if elsewhere else reached(settings)


def _here(settings: Settings) -> str:
    host = _ANY.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


@contextlib.asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[Line | None]:
    """The server that has the data folder, at once; None when there is none or it does not answer."""
    from wabox.sqlite.folder import holder
    from wabox.web.door import Door

    door = Door(settings.data)
    address = door.address()
    if address is None or address.pid != holder(settings.data):
        yield None
        return
    async with httpx.AsyncClient(base_url=address.url, timeout=TIMEOUT, trust_env=False) as client:
        if not await _proves(client, door.token()):
            yield None
            return
        client.headers["Authorization"] = f"Bearer {door.token()}"
        yield Line(client)


async def _open(publishing: Publishing) -> None:
    try:
        await publishing.open()
    except (StorageError, FlowError):
        # The live copy cannot be loaded; publishing another one is what repairs that.
        return


async def _proves(client: httpx.AsyncClient, token: str) -> bool:
    """Whether what answers there knows the token; it is not told."""
    from wabox.web.door import proof

    nonce = secrets.token_hex(16)
    try:
        answer = await client.get("/api/v1/proof", params={"nonce": nonce}, timeout=5.0)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    wanted = proof(token, nonce, client.base_url.port or 80)
    return answer.status_code == 200 and hmac.compare_digest(answer.content, wanted.encode())


async def _answers(client: httpx.AsyncClient) -> bool:
    """Whether anybody is there at all."""
    try:
        await client.get("/healthz", timeout=5.0)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return True


class Unanswered(WaboxError):
    """Nobody knows whether what was asked for is done. The same call under the same id does it once."""


class Line:
    """To the running server."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        return await self._answered(method, path, json=body)

    async def _answered(self, method: str, path: str, **what: Any) -> Any:
        try:
            answer = await self._client.request(method, path, **what)
            found = answer.json()
        except httpx.HTTPError as error:
            raise Unanswered(
                f"the server at {self._client.base_url} stopped answering: {error!r}. Look at its log"
            ) from error
        except ValueError as error:
            raise WaboxError(f"what listens at {self._client.base_url} is no wabox") from error
        if answer.status_code == 409 and found.get("pending"):
            raise Unanswered(found["error"])
        if answer.status_code == 409:
            raise Refused(found["error"], msgspec.convert(found["forecast"], Forecast) if "forecast" in found else None)
        if answer.is_error:
            raise WaboxError(str(found.get("error", answer.status_code)))
        return found

    async def send_file(self, path: str, file: Path) -> Any:
        """Its bytes as the body. Raises WaboxError, also when it cannot be read."""
        try:
            content = await asyncio.to_thread(file.read_bytes)
        except OSError as error:
            raise WaboxError(f"{file} cannot be read: {error.strerror or error}") from error
        return await self._answered("POST", path, params={"name": file.name}, content=content)

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """What changes, as it happens; ends when the server stops."""
        try:
            async with self._client.stream("GET", "/api/v1/events", timeout=httpx.Timeout(10, read=60)) as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        yield json.loads(line.removeprefix("data:"))
        except (httpx.HTTPError, ValueError) as error:
            raise WaboxError(f"the server at {self._client.base_url} stopped answering: {error!r}") from error


class _Server:
    """The running server."""

    def __init__(self, line: Line, bot: str) -> None:
        self._line = line
        self._bot = bot

    async def publish(
        self, id_: str, choice: Choice | None = None, *, expected: str | None = None, dry_run: bool = False
    ) -> Forecast:
        wanted = {"id": id_, "bot": self._bot, "choice": choice, "expected": expected, "dry_run": dry_run}
        return msgspec.convert(await self._line.call("POST", "/api/v1/publish", wanted), Forecast)

    async def reports(self) -> Sequence[VersionReport]:
        return msgspec.convert(await self._line.call("GET", "/api/v1/versions"), list[VersionReport])

    async def bring(self, version: Version) -> None:
        """It has the same data folder."""
