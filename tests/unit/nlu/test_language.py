"""Which of the bot's languages a message is in."""

from __future__ import annotations

import pytest

from wabox.core.intent import Intent, Words
from wabox.nlu.language import KNOWN, Languages, detect

INTENTS = (
    Intent(
        name="product",
        words={
            "en": Words(keywords=("mug", "Luna")),
            "es": Words(keywords=("taza",), examples=("Enséñame las tazas de Luna",)),
        },
    ),
    Intent(name="menu", words={"en": Words(keywords=("menu",)), "es": Words(keywords=("menú",))}),
)
BOTH = Languages(("en", "es"), INTENTS)


@pytest.mark.parametrize(
    ("current", "text", "language"),
    [
        ("en", "gracias", "es"),
        ("en", "¿Dónde está mi pedido?", "es"),
        ("en", "sí", "es"),
        ("en", "taza", "es"),
        ("es", "thanks", "en"),
        ("es", "where is my order", "en"),
        ("es", "mugs? a mug!", "en"),
        (None, "Hola, buenas tardes", "es"),
        (None, "hi there", "en"),
    ],
)
def test_it_changes(current: str | None, text: str, language: str) -> None:
    """A common word of the other language, or a word of the bot's own, changes the language."""
    assert BOTH.choose(text, current) == language


@pytest.mark.parametrize(
    "text",
    [
        *("ok", "OK 👍", "👍", "2", "#1042", "no", "menu", "taxi", "", "   ", "?"),
        *("Juan de la Cruz", "Luna", "María", "Calle de la Rosa 12", "LS-1042", "ana@example.com", "xyzzy"),
    ],
)
@pytest.mark.parametrize("current", ["en", "es", None])
def test_it_stays(current: str | None, text: str) -> None:
    """Names, addresses, numbers, emoji and words of both languages change nothing."""
    assert BOTH.choose(text, current) == current


def test_a_guest_changes_nothing() -> None:
    """One word of another language in a longer message is a guest."""
    assert BOTH.choose("I tapped the gracias button", "en") == "en"
    assert BOTH.choose("my name is Juan de los Palotes", "es") == "en"
    assert BOTH.choose("xx gracias xx xx xx", "en") == "en"
    assert BOTH.choose("xx gracias", "en") == "es"


def test_only_language() -> None:
    """A bot of one language speaks it."""
    assert Languages(("pt",)).choose("hello there my friend", None) == "pt"


@pytest.mark.parametrize(
    ("current", "text", "language"),
    [("en", "नमस्ते", "hi"), ("en", "مرحبا", "ar"), ("hi", "hello", "en"), ("ar", "ok", "ar"), ("ar", "José", "ar")],
)
def test_scripts(current: str, text: str, language: str) -> None:
    """A script of its own decides; Latin letters by themselves do not."""
    assert Languages(("en", "hi", "ar")).choose(text, current) == language


def test_a_shared_script_does_not_decide() -> None:
    """Two languages in one script are told apart by words only."""
    assert Languages(("ru", "uk", "en")).choose("борщ", "en") == "en"


def test_close_languages() -> None:
    """Words that both have are no evidence."""
    languages = Languages(("es", "pt"))
    assert languages.choose("obrigado", "es") == "pt"
    assert languages.choose("para", "es") == "es"
    assert languages.choose("gracias", "pt") == "es"


def test_tie_goes_to_the_default() -> None:
    """As many words of each: the bot's first language, every time."""
    assert {BOTH.choose("hello hola", None) for _ in range(20)} == {"en"}
    assert BOTH.choose("hello hola", "es") == "es"


ASIA = Languages(("en", "hi", "id"))


@pytest.mark.parametrize(
    ("current", "text", "language"),
    [
        *(("en", "mera order kahan hai", "hi"), ("en", "order cancel karna hai please", "hi"), ("id", "haan", "hi")),
        *(("hi", "where is my parcel", "en"), ("en", "kapan barang pesanan sampai", "id"), ("en", "मेरा ऑर्डर", "hi")),
        *(("hi", "berapa harganya kak", "id"), ("en", "makasih banyak", "id")),
    ],
)
def test_languages_without_a_list_of_words(current: str, text: str, language: str) -> None:
    """The table and the little words of Hindi in Latin letters tell what our lists do not."""
    assert ASIA.choose(text, current) == language


@pytest.mark.parametrize(
    "text", ["ok", "👍", "42", "Rahul Sharma", "LS-1042", "ana@example.com", "hmm", "pizza", "WhatsApp"]
)
@pytest.mark.parametrize("current", ["en", "hi", "id"])
def test_nothing_flips_it_by_accident(text: str, current: str) -> None:
    """What is in no language leaves the conversation in its own."""
    assert ASIA.choose(text, current) == current


def test_arabic_and_bengali_in_latin_letters() -> None:
    """They count as Arabic and Bengali."""
    assert Languages(("en", "ar")).choose("shukran habibi", "en") == "ar"
    assert Languages(("en", "ar")).choose("wein el talab", "en") == "ar"
    assert Languages(("en", "bn")).choose("amar order kothay", "en") == "bn"
    assert Languages(("en", "ur")).choose("mera order kahan hai", "en") == "ur"


def test_a_bot_of_two_languages_in_one_script() -> None:
    """Hindi and Marathi, Urdu and Arabic: by the table."""
    assert Languages(("hi", "mr")).choose("माझी ऑर्डर कुठे आहे", "hi") == "mr"
    assert Languages(("ar", "ur")).choose("میرا آرڈر کہاں ہے", "ar") == "ur"


def test_a_language_that_the_table_does_not_have() -> None:
    """Nothing is guessed for it."""
    assert Languages(("en", "eu")).choose("kaixo zer moduz gaur", "en") == "en"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        *(
            ("where is my order", "en"),
            ("dónde está mi pedido", "es"),
            ("onde está meu pedido", "pt"),
            ("siparişim nerede", "tr"),
        ),
        *(
            ("mera order kahan hai", "hi"),
            ("আমার অর্ডার", "bn"),
            ("我的订单", "zh"),
            ("สั่งซื้อ", "th"),
            ("oda yangu iko wapi", "sw"),
        ),
        *(
            ("đơn hàng của tôi đâu", "vi"),
            ("nasaan na ang order ko", "tl"),
            ("где мой заказ", "ru"),
            ("123", None),
            ("", None),
        ),
    ],
)
def test_detection_by_itself(text: str, language: str | None) -> None:
    """Among all languages that are known."""
    assert detect(text, KNOWN) == language


def test_the_table_is_data() -> None:
    """Strange texts are read too: long, empty, in scripts that nobody knows."""
    for text in ("a" * 10_000, "\u200b\u202e", "ᚠᚢᚦ", "ꦲ", "日本語テキスト", "x_y_z", "_", "'", "\ud800"):
        detect(text, KNOWN)
        ASIA.choose(text, "en")
