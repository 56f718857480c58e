"""Mail to the people who answer, by the owner's own mail server: SMTP with STARTTLS or TLS, certificates checked.

The standard library speaks it, and blocks; so each mail has a thread of its own, which nobody waits for when wabox stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Final

from wabox.core.alert import Told
from wabox.settings import SmtpSettings

if TYPE_CHECKING:
    import ssl

TIMEOUT: Final = 10.0
"""s, of each step of the exchange."""


class MailCalls:
    def __init__(self, settings: SmtpSettings, *, trust: ssl.SSLContext | None = None) -> None:
        """``trust``: whose certificates are believed; None: the system's."""
        self._settings = settings
        self._trust = trust

    async def send(self, to: str, subject: str, words: str, id_: str) -> Told:
        """One try; never raises for what happens out there. ``id_`` makes the mail's own id: servers know a repeat by it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Told] = loop.create_future()

        def tell(told: Told) -> None:
            if not future.done():
                future.set_result(told)

        def work() -> None:
            told = self._sent(to, subject, words, id_)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for it any more
                loop.call_soon_threadsafe(tell, told)

        threading.Thread(target=work, name="wabox-mail", daemon=True).start()
        return await future

    def _sent(self, to: str, subject: str, words: str, id_: str) -> Told:
        import smtplib
        import ssl

        try:
            self._exchange(to, subject, words, id_)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            return _refused(code, said)
        except smtplib.SMTPResponseException as error:
            return _refused(error.smtp_code, error.smtp_error)
        except (ssl.SSLCertVerificationError, smtplib.SMTPNotSupportedError) as error:
            return Told(status="refused", reason=f"{self._settings.host}: {error}")
        except (OSError, smtplib.SMTPException) as error:
            return Told(status="refused", reason=f"{self._settings.host}: {error or type(error).__name__}", again=True)
        except Exception as error:  # noqa: BLE001 - whatever a server says, there is an outcome
            return Told(status="refused", reason=f"the mail cannot be written: {type(error).__name__}")
        return Told(status="accepted")

    def _exchange(self, to: str, subject: str, words: str, id_: str) -> None:
        import smtplib
        import ssl
        from email.message import EmailMessage
        from email.utils import formatdate

        settings = self._settings
        mail = EmailMessage()
        mail["From"], mail["To"] = settings.sender, to
        mail["Subject"] = " ".join(subject.split())[:200]
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{id_}@{settings.sender.rpartition('@')[2].rstrip('>')}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(words)
        trust = self._trust or ssl.create_default_context()
        connected: smtplib.SMTP
        if settings.security == "tls":
            connected = smtplib.SMTP_SSL(settings.host, settings.port, timeout=TIMEOUT, context=trust)
        else:
            connected = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT)
        with connected:
            if settings.security == "starttls":
                connected.starttls(context=trust)
            if settings.user and settings.password is not None:
                connected.login(settings.user, settings.password.reveal())
            connected.send_message(mail)


def _refused(code: int, said: bytes | str) -> Told:
    """4xx: later perhaps. Source: RFC 5321, 4.2.1."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return Told(
        status="refused", reason=f"the mail server answered {code}: {' '.join(text.split())[:200]}", again=code < 500
    )
