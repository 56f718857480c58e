"""The console's page and files: what a browser gets, what it may do with it, and the words in every language."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.doors import House, house
from wabox.flowfile.texts import languages
from wabox.web.console.files import address, names, read, version

LANGUAGES = ("en", "es", "ar", "hi")
ASSETS = Path(__file__).parents[2] / "wabox" / "web" / "console" / "assets"


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as found:
        await found.people()
        yield found


async def test_the_page_runs_only_files_of_ours(doors: House) -> None:
    """No script and no style stands in the page, and its policy lets none in; who is signed in is in it."""
    async with doors.client() as client:
        await doors.sign_in(client)
        answer = await client.get("/console")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|https?://", answer.text)
    assert 'data-agent="agent"' in answer.text
    assert 'data-roles="agent" data-lacks=""' in answer.text


async def test_every_address_of_the_console_is_the_page(doors: House) -> None:
    """A link into it can be sent to a colleague, who signs in first and then gets there."""
    place = "/console/conversations/200%3AMX.1"
    browser = {"Accept": "text/html"}
    async with doors.client() as client:
        sent_away = await client.get(place, headers=browser)
        assert (sent_away.status_code, sent_away.headers["location"]) == (
            303,
            "/console/login?next=/console/conversations/200%3AMX.1",
        )
        form = await client.get(sent_away.headers["location"])
        assert 'name="next" value="/console/conversations/200:MX.1"' in form.text
        entered = await client.post(
            "/console/login", data={"who": "agent", "password": "four words in a row", "next": "/console/map"}
        )
        assert entered.headers["location"] == "/console/map"
        assert (await client.get(place, headers=browser)).status_code == 200


@pytest.mark.parametrize(
    "place", ["https://evil.example", "//evil.example", "/\\evil.example", "/console//evil.example", "/console/login"]
)
async def test_signing_in_leads_nowhere_else(doors: House, place: str) -> None:
    """Whatever a link says, one stays in the console."""
    async with doors.client() as client:
        form = {"who": "agent", "password": "four words in a row", "next": place}
        assert (await client.post("/console/login", data=form)).headers["location"] == "/console"


async def test_files_are_kept_until_they_change(doors: House) -> None:
    """Under today's address a browser may keep a file for ever; nothing outside the folder is given out."""
    async with doors.client() as client:
        for name in names():
            answer = await client.get(address(name))
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await client.get("/console/static/000000000000/js/main.js")).headers["cache-control"] == "no-cache"
        for name in ("index.html", "../pages.py", "js/../../pages.py", "js", ""):
            assert (await client.get(f"/console/static/{version()}/{name}")).status_code == 404, name


def test_it_is_small() -> None:
    """Everything a browser loads, uncompressed: less than 300 kB."""
    assert sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file()) < 300_000
    assert {name.partition("/")[0] for name in names()} == {"css", "js", "texts"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    """The same keys in the same order, the same blanks to fill, and nothing empty."""
    english, words = (json.loads(read(f"texts/{one}.json")) for one in ("en", language))
    assert list(words) == list(english)
    for key, text in words.items():
        assert text.strip(), key
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", english[key])), key


def test_every_word_is_used_and_known() -> None:
    """What the scripts ask for exists, and no text stands there for nobody."""
    english = json.loads(read("texts/en.json"))
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in (ASSETS / "js").rglob("*.js"))
    asked = set(re.findall(r'\bt\("([^"]+)"', scripts))
    made = {*re.findall(r"\bt\(`([^`$]+)\.\$", scripts), *re.findall(r'known\("(\w+)"', scripts)}
    assert asked <= english.keys()
    spare = {key for key in english if f'"{key}"' not in scripts and not any(key.startswith(f"{one}.") for one in made)}
    assert spare == set()


def test_an_agent_may_choose_what_wabox_speaks() -> None:
    """All of its languages."""
    assert json.dumps(languages()) in read("js/texts.js")


def test_shortcuts_do_not_collide() -> None:
    """One key means one thing on a screen."""
    for folder in ("queue", "conversation"):
        scripts = "\n".join(path.read_text(encoding="utf-8") for path in (ASSETS / "js" / folder).glob("*.js"))
        keys = re.findall(r'shortcut\("([^"]+)"', scripts)
        assert len(keys) == len(set(keys))
