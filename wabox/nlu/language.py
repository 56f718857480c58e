"""Which of the bot's languages a message is in.

A small and cautious choice, for bots of a few languages: it answers "has the customer changed the language?" and
otherwise stays. Evidence is a word that one language has and the others do not:

* *strong*: a common word of the language (below) or a word of the bot's own intents;
* *weak*: the little words that are in names and addresses too (``de``, ``la``, ``van``). They only add to a strong word.

So ``ok``, ``2``, ``taxi``, a thumb, ``Juan de la Cruz`` and ``Calle de la Rosa 12`` change nothing, while ``gracias`` does. A
script other than Latin that only one of the languages is written in decides by itself.

What a message is weighed as: one point for a strong word, half for a weak one. To leave the current language another one
must have more points, and be more than a guest: in a longer message one foreign word ("the *gracias* button") is not enough.

Where no word is evidence, and there are two or more that are not names, the table of :mod:`wabox.nlu.identification` is asked;
the current language needs little to stay. Hindi, Urdu, Bengali and Arabic in Latin letters are known by
:mod:`wabox.nlu.romanised`, and count as the language.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from wabox.core.intent import Intent, Words
from wabox.nlu.identification import GROUPS, identify, script_of
from wabox.nlu.phrasebook import phrases
from wabox.nlu.romanised import Romanised
from wabox.nlu.utterances import is_emoji, tokens

_COMMON = {
    "en": """a about again am an and any anything are at be because been but by can could day did do does dont for from get
        give go good got had has have he hello help her here hey hi him his how i if ill im in is it its ive just know like
        long me more much my need not of on or our out please put sell send she so some someone something speak take talk
        tell than thank thanks that thats the their them then there they this those to too try two three us want was we
        were what whats when where which who why will with would yes you your youre""",
    "es": """a al algo alguien algun alguna ahora aqui asi aun ayuda bien buenas bueno buenos busco como con cual cuales
        cuando cuanta cuantas cuanto cuantos dame deseo dia dias dime donde dos ella ellos en entonces es esa ese eso esta
        estan estas este esto estoy favor fue gracias gustaria hablar hacer hasta hay hola hoy le les llega llegar lo mas
        me mi mis mucho muy nada necesito noches nos nosotros o otra otro para pero poder podria por porque pues puede
        pueden puedes puedo que queria quien quiero quisiera sea ser si sin sobre solo son soy su sus tal tambien tarda
        tardes te tener tengo tiene tienen tienes todavia todo tres tu tus un una uno usted ustedes va vale venden vosotros
        voy y ya yo""",
    "pt": """ainda ao aqui as bem boa bom com como dia dois duas ela ele em entao era essa esse esta eu fazer foi gostaria
        hoje isso isto ja la mais mas me meu meus minha muito na nao nas nem no nos nossa nosso numa o obrigada obrigado oi
        ola onde ou para pela pelo pode podem posso por porque preciso quais qual quando quanto que quem quero sao se sem
        ser seu sim sobre sua tambem tarde tem tenho teu tres tu tudo um uma voce voces vou""",
    "fr": """ai aide au aussi avec besoin bien bonjour bonsoir ca ce cest cette combien comment dans des deux donc elle en
        est et etes faire il ils jai je la le les leur lui ma mais me merci mes moi mon ne nest non nos notre nous on ou
        oui par parler pas peut peux plait plus pour pourquoi puis quand que quel quelle qui quoi sa salut sans ses sil
        sont sur svp ta te tes toi ton tres trois tu un une veux voici votre vous voudrais y""",
    "de": """aber alles als also am an auch auf aus bei bin bis bitte brauche da danke das dass dein dem den denn der des
        die dir doch drei du ein eine einem einen einer er es etwas euch fur gibt gut guten habe haben hallo hast hat hier
        hilfe ich ihr ihre im in ist ja jetzt kann kannst kein keine konnen mein meine mich mir mit mochte morgen nach
        nein nicht noch oder schon sehr sein sich sie sind so tag um und uns unser von vor wann warum was wenn wer wie will
        wir wo zu zum zur zwei""",
    "it": """abbiamo aiuto al alla anche avete bene buona buonasera buongiorno c che chi ci ciao come con cosa cosi da dei
        del della devo di dove due e ecco ed essere fare favore gli grazie ha hai hanno ho i il in io la le lei lo loro ma
        me mi mia mio molto ne nel nella no noi non nostro o ora per perche piu poi posso potrei prego puo qual quale
        quando quanto quello questa questo qui sei si sia siamo sono sta su sul tra tre tu tutto un una vi voglio voi
        vorrei""",
}
"""Function words and what people say to a shop, folded (no accents, no apostrophes)."""

_WEAK_WORDS = """a al an ao as c con d da das de dei del della den der des di die do dos du e el en et i il in la las le les
    lo los o of on the un una und van von y zu"""
"""In names, streets and brands of every country."""

_EVERYWHERE_WORDS = "app cafe chat email hotel no ok okay okey online pizza taxi total visa web whatsapp"
"""Evidence of nothing."""

_WEAK = frozenset(_WEAK_WORDS.split())
_EVERYWHERE = frozenset(_EVERYWHERE_WORDS.split())

_GUEST = 5
"""From this many words on, one strong word of another language is a guest."""

_CERTAIN = 2.0
"""Points of little words in Latin letters that outweigh the table."""
_UNNAMED = 2
"""Words that are no names, from which on the table is asked."""
_LEAVE, _BEGIN, _STRANGE = 0.9, 0.5, 0.15
"""Likelihood among the bot's languages to leave the current one, and to begin with one; among all languages, below which the
text is in none of the bot's."""

_SCRIPTS = {
    "ar": "ARABIC", "fa": "ARABIC", "ur": "ARABIC", "he": "HEBREW", "el": "GREEK", "hi": "DEVANAGARI", "mr": "DEVANAGARI",
    "ne": "DEVANAGARI", "bn": "BENGALI", "pa": "GURMUKHI", "gu": "GUJARATI", "ta": "TAMIL", "te": "TELUGU", "kn": "KANNADA",
    "ml": "MALAYALAM", "th": "THAI", "lo": "LAO", "km": "KHMER", "my": "MYANMAR", "ka": "GEORGIAN", "hy": "ARMENIAN",
    "am": "ETHIOPIC", "ko": "HANGUL", "ja": "HIRAGANA KATAKANA CJK", "zh": "CJK", "ru": "CYRILLIC", "uk": "CYRILLIC",
    "bg": "CYRILLIC", "sr": "CYRILLIC", "kk": "CYRILLIC",
}  # fmt: skip
"""First words of the Unicode names of a language's letters; every language not listed is written in LATIN."""


class Languages:
    """The languages of one bot, ready to be told apart."""

    def __init__(self, languages: Sequence[str], intents: Iterable[Intent] = ()) -> None:
        self.languages = tuple(languages)
        self._scripts = {language: _scripts(language) for language in self.languages}
        self._words = self._evidence(intents)
        self._short = {short(language): language for language in reversed(self.languages)}
        latin = [language for language in self.languages if self._scripts[language] == {"LATIN"}]
        foreign = {word for word, language in self._words.items() if language in latin}
        self._romanised = Romanised((one for one in self.languages if one not in latin), foreign)

    def _evidence(self, intents: Iterable[Intent]) -> Mapping[str, str]:
        """Token → the only language that has it."""
        vocabulary = {language: _common(language) for language in self.languages}
        for intent in intents:
            for language, words in intent.words.items():
                if language in vocabulary:
                    vocabulary[language].update(_own_words(words))
        owners = Counter(token for known in vocabulary.values() for token in known)
        return {
            token: language
            for language, known in vocabulary.items()
            for token in known
            if owners[token] == 1 and token not in _EVERYWHERE and not token.isdigit() and not is_emoji(token)
        }

    def choose(self, text: str, current: str | None = None) -> str | None:
        """The language that the text is in; ``current`` when it does not say, which may be None."""
        if len(self.languages) < 2:
            return self.languages[0] if self.languages else current
        by_script = self._by_script(text)
        if by_script is not None:
            return by_script
        found = tokens(text)
        points = self._points(text)
        spelled = self._romanised.choose(found, current)
        if spelled is not None and 2 * spelled[1] >= max(points.values(), default=0.0):
            return spelled[0]
        if not points:
            return self._by_table(text, current)
        best = max(self.languages, key=lambda language: points.get(language, 0.0))
        most = points.get(best, 0.0)
        if not most or (current is not None and points.get(current, 0.0) >= most):
            return current
        guest = current is not None and most <= 1 and len(found) >= _GUEST
        return current if guest else best

    def _by_table(self, text: str, current: str | None) -> str | None:
        """What the letters say, if there are words enough that are no names."""
        if "@" in text or "://" in text or not any(short(one) in GROUPS_OF for one in self.languages):
            return current
        said = text.split()
        plain = [word for place, word in enumerate(said) if not (word[:1].isupper() and (place or len(said) < 3))]
        words = [word for word in tokens(" ".join(plain)) if len(word) > 1 and word not in _EVERYWHERE | _WEAK]
        if sum(not any(map(str.isdecimal, word)) and not is_emoji(word) for word in words) < _UNNAMED:
            return current
        every = {one: share for one, share in identify(text) if one in self._short}
        total = sum(every.values())
        if total < _STRANGE:
            return current
        best = max(every, key=lambda one: every[one])
        enough = _BEGIN if current is None else _LEAVE
        return self._short[best] if every[best] >= enough * total else current

    def _points(self, text: str) -> dict[str, float]:
        """Points per language; weak words alone make none."""
        found = {token: self._words[token] for token in set(tokens(text)) if token in self._words}
        strong = {language for token, language in found.items() if token not in _WEAK}
        points = dict.fromkeys(strong, 0.0)
        for token, language in found.items():
            if language in strong:
                points[language] += 0.5 if token in _WEAK else 1.0
        return points

    def _by_script(self, text: str) -> str | None:
        """The language whose script most letters are in, if it is not the script of another one too."""
        if text.isascii() or len(set(self._scripts.values())) < 2:
            return None
        found: Counter[str] = Counter()
        for letter in text[:200]:
            if letter.isalpha():
                found[unicodedata.name(letter, "").partition(" ")[0]] += 1
        script = found.most_common(1)[0][0] if found else "LATIN"
        if script == "LATIN":  # names and brands are, in every country
            return None
        owners = [language for language, scripts in self._scripts.items() if script in scripts]
        return owners[0] if len(owners) == 1 else None


@lru_cache(maxsize=128)
def short(language: str) -> str:
    """``pt`` of ``pt-BR``."""
    return language.replace("_", "-").partition("-")[0].lower()


GROUPS_OF = {language: script for script, group in GROUPS.items() for language in group}
"""Language → the script that it shares with others."""


KNOWN = (
    *(
        "en",
        "hi",
        "ar",
        "es",
        "pt",
        "id",
        "ms",
        "tr",
        "fr",
        "de",
        "ur",
        "bn",
        "ta",
        "te",
        "mr",
        "gu",
        "sw",
        "vi",
        "th",
        "tl",
    ),
    *("zh", "it", "nl", "pl", "ro", "fa", "ru", "uk", "bg"),
)
"""Languages that :func:`detect` tells apart."""


def detect(text: str, among: Sequence[str]) -> str | None:
    """The likeliest of these languages for a text by itself, without the caution that a conversation needs."""
    by_short, asked, others = _question(tuple(among))
    found = identify(text, asked)
    if script_of(text) == "LATIN":
        spelled = _spelled(others).choose(tokens(text))
        unsure = not found or found[0][0] in ("en", "hi-Latn") or found[0][1] < _BEGIN
        if spelled is not None and (unsure or spelled[1] >= _CERTAIN):
            return by_short[spelled[0]]
    return next((by_short[one] for one, _ in found if one in by_short), None)


@lru_cache(maxsize=16)
def _question(among: tuple[str, ...]) -> tuple[Mapping[str, str], frozenset[str], tuple[str, ...]]:
    """The languages by their short names, what the table is asked, and the languages that have another script."""
    by_short = {short(language): language for language in reversed(among)}
    others = tuple(one for one in map(short, among) if GROUPS_OF.get(one) != "LATIN")
    return by_short, frozenset((*by_short, "hi-Latn")), others


@lru_cache(maxsize=16)
def _spelled(languages: tuple[str, ...]) -> Romanised:
    return Romanised(languages)


def _own_words(words: Words) -> Iterator[str]:
    """Tokens of an intent's keywords and examples, without names: a capital that does not begin a sentence."""
    for text in (*words.keywords, *words.examples):
        for place, word in enumerate(text.split()):
            if not word.lstrip("¿¡\"'“«(")[:1].isupper() or (place == 0 and text in words.examples):
                yield from tokens(word)


def _scripts(language: str) -> frozenset[str]:
    return frozenset(_SCRIPTS.get(language.partition("-")[0].partition("_")[0].lower(), "LATIN").split())


def _common(language: str) -> set[str]:
    """Its common words; of a language without a list here, those of its yes, no and thanks."""
    known = set(_COMMON.get(short(language), "").split())
    if not known:
        book = phrases("yes_no").get(short(language), {})
        words = (tokens(phrase) for kind in ("yes", "no", "hold", "little") for phrase in book.get(kind, ()))
        known = {found[0] for found in words if len(found) == 1 and found[0].isascii() and len(found[0]) > 2}
    return known
