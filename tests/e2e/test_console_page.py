"""The console in a real browser: a customer asks for a person, people answer, and the picture moves.

Needs Debian's Chromium (``apt-get install chromium``).
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.e2e.test_phone_page import CHROMIUM, FLAGS, ROOT

PASSWORD = "four words in a row"
SETTINGS = "[queues.support]\nrating = true\n"

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not here: apt-get install chromium")


@dataclass
class Office:
    """A demo in a folder of its own, that can be started again."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None
    complaints: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        errors = (self.folder / "stderr.txt").open("a")
        command = [
            sys.executable,
            "-c",
            "from wabox.cli.main import main; main()",
            "demo",
            str(ROOT / "flows" / "shop"),
        ]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), "--data", str(self.folder / "data")],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)},
        )
        errors.close()
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if re.search(r"http://\S+/console", line):
                return
        raise AssertionError((self.folder / "stderr.txt").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()

    def post(self, path: str, **data: object) -> None:
        self._ask(path, json.dumps(data).encode())

    def get(self, path: str) -> Any:
        return json.loads(self._ask(path, None))

    def _ask(self, path: str, body: bytes | None) -> bytes:
        token = (self.folder / "data" / "token").read_text().strip()
        headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers)) as answer:
            content: bytes = answer.read()
        return content

    def customer(self, who: str, text: str) -> None:
        self.post(f"/phone/api/{who}/say", text=text)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    (folder / "wabox.toml").write_text(SETTINGS)
    office = Office(folder, free_port())
    office.start()
    for who in ("marta", "luis"):
        office.post("/api/v1/agents", id=who, name=who.title(), roles=["agent"], password=PASSWORD)
    yield office
    office.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def seat(browser: Browser, office: Office) -> Iterator[Callable[..., Page]]:
    """A browser of somebody's own. Nothing may go wrong in its console but what the network does, and a refused act."""
    contexts, complaints = [], []

    def seat(who: str = "", **how: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", **how})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        said = lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None  # noqa: E731
        page.on("console", said)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if who:
            context.request.post(f"{office.url}/console/login", form={"who": who, "password": PASSWORD})
        return page

    yield seat
    for context in contexts:
        context.close()
    assert [one for one in complaints if "net::ERR" not in one and "409" not in one] == []


def lit(page: Page, state: str) -> None:
    expect(page.locator(f'.chart .lit[data-state="{state}"]')).to_be_visible()


def write(page: Page, words: str) -> None:
    page.get_by_label("Write to the customer…").fill(words)
    page.keyboard.press("Enter")


def test_a_customer_asks_for_a_person(office: Office, seat: Callable[..., Page]) -> None:
    """Asked for → alert → claim → words both ways → the picture moves → given back → how was it → the bot goes on."""
    phone, desk = seat(), seat("marta")
    phone.goto(f"{office.url}/phone")
    phone.get_by_role("button", name="Hi", exact=True).click()
    desk.goto(f"{office.url}/console")
    expect(desk.get_by_text("Nobody waits. Well done.")).to_be_visible()
    desk.get_by_role("tab", name="Everybody").click()
    desk.get_by_role("link", name="Sam Carter").click()
    lit(desk, "welcome")
    office.customer("sam", "I want to talk to a person")
    lit(desk, "people.support")
    expect(desk.locator('.chart .visited[data-state="welcome"]')).to_be_visible()
    expect(desk).to_have_title(re.compile(r"\(1\)"))
    expect(desk.locator(".head time")).to_have_text(re.compile(r"\d+s"))
    desk.keyboard.press("c")
    expect(desk.locator(".head")).to_contain_text("With you")
    write(desk, "Good morning, Marta here")
    expect(desk.locator(".lines .agent:not(.pending)")).to_contain_text("Good morning, Marta here")
    expect(phone.locator(".theirs").last).to_contain_text("Good morning, Marta here")
    expect(desk.locator(".lines .agent:not(.pending) .tick")).to_have_attribute(
        "aria-label", re.compile("Delivered|Read")
    )
    office.customer("sam", "my mug is *broken*")
    expect(desk.locator(".lines .customer").last.locator(".text strong")).to_have_text("broken")
    desk.keyboard.press("Escape")
    desk.keyboard.press("n")
    desk.get_by_label("Write a note for colleagues…").fill("sends a new one")
    desk.keyboard.press("Enter")
    expect(desk.locator(".lines .note:not(.pending)")).to_contain_text("sends a new one")
    expect(phone.locator(".theirs").last).to_contain_text("Good morning, Marta here")
    desk.keyboard.press("Escape")
    desk.keyboard.press("e")
    desk.keyboard.type("a new mug")
    desk.keyboard.press("Enter")
    expect(desk.locator(".head")).to_contain_text("With the bot")
    expect(desk.locator('.chart .lit[data-state="people.support"]')).to_have_count(0)
    desk.get_by_role("tab", name="Closed").click()
    expect(desk.locator(".items")).to_contain_text("a new mug")
    expect(phone.locator(".theirs").last.get_by_role("button").first).to_be_visible()
    before = phone.locator(".theirs").count()
    phone.get_by_role("button", name="Good", exact=True).click()
    expect(desk.locator(".items").get_by_label("rated 5 of 5")).to_have_text("★★★★★")
    assert [(one["outcome"], one["rating"]) for one in office.get("/api/v1/handoffs?status=closed")] == [
        ("a new mug", 5)
    ]
    office.customer("sam", "menu")
    lit(desk, "menu")
    expect(phone.locator(".theirs")).not_to_have_count(before)


def test_two_claim_at_once(office: Office, seat: Callable[..., Page]) -> None:
    """One has it, the other is told who, and both pages say the same; what the loser was writing is still there."""
    office.customer("lucia", "Hola")
    office.customer("lucia", "quiero hablar con una persona")
    pages = [seat("marta"), seat("luis")]
    for page in pages:
        page.goto(f"{office.url}/console")
        page.get_by_role("link", name="Lucía Romero").click()
        expect(page.get_by_role("button", name="Claim")).to_be_visible()
    pages[1].get_by_label("Write to the customer…").fill("half a sen")
    # Both have pressed it before the server hears of either.
    held_back: list[Route] = []
    for page in pages:
        page.route("**/claim", lambda route: held_back.append(route))
        page.get_by_role("button", name="Claim").click()
        expect(page.locator("main")).to_be_visible()
    for page in pages:
        page.wait_for_function("true")
    assert len(held_back) == 2
    for route in held_back:
        route.continue_()
    expect(pages[0].locator(".head .badge.held")).to_have_text(re.compile("With (you|Luis)"))
    expect(pages[1].locator(".head .badge.held")).to_have_text(re.compile("With (you|Marta)"))
    held = [page.locator(".head .badge.held").inner_text() for page in pages]
    assert held.count("With you") == 1
    loser = pages[1 - held.index("With you")]
    expect(loser.get_by_text("Take it over to write.")).to_be_visible()
    expect(loser.get_by_role("button", name="Take over")).to_be_visible()
    expect(pages[1].locator("textarea")).to_have_value("half a sen")


def test_somebody_chooses_what_their_cards_speak(office: Office, seat: Callable[..., Page]) -> None:
    """It is the account's, so another browser of theirs shows it."""
    for before, chosen in (("", "es"), ("es", "")):
        desk = seat("marta")
        desk.goto(f"{office.url}/console")
        desk.get_by_title("Account and appearance").click()
        box = desk.get_by_label("Cards about cases on WhatsApp")
        expect(box).to_be_enabled()
        expect(box).to_have_value(before)
        with desk.expect_response("**/agents/me/language") as answer:
            box.select_option(chosen)
        assert answer.value.ok


def test_offline_and_back(office: Office, seat: Callable[..., Page]) -> None:
    """What is written without a connection is not lost, says so, and is sent once when it is back."""
    office.customer("ana", "Hello")
    office.customer("ana", "I want to talk to a person")
    desk = seat("marta")
    desk.goto(f"{office.url}/console")
    desk.get_by_role("link", name="Ana").click()
    desk.get_by_role("button", name="Claim").click()
    expect(desk.locator(".head")).to_contain_text("With you")

    def lost(route: Route) -> None:
        route.fetch()  # it arrives, and its answer does not
        route.abort()

    desk.route("**/reply", lost, times=1)
    write(desk, "are you there?")
    expect(desk.locator(".lines .agent:not(.pending)")).to_contain_text("are you there?")
    expect(desk.locator(".pending")).to_have_count(0)
    office.customer("ana", "yes")
    desk.context.set_offline(True)
    expect(desk.get_by_text("No connection. Trying again…")).to_be_visible()
    write(desk, "one moment")
    expect(desk.locator(".pending.refused")).to_contain_text("It is sent once")
    desk.context.set_offline(False)
    expect(desk.locator(".pending")).to_have_count(0)
    expect(desk.get_by_text("No connection. Trying again…")).to_be_hidden()
    expect(desk.locator(".lines .agent")).to_have_text([re.compile("are you there"), re.compile("one moment")])


def test_the_server_starts_again_in_the_middle(office: Office, seat: Callable[..., Page]) -> None:
    """The page says so, comes back by itself, and the case is whose it was; a draft outlives it all."""
    desk = seat("marta")
    desk.goto(f"{office.url}/console")
    desk.get_by_role("link", name="Ana").click()
    expect(desk.locator(".head")).to_contain_text("With you")
    desk.get_by_label("Write to the customer…").fill("I have found it")
    office.stop()
    expect(desk.get_by_text("No connection. Trying again…")).to_be_visible()
    desk.keyboard.press("Enter")
    expect(desk.locator(".pending.refused")).to_be_visible()
    office.start()
    expect(desk.locator(".pending")).to_have_count(0, timeout=20_000)
    expect(desk.locator(".lines .agent").last).to_contain_text("I have found it")
    expect(desk.locator(".head")).to_contain_text("With you")


@pytest.mark.parametrize(("width", "language"), [(1440, "en-GB"), (768, "hi-IN"), (390, "ar")])
def test_every_page_at_every_width(office: Office, seat: Callable[..., Page], width: int, language: str) -> None:
    """Each shows something, in the operator's language, and nothing reaches out of the screen."""
    page = seat(viewport={"width": width, "height": 844}, locale=language)
    for place, shown in (
        ("", ".case"),
        ("/map", ".dot"),
        ("/numbers", ".tile"),
        ("/flows", ".pick"),
        ("/unmatched", "h1"),
    ):
        page.goto(f"{office.url}/console{place}")
        expect(page.locator(f"main {shown}").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place
        assert "object " not in page.locator("main").inner_text()
    assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
