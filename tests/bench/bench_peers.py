"""Intents beside fastText and NLP.js: ``python -m tests.bench peers [SEEDS]``, few examples an intent, official test splits.

fastText (``pip install fasttext-numpy2``): supervised, words and pairs of words, pieces of 2 to 5 letters, 100 epochs.
NLP.js (``npm install @nlpjs/basic @nlpjs/lang-en`` in the folder that WABOX_NPM names): as it comes. Who is absent is left
out with a word. p50 is CPU time a message of wabox and fastText, and time on the clock of NLP.js.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

from tests.bench import machine
from tests.bench.bench_nlu import DATA, Rows, few, load, plain
from wabox.nlu.classifier import LinearClassifier
from wabox.nlu.examples import Example
from wabox.nlu.training import train

Figures = tuple[float, float, float]
"""Right of all, in %; seconds of training; microseconds a message, the median."""
NPM = Path(os.environ.get("WABOX_NPM", "."))


def timed(rows: Rows, ask: Callable[[str], str | None]) -> tuple[float, float]:
    times, right = [], 0
    for text, intent in rows:
        began = time.thread_time()
        found = ask(text)
        times.append((time.thread_time() - began) * 1e6)
        right += found == intent
    return 100 * right / len(rows), machine.percentile(times, 50)


def wabox(rows: Rows, test: Rows) -> Figures:
    began = time.process_time()
    trained = train([Example(text, intent) for text, intent in rows], trained_at="")
    took = time.process_time() - began
    model = LinearClassifier(trained.card, trained.weights)
    right, median = timed(test, lambda text: model.classify(text).candidates[0].intent)
    return right, took, median


def simple(rows: Rows, test: Rows) -> Figures:
    began = time.process_time()
    return 100 * plain(rows, test), time.process_time() - began, float("nan")


def fasttext(rows: Rows, test: Rows) -> Figures:
    library = importlib.import_module("fasttext")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        path.write_text("".join(f"__label__{intent} {text.lower()}\n" for text, intent in rows), encoding="utf-8")
        began = time.process_time()
        model = library.train_supervised(
            str(path), lr=0.5, epoch=100, dim=100, wordNgrams=2, minn=2, maxn=5, thread=1, verbose=0, bucket=200_000
        )
        took = time.process_time() - began
    right, median = timed(test, lambda text: str(model.f.predict(text.lower() + "\n", 1, 0.0, "strict")[0][1])[9:])
    return right, took, median


def nlpjs(rows: Rows, test: Rows) -> Figures:
    asked = json.dumps({"train": rows, "test": [text for text, _ in test]})
    script = Path(__file__).with_name("peer_nlpjs.mjs").resolve()
    ran = subprocess.run(["node", str(script)], input=asked, capture_output=True, text=True, check=True, cwd=NPM)
    found = json.loads(ran.stdout.strip().splitlines()[-1])
    right = sum(one == intent for one, (_, intent) in zip(found["intents"], test, strict=True))
    return 100 * right / len(test), found["seconds"], machine.percentile(found["times"], 50)


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    if not DATA.is_dir():
        print(f"no data sets in {DATA}: set WABOX_NLU_DATA to their folder")
        return
    peers = {"wabox": wabox, "plain": simple, "fastText": fasttext, "NLP.js": nlpjs}
    if importlib.util.find_spec("fasttext") is None:
        del peers["fastText"]
        print("fastText is not installed (pip install fasttext-numpy2)")
    if shutil.which("node") is None or not (NPM / "node_modules" / "@nlpjs" / "basic").is_dir():
        del peers["NLP.js"]
        print(f"no @nlpjs/basic in {NPM.resolve()}, or no node (WABOX_NPM names the folder)")
    noise = machine.Noise()
    print(f"{'':20} {'':9} {'right %':>8} {'train s':>8} {'p50 us':>7}", flush=True)
    for name in ("clinc150", "banking77"):
        splits = load(name)
        rows, test = ([row for row in splits[split] if row[1] != "oos"] for split in ("train", "test"))
        for count in (5, 10):
            for peer, measure in peers.items():
                drawn = [measure(few(rows, count, seed), test) for seed in range(seeds)]
                right, took, median = (mean(column) for column in zip(*drawn, strict=True))
                print(f"{name} {count}-shot".ljust(20), f"{peer:9} {right:8.1f} {took:8.1f} {median:7.0f}", flush=True)
    print(f"(others: {noise.cores():.2f} cores; seeds: {seeds})")


if __name__ == "__main__":
    main()
