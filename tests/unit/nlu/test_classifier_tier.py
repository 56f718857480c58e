"""Tier 5: the classifier decides what the rules leave over, in the light of what the state waits for."""

from __future__ import annotations

import pytest

from wabox.core.contact import Contact
from wabox.core.intent import Candidate, Expected, Understanding, Verdict, Words
from wabox.core.message import InboundMessage
from wabox.flowfile import intents as intents_file
from wabox.nlu.resolver import Resolver

INTENTS = intents_file.merged(
    {name: {"en": Words(keywords=(f"{name} it",))} for name in ("track", "refund", "hours")}, intents_file.built_in()
)


class Fixed:
    """A classifier that always says the same."""

    intents = ("track", "refund", "hours")

    def __init__(self, decision: str, tried: bool = True, **shares: float) -> None:
        self._verdict = Verdict(
            decision,  # type: ignore[arg-type]
            tuple(Candidate(name, share) for name, share in sorted(shares.items(), key=lambda item: -item[1])),
            0.8,
            tried,
        )

    def classify(self, text: str) -> Verdict:
        return self._verdict


def understood(classifier: Fixed, accepts: str, *expected: str, text: str = "some words") -> Understanding:
    resolver = Resolver(INTENTS, ("en",), lambda: classifier)
    message = InboundMessage(
        message_id="1", number_id="1", conversation_id="1", timestamp=0, type="text", text=text, contact=Contact()
    )
    return resolver.resolve(message, Expected(intents=expected, accepts=frozenset(accepts.split())), "en")


def test_sure() -> None:
    """It acts."""
    found = understood(Fixed("accept", track=0.9, refund=0.05), "track refund")
    assert (found.event, found.intent, found.tier, found.ask) == ("track", "track", "classifier", ())
    assert found.confidence == pytest.approx(0.9, abs=0.01)
    assert found.ms is not None


def test_a_keyword_in_passing() -> None:
    """A sure classifier outweighs a keyword that is a small part of a sentence, but not where it is expected."""
    text = "you said that i could track it but i want my money"
    sure = Fixed("accept", refund=0.9)
    found = understood(sure, "track refund", text=text)
    assert (found.event, found.tier) == ("refund", "classifier")
    assert "track stands in it in passing" in found.why
    assert understood(sure, "track refund", "track", text=text).event == "track"
    assert understood(sure, "track refund", text="track it please").event == "track"
    assert understood(Fixed("accept", track=0.9), "track refund", text=text).tier == "rules"


def test_a_doubtful_keyword_in_passing() -> None:
    """ "Is the bank open": an unsure classifier makes a question of the keyword, unless it thinks of the same as likely, or
    nothing says what its doubts are worth."""
    text = "you said that i could track it but i want my money"
    found = understood(Fixed("clarify", refund=0.5), "track refund", text=text)
    assert (found.event, found.ask) == ("fallback", ("track", "refund"))
    assert "the classifier doubts it" in found.why
    assert understood(Fixed("reject", hours=0.2), "track hours", text=text).ask == ("track",)
    assert understood(Fixed("reject", track=0.3), "track", text=text).ask == ("track",)
    assert understood(Fixed("clarify", track=0.6), "track", text=text).tier == "rules"
    assert understood(Fixed("reject", hours=0.2), "track", "track", text=text).event == "track"
    assert understood(Fixed("reject", hours=0.2), "track", text="track it please").event == "track"
    assert understood(Fixed("reject", tried=False, hours=0.2), "track hours", text=text).event == "track"


def test_a_keyword_that_nobody_here_handles() -> None:
    """The classifier is asked as if it were not there; one that nobody tried changes nothing."""
    text = "could you track it for me"
    assert understood(Fixed("accept", refund=0.9), "refund", text=text).event == "refund"
    assert understood(Fixed("clarify", refund=0.5), "refund", text=text).ask == ("refund",)
    assert understood(Fixed("reject", refund=0.1), "refund", text=text).event == "fallback"
    assert understood(Fixed("reject", tried=False, hours=0.1), "refund", text=text).event == "track"


def test_one_word_is_too_little() -> None:
    """It is asked about, whatever the classifier says: a word may stand in one example by chance."""
    found = understood(Fixed("accept", track=0.95), "track", text="blue")
    assert (found.event, found.ask) == ("fallback", ("track",))


def test_between_sure_and_lost() -> None:
    """It names what to ask about, and acts on nothing."""
    found = understood(Fixed("clarify", track=0.5, refund=0.3, hours=0.01), "track refund hours")
    assert (found.event, found.intent, found.tier) == ("fallback", None, "fallback")
    assert found.ask == ("track", "refund")


def test_lost() -> None:
    """It asks nothing."""
    assert understood(Fixed("reject", track=0.2), "track").ask == ()


def test_what_the_state_waits_for_gains() -> None:
    """A guess that is almost sure is sure where the state waits for it."""
    unsure = Fixed("clarify", track=0.6, refund=0.3)
    assert understood(unsure, "track refund").tier == "fallback"
    assert understood(unsure, "track refund", "track").intent == "track"


def test_what_nobody_would_handle_loses() -> None:
    """It is not acted on unless it is all but certain, and never asked about."""
    found = understood(Fixed("accept", track=0.85, refund=0.1), "refund")
    assert found.intent is None
    assert found.ask == ("refund",)


def test_rules_go_first() -> None:
    """What a keyword says is not asked again."""
    found = understood(Fixed("accept", track=0.99), "track refund", text="refund it now")
    assert (found.intent, found.tier, found.candidates) == ("refund", "rules", ())


def test_yes_and_no_are_not_its_business() -> None:
    """Nor does what it gives to them go to others."""
    found = understood(Fixed("accept", affirm=0.95, track=0.02), "affirm deny track")
    assert (found.intent, found.ask) == (None, ("track",)) or found.ask == ()
    assert found.confidence < 0.1


def test_hello_and_then_some() -> None:
    """A greeting at the head of a sentence does not hide what the sentence wants."""
    found = understood(Fixed("accept", track=0.95), "track greet", text="hello, has the thing gone out")
    assert (found.intent, found.tier) == ("track", "classifier")
    assert understood(Fixed("reject", track=0.1), "track greet", text="hello, old friend of mine").intent == "greet"


@pytest.mark.parametrize("text", ["", "...", "\u200b\u200f", " "])
def test_nothing_said(text: str) -> None:
    """What has no words is not asked about."""
    assert understood(Fixed("accept", track=0.99), "track", text=text).event == "fallback"
