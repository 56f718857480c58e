"""Makes the table by which languages are told apart (wabox/nlu/languages): run it where numpy, brotli and wabox are, with

* the folder ``lingua/language-models`` of the package lingua-language-detector 1.4.2 (Apache-2.0),
* the folder of Chromium's translations, ``usr/lib/chromium/locales`` of Debian's chromium-l10n (BSD),
* the folder to write to.

The first has how often letters follow each other in newspapers; it knows no beginnings and ends of words. Those come from the
second, whose sentences speak to their reader as customers and shops do, and from wabox's own phrases. Hindi in Latin letters
is the second's Hindi, spelled by rules as people type it, and wabox's own phrases.

A text is scored like by a language model that backs off: each n-gram adds what it says beyond the n-gram that is one letter
shorter. The n-grams that say most are kept, weights in 8 bits, languages that share a script side by side.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import brotli
import numpy as np

from wabox.nlu.identification import GROUPS, KEYS, MARK
from wabox.nlu.languagetable import SCALE, hashes
from wabox.nlu.phrasebook import phrases

ROWS = 1 << 18
LONGEST = 5
STRIPPED = 0.2
"""Share of people who write without accents."""
FLOOR = {1: 1e-6, 2: 3e-3, 3: 0.02, 4: 0.05, 5: 0.1}
"""What an n-gram that a language does not have is taken for, as a share of what the shorter one says."""
ORDERS = {1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 0.8}
EDGE, WORD = 0.5, 0.6
"""Weights of beginnings and ends, and of whole words."""
NAMES = ["unigrams", "bigrams", "trigrams", "quadrigrams", "fivegrams"]
PAKS = {"pt": ["pt-BR", "pt-PT"], "en": ["en-GB"], "es": ["es", "es-419"], "tl": ["fil"], "zh": ["zh-CN", "zh-TW"]}

Table = dict[str, float]


def lingua(folder: Path, language: str) -> list[Table]:
    """By order: n-gram → how often it follows, given all but its last letter; made joint frequencies."""
    tables: list[Table] = []
    for order, name in enumerate(NAMES):
        read = json.loads(brotli.decompress((folder / language / f"{name}.json.br").read_bytes()))
        table: Table = {}
        for share, grams in read["ngrams"].items():
            above, below = share.split("/")
            for gram in grams.split(" "):
                table[gram] = int(above) / int(below) * (tables[-1].get(gram[:-1], 0.0) if order else 1.0)
        tables.append(table)
    return tables


def sentences(folder: Path, language: str) -> Iterator[str]:
    for name in PAKS.get(language, [language]):
        data = (folder / f"{name}.pak").read_bytes()
        version, _, count, _ = struct.unpack_from("<IB3xHH", data)
        if version != 5:
            raise SystemExit(f"{name}.pak has layout {version}; this reads 5")
        places = [struct.unpack_from("<HI", data, 12 + 6 * place)[1] for place in range(count + 1)]
        for start, end in pairwise(places):
            text = data[start:end].decode("utf-8", "replace")
            text = re.sub(r"<[^>]*>|&\w+;|\$\d|\{[^}]*\}|https?\S+|\w*[./_]\w+\S*", " ", text)
            if "{" not in text and "function" not in text:
                yield text


def words_of(texts: Iterable[str], script: str) -> Counter[str]:
    """Words written in the script, names (capitals inside a sentence) left out."""
    found: Counter[str] = Counter()
    for text in texts:
        for place, word in enumerate(re.findall(r"[^\W\d_]+(?:[\u0300-\u036f\u0900-\u0dff'’]+[^\W\d_]*)*", text)):
            if script == "LATIN" and place and word[:1].isupper():
                continue
            word = word.lower().replace("’", "'")
            if unicodedata.name(word[0], "").startswith(script):
                found[word] += 1
    return found


def stripped(text: str) -> str:
    plain = "".join(one for one in unicodedata.normalize("NFD", text) if not "\u0300" <= one <= "\u036f")
    return unicodedata.normalize("NFC", plain).replace("đ", "d").replace("ı", "i").replace("ß", "ss").replace("ø", "o")


def with_stripped(table: Mapping[str, float], share: float = STRIPPED) -> Table:
    found: Table = defaultdict(float)
    for gram, often in table.items():
        bare = stripped(gram)
        if bare == gram:
            found[gram] += often
        else:
            found[gram] += often * (1 - share)
            if len(bare) == len(gram):
                found[bare] += often * share
    return found


# -- Hindi in Latin letters -----------------------------------------------------------------------------------------------

_LATIN = "k kh g gh n ch chh j jh n t th d dh n t th d dh n p ph b bh m y r l v sh sh s h"
CONSONANTS = dict(zip("कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसह", _LATIN.split(" "), strict=True))
VOWELS = dict(
    zip("अआइईउऊऋएऐओऔऑऍ", ["a", "aa", "i", "ee", "u", "oo", "ri", "e", "ai", "o", "au", "o", "e"], strict=True)
)
SIGNS = dict(zip("ािीुूृेैोौॉॅ", ["a", "i", "i", "u", "u", "ri", "e", "ai", "o", "au", "o", "e"], strict=True))


def latin(word: str) -> str:
    """A Devanagari word as people type it."""
    word = unicodedata.normalize("NFD", word).replace("\u200d", "").replace("\u200c", "")
    out: list[str] = []
    letters = [one for one in word if one != "़"]
    for place, one in enumerate(letters):
        after = letters[place + 1] if place + 1 < len(letters) else ""
        if one in CONSONANTS:
            out.append(CONSONANTS[one])
            if after not in SIGNS and after != "्":
                later = letters[place + 2] if place + 2 < len(letters) else ""
                silent = after == "" or (place > 0 and after in CONSONANTS and later in SIGNS)
                out.append("" if silent else "a")
        elif one in VOWELS:
            out.append(VOWELS[one])
        elif one in SIGNS:
            out.append(SIGNS[one])
        elif one in "ंँ":
            out.append("n")
    return "".join(out)


def romanised(words: Counter[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for word, often in words.items():
        plain = latin(word)
        if not plain.isascii() or not plain.isalpha():
            continue
        found[plain] += 0.6 * often  # type: ignore[assignment]
        for old, new in (
            ("v", "w"),
            ("ee", "i"),
            ("oo", "u"),
            ("aa", "a"),
            ("i", "ee"),
            ("ph", "f"),
            ("chh", "ch"),
            ("ai", "e"),
        ):
            if old in plain:
                found[plain.replace(old, new, 1)] += 0.1 * often  # type: ignore[assignment]
        if plain.endswith("n"):
            found[plain[:-1]] += 0.2 * often  # type: ignore[assignment]
    return found


def grams_of(words: Mapping[str, float]) -> list[Table]:
    """Joint frequencies inside words, by order."""
    tables: list[Table] = [defaultdict(float) for _ in NAMES]
    total = sum(often * len(word) for word, often in words.items())
    for word, often in words.items():
        for order, table in enumerate(tables, 1):
            for place in range(len(word) - order + 1):
                table[word[place : place + order]] += often / total
    return tables


# -- the table ------------------------------------------------------------------------------------------------------------


def conditional(tables: list[Table]) -> list[Table]:
    """How often the last letter follows the others."""
    found = []
    for order, table in enumerate(tables):
        before: Table = defaultdict(float)
        for gram, often in table.items():
            before[gram[:-1]] += often
        found.append({gram: often / before[gram[:-1]] for gram, often in table.items()} if order else dict(table))
    return found


def edges(words: Mapping[str, float]) -> tuple[Table, Table]:
    """Beginnings and ends with their frequencies, and whole words with theirs."""
    rough = {word: often**0.7 for word, often in words.items()}
    total, every = sum(rough.values()), sum(words.values())
    ends: Table = defaultdict(float)
    for word, often in rough.items():
        for size in range(1, min(len(word), LONGEST - 1) + 1):
            ends[MARK + word[:size]] += often / total
            ends[word[-size:] + MARK] += often / total
    return ends, {MARK + word + MARK: often / every for word, often in words.items() if len(word) <= KEYS - 2}


def weights(languages: list[str], inside: list[list[Table]], words: list[Mapping[str, float]]) -> dict[str, np.ndarray]:
    """n-gram → what it adds to each language."""
    found: dict[str, np.ndarray] = {}
    chances = [conditional(tables) for tables in inside]
    for order in range(1, LONGEST + 1):
        every = set().union(*(tables[order - 1] for tables in chances))
        for gram in every:
            row = np.empty(len(languages))
            for place, tables in enumerate(chances):
                shorter = tables[order - 2].get(gram[1:], 0.0) if order > 1 else 1.0
                own = tables[order - 1].get(gram)
                if order == 1:
                    row[place] = np.log(max(own or 0.0, FLOOR[1]))
                elif own is None:
                    known = gram[:-1] in tables[order - 2]
                    row[place] = np.log(FLOOR[order]) if known and shorter else 0.0
                else:
                    row[place] = np.log(max(own, 1e-6) / max(shorter, 1e-6))
            found[gram] = ORDERS[order] * np.clip(row - row.mean(), -4, 4)
    ends = [edges(one) for one in words]
    for gram in set().union(*(one[0] for one in ends)):
        row = np.array([np.log(one[0].get(gram, 0.0) + 2e-5) for one in ends])
        bare = gram.strip(MARK)
        if len(bare) > 1:  # beyond the shorter one
            shorter = gram[:-1] if gram.startswith(MARK) else gram[1:]
            row -= np.array([np.log(one[0].get(shorter, 0.0) + 2e-5) for one in ends])
        found[gram] = EDGE * np.clip(row - row.mean(), -3, 3)
    for gram in set().union(*({key for key, often in one[1].items() if often > 2e-5} for one in ends)):
        row = np.array([np.log(one[1].get(gram, 0.0) + 2e-5) for one in ends])
        found[gram] = found.get(gram, 0.0) + WORD * np.clip(row - row.mean(), -4, 4)
    return found


def own_phrases(language: str, script: str) -> Counter[str]:
    by_kind = phrases("yes_no").get(language, {})
    return words_of((phrase.lower() for rows in by_kind.values() for phrase in rows), script)


def main(models: Path, paks: Path, out: Path, held_out: bool = False) -> None:
    rows = np.zeros((ROWS, max(len(languages) for languages in GROUPS.values())), dtype=np.int8)
    checks = np.zeros(ROWS, dtype=np.uint16)
    best = np.zeros(ROWS)
    for script, languages in GROUPS.items():
        inside, words = [], []
        for language in languages:
            if language == "hi-Latn":
                spelled = romanised(words_of(sentences(paks, "hi"), "DEVANAGARI"))
                for other in ("hi", "ur"):
                    for word, often in own_phrases(other, "LATIN").items():
                        spelled[word] += 30 * often
                inside.append(grams_of(spelled))
                words.append(spelled)
                continue
            said = words_of(sentences(paks, language), script)
            if held_out:
                said = Counter(
                    {word: n for word, n in said.items() if int(hashlib.sha256(word.encode()).hexdigest(), 16) % 5}
                )
            for word, often in own_phrases(language, script).items():
                said[word] += 10 * often
            tables = [with_stripped(table) for table in lingua(models, language)]
            here = [with_stripped(table) for table in grams_of(said)]
            for table, more in zip(tables, here, strict=True):
                for gram, often in more.items():
                    table[gram] = 0.8 * table.get(gram, 0.0) + 0.2 * often
            inside.append(tables)
            words.append(with_stripped(said))
        made = weights(languages, inside, words)
        often: Table = defaultdict(float)
        for tables in inside:
            for table in tables:
                for gram, share in table.items():
                    often[gram] += share
        for one in words:
            ends, whole = edges(one)
            for source in (ends, whole):
                for gram, share in source.items():
                    often[gram] += share
        grams = list(made)
        keys, marks = hashes(grams)
        for gram, key, mark in zip(grams, (keys % np.uint64(ROWS)).tolist(), marks.tolist(), strict=True):
            worth = often[gram] * float(made[gram].std())
            if worth > best[key]:
                best[key], checks[key] = worth, mark
                rows[key] = 0
                rows[key, : len(languages)] = np.clip(np.rint(made[gram] / SCALE), -127, 127)
    np.save(out / "rows.npy", rows)
    np.save(out / "checks.npy", checks)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), "held-out" in sys.argv)
