"""Signing in and out of the console. Plain forms: it works without JavaScript."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Any, Final

from litestar import MediaType, Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import NotAuthorizedException, NotFoundException, PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from wabox.services.accounts import ABSOLUTE, TooOften
from wabox.web import words
from wabox.web.caller import Caller, bucket
from wabox.web.guard import COOKIE, SECURE_COOKIE, VIEW, Guard, same_site
from wabox.web.shield import PAGE

LOGIN: Final = "/console/login"
HOME: Final = "/console"
STATIC: Final = {
    "account.css": "text/css",
    "console.css": "text/css",
    "console.js": "text/javascript",
}
FORM: Final = 16 * 1024
"""Bytes of a login form at most."""


def login_router(guard: Guard) -> Router:
    """``/console/login``, ``/console/logout``, and the files of our pages, which are no secret."""

    @get("/login", media_type=MediaType.HTML)
    async def show(request: Request[Any, Any, Any]) -> Response[Any]:
        guard.caller(request)
        if await guard.known(request) is not None:
            return Redirect(HOME, status_code=303)
        return _page()

    @post("/login", status_code=200, request_max_body_size=FORM)
    async def enter(request: Request[Any, Any, Any]) -> Response[Any]:
        caller = guard.caller(request)
        try:
            same_site(request, caller)
        except PermissionDeniedException:
            return _page(words.FOREIGN, 403)
        form = await request.form()
        who, password, code = (str(form.get(name, ""))[:400] for name in ("who", "password", "code"))
        if not who or not password:
            return _page(words.EMPTY, 400, who)
        try:
            cookie = await guard.accounts.sign_in(who, password, bucket(caller.address), code)
        except TooOften as error:
            refused = _page(words.TOO_OFTEN.format(seconds=error.seconds), 429, who)
            refused.headers["Retry-After"] = str(error.seconds)
            return refused
        if cookie is None:
            return _page(words.WRONG, 401, who)
        answer = Redirect(HOME, status_code=303)
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

    return Router("/console", route_handlers=[show, enter, leave, static_files()], include_in_schema=False)


def static_files() -> HTTPRouteHandler:
    """Of our pages; they are no secret."""

    @get("/static/{name:str}", sync_to_thread=False)
    def static(name: FromPath[str]) -> Response[bytes]:
        if name not in STATIC:
            raise NotFoundException("there is no such file")
        found = files("wabox.web").joinpath("static", name).read_bytes()
        return Response(found, media_type=STATIC[name], headers={"Cache-Control": "no-cache"})

    return static


def to_login(request: Request[Any, Any, Any], error: NotAuthorizedException) -> Response[Any]:
    """A browser that wants a page is shown where to sign in; a script is told."""
    if "text/html" not in request.headers.get("accept", ""):
        return Response({"error": error.detail}, status_code=401)
    if request.headers.get("sec-fetch-site") == "cross-site":
        # A link elsewhere (an alert, a mail) led here, and such a call comes without the cookie. Ours comes with it.
        again = f'<!doctype html><meta http-equiv="refresh" content="0; url={HOME}"><title>wabox</title>'
        return Response(again, media_type=MediaType.HTML, headers={"Content-Security-Policy": PAGE})
    return Redirect(LOGIN, status_code=303)


def account_bar(name: str, csrf: str) -> str:
    """For a page's header: who is signed in, and the ways out."""
    told = {key: escape(text) for key, text in words.ACCOUNT.items()}
    return (
        f'<form class="account" method="post" action="/console/logout"><span dir="auto">{escape(name)}</span>'
        f'<input type="hidden" name="csrf" value="{escape(csrf)}">'
        f"<button>{told['leave']}</button>"
        f'<button name="everywhere" value="yes">{told["everywhere"]}</button></form>'
    )


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


def _page(problem: str = "", status: int = 200, who: str = "") -> Response[str]:
    page = files("wabox.web").joinpath("pages", "login.html").read_text(encoding="utf-8")
    told = f'<p class="problem" id="problem" role="alert">{escape(problem)}</p>' if problem else ""
    for key, text in {**words.LOGIN, "given": who}.items():
        page = page.replace("{{" + key + "}}", escape(text, quote=True))
    page = page.replace("{{problem}}", told).replace("{{described}}", 'aria-describedby="problem"' if problem else "")
    headers = {"Content-Security-Policy": PAGE}
    return Response(page, media_type=MediaType.HTML, status_code=status, headers=headers)
