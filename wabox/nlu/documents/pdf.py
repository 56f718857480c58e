"""PDF: the text that stands in it, page by page. A scan has none, and that is said.

pypdf is loaded here only, when ``wabox train`` meets a PDF; a bot that answers never needs it.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

from wabox.nlu.documents.sections import Block, Heading, Line

MOST_PAGES = 500
_HYPHEN = re.compile(r"(\w)[\-\u00ad]\n(?=[a-zà-ÿ])")
_ITEM = re.compile(r"\s*(?:[•‣▪●◦–*\-]|\d{1,2}[.)])\s+")


class NotReadable(Exception):
    """The message says why, and what to do."""


def read_pdf(raw: bytes) -> tuple[str, list[Line]]:
    """Its title, and a heading and blocks for each page. Raises NotReadable."""
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError:
        raise NotReadable("reading PDFs needs the package pypdf; install it, or save the file as text") from None
    # It warns of every blemish of a file; what matters to the owner is whether there is text.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise NotReadable("it is locked with a password; save it without one")
        count = len(reader.pages)
        if count > MOST_PAGES:
            raise NotReadable(f"it has {count} pages, the most is {MOST_PAGES}; take the part that customers ask about")
        about = reader.metadata
        title = about.title if about is not None and isinstance(about.title, str) else ""
        pages = [page.extract_text() or "" for page in reader.pages]
    except NotReadable:
        raise
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        MemoryError,
    ) as error:
        raise NotReadable(f"it is damaged, or no PDF ({type(error).__name__}); open it and save it again") from None
    except Exception as error:  # noqa: BLE001 - a broken file may break its reader anywhere, and the others are to be read
        raise NotReadable(f"it cannot be read ({type(error).__name__}: {error}); save it again, or as text") from None
    letters = sum(sign.isalpha() for page in pages for sign in page)
    if letters < 20 * max(1, count // 4):
        raise NotReadable("there is no text in it, only pictures of pages (a scan); run it through OCR, or type it")
    return " ".join(title.split()), [
        line for number, page in enumerate(pages, 1) for line in _lines(page, number, count)
    ]


def _lines(text: str, number: int, count: int) -> Iterator[Line]:
    if count > 1:
        yield Heading(2, f"p. {number}")
    paragraph: list[str] = []
    item = False
    for line in [*_HYPHEN.sub(r"\1", text).splitlines(), ""]:
        mark = _ITEM.match(line)
        short = (
            bool(paragraph)
            and len(paragraph[-1]) < 45
            and paragraph[-1].rstrip().endswith((".", ":", "!", "?", "؟", "।"))
        )
        if (not line.strip() or mark or short) and paragraph:
            yield Block(" ".join(paragraph), item)
            paragraph, item = [], False
        if line.strip():
            if mark:
                item = True
            paragraph.append(line[mark.end() :].strip() if mark else line.strip())
