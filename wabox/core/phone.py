"""Phone numbers that are one and the same at WhatsApp.

WhatsApp's id is not always the number that people dial: Mexican numbers appear with ``521`` and ``52``, Argentine ones with
``549`` and ``54``, Brazilian mobiles with and without the ninth digit. What was received is never rewritten; whoever looks for
somebody looks for every spelling. Source: Meta, "send messages" (Oct 2026), and what libraries met.
"""

from __future__ import annotations


def spellings(wa_id: str) -> tuple[str, ...]:
    """Digits that may stand for this number, the one as given first."""
    other = None
    if wa_id.startswith("521") and len(wa_id) == 13:
        other = "52" + wa_id[3:]
    elif wa_id.startswith("52") and len(wa_id) == 12:
        other = "521" + wa_id[2:]
    elif wa_id.startswith("549") and len(wa_id) == 13:
        other = "54" + wa_id[3:]
    elif wa_id.startswith("54") and len(wa_id) == 12:
        other = "549" + wa_id[2:]
    elif wa_id.startswith("55") and len(wa_id) == 13 and wa_id[4] == "9":
        other = wa_id[:4] + wa_id[5:]
    elif wa_id.startswith("55") and len(wa_id) == 12:
        other = wa_id[:4] + "9" + wa_id[4:]
    return (wa_id,) if other is None else (wa_id, other)
