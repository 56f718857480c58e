"""Backups that only the operator can read: age (age-encryption.org), by the library pyrage.

The server has the public key, ``age1…``, and cannot read what it has sealed. To prove it all the same, each file is also sealed
to a key that is drawn for this one purpose, used once and forgotten: what comes out must be what went in.

pyrage is an extra (``pip install "wabox[seal]"``): 2 MB, MIT, by the author of sigstore-python, around the Rust age.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wabox.errors import SettingsError, StorageError

MISSING = 'encrypted backups need the library pyrage: pip install "wabox[seal]"'


def check(recipients: Sequence[str]) -> None:
    """Raises SettingsError when one of them is no public key of age."""
    pyrage = _library()
    for one in recipients:
        try:
            pyrage.x25519.Recipient.from_str(one)
        except pyrage.RecipientError as error:
            raise SettingsError(
                f"[backup] recipient: {one[:12]!r}… is no public key of age, which begins with age1: {error}. "
                "age-keygen makes a pair; keep the secret one elsewhere"
            ) from error


def seal(source: Path, target: Path, recipients: Sequence[str]) -> None:
    """Write ``target``, which only the recipients can read, and prove it. Raises StorageError, SettingsError."""
    pyrage = _library()
    check(recipients)
    witness = pyrage.x25519.Identity.generate()
    keys = [*(pyrage.x25519.Recipient.from_str(one) for one in recipients), witness.to_public()]
    try:
        with source.open("rb") as plain, os.fdopen(os.open(target, _NEW, 0o600), "wb") as sealed:
            pyrage.encrypt_io(plain, sealed, keys)
            sealed.flush()
            os.fsync(sealed.fileno())
        out = _Digest()
        with target.open("rb") as sealed:
            pyrage.decrypt_io(sealed, out, [witness])
        with source.open("rb") as plain:
            wanted = hashlib.file_digest(plain, "sha256").hexdigest()
    except (OSError, pyrage.EncryptError, pyrage.DecryptError) as error:
        raise StorageError(f"{target} cannot be encrypted: {error}") from error
    if out.hexdigest() != wanted:
        raise StorageError(f"{target} cannot be read back as it was before it was encrypted; nothing was kept")


def unseal(source: Path, target: Path, identity: Path) -> None:
    """Write ``target``; ``identity`` is the file that age-keygen wrote. Raises StorageError."""
    pyrage = _library()
    try:
        lines = [line.strip() for line in identity.read_text(encoding="utf-8").splitlines()]
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (OSError, UnicodeDecodeError, pyrage.IdentityError) as error:
        raise StorageError(f"{identity} is no file of secret keys as age-keygen writes it: {error}") from error
    try:
        with source.open("rb") as sealed, os.fdopen(os.open(target, _NEW, 0o600), "wb") as plain:
            pyrage.decrypt_io(sealed, plain, keys)
    except pyrage.DecryptError as error:
        raise StorageError(
            f"{source} cannot be decrypted with {identity}: {error}. Is it the key of another backup, or is it damaged?"
        ) from error
    except OSError as error:
        raise StorageError(f"{source} cannot be decrypted: {error}") from error


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class _Digest:
    """A file that only counts."""

    def __init__(self) -> None:
        self._found = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._found.update(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def hexdigest(self) -> str:
        return self._found.hexdigest()


def _library() -> Any:
    try:
        import pyrage
    except ImportError:
        raise StorageError(MISSING) from None
    return pyrage
