"""Who may call what.

Every route declares its roles, ``@get(…, roles=VIEW)``; one that forgot is the owner's alone, and a test fails. A caller is
known by a session's cookie, by an agent's token, or by the data folder's token, which is an owner's named *shell*; the
handler finds who it is in ``request.state.agent``.

An account with queues sees what is in them alone (:meth:`wabox.core.agent.Agent.sees`): services look at each case, and a
route that is about all customers says ``everybody=True`` and is closed to it.

What a browser sends by itself proves nothing about who wanted it. So a change that comes with a cookie also needs the session's
word (``X-CSRF-Token``, or the field ``csrf`` of a form), and must come from a page of ours as far as the browser says.

Every change is in the audit log before its answer leaves: who, what, on what, when, from where. ``reads=True`` on a route puts
looking into the log as well; ``logs=True`` says that the service behind it does so by itself.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, TooManyRequestsException
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from wabox.core.agent import SHELL, Role
from wabox.services.accounts import Accounts, Known
from wabox.services.throttle import Throttle
from wabox.web.caller import Caller, Callers

VIEW: Final[tuple[Role, ...]] = ("owner", "agent", "viewer")
ACT: Final[tuple[Role, ...]] = ("owner", "agent")
OWN: Final[tuple[Role, ...]] = ("owner",)

COOKIE: Final = "wabox"
SECURE_COOKIE: Final = "__Host-wabox"
"""By HTTPS: browsers take a cookie of such a name only with Secure, for the whole site and no other."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LOOK_AGAIN: Final = 10.0
"""s between two looks at whether the one who reads a stream still may."""


class Guard:
    def __init__(
        self,
        accounts: Accounts,
        token: str,
        *,
        everywhere: bool = False,
        callers: Callers | None = None,
        throttle: Throttle | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``token`` is the data folder's; without ``everywhere`` only callers on this machine are heard."""
        self.accounts = accounts
        self.callers = callers or Callers()
        self._token = token.encode()
        self._everywhere = everywhere
        self._throttle = throttle
        self._monotonic = monotonic

    def __deepcopy__(self, memo: dict[int, Any]) -> Guard:
        return self  # Litestar copies the handlers it mounts, and their guards with them; there is one door

    def caller(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
        """Raises PermissionDeniedException for one who is not on this machine, where that is the rule."""
        caller = self.callers.of(connection.scope)
        if not (self._everywhere or caller.local):
            raise PermissionDeniedException(
                "this is open on the machine of the server alone; "
                'behind a proxy with HTTPS, set [server] admin = "all" in wabox.toml'
            )
        return caller

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        """A guard for Litestar. Raises NotAuthorizedException, PermissionDeniedException, TooManyRequestsException."""
        caller = self.caller(connection)
        known = await self.known(connection)
        if known is None:
            raise NotAuthorizedException("this needs a token (Authorization: Bearer …), or sign in at /console/login")
        connection.state["known"], connection.state["agent"] = known, known.agent
        connection.state["address"] = caller.address
        roles = handler.opt.get("roles", OWN)
        if not known.agent.may(roles):
            raise PermissionDeniedException(f"{known.agent.id} may not: this is for {' or '.join(roles)}")
        if known.agent.restricted and handler.opt.get("everybody"):
            theirs = ", ".join(known.agent.queues)
            raise PermissionDeniedException(f"{known.agent.id} answers {theirs} only: this is about all customers")
        if self._throttle is not None and known.by != "shell":
            wait = self._throttle.take(known.agent.id)
            if wait:
                seconds = max(1, round(wait / 1000))
                raise TooManyRequestsException(
                    f"too many calls: go on in {seconds} s", headers={"Retry-After": str(seconds)}
                )
        if known.by == "session" and _changes(connection.scope):
            await self._wanted(connection, known, caller)

    async def known(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Known | None:
        """Who calls; None: nobody knows."""
        kind, _, given = connection.headers.get("authorization", "").partition(" ")
        if kind:
            given = given.strip()
            if kind.lower() != "bearer":
                return None
            if hmac.compare_digest(given.encode("utf-8", "replace"), self._token):
                return Known(agent=SHELL, by="shell")
            return await self.accounts.by_token(given)
        for name in (SECURE_COOKIE, COOKIE):
            cookie = connection.cookies.get(name)
            if cookie:
                return await self.accounts.by_cookie(cookie)
        return None

    async def _wanted(self, connection: ASGIConnection[Any, Any, Any, Any], known: Known, caller: Caller) -> None:
        same_site(connection, caller)
        given = connection.headers.get("x-csrf-token", "")
        if not given and isinstance(connection, Request) and "form" in connection.headers.get("content-type", ""):
            given = str((await connection.form()).get("csrf", ""))
        if not hmac.compare_digest(given.encode("utf-8", "replace"), known.csrf.encode()):
            raise PermissionDeniedException("the page is out of date: load it again (X-CSRF-Token is missing or wrong)")

    # ---- the log, and streams that outlive a session -----------------------------------------------------------------------

    def watch(self, app: ASGIApp) -> ASGIApp:
        """A middleware for Litestar, around the routes behind this guard."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            status, looked, over = 0, self._monotonic(), False

            async def tell(message: Message) -> None:
                nonlocal status, looked, over
                if over:
                    return
                if message["type"] == "http.response.start":
                    status = message["status"]
                    await self._log(scope, status)
                elif message["type"] == "http.response.body" and message.get("more_body"):
                    known = _state(scope).get("known")
                    if known is not None and self._monotonic() - looked > LOOK_AGAIN:
                        looked = self._monotonic()
                        if not await self.accounts.holds(known):
                            over = True
                            message = {"type": "http.response.body", "body": b"", "more_body": False}
                await send(message)

            await app(scope, receive, tell)

        return watched

    async def _log(self, scope: Scope, status: int) -> None:
        state = _state(scope)
        known: Known | None = state.get("known")
        handler: Any = scope.get("route_handler")
        if known is None or handler is None or handler.opt.get("logs"):
            return
        if not (_changes(scope) or handler.opt.get("reads")):
            return
        what = f"{scope.get('method')} {scope.get('path_template')}"
        await self.accounts.record(known, what, await self._target(scope), state.get("address", ""), str(status))

    async def _target(self, scope: Scope) -> str:
        """What is acted on, without a customer's id in it."""
        params: dict[str, Any] = dict(scope.get("path_params") or {})
        conversation = params.pop("conversation_id", None)
        told = [str(value)[:80] for value in params.values()]
        if conversation is not None:
            told.append(await self.accounts.conversation(str(conversation)))
        return " ".join(told)


def same_site(connection: ASGIConnection[Any, Any, Any, Any], caller: Caller) -> None:
    """Raises PermissionDeniedException for what a page of somebody else sent. Programs do not say and are not browsers."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        origin = connection.headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc != caller.host
    if foreign:
        raise PermissionDeniedException("another site's page sent this")


def _changes(scope: Scope) -> bool:
    return scope.get("method") not in SAFE


def _state(scope: Scope) -> dict[str, Any]:
    state: Any = scope.get("state")
    return state if isinstance(state, dict) else {}
