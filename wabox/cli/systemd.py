"""What systemd is told (``Type=notify``, sd_notify(3)): that we are ready, that we stop, and, for its watchdog, that we live.

One datagram to the socket that systemd names in the environment; without it, as everywhere else, nothing happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, MutableMapping


class Notifier:
    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        """Takes the names out of the environment: what we start must not speak for us."""
        address = environ.pop("NOTIFY_SOCKET", "")
        # "@" stands for the zero byte of the abstract namespace.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        usec, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        ours = not pid or pid == str(os.getpid())
        self.every = int(usec) / 2_000_000 if ours and usec.isdigit() and int(usec) > 0 else None
        """s between two signs of life; None: nobody waits for them."""

    def tell(self, *lines: str) -> None:
        """Such as ``READY=1``. Nobody's life depends on it, so it never raises."""
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock,
        ):
            sock.setblocking(False)
            sock.sendto("\n".join(lines).encode(), self._address)

    @contextlib.asynccontextmanager
    async def ready(self, status: str) -> AsyncIterator[None]:
        """Ready while the body runs, and alive as long as the event loop turns; then stopping."""
        self.tell("READY=1", f"STATUS={status}")
        signs = asyncio.create_task(self._live(self.every)) if self.every is not None else None
        try:
            yield
        finally:
            self.tell("STOPPING=1", "STATUS=finishing what is under way")
            if signs is not None:
                signs.cancel()
                await asyncio.gather(signs, return_exceptions=True)

    async def _live(self, every: float) -> None:
        while True:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(every)
