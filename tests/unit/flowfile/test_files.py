"""Files of a bot's folder in messages: found, checked, and nothing else can be sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabox.cli.bubble import bubble
from wabox.core.contact import Contact
from wabox.flowfile.bot import check_bot, load_bot
from wabox.simulator import Simulator
from wabox.whatsapp.payload import request_body

FLOW = """\
initial: menu
context: {{dish: soup, where: ../flow.yaml}}
timeouts: {{hard: 23h}}
on: {{human: people}}
states:
  menu: {{ask: {say}, on: {{human: people, message.*: people}}}}
  people: {{handoff: support, say: One moment., on: {{handoff.closed: menu}}}}
"""
PNG = b"\x89PNG\r\n\x1a\n" + b"." * 100


def write(folder: Path, say: str) -> Path:
    (folder / "pictures").mkdir()
    (folder / "tests").mkdir()
    (folder / "flow.yaml").write_text(FLOW.format(say=say), encoding="utf-8")
    for name, content in {
        "pictures/soup.png": PNG,
        "pictures/fake.jpg": PNG,
        "pictures/huge.png": PNG + bytes(5 * 1024 * 1024),
        "pictures/empty.png": b"",
        "big.webp": b"RIFF....WEBPVP8 " + bytes(101 * 1024),
        "hello.mp3": b"ID3" + bytes(20),
        "hello.ogg": b"OggS" + bytes(20),
        "tests/secret.png": PNG,
        ".hidden.png": PNG,
    }.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("say", "words"),
    [
        ("{image: pictures/soop.png}", "names no file of the bot's folder: pictures/soop.png"),
        ("{image: ../soup.png}", "names no file"),
        ("{image: tests/secret.png}", "names no file"),
        ("{image: .hidden.png}", "names no file"),
        ("{image: 'pictures/{pie}.png'}", None),
        ("{image: 'photos/{pie}.png'}", "names no file"),
        ("{image: pictures/fake.jpg}", "is not what its name says"),
        ("{image: big.webp}", "WhatsApp does not take as an image: jpg, jpeg, png"),
        ("{image: pictures/huge.png}", "has 5.0 MiB, WhatsApp takes 5.0 MiB"),
        ("{image: pictures/empty.png}", "is not what its name says"),
        ("{sticker: big.webp}", "has 101 KiB, WhatsApp takes 100 KiB"),
        ("{audio: {link: hello.mp3, voice: true}}", "OGG with Opus"),
        ("{audio: {link: hello.ogg, voice: true}}", None),
        ("{text: Look, image: pictures/soup.png, buttons: {human: Yes}}", None),
    ],
)
def test_a_file_is_checked_before_anybody_gets_it(tmp_path: Path, say: str, words: str | None) -> None:
    """Whether it is there, whether WhatsApp takes it: type by content, size by kind."""
    found = check_bot(write(tmp_path, say))
    sentences = " ".join(one.sentence for one in found if one.code == "whatsapp-limit")
    assert (words in sentences) if words is not None else not sentences, sentences


def test_a_placeholder_chooses_among_the_files(tmp_path: Path) -> None:
    """Filled with a path out of the folder, or of the flow itself, it is no file: the words leave alone."""
    bot = load_bot(write(tmp_path, "{image: 'pictures/{dish}.png', text: Today}"))
    file = bot.files["pictures/soup.png"]
    template = bot.charts[bot.main].states["menu"].ask[0]
    good = request_body(bot.render(template, {"dish": "soup"}, "en"), Contact(wa_id="1"))
    assert good["image"] == {"id": file.id, "caption": "Today"}
    assert "[image: pictures/soup.png]" in bubble(good)
    for dish in ("../../flow", "../flow.yaml", "huge", "..", ""):
        bare = request_body(bot.render(template, {"dish": dish}, "en"), Contact(wa_id="1"))
        assert bare["type"] == "text", dish
        assert bare["text"]["body"] == "Today"


def test_the_simulator_shows_the_path(tmp_path: Path) -> None:
    """In wabox chat and wabox test nothing is uploaded; the file is named by its path."""
    simulator = Simulator(load_bot(write(tmp_path, "{image: 'pictures/soup.png', text: Today}")))
    (sent,) = simulator.play({"user": "hi"})["sent"]
    assert "[image: pictures/soup.png]" in bubble(sent)


def test_a_flow_cannot_send_itself(tmp_path: Path) -> None:
    """Charts, texts and code are no documents."""
    assert "flow.yaml" not in load_bot(write(tmp_path, "Hi!")).files


def test_cards_of_a_carousel_have_files_too(tmp_path: Path) -> None:
    """Each is found; one that WhatsApp does not take is a finding."""
    card = "{{image: pictures/{}.png, title: Buy, url: 'https://e.com/1'}}"
    two = "{text: New, carousel: [" + card.format("soup") + ", " + card.format("soup") + "]}"
    bot = load_bot(write(tmp_path, two))
    content = bot.render(bot.charts[bot.main].states["menu"].ask[0], {}, "en")
    sent = request_body(content, Contact(wa_id="1"))["interactive"]["action"]["cards"]
    assert [one["header"]["image"]["id"] for one in sent] == [bot.files["pictures/soup.png"].id] * 2
    (tmp_path / "flow.yaml").write_text(FLOW.format(say=two.replace("soup", "huge")), encoding="utf-8")
    assert "cannot be fetched" in " ".join(one.sentence for one in check_bot(tmp_path))
