"""What accounts promise, wherever they are kept; and in a cluster, at whichever process somebody asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyotp import TOTP, parse_uri

from tests.integration.registers import NAMES, Shared, shared
from wabox.core.agent import SHELL
from wabox.services.accounts import ABSOLUTE, BURST, EVERY, FREE, IDLE, AccountError, Accounts, NewAgent, TooOften
from wabox.services.secondfactor import Enrolment

PASSWORD = "four words in a row"
HOME = "198.51.100.1"


@pytest.fixture(params=NAMES)
async def there(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shared]:
    async with shared(request.param, tmp_path) as found:
        yield found


@pytest.fixture
async def here(there: Shared) -> Accounts:
    """A process, with one of each role."""
    accounts = there.process()
    for role in ("owner", "agent", "viewer"):
        await accounts.add(NewAgent(id=role, roles=(role,), password=PASSWORD))
    return accounts


def phone(made: Enrolment) -> TOTP:
    found = parse_uri(made.uri)
    assert isinstance(found, TOTP)
    return found


async def enter(accounts: Accounts, who: str = "agent", code: str = "", address: str = HOME) -> str:
    cookie = await accounts.sign_in(who, PASSWORD, address, code)
    assert cookie is not None
    return cookie


async def refused(accounts: Accounts, address: str, who: str = "agent") -> float:
    """A wrong password: 0, or the seconds to wait."""
    try:
        assert await accounts.sign_in(who, "not the password", address) is None
    except TooOften as error:
        return error.seconds
    return 0


async def told(accounts: Accounts) -> list[tuple[str, str, str, str]]:
    """The log, the oldest first."""
    return [(act.who, act.what, act.target, act.outcome) for act in reversed(await accounts.acts(1000))]


# ---- accounts and their log ------------------------------------------------------------------------------------------


async def test_an_account_is_listed_as_it_was_made(there: Shared) -> None:
    """Every field, in the order of the ids; no secret among them."""
    accounts = there.process()
    new = NewAgent(
        id="b-2", name="Ana  López", roles=("viewer", "agent"), queues=["sales"], skills=["es", "pt"], language="es-MX"
    )
    made = await accounts.add(new)
    await accounts.add(NewAgent(id="b.1", password=PASSWORD))
    await accounts.token("b-2", "nightly")
    await accounts.token("b-2", "a")
    lines = await there.process().lines()
    assert [line.agent.id for line in lines] == ["b-2", "b.1"]
    first, second = lines
    assert first == replace(made, tokens=("nightly", "a"))
    agent = first.agent
    assert (agent.name, agent.roles, agent.queues, agent.skills) == (
        "Ana López",
        ("agent", "viewer"),
        ("sales",),
        ("es", "pt"),
    )
    assert (agent.language, first.password, first.created_at, first.seen_at) == ("es-MX", False, there.clock.now, None)
    assert (second.password, second.agent.name, second.sessions) == (True, "b.1", 0)


async def test_an_id_is_given_once(there: Shared, here: Accounts) -> None:
    """Of two who make it at once, one is told so; the log has one line."""
    other = there.process()
    made = await asyncio.gather(
        *(one.add(NewAgent(id="new")) for one in (here, other, here, other)), return_exceptions=True
    )
    assert sum(isinstance(one, AccountError) for one in made) == 3
    assert [line for line in await told(here) if line[2] == "new"] == [("shell", "agent add: agent", "new", "done")]


async def test_what_changed_is_in_the_log_and_what_did_not_is_not(there: Shared, here: Accounts) -> None:
    """The newest first; of one agent when asked for; a change that found nothing is refused in a sentence."""
    owner = here.find("owner")
    assert owner is not None
    await here.token("agent", "crm", owner, HOME)
    await here.revoke("agent", "crm", owner, HOME)
    with pytest.raises(AccountError, match="no token 'crm'"):
        await here.revoke("agent", "crm", owner, HOME)
    await here.speak("agent", "hi", owner, HOME)
    await here.disable("agent", True, owner, HOME)
    with pytest.raises(AccountError, match="no agent 'nobody'"):
        await here.disable("nobody", True)
    assert (await told(here))[3:] == [
        ("owner", "agent token: crm", "agent", "done"),
        ("owner", "agent token revoke: crm", "agent", "done"),
        ("owner", "agent language: hi", "agent", "done"),
        ("owner", "agent disable", "agent", "done"),
    ]
    assert [act.what for act in await here.acts(2, "owner")] == ["agent disable", "agent language: hi"]
    assert {act.address for act in await here.acts(9, "owner")} == {HOME}
    assert {act.address for act in await here.acts(9, "shell")} == {"shell"}


async def test_a_change_whose_line_cannot_be_written_is_not_made(there: Shared, here: Accounts) -> None:
    """Change and log are one transaction."""
    with pytest.raises(Exception, match=r"NULL|null"):
        await here._store.disable("agent", True, replace(here._act(SHELL, "x", "agent", ""), who=None))  # type: ignore[arg-type]
    assert not (await here.line("agent")).agent.disabled


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"])
async def test_the_log_cannot_be_changed(there: Shared, here: Accounts, change: str) -> None:
    """The database refuses to, whoever asks."""
    with pytest.raises(Exception, match="append-only"):
        await there.sql(change)
    assert len(await told(here)) == 3


async def test_the_last_owner_is_not_closed(there: Shared, here: Accounts) -> None:
    """By somebody else than the shell, which can open it again."""
    owner = here.find("owner")
    assert owner is not None
    with pytest.raises(AccountError, match="only owner"):
        await here.disable("owner", True, owner, HOME)
    await there.process().add(NewAgent(id="second", roles=("owner",)))
    assert (await here.disable("owner", True, owner, HOME)).agent.disabled


async def test_two_owners_who_close_each_other_leave_one(there: Shared, here: Accounts) -> None:
    """Wherever each of them does it."""
    await here.add(NewAgent(id="second", roles=("owner",)))
    first, second = here.find("owner"), here.find("second")
    assert first is not None
    assert second is not None
    closed = await asyncio.gather(
        here.disable("owner", True, second, HOME),
        there.process().disable("second", True, first, HOME),
        return_exceptions=True,
    )
    assert sum(isinstance(one, AccountError) for one in closed) == 1
    assert sum(line.agent.may(("owner",)) for line in await here.lines()) == 1


# ---- who calls -----------------------------------------------------------------------------------------------------------


async def test_a_token_opens_until_it_is_taken_away(there: Shared, here: Accounts) -> None:
    """At the process that made it and at another one; one of the same label takes its place."""
    first = await here.token("agent", "crm")
    other = there.process()
    known = await other.by_token(first)
    assert known is not None
    assert (known.agent.id, known.by) == ("agent", "token")
    second = await here.token("agent", "crm")
    assert await here.by_token(first) is None
    assert await there.process().by_token(second) is not None
    await here.revoke("agent", "crm")
    assert await here.by_token(second) is None
    assert await here.by_token("wabox_" + "made up") is None


async def test_a_login_of_one_process_is_known_at_the_next(there: Shared, here: Accounts) -> None:
    """At once, though that one has read before; so is who it is, when the account is as new."""
    other = there.process()
    assert await other.by_cookie("made up") is None
    known = await other.by_cookie(await enter(here))
    assert known is not None
    assert known.agent.id == "agent"
    assert await other.holds(known)
    await here.add(NewAgent(id="late", password=PASSWORD))
    late = await other.by_cookie(await enter(here, "late"))
    assert late is not None
    assert late.agent.id == "late"


async def test_a_closed_account_is_out(there: Shared, here: Accounts) -> None:
    """Cookie and token open nothing, also after it was opened again the cookie does not; what lasts ends."""
    cookie, token = await enter(here), await here.token("agent", "crm")
    known = await here.by_cookie(cookie)
    assert known is not None
    await here.disable("agent", True)
    assert [await here.by_cookie(cookie), await here.by_token(token), await here.holds(known)] == [None, None, False]
    assert await here.sign_in("agent", PASSWORD, HOME) is None
    await here.disable("agent", False)
    assert await here.by_token(token) is not None
    assert await here.by_cookie(cookie) is None


async def test_signing_out_ends_one_browser_or_all(there: Shared, here: Accounts) -> None:
    """A new password and a second proof end all of them too."""
    first, second = await enter(here), await enter(here)
    known = await here.by_cookie(first)
    assert known is not None
    assert (await here.line("agent")).sessions == 2
    await here.sign_out(known, HOME)
    assert await here.by_cookie(first) is None
    assert await here.by_cookie(second) is not None
    for end in (
        lambda: here.sign_out(known, HOME, everywhere=True),
        lambda: here.passwd("agent", PASSWORD),
        lambda: here.totp("agent"),
        lambda: here.totp_off("agent"),
    ):
        cookie = await here.lend("agent", HOME)
        assert await here.by_cookie(cookie) is not None
        await end()
        assert await here.by_cookie(cookie) is None


async def test_a_browser_that_asks_for_nothing_is_signed_out(there: Shared, here: Accounts) -> None:
    """Whoever goes on asking stays for a week; each sighting counts at the other processes."""
    cookie, other = await enter(here), there.process()
    for at in range(ABSOLUTE // (IDLE - 1000)):
        there.clock.now += IDLE - 1000
        assert await (here, other)[at % 2].by_cookie(cookie) is not None
        assert (await here.line("agent")).seen_at == there.clock.now
        for one in (here, other):
            await again(one)
    there.clock.now += IDLE - 1000
    assert await here.by_cookie(cookie) is None
    cookie = await enter(here)
    there.clock.now += IDLE + 1
    assert await here.by_cookie(cookie) is None


async def again(accounts: Accounts) -> None:
    """What a process of a cluster does every few seconds."""
    mirror = getattr(accounts._store, "mirror", None)
    if mirror is not None:
        await mirror.read()


# ---- guessing ------------------------------------------------------------------------------------------------------------


async def test_guesses_at_a_name_are_counted_wherever_they_are_made(there: Shared, here: Accounts) -> None:
    """Five, then a pause that doubles; a name that does not exist is treated alike; who was here before does not wait."""
    await enter(here)
    processes = [here, there.process(), there.process()]
    for who in ("agent", "nobody"):
        for number in range(FREE):
            assert await refused(processes[number % 3], f"203.0.113.{number}", who) == 0
        assert [await refused(one, "203.0.113.77", who) for one in processes] == [1, 1, 1]
        there.clock.now += 1000
        assert [await refused(one, "203.0.113.78", who) for one in processes] == [0, 2, 2]
    with pytest.raises(TooOften):
        await there.process().sign_in("agent", PASSWORD, "198.51.100.2")
    await enter(there.process())
    assert await refused(here, "203.0.113.80") == 0, "whoever is right begins anew"


async def test_an_address_that_guesses_has_to_wait(there: Shared, here: Accounts) -> None:
    """Ten attempts, then one in six seconds."""
    assert [await refused(here, HOME, f"n{n}") for n in range(BURST + 1)] == [0] * BURST + [EVERY // 1000]
    there.clock.now += EVERY
    assert await refused(here, HOME, "n") == 0
    assert await refused(here, HOME, "n") == EVERY // 1000


async def test_a_code_is_good_once_wherever_it_is_shown(there: Shared, here: Accounts) -> None:
    """Of many who show the same code of the moment, or of the paper, at the same time, one is let in."""
    made = await here.totp("agent")
    for code in (phone(made).at(there.clock.now // 1000), made.recovery[0]):
        there.clock.now += 60_000
        if len(code) == 6:
            code = phone(made).at(there.clock.now // 1000)
        processes = [here, *(there.process() for _ in range(3))]
        entered = await asyncio.gather(*(one.sign_in("agent", PASSWORD, HOME, code) for one in processes))
        assert sum(cookie is not None for cookie in entered) == 1
    assert await here._second.left("agent") == 9
    assert (await there.process().line("agent")).code


async def test_a_new_phone_ends_the_old_one(there: Shared, here: Accounts) -> None:
    """Its codes and its paper; two who enrol at once leave one phone and ten codes."""
    first = await here.totp("agent")
    await asyncio.gather(here.totp("agent"), there.process().totp("agent"))
    assert await here._second.left("agent") == 10
    assert await here.sign_in("agent", PASSWORD, HOME, first.recovery[0]) is None
    assert not (await here.totp_off("agent")).code
    with pytest.raises(AccountError, match="password alone already"):
        await there.process().totp_off("agent")
    await enter(here)
