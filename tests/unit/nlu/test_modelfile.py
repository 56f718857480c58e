"""A model's files: whatever they hold, reading them ends in a classifier or in a sentence."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wabox.errors import ModelError
from wabox.nlu.examples import Example
from wabox.nlu.modelfile import read_model, write_model
from wabox.nlu.training import Trained, train

SENTENCES = {
    "refund": ["i want my money back", "refund please", "give me a refund", "money back now"],
    "track": ["where is my parcel", "track my order", "when does it arrive", "has my parcel left"],
    "hours": ["when are you open", "opening hours", "are you open on sunday", "what time do you close"],
}


@pytest.fixture(scope="module")
def trained() -> Trained:
    examples = [Example(text, intent) for intent, texts in SENTENCES.items() for text in texts]
    return train(examples, trained_at="2026-11-22T10:00:00+00:00")


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    write_model(tmp_path / "shop", trained.card, trained.weights)
    return tmp_path / "shop"


def arrays(folder: Path) -> Path:
    [path] = folder.glob("model-*.npz")
    return path


def change_card(folder: Path, **facts: Any) -> None:
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def put_arrays(folder: Path, raw: bytes) -> None:
    """Other arrays, with a card that vouches for them: what somebody would do who means harm."""
    arrays(folder).write_bytes(raw)
    change_card(folder, files={arrays(folder).name: hashlib.sha256(raw).hexdigest()})


def repacked(folder: Path, **others: Any) -> bytes:
    with np.load(arrays(folder)) as old:
        new = {**old, **others}
    file = io.BytesIO()
    np.savez(file, **new)
    return file.getvalue()


def test_what_was_written_is_read(folder: Path, trained: Trained) -> None:
    """The model that comes back understands like the one that was trained."""
    model = read_model(folder)
    assert model.intents == ("hours", "refund", "track")
    assert model.classify("can i get my money back?").candidates[0].intent == "refund"


def test_a_model_of_layout_1(folder: Path) -> None:
    """It has no column of what is nobody's, and is read."""
    with np.load(arrays(folder)) as old:
        columns = {name: old[name][..., :-1] for name in ("weights", "scale", "meaning", "bias")}
    put_arrays(folder, repacked(folder, **columns))
    change_card(folder, layout=1)
    assert read_model(folder).classify("can i get my money back?").candidates[0].intent == "refund"
    change_card(folder, layout=3)
    with pytest.raises(ModelError, match="layouts up to 2"):
        read_model(folder)


def test_a_new_model_takes_the_place_of_the_old(folder: Path, trained: Trained) -> None:
    """One card, one file of arrays; what else is in the folder stays."""
    (folder / "notes.txt").write_text("mine")
    other = train([Example(text, "x" + intent) for intent, texts in SENTENCES.items() for text in texts], trained_at="")
    write_model(folder, other.card, other.weights)
    assert read_model(folder).intents == ("xhours", "xrefund", "xtrack")
    assert len(list(folder.iterdir())) == 3


def test_no_model(tmp_path: Path) -> None:
    """A folder without one says how to get one."""
    with pytest.raises(ModelError, match="wabox train"):
        read_model(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"layout": 1}', b"\xff\xfe", b"[" * 100_000], ids=repr)
def test_a_card_that_is_none(folder: Path, content: bytes) -> None:
    """It is said which file it is."""
    (folder / "card.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"card\.json"):
        read_model(folder)


@pytest.mark.parametrize(
    "facts",
    [
        {"layout": 99},
        {"intents": ["a"]},
        {"intents": ["a", "a", "b"]},
        {"intents": ["a", "b", "c", "d"]},
        {"temperature": 0},
        {"vectors": "others"},
        {"belief": [1, 2]},
        {"thresholds": {"accept": 0.2, "reject": 0.5}},
        {"files": {}},
        {"files": {"../../../etc/passwd": "0"}},
    ],
    ids=str,
)
def test_a_card_that_lies(folder: Path, facts: dict[str, Any]) -> None:
    """What does not fit is refused."""
    change_card(folder, **facts)
    with pytest.raises(ModelError, match="train it again"):
        read_model(folder)


def test_damaged_arrays(folder: Path) -> None:
    """One changed byte is noticed."""
    raw = bytearray(arrays(folder).read_bytes())
    raw[len(raw) // 2] ^= 1
    arrays(folder).write_bytes(bytes(raw))
    with pytest.raises(ModelError, match="damaged"):
        read_model(folder)


def test_arrays_that_are_no_archive(folder: Path) -> None:
    """So is something else in their place, even if the card vouches for it."""
    put_arrays(folder, b"MZ\x90\x00 not a model")
    with pytest.raises(ModelError, match="cannot be read"):
        read_model(folder)


@pytest.mark.parametrize(
    "others",
    [
        {"bias": np.array([print, 1, 2], dtype=object)},
        {"bias": np.array([0.0, np.nan, 0.0], dtype=np.float32)},
        {"bias": np.zeros(3)},
        {"bias": np.zeros(7, dtype=np.float32)},
        {"weights": np.zeros((2, 3), dtype=np.int8)},
        {"words": np.frombuffer(b"\xff\xff", dtype=np.uint8)},
        {"words": np.frombuffer(b"a\na", dtype=np.uint8)},
        {"more": np.zeros(1)},
    ],
    ids=lambda others: next(iter(others)),
)
def test_hostile_arrays(folder: Path, others: dict[str, Any]) -> None:
    """Pickled objects, no numbers, wrong types and shapes: refused, and nothing runs."""
    put_arrays(folder, repacked(folder, **others))
    with pytest.raises(ModelError, match=r"model-.*npz"):
        read_model(folder)


def test_a_header_that_promises_terabytes(folder: Path) -> None:
    """No memory is taken for an array that is not there."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|i1", "fortran_order": False, "shape": (1 << 40, 1 << 20)})
    packed = io.BytesIO()
    with zipfile.ZipFile(arrays(folder)) as old, zipfile.ZipFile(packed, "w") as new:
        for entry in old.infolist():
            inside = header.getvalue() if entry.filename == "weights.npy" else old.read(entry)
            new.writestr(entry.filename, inside)
    put_arrays(folder, packed.getvalue())
    with pytest.raises(ModelError, match="size"):
        read_model(folder)


def test_an_archive_that_unpacks_to_too_much(folder: Path) -> None:
    """A bomb is not unpacked."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in ("words", "pieces", "idf", "weights", "scale", "meaning", "bias"):
            new.writestr(f"{name}.npy", bytes(60 << 20))
    put_arrays(folder, packed.getvalue())
    with pytest.raises(ModelError, match="unpacked"):
        read_model(folder)
