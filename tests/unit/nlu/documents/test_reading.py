"""Documents become passages: headings, blocks, sentences; what is no text is left out and said."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabox.core.passage import Passage
from wabox.nlu.documents.files import LARGEST, Documents, documents_hash, read_documents
from wabox.nlu.documents.sections import LONGEST_PASSAGE, LONGEST_SENTENCE, split


def read(folder: Path, **files: str | bytes) -> Documents:
    """The documents of a bot; ``returns__md`` is returns.md."""
    for name, content in files.items():
        path = folder / "documents" / name.replace("__", ".").replace("_in_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_documents(folder, ("en", "es"))


def sections(passages: tuple[Passage, ...]) -> list[tuple[str, str]]:
    return [(passage.source, passage.text) for passage in passages]


def pdf(*pages: str) -> bytes:
    """A PDF with a text on each page; a page without a text has none."""
    count = len(pages)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(b"%d 0 R" % (4 + 2 * n) for n in range(count)), count),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, page in enumerate(pages):
        shown = b"".join(b"(%s) Tj T* " % line.encode("latin-1") for line in page.splitlines())
        drawn = b"BT /F1 12 Tf 14 TL 72 720 Td %s ET" % shown
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * number)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn))
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        size, table, size, len(out),
    )  # fmt: skip


def test_markdown(tmp_path: Path) -> None:
    """Sections below their headings; lists, tables and links as words; comments, pictures and scripts are gone."""
    text = """\
---
title: ignored, the heading wins
---
# Returns

Before any section. <!-- not for customers -->

## How long
You have **30 days**, from the day [it arrived](https://shop/x). Mr. Sol checks it. ![a picture](x.png)

### Presents
- until _January_
- or later,
  if we agree

| Country | Price | Days |
|---|---|---|
| Spain | free | 2 |
| France | 9 € | |

<script>alert(1)</script>
"""
    assert sections(read(tmp_path, returns__md=text).passages) == [
        ("Returns", "Before any section."),
        ("Returns › How long", "You have 30 days, from the day it arrived. Mr. Sol checks it."),
        (
            "Returns › How long › Presents",
            "• until January\n• or later, if we agree\n• Spain – Price: free, Days: 2\n• France – Price: 9 €",
        ),
    ]


def test_html(tmp_path: Path) -> None:
    """What a visitor sees: no scripts, menus, forms or hidden parts; entities and tables as words."""
    text = """\
<!doctype html><html><head><title>Care &amp; wash</title><script>var a = "<p>evil</p>"</script></head><body>
<nav><a href=/>Home</a></nav><h1>Care</h1>
<p>Wash at 30&nbsp;°C.<br>No dryer.</p><div hidden>secret</div><p style="display: none">hidden too</p>
<h2>Mugs</h2><ul><li>dishwasher<li>microwave</ul>
<table><tr><th>Thing</th><th>Size</th></tr><tr><td>Mug</td><td>350 <b>ml</b></td></tr></table>
<form><button>Buy</button></form><footer>© 2026</footer>"""
    assert sections(read(tmp_path, care__html=text).passages) == [
        ("Care", "Wash at 30 °C.\nNo dryer."),
        ("Care › Mugs", "• dishwasher\n• microwave\n• Mug – Size: 350 ml"),
    ]


def test_plain_text(tmp_path: Path) -> None:
    """Paragraphs; a short first line is the title, without one the file's name is."""
    found = read(
        tmp_path, a__txt="Delivery\n\nWe deliver.\nEverywhere.\n\nNot on Sundays.", our_hours__txt="Open at 9."
    )
    assert sections(found.passages) == [
        ("Delivery", "We deliver. Everywhere.\nNot on Sundays."),
        ("Our hours", "Open at 9."),
    ]


def test_pdf(tmp_path: Path) -> None:
    """Its text, a section a page; words cut at the end of a line are whole again."""
    found = read(tmp_path, leaflet__pdf=pdf("Please come ten min-\nutes early.", "Parking is behind the house."))
    assert sections(found.passages) == [
        ("Leaflet › p. 1", "Please come ten minutes early."),
        ("Leaflet › p. 2", "Parking is behind the house."),
    ]


def test_languages(tmp_path: Path) -> None:
    """The name of a file or of its folder may say the language; other words in it do not."""
    found = read(tmp_path, a__es__md="Hola, amigo.", es_in_b__md="Hola.", c__old__md="Hello.")
    assert [(passage.id, passage.language) for passage in found.passages] == [
        ("a.es.md#1", "es"),
        ("c.old.md#1", None),
        ("es/b.md#1", "es"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("scan__pdf", pdf("", ""), "there is no text in it, only pictures of pages (a scan); run it through OCR"),
        ("broken__pdf", b"%PDF-1.4 and then nothing", "it is damaged, or no PDF"),
        ("latin__txt", "Envío gratis".encode("latin-1"), "it is not UTF-8 (byte 3); save it as UTF-8"),
        ("odd__html", b"<meta charset=klingon><p>Hi", "written in klingon, which is unknown"),
        ("picture__txt", b"\x89PNG\x0d\x0a\0\0\0", "it is no text; is its ending the right one?"),
        ("sheet__xlsx", b"PK", "wabox reads .md, .markdown, .html, .htm, .txt, .text, .pdf; save it as one of them"),
        ("empty__md", "  \n", "there are no words in it"),
        ("only__html", "<script>alert('words')</script>", "there are no words in it"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: str | bytes, sentence: str) -> None:
    """One sentence for the owner, and the other documents are read all the same."""
    found = read(tmp_path, **{name: content, "good__md": "We deliver."})
    assert [passage.text for passage in found.passages] == ["We deliver."]
    [trouble] = found.troubles
    assert trouble.file == name.replace("__", ".")
    assert sentence in trouble.sentence


def test_encodings_that_say_themselves(tmp_path: Path) -> None:
    """UTF-16 with its mark, and HTML that names its charset, are read."""
    found = read(
        tmp_path, a__txt="Envío".encode("utf-16"), b__html='<meta charset="windows-1252"><p>Envío'.encode("cp1252")
    )
    assert [passage.text for passage in found.passages] == ["Envío", "Envío"]


def test_a_huge_file_is_not_opened(tmp_path: Path) -> None:
    """50 MB are refused by their size."""
    read(tmp_path, good__md="We deliver.")
    with (tmp_path / "documents" / "huge.md").open("wb") as file:
        file.truncate(50 << 20)
    [trouble] = read_documents(tmp_path, ("en",)).troubles
    assert trouble.sentence == f"it has 50 MB, the most is {LARGEST >> 20}; take the part customers ask about"


def test_long_sections_are_cut(tmp_path: Path) -> None:
    """At sentences, into parts of about one size; a sentence without an end is cut at a blank."""
    found = read(tmp_path, long__md="# L\n\n" + "This is one sentence. " * 100 + "word " * 200)
    assert {passage.title for passage in found.passages} == {"L"}
    assert max(len(passage.text) for passage in found.passages) <= LONGEST_PASSAGE
    assert min(len(passage.text) for passage in found.passages) > LONGEST_PASSAGE // 3
    assert max(len(sentence) for passage in found.passages for sentence in passage.sentences) <= LONGEST_SENTENCE + 2


def test_sentences() -> None:
    """A full stop ends one; an abbreviation, a decimal and an initial do not."""
    text = "It costs approx. 3.50 €. Ask Dr. Salem, i.e. the doctor! Really? ماذا؟ نعم."
    assert split(text) == ["It costs approx. 3.50 €.", "Ask Dr. Salem, i.e. the doctor!", "Really?", "ماذا؟", "نعم."]


def test_the_hash_tells_of_a_change(tmp_path: Path) -> None:
    """Of names and contents; nothing for a bot without documents."""
    assert documents_hash(tmp_path) == ""
    first = read(tmp_path, a__md="One.").hash
    assert documents_hash(tmp_path) == first
    assert read(tmp_path, a__md="Two.").hash != first
