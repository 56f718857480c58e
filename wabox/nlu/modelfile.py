"""A model on disk: ``card.json`` and the arrays that it names, ``model-<hash>.npz``. Nothing in them could be run.

Whatever the files hold, reading them costs a bounded amount of memory and time, and ends in a classifier or in a
:class:`~wabox.errors.ModelError` that says what is wrong. The card is the model: a new one is written beside the old, and
takes its place in one rename when its arrays are there.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from wabox.errors import ModelError
from wabox.nlu.arrays import AGAIN, UNREADABLE, grams_of, lines, pack, read_bounded, unpack, write_whole
from wabox.nlu.card import LAYOUT, Card
from wabox.nlu.classifier import LinearClassifier, Weights
from wabox.nlu.wordvectors import vectors_id, word_vectors

CARD = "card.json"
_ARRAYS = re.compile(r"model-[0-9a-f]{12}\.npz")
LARGEST_CARD = 4 << 20
LARGEST_FILE = 64 << 20
MOST_INTENTS = 4_000

_KINDS = {
    "words": (np.uint8, 1), "pieces": (np.uint8, 1), "idf": (np.float32, 1), "weights": (np.int8, 2),
    "scale": (np.float32, 1), "meaning": (np.float32, 2), "bias": (np.float32, 1),
}  # fmt: skip
"""Array → type and dimensions. The grams are UTF-8, one a line."""


def has_model(folder: Path) -> bool:
    """Whether there is a model to read, whole or not."""
    return (folder / CARD).is_file()


def read_card(folder: Path) -> Card:
    """The card alone. Raises ModelError."""
    path = folder / CARD
    raw = read_bounded(path, LARGEST_CARD)
    try:
        card = msgspec.json.decode(raw, type=Card)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not the card of a model: {error}; {AGAIN}") from None
    if not 1 <= card.layout <= LAYOUT:
        raise ModelError(f"{path} has layout {card.layout}, this wabox reads layouts up to {LAYOUT}; {AGAIN}")
    _sound(path, card)
    return card


def read_model(folder: Path) -> LinearClassifier:
    """The model in a folder. Raises ModelError, whatever the files hold."""
    card = read_card(folder)
    [(name, digest)] = card.files.items()
    path = folder / name
    raw = read_bounded(path, LARGEST_FILE)
    if hashlib.sha256(raw).hexdigest() != digest:
        raise ModelError(f"{path} is not the file that its card describes: it was damaged or changed; {AGAIN}")
    try:
        arrays = unpack(raw, _KINDS)
    except UNREADABLE as error:
        raise ModelError(f"{path} cannot be read: {error}; {AGAIN}") from None
    try:
        return LinearClassifier(card, _weights(card, arrays))
    except ValueError as error:
        raise ModelError(f"{path} does not fit its card: {error}; {AGAIN}") from None


def write_model(folder: Path, card: Card, arrays: Weights) -> Card:
    """Write the model to ``folder``; a model that was there is replaced in one rename. The card as written."""
    raw = pack(
        {
            "words": lines(arrays.words),
            "pieces": lines(arrays.pieces),
            "idf": arrays.idf,
            "weights": arrays.weights,
            "scale": arrays.scale,
            "meaning": arrays.meaning,
            "bias": arrays.bias,
        }
    )
    if len(raw) > LARGEST_FILE:
        raise ModelError(
            f"the model would have {len(raw) >> 20} MB, more than {LARGEST_FILE >> 20}; use fewer examples"
        )
    digest = hashlib.sha256(raw).hexdigest()
    name = f"model-{digest[:12]}.npz"
    card = msgspec.structs.replace(card, files={name: digest})
    shown = msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, raw)
        write_whole(folder / CARD, shown)
        for other in folder.glob("model-*.npz"):
            if other.name != name and _ARRAYS.fullmatch(other.name):
                other.unlink()
    except OSError as error:
        raise ModelError(f"cannot write the model to {folder}: {error.strerror or error}") from error
    return card


def _sound(path: Path, card: Card) -> None:
    """What the types of a card cannot say."""
    limits = card.thresholds
    wrong = None
    if card.vectors != vectors_id():
        raise ModelError(f"{path} was trained by another wabox, with other word vectors; {AGAIN}")
    if not 2 <= len(set(card.intents)) == len(card.intents) <= MOST_INTENTS:
        wrong = "its intents are not 2 or more different names"
    elif not (0.0 < card.temperature < 1e6):
        wrong = "its temperature is not above 0"
    elif not all(abs(number) < 1e6 for number in card.belief):
        wrong = "its belief is not four numbers"
    elif not 0.0 <= limits.reject <= limits.accept <= 1.0:
        wrong = "its thresholds are not 0 ≤ reject ≤ accept ≤ 1"
    elif len(card.files) != 1 or not all(map(_ARRAYS.fullmatch, card.files)):
        wrong = "it does not name one file of arrays"
    if wrong:
        raise ModelError(f"{path} is not the card of a model: {wrong}; {AGAIN}")


def _weights(card: Card, arrays: dict[str, Any]) -> Weights:
    words, pieces = grams_of(arrays["words"]), grams_of(arrays["pieces"])
    grams, intents = len(words) + len(pieces), len(card.intents) + (card.layout > 1)
    shapes = {
        "idf": (grams,),
        "weights": (grams, intents),
        "scale": (intents,),
        "bias": (intents,),
        "meaning": (word_vectors().size, intents),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has the shape {arrays[name].shape}, not {shape}")
    return Weights(
        words=words,
        pieces=pieces,
        idf=arrays["idf"],
        weights=np.ascontiguousarray(arrays["weights"]),
        scale=arrays["scale"],
        meaning=arrays["meaning"],
        bias=arrays["bias"],
    )
