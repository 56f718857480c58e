"""A bot's folder ``documents/``: Markdown, HTML, plain text and PDF, read into passages.

``returns.es.md`` and ``es/returns.md`` are for those who write Spanish; a file that names no language is for everybody. What
cannot be read is left out and said, and never stops the others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wabox.core.passage import Passage
from wabox.nlu.documents.markdown import lines as of_markdown
from wabox.nlu.documents.pdf import NotReadable, read_pdf
from wabox.nlu.documents.sections import LONGEST_NAME, Block, Line, passages
from wabox.nlu.documents.webpage import read_page

FOLDER = "documents"
LARGEST = 20 << 20
"""Bytes of a file."""
LARGEST_TEXT = 2 << 20
"""Characters of a document."""
MOST_FILES = 500
MOST_PASSAGES = 5_000
MARKDOWN, PAGES, TEXTS, PDFS = (".md", ".markdown"), (".html", ".htm"), (".txt", ".text"), (".pdf",)
READ = (*MARKDOWN, *PAGES, *TEXTS, *PDFS)

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_\-]{2,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A file that was left out, or not read to its end."""

    file: str
    sentence: str
    whole: bool = True
    """Nothing of it was read."""


@dataclass(frozen=True, slots=True)
class Documents:
    """What was read of a folder."""

    passages: tuple[Passage, ...]
    troubles: tuple[Trouble, ...]
    files: int
    hash: str
    """Of the files, names and bytes; ``""`` when there is none."""


def document_files(folder: Path) -> list[tuple[str, Path]]:
    """The files below ``folder/documents`` by name, hidden ones left out."""
    root = folder / FOLDER
    if not root.is_dir():
        return []
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    named = [(path.relative_to(root).as_posix(), path) for path in paths]
    return [(name, path) for name, path in named if not any(part.startswith((".", "~")) for part in name.split("/"))]


def documents_hash(folder: Path) -> str:
    """Tells whether the documents are those that an index was made of."""
    digest = hashlib.sha256()
    files = document_files(folder)
    for name, path in files:
        digest.update(f"{name}\0{path.stat().st_size}\0".encode("utf-8", "surrogateescape"))
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16] if files else ""


def read_documents(folder: Path, languages: Sequence[str]) -> Documents:
    """Every document of the bot in ``folder``; ``languages`` are the bot's."""
    found: list[Passage] = []
    troubles: list[Trouble] = []
    files = document_files(folder)
    for name, path in files[:MOST_FILES]:
        try:
            title, lines = _lines(name, path)
            new = list(passages(name, _limited(lines), _language(name, languages), title))
            if not new:
                raise NotReadable("there are no words in it")
            if len(found) + len(new) > MOST_PASSAGES:
                raise NotReadable(f"with it there would be more than {MOST_PASSAGES} passages; take something out")
        except NotReadable as error:
            troubles.append(Trouble(name, str(error)))
            continue
        except OSError as error:
            troubles.append(Trouble(name, f"it cannot be read: {error.strerror or error}"))
            continue
        if sum(len(sentence) for passage in new for sentence in passage.sentences) >= LARGEST_TEXT:
            troubles.append(
                Trouble(name, f"only its first {LARGEST_TEXT:,} characters were read; split it", whole=False)
            )
        found += new
    if len(files) > MOST_FILES:
        troubles.append(
            Trouble(files[MOST_FILES][0], f"this and what follows was not read: {MOST_FILES} files are the most")
        )
    return Documents(tuple(found), tuple(troubles), len(files), documents_hash(folder))


def _lines(name: str, path: Path) -> tuple[str, Iterator[Line] | list[Line]]:
    suffix = path.suffix.lower()
    if suffix not in READ:
        raise NotReadable(f"wabox reads {', '.join(READ)}; save it as one of them")
    size = path.stat().st_size
    if size > LARGEST:
        raise NotReadable(
            f"it has {size / (1 << 20):.0f} MB, the most is {LARGEST >> 20}; take the part customers ask about"
        )
    raw = path.read_bytes()
    if suffix in PDFS:
        return read_pdf(raw)
    text = _decoded(raw, declared=suffix in PAGES)
    if suffix in PAGES:
        return read_page(text)
    if suffix in MARKDOWN:
        return "", of_markdown(text)
    return _paragraphs(text)


def _paragraphs(text: str) -> tuple[str, list[Line]]:
    """Plain text; a short first line by itself is its title."""
    blocks = [part.strip() for part in re.split(r"\n\s*\n|\n(?=\s*[-*•]\s)", text) if part.strip()]
    title = ""
    if len(blocks) > 1 and len(blocks[0]) <= LONGEST_NAME and blocks[0][-1].isalnum():
        title = blocks.pop(0)
    return title, [Block(block) for block in blocks]


def _decoded(raw: bytes, *, declared: bool) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig"
        if declared and (named := _CHARSET.search(raw[:4096])):
            encoding = named[1].decode("ascii")
            encoding = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
    if b"\0" in raw[:4096] and encoding == "utf-8-sig":
        raise NotReadable("it is no text; is its ending the right one?")
    try:
        text = raw.decode(encoding)
    except UnicodeError as error:
        name = encoding.upper().removesuffix("-SIG")
        place = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
        raise NotReadable(f"it is not {name}{place}; save it as UTF-8") from None
    except LookupError:
        raise NotReadable(f"it says that it is written in {encoding}, which is unknown; save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _limited(lines: Iterator[Line] | list[Line]) -> Iterator[Line]:
    left = LARGEST_TEXT
    for line in lines:
        if left <= 0:
            return
        if isinstance(line, Block) and len(line.text) > left:
            yield Block(line.text[:left], line.item)
            return
        left -= len(line.text)
        yield line


def _language(name: str, languages: Sequence[str]) -> str | None:
    """What the file's name or its folder says, if the bot speaks that."""
    *folders, file = name.split("/")
    words = [*folders, *file.split(".")[1:-1]]
    known = {language.lower(): language for language in languages}
    return next((known[word.lower()] for word in reversed(words) if word.lower() in known), None)
