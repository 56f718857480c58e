"""What opens the webhook: the app secrets and the verify token, which may be replaced while the server runs."""

from __future__ import annotations

from wabox.settings import WhatsAppSettings


class Locks:
    __slots__ = ("secrets", "token")

    def __init__(self, settings: WhatsAppSettings) -> None:
        self.secrets: tuple[bytes, ...] = ()
        self.token = b""
        self.take(settings)

    def take(self, settings: WhatsAppSettings) -> None:
        """From the next webhook on."""
        self.secrets = tuple(secret.reveal().encode() for secret in settings.app_secrets)
        self.token = settings.verify_token.reveal().encode()
