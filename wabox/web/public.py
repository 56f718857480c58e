"""The doors to the internet when no reverse proxy stands there: HTTPS for everything, HTTP for the authority's proofs.

The plain port on loopback stays as it is: commands, Prometheus and health checks come there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from litestar.types import ASGIApp

from wabox.acme.folder import CertificateFolder
from wabox.core.ports import Clock
from wabox.services.certificate import Certificate, require_acme
from wabox.settings import DomainSettings
from wabox.web.challenge import challenge_app
from wabox.web.server import Server, listen


class Public:
    def __init__(self, settings: DomainSettings, data: Path, clock: Clock) -> None:
        """Takes the ports. Raises SettingsError."""
        from wabox.acme.issuing import issue, renewal

        require_acme()
        folder = CertificateFolder(data, settings.name)
        self._https = listen(settings.address, settings.https_port)
        self._http = listen(settings.address, settings.http_port)
        self._settings = settings
        asks = functools.partial(issue, folder, settings.acme_url, settings.acme_email)
        advises = functools.partial(renewal, folder, settings.acme_url)
        self.certificate = Certificate(folder, clock, asks, advises)

    def begin(self) -> Certificate:
        """Raises StorageError."""
        self.certificate.begin()
        return self.certificate

    def servers(self, asgi: ASGIApp) -> tuple[Server, Server]:
        """HTTPS and HTTP."""
        https = Server(asgi, self._https, self.certificate.context)
        proofs = challenge_app(self.certificate.proofs, self._settings.name, https.port)
        return https, Server(proofs, self._http)

    async def certify(self, say: Callable[[str], None]) -> None:
        """The first look, of which somebody at a terminal wants to know."""
        ours = self.certificate
        if ours.until is None:
            say(f"wabox asks for a certificate for {ours.domain} …")
        await ours.look()
        if ours.trouble is not None:
            say(f"wabox: {ours.trouble}")
        if ours.until is not None:
            say(f"https://{ours.domain} is certified until {ours.until}; Meta's webhook form takes "
                f"https://{ours.domain}/webhook")  # fmt: skip
