"""What the page where people sign in says, in the console's languages. It works without JavaScript: the server chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DIRECTION: Final = {"ar": "rtl"}
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Sign in",
        "who": "Name",
        "password": "Password",
        "code": "Code from your phone, if you use one",
        "enter": "Sign in",
        "no_account": "No account? Whoever runs this server makes one: wabox agents add",
        "wrong": "That name, password and code do not go together.",
        "too_often": "Too many attempts. Try again in {seconds} seconds.",
        "foreign": "Open this page again and sign in here.",
        "empty": "Type your name and your password.",
        "away": "Nobody can sign in at this moment. Try again soon.",
    },
    "es": {
        "title": "Iniciar sesión",
        "who": "Nombre",
        "password": "Contraseña",
        "code": "Código de tu teléfono, si usas uno",
        "enter": "Entrar",
        "no_account": "¿Sin cuenta? Quien administra este servidor te hace una: wabox agents add",
        "wrong": "Ese nombre, esa contraseña y ese código no van juntos.",
        "too_often": "Demasiados intentos. Prueba de nuevo dentro de {seconds} segundos.",
        "foreign": "Abre esta página otra vez y entra desde aquí.",
        "empty": "Escribe tu nombre y tu contraseña.",
        "away": "En este momento nadie puede entrar. Prueba de nuevo pronto.",
    },
    "ar": {
        "title": "تسجيل الدخول",
        "who": "الاسم",
        "password": "كلمة المرور",
        "code": "الرمز من هاتفك، إن كنت تستخدم رمزًا",
        "enter": "دخول",
        "no_account": "ليس لديك حساب؟ ينشئه من يدير هذا الخادم: wabox agents add",
        "wrong": "الاسم وكلمة المرور والرمز لا تتوافق.",
        "too_often": "محاولات كثيرة. حاول مرة أخرى بعد {seconds} ثانية.",
        "foreign": "افتح هذه الصفحة من جديد وسجّل الدخول هنا.",
        "empty": "اكتب اسمك وكلمة المرور.",
        "away": "لا يمكن لأحد تسجيل الدخول في هذه اللحظة. حاول مرة أخرى بعد قليل.",
    },
    "hi": {
        "title": "साइन इन करें",
        "who": "नाम",
        "password": "पासवर्ड",
        "code": "आपके फ़ोन का कोड, अगर आप इस्तेमाल करते हैं",
        "enter": "साइन इन करें",
        "no_account": "खाता नहीं है? इस सर्वर को चलाने वाला व्यक्ति बनाता है: wabox agents add",
        "wrong": "यह नाम, पासवर्ड और कोड आपस में मेल नहीं खाते।",
        "too_often": "बहुत ज़्यादा कोशिशें। {seconds} सेकंड बाद फिर कोशिश करें।",
        "foreign": "यह पेज फिर से खोलें और यहाँ साइन इन करें।",
        "empty": "अपना नाम और पासवर्ड लिखें।",
        "away": "इस समय कोई साइन इन नहीं कर सकता। थोड़ी देर में फिर कोशिश करें।",
    },
}


def spoken(accepted: str) -> str:
    """The first of ours that an ``Accept-Language`` header asks for (RFC 9110, 12.5.4), by weight; else English."""
    wishes: list[tuple[float, int, str]] = []
    for place, one in enumerate(accepted[:500].split(",")):
        tag, _, weight = one.partition(";")
        try:
            wanted = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            wanted = 0.0
        if wanted > 0:
            wishes.append((-wanted, place, tag.strip().lower().partition("-")[0]))
    return next((name for _, _, name in sorted(wishes) if name in WORDS), "en")
