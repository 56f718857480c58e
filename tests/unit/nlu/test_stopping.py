"""STOP and START: only when they are the whole message."""

from __future__ import annotations

import pytest

from wabox.core.intent import Intent, Words
from wabox.nlu.stopping import Stopping, only_polite, tapped

LANGUAGES = ("en", "es", "pt", "ar", "hi", "id", "fr", "de", "tr", "ur", "bn", "sw")
STOPS = {
    "en": [
        "stop",
        "STOP!",
        "Stop.",
        "please stop",
        "Unsubscribe",
        "stop messaging me",
        "leave me alone",
        "stop please thanks",
    ],
    "es": ["baja", "BAJA", "darme de baja", "no me escriban más", "parar", "Stop por favor"],
    "pt": ["sair", "descadastrar", "não quero mais mensagens", "parar"],
    "ar": ["إيقاف", "ايقاف", "إلغاء الاشتراك", "الغاء الاشتراك", "لا أريد رسائل"],
    "hi": ["रोकें", "बंद करो", "message band karo", "मैसेज मत भेजो"],
    "id": ["berhenti", "berhenti berlangganan", "jangan kirim pesan lagi"],
    "fr": ["arrêt", "Arret", "désabonner", "ne m'écrivez plus", "plus de messages"],
    "de": ["stopp", "Abmelden", "keine Nachrichten mehr", "STOP bitte"],
    "tr": ["durdur", "abonelikten çık", "mesaj atmayın"],
    "ur": ["بند کرو", "میسج بند کریں"],
    "bn": ["বন্ধ করুন", "মেসেজ বন্ধ করুন"],
    "sw": ["sitisha", "niondoe", "acha kutuma ujumbe"],
}
STARTS = {
    "en": "start", "es": "alta", "pt": "começar", "ar": "ابدأ", "hi": "शुरू करें", "id": "mulai", "fr": "reprendre",
    "de": "starten", "tr": "başla", "ur": "شروع کریں", "bn": "শুরু করুন", "sw": "anza",
}  # fmt: skip
NEITHER = [
    "don't stop", "stop by at 5?", "can I stop by", "where is the bus stop", "the stop", "stop it now, hurry up",
    "cancel", "quit", "no", "no thanks", "enough", "basta", "halt", "acha", "accha", "ok", "bas", "para", "para dos personas",
    "cancelar", "إلغاء", "توقف", "salir", "wait", "", "   ", "?", "non", "nein", "start over", "stop " * 60,
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_its_words(language: str) -> None:
    """In each of the twelve languages a customer can stop the bot and start it again."""
    stopping = Stopping()
    for text in STOPS[language]:
        found = stopping.said(text)
        assert found is not None, text
        assert found.wish == "stop", text
    started = stopping.said(STARTS[language])
    assert started is not None
    assert started.wish == "start"


@pytest.mark.parametrize("text", NEITHER)
def test_other_words_are_the_flows(text: str) -> None:
    """What only contains the word, or ends a task, is no such wish."""
    assert Stopping().said(text) is None


def test_the_universal_word_is_universal() -> None:
    """STOP ends everything whatever was asked; "parar" may be an answer."""
    stopping = Stopping()
    assert [
        stopping.said(text).universal for text in ("stop", "Stopp", "unsubscribe", "baja", "parar", "berhenti")
    ] == [  # type: ignore[union-attr]
        *(True, True, True),
        *(False, False, False),
    ]


def test_no_advertising_is_no_stop() -> None:
    """WhatsApp's own button of marketing templates ends these only."""
    for text in ("Stop promotions", "no quiero publicidad", "keine Werbung", "إيقاف العروض الترويجية"):
        found = Stopping().said(text)
        assert found is not None
        assert found.wish == "opt_out"


def test_a_bot_adds_words() -> None:
    """Its intents of these names; what is said in no other way is known by its language."""
    own = Intent(name="stop_messages", words={"nl": Words(examples=("ophouden graag",), keywords=("afmelden",))})
    stopping = Stopping([own, Intent(name="hours", words={"nl": Words(examples=("open",))})])
    assert stopping.said("Afmelden!") == ("stop", True, "nl")
    assert stopping.said("stop") is not None
    assert stopping.said("open") is None
    assert Stopping().said("afmelden") is None


def test_buttons_and_thanks() -> None:
    """Buttons ask by their event; thanks need no answer."""
    assert [tapped(event) for event in ("stop_messages", "start_messages", "stop_promotions", "stop", None, 7)] == [
        *("stop", "start", "opt_out"),
        *(None, None, None),
    ]
    assert only_polite("thank you, please")
    assert not only_polite("thank you, and the bill?")
