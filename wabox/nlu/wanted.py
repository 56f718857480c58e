"""A message that only asks for another language: "English please", "parle français svp", "بالعربية من فضلك"."""

from __future__ import annotations

from collections.abc import Iterable

from wabox.nlu.utterances import tokens

_NAMES = {
    "en": "english inglés anglais الإنجليزية الانجليزية بالإنجليزية إنجليزي بالإنجليزي",
    "es": "spanish español castellano espagnol الإسبانية بالإسبانية إسباني بالإسباني",
    "ar": "arabic árabe arabe العربية بالعربية عربي بالعربي",
    "fr": "french francés français الفرنسية بالفرنسية فرنسي بالفرنسي",
}
_AROUND = """in en please pls speak talk write reply answer can could you we me to do only i want would like prefer
por favor porfa habla hable háblame hablar puedes puede prefiero quiero responde
s'il te vous plaît plait svp stp parle parlez parler tu peux pouvez on je veux préfère réponds répondez
من فضلك لو سمحت تكلم تحدث معي أريد هل ممكن رجاء"""
_LANGUAGE_OF = {word: language for language, names in _NAMES.items() for word in tokens(names)}
_LITTLE = frozenset(tokens(_AROUND))


def wanted(text: str, languages: Iterable[str]) -> str | None:
    """The one of these languages that the message asks for; None when it says anything else. A name alone is no request."""
    words = tokens(text)
    if not 2 <= len(words) <= 8:
        return None
    named = {_LANGUAGE_OF[word] for word in words if word in _LANGUAGE_OF}
    if len(named) != 1 or any(word not in _LANGUAGE_OF and word not in _LITTLE for word in words):
        return None
    language = named.pop()
    return next((one for one in languages if one.replace("_", "-").partition("-")[0].lower() == language), None)
