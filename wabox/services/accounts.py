"""Accounts of the people who look after conversations: made and changed by an owner, proved with a password or a token.

Guessing is slowed, nobody is locked out. An address may try ten times, then once in six seconds. A *name* that was refused five
times in a row is answered only after a pause, which doubles up to five minutes and outlives a restart; whoever tries from an
address where that agent has signed in before does not wait for others' guesses. Names that do not exist are treated alike, in
time and words, so nobody learns who works here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from wabox.core.agent import ID, ROLES, SHELL, Act, Agent, AgentLine
from wabox.core.ports import Clock
from wabox.errors import WaboxError
from wabox.flowfile.texts import languages, short
from wabox.services.passwords import LONGEST, SHORTEST, Passwords
from wabox.services.register import Register
from wabox.services.secondfactor import Enrolment, SecondFactor
from wabox.services.throttle import Throttle

HOUR: Final = 3_600_000
IDLE: Final = 8 * HOUR
"""ms after which a browser that asked for nothing is signed out."""
ABSOLUTE: Final = 7 * 24 * HOUR
"""ms after which everybody signs in again."""
FREE: Final = 5
"""Refusals in a row before a name has to wait."""
LONGEST_WAIT: Final = 300_000
TOKEN: Final = "wabox_"  # noqa: S105 - how a token begins, so that scanners of repositories recognise a lost one
FOLDER: Final = "data folder"
"""The address of an act that no server was asked for."""
BURST: Final = 10
"""Attempts of an address at once; then one in :data:`EVERY` ms."""
EVERY: Final = 6_000
MINUTE: Final = 60_000
"""How coarse ``seen_at`` is: a write for every call would cost more than it tells."""


class AccountError(WaboxError):
    """There is no such agent, or it cannot be changed like that."""


class TooOften(WaboxError):
    """Too many attempts; ``seconds`` says when the next one is looked at."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many attempts: try again in {seconds} seconds")
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgent:
    id: str
    name: str = ""
    """The id without it."""
    roles: Sequence[str] = ("agent",)
    queues: Sequence[str] = ()
    skills: Sequence[str] = ()
    password: str | None = None
    """Without one there is no signing in, only tokens."""
    language: str | None = None
    """Of the cards that tell them of cases; the bot's first without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Who calls, and how that was proved."""

    agent: Agent
    by: Literal["shell", "token", "session"]
    csrf: str = ""
    """What a page must send along with every change."""
    hash: bytes = b""
    """Of the token or the cookie."""


class Accounts:
    def __init__(
        self,
        store: Register,
        clock: Clock,
        draw: Callable[[int], str],
        second: SecondFactor,
        passwords: Passwords | None = None,
        here: str = FOLDER,
    ) -> None:
        """``draw`` gives that many random bytes, as text. ``here``: the address of an act that no server was asked for."""
        self._store = store
        self._clock = clock
        self._draw = draw
        self._second = second
        self._passwords = passwords or Passwords()
        self._addresses = Throttle(clock, burst=BURST, every=EVERY)
        self._here = here

    # ---- what an owner does ------------------------------------------------------------------------------------------------

    async def add(self, new: NewAgent, by: Agent = SHELL, address: str = "") -> AgentLine:
        agent = _checked(new)
        password = None if new.password is None else await self._passwords.encode(_good(new.password, new.id))
        act = self._act(by, f"agent add: {', '.join(agent.roles)}", agent.id, address)
        if not await self._store.add(agent, password, act):
            raise AccountError(f"there is an agent {new.id!r} already: wabox agents list")
        return await self.line(agent.id)

    async def disable(self, id_: str, disabled: bool, by: Agent = SHELL, address: str = "") -> AgentLine:
        """Also ends every session."""
        agent = await self._known(id_)
        last = disabled and by is not SHELL and "owner" in agent.roles
        act = self._act(by, "agent disable" if disabled else "agent enable", id_, address)
        if not await self._store.disable(id_, disabled, act, unless_last=last):
            raise AccountError(f"{id_!r} is the only owner: the console would be nobody's. Make another one first")
        return await self.line(id_)

    async def passwd(self, id_: str, password: str, by: Agent = SHELL, address: str = "") -> AgentLine:
        """Also ends every session."""
        await self._known(id_)
        encoded = await self._passwords.encode(_good(password, id_))
        name = await self._store.hashed(id_)
        await self._store.set_password(id_, encoded, self._act(by, "agent password", id_, address), name)
        return await self.line(id_)

    async def token(self, id_: str, label: str, by: Agent = SHELL, address: str = "") -> str:
        """A new one, in place of the one of the same label. Only its hash is kept."""
        await self._known(id_)
        if not ID.match(label):
            raise AccountError(f"a token's label is up to 40 letters, digits, dots and dashes, not {label!r}")
        token = TOKEN + self._draw(32)
        await self._store.add_token(id_, label, _hash(token), self._act(by, f"agent token: {label}", id_, address))
        return token

    async def revoke(self, id_: str, label: str, by: Agent = SHELL, address: str = "") -> AgentLine:
        await self._known(id_)
        if not await self._store.revoke_token(id_, label, self._act(by, f"agent token revoke: {label}", id_, address)):
            raise AccountError(f"{id_!r} has no token {label!r}: wabox agents list")
        return await self.line(id_)

    async def totp(self, id_: str, by: Agent = SHELL, address: str = "") -> Enrolment:
        """From now on a code is asked for too. Also ends every session."""
        await self._known(id_)
        return await self._second.begin(id_, self._act(by, "agent totp", id_, address))

    async def totp_off(self, id_: str, by: Agent = SHELL, address: str = "") -> AgentLine:
        """Also ends every session."""
        await self._known(id_)
        if not await self._second.end(id_, self._act(by, "agent totp off", id_, address)):
            raise AccountError(f"{id_!r} signs in with the password alone already")
        return await self.line(id_)

    async def speak(self, id_: str, language: str | None, by: Agent = SHELL, address: str = "") -> AgentLine:
        """The language of the cards they get about cases; None: the bot's first. An agent may say so for themselves."""
        await self._known(id_)
        _speaks(language)
        act = self._act(by, f"agent language: {language or 'none'}", id_, address)
        await self._store.speak(id_, language, act)
        return await self.line(id_)

    async def lines(self) -> Sequence[AgentLine]:
        now = self._clock()
        return await self._store.lines(now - IDLE, now - ABSOLUTE)

    async def line(self, id_: str) -> AgentLine:
        return next(line for line in await self.lines() if line.agent.id == id_)

    def find(self, id_: str) -> Agent | None:
        """An account, also a closed one."""
        return self._store.find(id_)

    async def acts(self, limit: int, who: str | None = None) -> Sequence[Act]:
        """The newest of the audit log first."""
        return await self._store.acts(max(1, min(limit, 10_000)), who)

    # ---- who calls -------------------------------------------------------------------------------------------------------

    async def by_token(self, token: str) -> Known | None:
        hash_ = _hash(token)
        found = await self._store.by_token(hash_) if token.startswith(TOKEN) else None
        if found is None or found[0].disabled:
            return None
        await self._see(hash_, found[1], token=True)
        return Known(agent=found[0], by="token", hash=hash_)

    async def by_cookie(self, cookie: str) -> Known | None:
        hash_ = _hash(cookie)
        found = await self._store.by_session(hash_)
        if found is None:
            return None
        agent, created, seen = found
        now = self._clock()
        if agent.disabled or now - seen > IDLE or now - created > ABSOLUTE:
            return None
        await self._see(hash_, seen, token=False)
        return Known(agent=agent, by="session", csrf=_csrf(cookie), hash=hash_)

    async def holds(self, known: Known) -> bool:
        """Whether what was proved is still so: for streams, which last."""
        if known.by == "shell":
            return True
        if known.by == "token":
            token = await self._store.by_token(known.hash)
            return token is not None and not token[0].disabled
        found = await self._store.by_session(known.hash)
        return found is not None and not found[0].disabled and self._clock() - found[1] <= ABSOLUTE

    async def _see(self, hash_: bytes, seen: int | None, *, token: bool) -> None:
        now = self._clock()
        if seen is None or now - seen > MINUTE:
            await self._store.see(hash_, now, token=token)

    # ---- browsers --------------------------------------------------------------------------------------------------------

    async def sign_in(self, name: str, password: str, address: str, code: str = "") -> str | None:
        """The cookie of a new session; None: no. ``code``: the second proof, of those who have one. Raises TooOften."""
        wait = self._addresses.take(address) or await self._store.turn(address, self._clock(), BURST, EVERY)
        if wait:
            raise TooOften(_seconds(wait))
        name = name.strip().lower()[:100]
        found = await self._store.load(name)
        agent, encoded = (None, None) if found is None else found
        hashed = await self._store.hashed(name)
        times, last = await self._store.refusals(hashed)
        if times >= FREE and not (agent and await self._store.at_home(agent.id, address)):
            left = last + min(1000 << min(times - FREE, 20), LONGEST_WAIT) - self._clock()
            if left > 0:
                raise TooOften(_seconds(left))
        right = await self._passwords.check(encoded, password[: LONGEST + 1])
        # A code is looked at, and spent, only behind the right password: nobody can use up somebody else's.
        if agent is None or agent.disabled or not right or not await self._second.check(agent.id, code):
            act = None if agent is None else replace(self._act(agent, "sign in", "", address), outcome="refused")
            await self._store.refuse(hashed, self._clock(), act)
            return None
        cookie = self._draw(32)
        await self._store.begin(agent, _hash(cookie), hashed, self._act(agent, "sign in", "", address))
        return cookie

    async def lend(self, id_: str, address: str) -> str:
        """The cookie of a new session without a password: of the demo, whose customers are made of paper."""
        agent, cookie = await self._known(id_), self._draw(32)
        name = await self._store.hashed(id_)
        await self._store.begin(agent, _hash(cookie), name, self._act(agent, "sign in", "", address))
        return cookie

    async def sign_out(self, known: Known, address: str, *, everywhere: bool = False) -> None:
        if everywhere:
            await self._store.end_all(known.agent.id, self._act(known.agent, "sign out everywhere", "", address))
        else:
            await self._store.end(known.hash, self._act(known.agent, "sign out", "", address))

    # ---- the log ---------------------------------------------------------------------------------------------------------

    async def record(self, known: Known, what: str, target: str, address: str, outcome: str) -> None:
        await self._store.record(replace(self._act(known.agent, what, target, address), outcome=outcome))

    async def conversation(self, id_: str) -> str:
        """What the log calls a conversation."""
        key = await self._store.conversation_key(id_)
        return "no conversation" if key is None else f"conversation {key}"

    def close(self) -> None:
        self._passwords.close()

    def _act(self, by: Agent, what: str, target: str, address: str) -> Act:
        return Act(at=self._clock(), who=by.id, what=what, target=target, address=address or self._here)

    async def _known(self, id_: str) -> Agent:
        found = await self._store.load(id_)
        if found is None:
            raise AccountError(f"there is no agent {id_!r}: wabox agents list")
        return found[0]


def _checked(new: NewAgent) -> Agent:
    if not ID.match(new.id):
        raise AccountError(f"an agent's id is up to 40 small letters, digits, dots and dashes, not {new.id!r}")
    if new.id == SHELL.id:
        raise AccountError(f"{SHELL.id!r} is what the log calls the command line: choose another id")
    roles = tuple(role for role in ROLES if role in new.roles)
    if not roles or len(roles) != len(set(new.roles)):
        raise AccountError(f"roles are {', '.join(ROLES)}, not {', '.join(new.roles) or 'none'}")
    name = " ".join(new.name.split())[:80] or new.id
    _speaks(new.language)
    queues, skills = tuple(new.queues), tuple(new.skills)
    return Agent(id=new.id, name=name, roles=roles, queues=queues, skills=skills, language=new.language)


def _speaks(language: str | None) -> None:
    if language is not None and short(language) not in languages():
        raise AccountError(f"a language is one of {', '.join(languages())}, not {language!r}")


def _good(password: str, id_: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountError(f"a password has {SHORTEST} to {LONGEST} characters; four words in a row make a good one")
    if len(set(password)) < 4 or id_ in password.lower() or "wabox" in password.lower():
        raise AccountError("that password is too easy to guess; four words in a row make a good one")
    return password


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _csrf(cookie: str) -> str:
    """Only who can read the page knows it; nobody gets from it to the cookie."""
    return hmac.new(cookie.encode("utf-8", "replace"), b"wabox csrf", "sha256").hexdigest()


def _seconds(ms: float) -> int:
    return max(1, -(-int(ms) // 1000))
