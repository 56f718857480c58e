"""SIGHUP: a running server reads its settings again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping

import structlog

from wabox.app import App
from wabox.errors import WaboxError
from wabox.settings import Settings
from wabox.settings.changes import changes, given
from wabox.settings.sources import Sources
from wabox.web.locks import Locks

log = structlog.get_logger(__name__)


class Again:
    def __init__(
        self,
        app: App,
        locks: Locks,
        sources: Sources,
        wanted: Callable[[Sources], Settings],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """``sources``: what the server was started with; ``wanted`` lays the command's options over the settings."""
        self._app = app
        self._locks = locks
        self._root = sources.root
        self._given = given(sources)
        self._wanted = wanted
        self._environ = environ

    def read(self) -> None:
        """Take up what can be, and say what waits for a restart; of settings with a mistake nothing is taken up."""
        try:
            fresh = Sources(self._root, self._environ)
            settings = self._wanted(fresh)
            now = given(fresh)
            different = changes(self._given, now)
            whatsapp = settings.require_whatsapp()
            self._app.take(settings)
        except WaboxError as error:
            log.error("settings.not_taken", error=str(error))
            return
        self._locks.take(whatsapp)
        if different.live:
            log.info("settings.taken", settings=different.live)
        if different.waiting:
            log.warning("settings.wait_for_a_restart", settings=different.waiting)
        if not (different.live or different.waiting):
            log.info("settings.unchanged")
        self._given = now


def on_hangup(app: App, locks: Locks, sources: Sources, wanted: Callable[[Sources], Settings]) -> None:
    """From now on."""
    again = Again(app, locks, sources, wanted)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, again.read)
