"""The certificate that wabox obtains itself, if any; the webhook's check looks from outside."""

from __future__ import annotations

from datetime import UTC, datetime

from wabox.acme.folder import CertificateFolder
from wabox.core.checkup import Finding, Notes
from wabox.errors import StorageError
from wabox.settings import Settings


def look(settings: Settings, now: int) -> list[Finding]:
    """``now`` in ms; nothing without a domain."""
    notes = Notes("machine")
    if settings.domain is None:
        return notes.made
    domain = settings.domain.name
    folder = CertificateFolder(settings.data, domain)
    try:
        validity, trouble = folder.validity(), folder.trouble
    except StorageError as error:
        notes.fail("certificate", str(error), "run wabox as the folder's owner")
        return notes.made
    except ImportError:
        notes.fail("certificate", f"{domain} needs a part that is not installed", "pip install 'wabox[domain]'")
        return notes.made
    if validity is None:
        what = f"there is none for {domain} yet"
        if trouble is None:
            notes.warn("certificate", what, "wabox serve obtains it")
        else:
            notes.fail("certificate", what, trouble)
        return notes.made
    day = datetime.fromtimestamp(validity.ends / 1000, UTC).date().isoformat()
    if now >= validity.ends:
        notes.fail("certificate", f"that of {domain} ended on {day}", trouble or "start wabox serve: it renews it")
    elif validity.due(now):
        notes.warn("certificate", f"that of {domain} ends on {day}", trouble or "wabox serve renews it by itself")
    else:
        notes.ok("certificate", f"{domain}, until {day}")
    return notes.made
