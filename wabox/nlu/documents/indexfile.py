"""The index on disk, beside the model: ``documents.json`` (the passages) and ``documents-<hash>.npz`` (what was counted)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from wabox import __version__
from wabox.core.passage import Passage
from wabox.errors import ModelError
from wabox.nlu.arrays import AGAIN, UNREADABLE, grams_of, lines, pack, read_bounded, unpack, write_whole
from wabox.nlu.documents.index import Index, Postings
from wabox.nlu.documents.indexing import Held
from wabox.nlu.wordvectors import vectors_id

LAYOUT = 1
CARD = "documents.json"
LARGEST = 64 << 20
_ARRAYS = re.compile(r"documents-[0-9a-f]{12}\.npz")
_KINDS = {
    "words": (np.uint8, 1), "idf": (np.float32, 1), "at": (np.int32, 1), "ends": (np.int32, 1),
    "about": (np.int32, 1), "about_ends": (np.int32, 1), "last": (np.int32, 1),
}  # fmt: skip


class IndexCard(msgspec.Struct, frozen=True, kw_only=True):
    """What ``documents.json`` says."""

    layout: int
    wabox: str
    trained_at: str
    """ISO 8601, UTC."""
    documents_hash: str
    """Of the files that it was made of."""
    files: int
    threshold: float
    held: Held | None
    vectors: str
    arrays: Mapping[str, str]
    """File beside the card → SHA-256."""
    passages: tuple[Passage, ...]


def has_index(folder: Path) -> bool:
    return (folder / CARD).is_file()


def read_index_card(folder: Path) -> IndexCard:
    """The card alone. Raises ModelError."""
    path = folder / CARD
    raw = read_bounded(path, LARGEST)
    try:
        card = msgspec.json.decode(raw, type=IndexCard)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not the index of documents: {error}; {AGAIN}") from None
    if card.layout != LAYOUT:
        raise ModelError(f"{path} has layout {card.layout}, this wabox reads layout {LAYOUT}; {AGAIN}")
    if card.vectors != vectors_id():
        raise ModelError(f"{path} was made by another wabox, with other word vectors; {AGAIN}")
    if not 0.0 < card.threshold <= 1.0 or len(card.arrays) != 1 or not all(map(_ARRAYS.fullmatch, card.arrays)):
        raise ModelError(f"{path} is not the index of documents: its threshold or its arrays are none; {AGAIN}")
    return card


def read_index(folder: Path) -> Index:
    """The index in a folder. Raises ModelError, whatever the files hold."""
    card = read_index_card(folder)
    [(name, digest)] = card.arrays.items()
    path = folder / name
    raw = read_bounded(path, LARGEST)
    if hashlib.sha256(raw).hexdigest() != digest:
        raise ModelError(f"{path} is not the file that documents.json describes: it was damaged or changed; {AGAIN}")
    try:
        return Index(card.passages, _postings(card, unpack(raw, _KINDS)), card.threshold)
    except UNREADABLE as error:
        raise ModelError(f"{path} cannot be read: {error}; {AGAIN}") from None


def write_index(
    folder: Path, index: Index, *, held: Held | None, trained_at: str, documents_hash: str, files: int
) -> IndexCard:
    """Write it to ``folder``; one that was there is replaced in one rename. Raises ModelError."""
    postings = index.postings
    raw = pack(
        {
            "words": lines(postings.words),
            **{name: getattr(postings, name) for name in _KINDS if name != "words"},
        }
    )
    digest = hashlib.sha256(raw).hexdigest()
    name = f"documents-{digest[:12]}.npz"
    card = IndexCard(
        layout=LAYOUT,
        wabox=__version__,
        trained_at=trained_at,
        documents_hash=documents_hash,
        files=files,
        threshold=index.threshold,
        held=held,
        vectors=vectors_id(),
        arrays={name: digest},
        passages=index.passages,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, raw)
        write_whole(folder / CARD, msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
        _tidy(folder, name)
    except OSError as error:
        raise ModelError(f"cannot write the documents' index to {folder}: {error.strerror or error}") from error
    return card


def remove_index(folder: Path) -> None:
    """There are no documents any more. Raises ModelError."""
    try:
        (folder / CARD).unlink(missing_ok=True)
        _tidy(folder, "")
    except OSError as error:
        raise ModelError(f"cannot remove {folder / CARD}: {error.strerror or error}") from error


def _tidy(folder: Path, keep: str) -> None:
    for other in folder.glob("documents-*.npz"):
        if other.name != keep and _ARRAYS.fullmatch(other.name):
            other.unlink()


def _postings(card: IndexCard, arrays: dict[str, Any]) -> Postings:
    """Raises ValueError when the arrays do not fit each other, or the passages."""
    words = grams_of(arrays["words"])
    sentences = sum(len(passage.sentences) for passage in card.passages)
    for name, size in {
        "idf": len(words),
        "ends": sentences,
        "about_ends": len(card.passages),
        "last": len(card.passages),
    }.items():
        if len(arrays[name]) != size:
            raise ValueError(f"{name} has {len(arrays[name])} numbers, not {size}")
    for name, ends in (("at", "ends"), ("about", "about_ends")):
        at, edges = arrays[name], arrays[ends]
        if len(at) and not 0 <= int(at.min()) <= int(at.max()) < len(words):
            raise ValueError(f"{name} names words that are not there")
        if (np.diff(edges, prepend=0) < 0).any() or (int(edges[-1]) if len(edges) else 0) != len(at):
            raise ValueError(f"{ends} does not cut {name} into pieces")
    last = arrays["last"]
    counts = [len(passage.sentences) for passage in card.passages]
    if not all(counts) or np.diff(last, prepend=0).tolist() != counts:
        raise ValueError("last does not fit the passages")
    if len(arrays["idf"]) and float(arrays["idf"].min()) < 0:
        raise ValueError("idf has a number below 0")
    return Postings(words=words, **{name: arrays[name] for name in _KINDS if name != "words"})
