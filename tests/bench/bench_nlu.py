"""How well intents are understood, beside plain TF-IDF and logistic regression: ``python -m tests.bench nlu [SEEDS]``.

Official test splits, each read once; few-shot figures are means over seeds of that many examples an intent, drawn from the
official training split. Plain is scikit-learn's TfidfVectorizer (words, pairs of words) and LogisticRegression with their
defaults. What is out of scope is told by the confidence that `wabox classify` prints: the area under the curve, and how much
of it falls below the confidence that 5 % of in-scope sentences have. Times are CPU time,
because others share the machine. The data sets are read from WABOX_NLU_DATA.
"""

from __future__ import annotations

import gzip
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tests.bench import machine
from wabox.nlu.evaluation import auroc, calibration_error
from wabox.nlu.examples import Example
from wabox.nlu.modelfile import read_model, write_model
from wabox.nlu.training import train

DATA = Path(os.environ.get("WABOX_NLU_DATA", "../shared/data/nlu"))
Rows = list[tuple[str, str]]
HEAD = (
    f"{'':20} {'plain':>6} {'wabox':>6} {'ECE':>6} {'OOS':>6} {'r5':>6} {'sure':>6} {'right':>6} "
    f"{'train s':>8} {'p50 us':>7} {'p95 us':>7} {'MB':>5} {'load ms':>8}"
)


def load(name: str) -> dict[str, Rows]:
    """Split → texts with their intents."""
    found: dict[str, Rows] = defaultdict(list)
    with gzip.open(DATA / f"{name}.tsv.gz", "rt", encoding="utf-8") as file:
        next(file)
        for line in file:
            text, intent, split, *_ = line.rstrip("\n").split("\t")
            found[split].append((text, intent))
    return found


def few(rows: Rows, count: int, seed: int) -> Rows:
    """So many of each intent; 0: all."""
    if not count:
        return rows
    by_intent: dict[str, list[str]] = defaultdict(list)
    for text, intent in rows:
        by_intent[intent].append(text)
    draw = random.Random(seed)
    return [(text, intent) for intent in sorted(by_intent) for text in draw.sample(by_intent[intent], count)]


def plain(rows: Rows, test: Rows) -> float:
    words = TfidfVectorizer(ngram_range=(1, 2))
    model = LogisticRegression().fit(words.fit_transform([text for text, _ in rows]), [intent for _, intent in rows])
    return float(np.mean(model.predict(words.transform([text for text, _ in test])) == [intent for _, intent in test]))


def wabox(rows: Rows, test: Rows, strangers: Sequence[str]) -> list[float]:
    began = time.process_time()
    trained = train([Example(text, intent) for text, intent in rows], trained_at="")
    took = time.process_time() - began
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder) / "m", trained.card, trained.weights)
        size = sum(path.stat().st_size for path in (Path(folder) / "m").iterdir()) / 2**20
        began = time.perf_counter()
        model = read_model(Path(folder) / "m")
        loading = (time.perf_counter() - began) * 1000
    verdicts, times = [], []
    for text, _ in test:
        began = time.thread_time()
        verdicts.append(model.classify(text))
        times.append((time.thread_time() - began) * 1e6)
    right = np.array([one.candidates[0].intent == intent for one, (_, intent) in zip(verdicts, test, strict=True)])
    sure = np.array([one.confidence for one in verdicts])
    acts = np.array([one.decision == "accept" for one in verdicts])
    others = np.array([model.classify(text).confidence for text in strangers])
    return [
        100 * float(right.mean()),
        calibration_error(sure, right),
        (auroc(sure, others) or 0.0) if len(others) else float("nan"),
        float((others < np.quantile(sure, 0.05)).mean()) if len(others) else float("nan"),
        float(acts.mean()),
        float(right[acts].mean()),
        took,
        machine.percentile(times, 50),
        machine.percentile(times, 95),
        size,
        loading,
    ]


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    if not DATA.is_dir():
        print(f"no data sets in {DATA}: set WABOX_NLU_DATA to their folder")
        return
    noise = machine.Noise()
    print(HEAD, flush=True)
    for name in ("clinc150", "banking77"):
        splits = load(name)
        rows, test = ([row for row in splits[split] if row[1] != "oos"] for split in ("train", "test"))
        strangers = [text for text, _ in splits.get("oos_test", [])]
        for count in (5, 10, 0):
            drawn = [few(rows, count, seed) for seed in range(seeds if count else 1)]
            simple = 100 * mean(plain(part, test) for part in drawn)
            figures = [mean(column) for column in zip(*(wabox(part, test, strangers) for part in drawn), strict=True)]
            accuracy, error, area, caught, acts, right, took, p50, p95, size, loading = figures
            what = f"{name} {count}-shot" if count else f"{name} full"
            quality = f"{simple:6.1f} {accuracy:6.1f} {error:6.3f} {area:6.3f} {caught:6.3f} {acts:6.3f} {right:6.3f}"
            print(f"{what:20} {quality} {took:8.1f} {p50:7.0f} {p95:7.0f} {size:5.1f} {loading:8.0f}", flush=True)
    typical = few(load("clinc150")["train"], 15, 0)[: 40 * 15]
    began = time.process_time()
    train([Example(text, intent) for text, intent in typical], trained_at="")
    print(f"40 intents with 15 examples each: trained in {time.process_time() - began:.1f} s of CPU")
    print(f"(others: {noise.cores():.2f} cores; seeds: {seeds})")


if __name__ == "__main__":
    main()
