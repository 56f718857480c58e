"""Words that end our messages, and words that bring them back (promise P11): only when they are the whole message.

"stop" is one, "don't stop" and "can I stop by at 5?" are not. Customers do not know in which language a bot thinks of this, so
the words of all languages hold for every bot. What is *usual* may also be an answer ("parar"), and then the question that
stands decides; what is *universal* ends our messages whatever was asked. "Cancel", "quit", "enough" and "no" are neither: they
end a task, not a relationship. A bot adds its own as the intents ``stop_messages`` and ``start_messages``: their examples and
keywords.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from wabox.core.consent import WISHES
from wabox.core.intent import Intent
from wabox.nlu.utterances import tokens, words_only

LONGEST = 200
"""Characters of a message that can be one of these."""

Wish = Literal["stop", "start", "opt_out"]

_UNIVERSAL = {
    "": "stop, stop stop, stop all, stopall, stop it all, unsubscribe, 🛑",
    "en": "stop messages, stop messaging, stop messaging me, stop texting me, stop texting, stop writing to me, "
    "stop writing me, "
    "stop contacting me, stop sending messages, stop sending me messages, no more messages, unsubscribe me, "
    "opt out, opt me out, "
    "do not contact me, don't contact me, don't message me, don't text me, don't write to me, do not message me, "
    "leave me alone, remove me, remove me from your list, take me off your list, stop spamming me",
    "es": "darme de baja, dame de baja, darse de baja, quiero darme de baja, quiero la baja, cancelar suscripción, "
    "anular suscripción, desuscribir, desuscribirme, no más mensajes, no quiero más mensajes, no quiero recibir mensajes, "
    "no me escribas, no me escriban, no me escribas más, no me escriban más, no me envíen más mensajes, "
    "no me mandes mensajes, "
    "dejen de escribirme, deja de escribirme, parar mensajes, detener mensajes, bórrame de la lista",
    "pt": "descadastrar, me descadastre, cancelar inscrição, quero sair da lista, sair da lista, remover da lista, "
    "não quero mais mensagens, não quero receber mensagens, não me mande mensagens, não me mandem mais mensagens, "
    "parar mensagens, pare de mandar mensagens, parem de mandar mensagens, chega de mensagens",
    "ar": "إلغاء الاشتراك, ألغ الاشتراك, الغي اشتراكي, إيقاف الرسائل, أوقف الرسائل, أوقفوا الرسائل, وقف الرسائل, "
    "وقفوا الرسائل, "
    "لا ترسلوا رسائل, لا ترسل لي رسائل, لا أريد رسائل, لا أريد المزيد من الرسائل, لا ترسلوا لي, ستوب",
    "hi": "मैसेज बंद करो, मैसेज बंद करें, संदेश बंद करें, मैसेज मत भेजो, मैसेज मत भेजें, मुझे मैसेज मत करो, "
    "सदस्यता समाप्त करें, "
    "स्टॉप, message band karo, messages band karo, msg band karo, message mat bhejo, mujhe message mat karo, "
    "message mat karo, message band kar do",
    "id": "berhenti berlangganan, berhenti kirim pesan, jangan kirim pesan, jangan kirim pesan lagi, jangan hubungi saya, "
    "stop kirim pesan, stop pesan, hapus saya dari daftar, jangan chat saya lagi",
    "fr": "désabonner, désabonnez-moi, me désabonner, se désabonner, désabonnement, désinscrire, me désinscrire, "
    "désinscription, "
    "plus de messages, plus de message svp, arrêtez les messages, arrêter les messages, ne m'écrivez plus, "
    "ne me contactez plus, je ne veux plus de messages, je ne veux plus recevoir de messages",
    "de": "stopp, abmelden, mich abmelden, bitte abmelden, abbestellen, austragen, keine nachrichten mehr, "
    "nachrichten stoppen, "
    "schreibt mir nicht mehr, schreiben sie mir nicht mehr, ich will keine nachrichten mehr, nicht mehr schreiben, "
    "kontaktieren sie mich nicht mehr",
    "tr": "abonelikten çık, aboneliği iptal et, aboneliğimi iptal et, mesaj atmayın, mesaj gönderme, mesaj göndermeyin, "
    "bana mesaj atma, bana mesaj atmayın, bana yazmayın, mesajları durdur, mesaj istemiyorum, artık mesaj istemiyorum",
    "ur": "میسج بند کرو, میسج بند کریں, پیغامات بند کریں, پیغام بند کریں, میسج مت بھیجیں, مجھے میسج مت کریں, "
    "پیغام مت بھیجیں, اسٹاپ",
    "bn": "মেসেজ বন্ধ করুন, মেসেজ বন্ধ করো, বার্তা বন্ধ করুন, মেসেজ পাঠাবেন না, আর মেসেজ পাঠাবেন না, "
    "আমাকে মেসেজ করবেন না, স্টপ, "
    "message bondho korun, message pathaben na",
    "sw": "jiondoe, nijiondoe, niondoe, acha kutuma ujumbe, acheni kutuma ujumbe, sitisha ujumbe, usinitumie ujumbe, "
    "msinitumie ujumbe, sitaki ujumbe, sitaki ujumbe tena, nitoe kwenye orodha",
}
_USUAL = {
    "en": "stop it, stop that",
    "es": "baja, parar, pare, detener, alto",
    "pt": "sair, parar, pare, parem",
    "ar": "إيقاف, أوقف, قف, وقف",
    "hi": "रोकें, रोको, बंद करो, बंद करें, band karo, band karen, band kare, roko",
    "id": "berhenti, henti, hentikan",
    "fr": "arrêt, arrêter, arrêtez, arrête",
    "de": "stoppen, aufhören",
    "tr": "durdur, dur",
    "ur": "بند کرو, بند کریں, روکو, روکیں, band karein",
    "bn": "বন্ধ, বন্ধ করুন, বন্ধ করো, থামুন, থামো, bondho korun",
    "sw": "sitisha, simamisha, komesha",
}
_START = {
    "en": "start, unstop, restart, resume, subscribe, start messages, start again, subscribe me, opt in, opt me in, "
    "write to me again",
    "es": "alta, darme de alta, empezar, comenzar, iniciar, reanudar, suscribir, suscribirme, volver a empezar",
    "pt": "começar, iniciar, voltar, retomar, inscrever, quero receber mensagens",
    "ar": "ابدأ, ابدا, بدء, البدء, استئناف, اشتراك, اشترك, ستارت",
    "hi": "शुरू, शुरू करें, शुरू करो, चालू करो, चालू करें, स्टार्ट, shuru, shuru karo, shuru karen, chalu karo",
    "id": "mulai, mulai lagi, langganan, berlangganan, lanjutkan",
    "fr": "commencer, démarrer, reprendre, recommencer, m'abonner, s'abonner",
    "de": "starten, anfangen, anmelden, wieder anmelden, fortsetzen",
    "tr": "başla, başlat, abone ol, devam et",
    "ur": "شروع, شروع کریں, شروع کرو, اسٹارٹ",
    "bn": "শুরু, শুরু করুন, শুরু করো, স্টার্ট",
    "sw": "anza, anzisha, endelea, jiunge",
}
_NO_MARKETING = {
    "en": "stop promotions, stop promotion, stop offers, stop marketing, stop ads, no promotions, no more promotions, "
    "no more offers, "
    "no more ads, no marketing, no advertising, unsubscribe from promotions, unsubscribe from offers",
    "es": "detener promociones, parar promociones, no más promociones, no más ofertas, no quiero promociones, "
    "no quiero ofertas, "
    "no quiero publicidad, no más publicidad, sin publicidad",
    "pt": "parar promoções, interromper promoções, chega de promoções, não quero promoções, não quero ofertas, "
    "não quero propaganda",
    "ar": "إيقاف العروض, إيقاف العروض الترويجية, إيقاف الإعلانات, لا أريد إعلانات, لا أريد عروض, لا إعلانات",
    "hi": "प्रमोशन बंद करें, ऑफ़र बंद करें, विज्ञापन बंद करें, offer band karo, promotion band karo",
    "id": "hentikan promosi, stop promosi, berhenti promosi, jangan kirim promosi, jangan kirim iklan",
    "fr": "arrêter les promotions, stop promos, plus de promotions, plus de pub, plus de publicité, pas de publicité",
    "de": "keine werbung, keine werbung mehr, werbung stoppen, angebote stoppen, keine angebote mehr, werbeaktionen stoppen",
    "tr": "promosyonları durdur, reklam istemiyorum, reklam göndermeyin, kampanya istemiyorum",
    "ur": "پروموشن بند کریں, اشتہار بند کریں, آفر بند کریں",
    "bn": "প্রমোশন বন্ধ করুন, বিজ্ঞাপন বন্ধ করুন, অফার বন্ধ করুন",
    "sw": "sitisha matangazo, sitaki matangazo, sitisha promosheni",
}
_POLITE = frozenset(
    tokens(
        "please pls plz thanks thank you now por favor gracias ya obrigado obrigada svp stp s'il vous plaît "
        "merci bitte danke lütfen "
        "tolong terima kasih tafadhali asante من فضلك لو سمحت شكرا कृपया धन्यवाद ji जी براہ کرم شکریہ দয়া করে ধন্যবাদ"
    )
)

Words = tuple[str, ...]


class Said(NamedTuple):
    wish: Wish
    universal: bool
    """It ends our messages whatever was asked."""
    language: str | None
    """The one language that has it; None: it is said in several."""


@functools.cache
def _table() -> Mapping[Words, Said]:
    found: dict[Words, Said] = {}
    groups: tuple[tuple[Mapping[str, str], Wish, bool], ...] = (
        (_UNIVERSAL, "stop", True),
        (_USUAL, "stop", False),
        (_START, "start", True),
        (_NO_MARKETING, "opt_out", True),
    )
    for by_language, wish, universal in groups:
        for language, phrases in by_language.items():
            for phrase in phrases.split(","):
                words = words_only(tokens(phrase))
                known = found.get(words)
                if known is None:
                    found[words] = Said(wish, universal, language or None)
                elif known.language != language:
                    found[words] = known._replace(language=None)
    return found


class Stopping:
    """The words of one bot."""

    def __init__(self, intents: Iterable[Intent] = ()) -> None:
        """``intents``: the bot's, which may know more words for it."""
        own = {
            words_only(tokens(phrase)): Said(WISHES[intent.name], True, language)
            for intent in intents
            if intent.name in WISHES
            for language, given in intent.words.items()
            for phrase in (*given.examples, *given.keywords)
        }
        self._table = {**_table(), **own} if own else _table()
        self._longest = max(map(len, self._table)) + 4

    def said(self, text: str) -> Said | None:
        """Whether a whole message asks us to stop or to start."""
        if len(text) > LONGEST:
            return None
        words = words_only(tokens(text))
        if not 0 < len(words) <= self._longest:
            return None
        return self._table.get(words) or self._table.get(_bare(words))


def tapped(event: object) -> Wish | None:
    """Whether a button with this event asks for it."""
    return WISHES.get(event) if isinstance(event, str) else None


def only_polite(text: str) -> bool:
    """ "Thanks", "ok please": nothing that anybody must answer."""
    return len(text) <= LONGEST and not _bare(words_only(tokens(text)))


def _bare(words: Words) -> Words:
    """Without "please" in front and "thanks" behind."""
    first, last = 0, len(words)
    while first < last and words[first] in _POLITE:
        first += 1
    while last > first and words[last - 1] in _POLITE:
        last -= 1
    return words[first:last]
