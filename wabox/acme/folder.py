"""``tls/`` in the data folder: what is in it, for how long it holds, and what went wrong last."""

from __future__ import annotations

import contextlib
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wabox.errors import StorageError

FOLDER: Final = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """ms since the epoch."""

    begins: int
    ends: int

    def due(self, now: int) -> bool:
        """A third of its life is left, or less: time for a new one, and time for many tries."""
        return now >= self.ends - (self.ends - self.begins) // 3


class CertificateFolder:
    """Files of one domain. Raises StorageError where something cannot be read or written."""

    def __init__(self, data: Path, domain: str) -> None:
        self._folder = data / FOLDER
        self.domain = domain
        self.account_key = self._folder / "account.pem"
        self.account = self._folder / "account.json"
        self.file = self._folder / f"{domain}.pem"
        """Key and chain."""
        self.placeholder = self._folder / f".{domain}-none.pem"
        self._trouble = self._folder / f"{domain}.trouble"

    def write(self, path: Path, content: bytes) -> None:
        """Whole or not at all, and nobody else's to read from the first byte on."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            working = path.with_name(f".{path.name}-{os.getpid()}")
            with os.fdopen(os.open(working, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            working.replace(path)
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror or error}. Whose folder is it?") from error

    def read(self, path: Path) -> bytes | None:
        """None: it is not there."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror or error}. Whose folder is it?") from error

    def validity(self) -> Validity | None:
        """Of the certificate that is here; None: there is none that can be used."""
        from cryptography import x509

        content = self.read(self.file)
        if content is None:
            return None
        try:
            found = x509.load_pem_x509_certificates(content)[0]
            self.into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        except (ValueError, IndexError, ssl.SSLError):
            return None
        begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
        return Validity(begins=round(begins.timestamp() * 1000), ends=round(ends.timestamp() * 1000))

    def into(self, context: ssl.SSLContext, *, placeholder: bool = False) -> None:
        """New connections get this certificate; those that are open stay as they are."""
        context.load_cert_chain(self.placeholder if placeholder else self.file)

    @property
    def trouble(self) -> str | None:
        """Why the last try failed; None: it did not."""
        found = self.read(self._trouble)
        return None if found is None else found.decode("utf-8", "replace")

    @trouble.setter
    def trouble(self, sentence: str | None) -> None:
        if sentence is None:
            with contextlib.suppress(OSError):
                self._trouble.unlink(missing_ok=True)
        else:
            self.write(self._trouble, sentence.encode())
