"""What Meta's error codes mean for one message, and who must act.

Errors come in the answer to a POST, in a delivery status, or in both. The policy hangs on the integer ``code`` alone; title,
subcode and HTTP status are for people (two exceptions stand in :func:`classify`).

======================  ==========================================================================================
``Kind.RETRY``      R   certainly not sent; try again
``Kind.AMBIGUOUS``  A   it may have left; wait for a delivery status
``Kind.DELAY``      D   not sent; try again much later
``Kind.WINDOW``     W   the 24 hours are over: a template, or nothing
``Kind.CONTACT``    C   not to this customer
``Kind.NUMBER``     N   nothing leaves from this number until somebody acts; nothing is lost meanwhile
``Kind.PERMANENT``  P   not this message: a mistake in it, or something it refers to
======================  ==========================================================================================

Sources: Meta, "Cloud API error codes" (May 2026) and "Throughput"; the classes are our judgement. Where ours differs from
the usual one: 130497 and 131070 block one conversation, not the number, so they are the contact's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from wabox.core.delivery import Scope

SHOWN: Final = 300
"""Characters of an answer that a reason quotes."""
PAUSE: Final = 5.0
"""s before another try where nothing says how long."""


class Kind(StrEnum):
    RETRY = "R"
    AMBIGUOUS = "A"
    DELAY = "D"
    WINDOW = "W"
    CONTACT = "C"
    NUMBER = "N"
    PERMANENT = "P"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error code says."""

    kind: Kind
    sentence: str
    """What happened."""
    advice: str = ""
    """What a person should do; empty when nobody need do anything."""
    wait: float | None = None
    """Seconds before trying again is worth it; the first of a growing series."""
    scope: Scope = "message"
    """What else would be refused as well."""
    tries: int | None = None
    """More than so many are no use, where trying again is."""

    @property
    def again(self) -> float | None:
        """Seconds after which a message that was *reported* as failed is worth another try; None: it is not."""
        if self.kind in (Kind.WINDOW, Kind.CONTACT, Kind.PERMANENT) and self.tries is None:
            return None
        return self.wait or PAUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphError:
    """The ``error`` object of an answer, or one of ``statuses[].errors``, as far as it makes sense."""

    code: int | None = None
    subcode: int | None = None
    message: str = ""
    details: str = ""
    fbtrace_id: str = ""
    transient: bool = False


def read(error: Any) -> GraphError | None:
    """An error object of Meta's; ``None`` when it is not one. Parts of a wrong type count as missing."""
    if not isinstance(error, dict):
        return None
    data = error.get("error_data")
    # Both forms occur: an object with `details`, and the bare sentence.
    details = data.get("details") if isinstance(data, dict) else data
    return GraphError(
        code=_integer(error.get("code")),
        subcode=_integer(error.get("error_subcode")),
        message=_sentence(error.get("message")) or _sentence(error.get("title")),
        details=_sentence(details),
        fbtrace_id=_sentence(error.get("fbtrace_id")),
        transient=error.get("is_transient") is True,
    )


def classify(error: GraphError, status: int, number_id: str) -> Meaning:
    """What a refused POST means; ``status`` is HTTP's, ``number_id`` the number that it was sent from."""
    known = meaning(error.code) if error.code is not None else None
    if error.code == 100 and error.subcode == 33 and number_id in error.message:
        # The object that "does not exist" is the number itself, or the token may not see it: no message can leave.
        return _HIDDEN_NUMBER
    if error.transient and (known is None or known.kind is not Kind.AMBIGUOUS):
        return Meaning(Kind.RETRY, known.sentence if known else "a passing fault at Meta", wait=5.0)
    if known is not None:
        return known
    if status >= 500:
        return Meaning(Kind.AMBIGUOUS, "a fault at Meta")
    if status == 429:
        return _TOO_FAST
    return Meaning(Kind.PERMANENT, "refused", _LOOK_UP)


def meaning(code: int) -> Meaning | None:
    """What is known about a code."""
    known = _TABLE.get(code)
    if known is not None:
        return known
    return next((meaning for codes, meaning in _RANGES if code in codes), None)


def reported(error: GraphError) -> Meaning:
    """What a ``failed`` status means. Nobody need guess there whether the message arrived: it did not."""
    known = meaning(error.code) if error.code is not None else None
    return known or Meaning(Kind.PERMANENT, "not delivered", _LOOK_UP)


def explain(error: GraphError, meaning: Meaning) -> str:
    """For a person: code, what it means, what Meta says, what to do, what to quote to Meta's support."""
    said = error.details or error.message
    parts = [f"{error.code if error.code is not None else 'no code'}: {meaning.sentence}"]
    if said:
        parts.append(f"Meta says: {shortened(said)}")
    if meaning.advice:
        parts.append(f"To do: {meaning.advice}")
    if error.fbtrace_id:
        parts.append(f"fbtrace_id {shortened(error.fbtrace_id)}")
    return ". ".join(part.rstrip(".") for part in parts)


def shortened(text: str) -> str:
    """What is quoted of somebody else's words, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _integer(found: Any) -> int | None:
    return found if type(found) is int else None


def _sentence(found: Any) -> str:
    return found if isinstance(found, str) else ""


_R, _A, _D, _W, _C, _N, _P = Kind
_LOOK_UP: Final = "look the code up in Meta's list of Cloud API error codes"
_TOO_FAST: Final = Meaning(_R, "too many messages at once", wait=1.0, scope="number")
_PERMISSION: Final = Meaning(
    _N,
    "the access token lacks a permission",
    "give the system user whatsapp_business_messaging and this WhatsApp account, then make a new token",
    wait=300.0,
)
_HIDDEN_NUMBER: Final = Meaning(
    _N,
    "the access token cannot see this business number",
    "compare the phone number id in Meta's dashboard with the one the webhooks come from, and let the system user see it",
    wait=300.0,
)
_TEMPLATE: Final = "compare the message with the approved template: name, language, number and form of its parameters"
_WRONG: Final = Meaning(
    _P, "a part of the message is missing or wrong", "`wabox check` names the text that breaks a limit"
)

_TABLE: Final[Mapping[int, Meaning]] = {
    # Not sent, soon possible again.
    4: Meaning(_R, "too many calls by this app", wait=60.0, scope="number"),
    80007: Meaning(_R, "too many calls for this WhatsApp account", wait=60.0, scope="number"),
    130429: _TOO_FAST,
    131056: Meaning(_R, "too many messages to this customer in a short time", wait=4.0, scope="pair"),
    # Perhaps sent.
    1: Meaning(_A, "an unknown fault at Meta"),
    2: Meaning(_A, "Meta's service is down or overloaded"),
    131000: Meaning(_A, "something went wrong at Meta"),
    131016: Meaning(_A, "Meta's service is unavailable"),
    131057: Meaning(_A, "the number is in maintenance, for a minute as a rule", wait=60.0),
    133004: Meaning(_A, "Meta's server is unavailable"),
    2494100: Meaning(_A, "the number is in maintenance"),
    # Not sent, much later.
    134101: Meaning(_D, "the template is still being prepared", wait=600.0),
    131049: Meaning(_D, "WhatsApp spares this customer more marketing for now", wait=86_400.0),
    132015: Meaning(_D, "the template is paused for low quality", "improve the template", wait=3600.0),
    133016: Meaning(_D, "registering is blocked after too many tries", "wait three days", wait=259_200.0),
    132069: Meaning(_D, "the WhatsApp form is throttled", wait=600.0),
    131208: Meaning(_D, "too many messages to groups", wait=60.0),
    # The window.
    131047: Meaning(_W, "more than 24 hours since the customer last wrote", "use a template"),
    # This customer.
    131026: Meaning(_C, "cannot be delivered: no WhatsApp there, an old version, or we are blocked"),
    131050: Meaning(_C, "the customer stopped marketing messages"),
    130403: Meaning(_C, "this customer is blocked by the business", "unblock the customer to write again"),
    130472: Meaning(_C, "the customer is part of an experiment of WhatsApp's: no marketing now"),
    130497: Meaning(_C, "the business may not write to this country"),
    131021: Meaning(_C, "the recipient is the business number itself"),
    131030: Meaning(
        _C,
        "the recipient is not on the test number's list",
        "add it under App dashboard > WhatsApp > API Setup, from Mexico with 52 and with 521, from Argentina with 54 and 549",
    ),
    131061: Meaning(_C, "cannot be sent to a user id"),
    131062: Meaning(_C, "this kind of template cannot be sent to a user id", "ask the customer for the phone number"),
    131063: Meaning(_C, "cannot be sent to a user id"),
    131064: Meaning(_C, "cannot be sent to a user id"),
    131070: Meaning(_C, "another app holds this conversation", "let a person, or that app, go on with it"),
    2494191: Meaning(_C, "another app holds this conversation, and ours may not take it", "see Conversation Routing"),
    137000: Meaning(_C, "the customer's identity changed", "confirm that it is still the same person"),
    # This number, or all of it.
    0: Meaning(_N, "the access token is not accepted", "make a new system-user token", wait=60.0),
    190: Meaning(
        _N,
        "the access token has expired or is not accepted",
        "make a system-user token that does not expire (the dashboard's temporary one lasts a day); put it into its file",
        wait=60.0,
    ),
    3: _PERMISSION,
    10: _PERMISSION,
    131005: _PERMISSION,
    368: Meaning(_N, "blocked for breaking a policy", "see Account quality in WhatsApp Manager", wait=900.0),
    131031: Meaning(_N, "the account is locked", "see Account quality in WhatsApp Manager", wait=900.0),
    131037: Meaning(
        _N, "the number's display name is not approved", "have it approved in WhatsApp Manager", wait=900.0
    ),
    131042: Meaning(_N, "there is a problem with paying", "check the payment method in WhatsApp Manager", wait=900.0),
    131044: Meaning(_N, "there is a problem with paying", "check the payment method in WhatsApp Manager", wait=900.0),
    131045: Meaning(_N, "the number is not registered", "register it for the Cloud API", wait=300.0),
    133010: Meaning(_N, "the number is not registered", "register it for the Cloud API", wait=300.0),
    131048: Meaning(
        _N, "held back because customers reported or blocked the number", "write less and only when asked", wait=900.0
    ),
    2500: Meaning(_N, "the Graph API does not know this address", "check the version in the Graph URL", wait=300.0),
    # This message.
    33: _WRONG,
    100: _WRONG,
    131008: _WRONG,
    131009: _WRONG,
    135000: _WRONG,
    131051: Meaning(_P, "a message type that WhatsApp does not support"),
    131052: Meaning(_P, "the media could not be fetched from WhatsApp", tries=2),
    131053: Meaning(_P, "the media could not be sent", "check its address, type and size", tries=2),
    131060: Meaning(_P, "the message is not available"),
    132000: Meaning(_P, "the template got the wrong number of parameters", _TEMPLATE),
    132001: Meaning(_P, "there is no such template in this language", _TEMPLATE),
    132005: Meaning(_P, "the template's text becomes too long", _TEMPLATE),
    132007: Meaning(_P, "the template breaks a rule of WhatsApp's", _TEMPLATE),
    132008: Meaning(_P, "a template parameter breaks a rule", _TEMPLATE),
    132012: Meaning(_P, "a template parameter has the wrong form", _TEMPLATE),
    132016: Meaning(_P, "the template is disabled for low quality", "write another template"),
    132018: Meaning(_P, "a template parameter is not allowed", _TEMPLATE),
    132068: Meaning(_P, "the WhatsApp form is blocked", "see it in WhatsApp Manager"),
    134100: Meaning(_P, "only marketing templates can be sent this way"),
    134102: Meaning(_P, "this template cannot be sent this way"),
}

_RANGES: Final = (
    (range(200, 300), _PERMISSION),
    (range(138000, 139000), Meaning(_P, "calling failed")),
    (range(139100, 139104), Meaning(_P, "blocking or unblocking failed")),
    (range(131200, 131300), Meaning(_P, "the group did not take it")),
    (range(147001, 147006), Meaning(_P, "the business username is refused")),
)
"""Codes that share a meaning, after the table."""
