"""Signing in and out of the console. Plain forms: it works without JavaScript.

Whoever followed a link into the console and had to sign in first gets there afterwards.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from typing import Any, Final
from urllib.parse import quote

from litestar import MediaType, Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.response import Redirect

from wabox.errors import Unavailable
from wabox.services.accounts import ABSOLUTE, TooOften
from wabox.web.caller import Caller, bucket
from wabox.web.console import words
from wabox.web.console.files import address, read, static_files
from wabox.web.guard import COOKIE, SECURE_COOKIE, VIEW, Guard, same_site
from wabox.web.shield import PAGE

LOGIN: Final = "/console/login"
HOME: Final = "/console"
FORM: Final = 16 * 1024
"""Bytes of a login form at most."""


def login_router(guard: Guard, enter: Callable[[str], Awaitable[str]] | None = None) -> Router:
    """``/console/login``, ``/console/logout``, and the files of our pages, which are no secret.

    ``enter`` begins a session without a password: in the demo.
    """

    @get("/login", media_type=MediaType.HTML)
    async def show(request: Request[Any, Any, Any]) -> Response[Any]:
        caller, wanted = guard.caller(request), _place(request.query_params.get("next", ""))
        try:
            known = await guard.known(request)
        except Unavailable as error:
            return away(request, error)
        if known is not None:
            return Redirect(wanted, status_code=303)
        if enter is not None:
            answer = Redirect(wanted, status_code=303)
            answer.set_cookie(_cookie(await enter(bucket(caller.address)), caller))
            return answer
        return _page(_language(request), wanted=wanted)

    @post("/login", status_code=200, request_max_body_size=FORM)
    async def sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
        caller, language = guard.caller(request), _language(request)
        try:
            same_site(request, caller)
        except PermissionDeniedException:
            return _page(language, "foreign", 403)
        form = await request.form()
        who, password, code = (str(form.get(name, ""))[:400] for name in ("who", "password", "code"))
        wanted = _place(str(form.get("next", "")))
        if not who or not password:
            return _page(language, "empty", 400, who, wanted)
        try:
            cookie = await guard.accounts.sign_in(who, password, bucket(caller.address), code)
        except TooOften as error:
            refused = _page(language, "too_often", 429, who, wanted, error.seconds)
            refused.headers["Retry-After"] = str(error.seconds)
            return refused
        except Unavailable as error:
            return away(request, error)
        if cookie is None:
            return _page(language, "wrong", 401, who, wanted)
        answer = Redirect(wanted, status_code=303)
        answer.set_cookie(_cookie(cookie, caller))
        return answer

    @post(
        "/logout",
        status_code=303,
        guards=[guard],
        roles=VIEW,
        logs=True,
        request_max_body_size=FORM,
    )
    async def leave(request: Request[Any, Any, Any]) -> Response[Any]:
        form = await request.form()
        caller = guard.caller(request)
        everywhere = bool(form.get("everywhere"))
        await guard.accounts.sign_out(request.state.known, bucket(caller.address), everywhere=everywhere)
        answer = Redirect(LOGIN, status_code=303)
        answer.set_cookie(_cookie("", caller))
        return answer

    return Router("/console", route_handlers=[show, sign_in, leave, static_files()], include_in_schema=False)


def to_login(request: Request[Any, Any, Any], error: NotAuthorizedException) -> Response[Any]:
    """A browser that wants a page is shown where to sign in; a script is told."""
    if "text/html" not in request.headers.get("accept", ""):
        return Response({"error": error.detail}, status_code=401)
    if request.headers.get("sec-fetch-site") == "cross-site":
        # A link elsewhere (an alert, a mail) led here, and such a call comes without the cookie. Ours comes with it.
        again = f'<!doctype html><meta http-equiv="refresh" content="0; url={HOME}"><title>wabox</title>'
        return Response(again, media_type=MediaType.HTML, headers={"Content-Security-Policy": PAGE})
    place = _place(request.url.path)
    return Redirect(LOGIN if place == HOME else f"{LOGIN}?next={quote(place)}", status_code=303)


def away(request: Request[Any, Any, Any], error: Unavailable) -> Response[Any]:
    """Where accounts are kept does not answer: nobody is turned away for good, nobody new comes in."""
    if "text/html" not in request.headers.get("accept", ""):
        return Response({"error": str(error)}, status_code=503)
    return _page(_language(request), "away", 503)


def _place(wanted: str) -> str:
    """An address of the console; anything else is its beginning."""
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted and "//" not in wanted
    return wanted if plain and wanted.startswith(f"{HOME}/") and not wanted.startswith(LOGIN) else HOME


def _cookie(value: str, caller: Caller) -> Cookie:
    return Cookie(
        key=SECURE_COOKIE if caller.secure else COOKIE,
        value=value,
        path="/",
        max_age=ABSOLUTE // 1000 if value else 0,
        secure=caller.secure,
        httponly=True,
        samesite="strict",
    )


def _language(request: Request[Any, Any, Any]) -> str:
    return words.spoken(request.headers.get("accept-language", ""))


def _page(
    language: str, problem: str = "", status: int = 200, who: str = "", wanted: str = HOME, seconds: int = 0
) -> Response[str]:
    """``problem``: which of its words."""
    page = read("login.html").replace("{{style}}", address("css/login.css"))
    texts = words.WORDS[language]
    said = escape(texts[problem].replace("{seconds}", str(seconds))) if problem else ""
    told = f'<p class="problem" id="problem" role="alert">{said}</p>' if problem else ""
    page = page.replace("{{problem}}", told).replace("{{described}}", 'aria-describedby="problem"' if problem else "")
    shown = {**texts, "language": language, "direction": words.DIRECTION.get(language, "ltr"), "next": wanted}
    for key, text in {**shown, "given": who}.items():
        page = page.replace("{{" + key + "}}", escape(text, quote=True))
    headers = {"Content-Security-Policy": PAGE, "Content-Language": language, "Vary": "Accept-Language"}
    return Response(page, media_type=MediaType.HTML, status_code=status, headers=headers)
