"""Yes, no and anger, in figures: ``python -m tests.bench answers``.

The phrases of ``tests/data/language``, half of which (SHA-256 odd) were not looked at while the words were collected, and
those of ``data/answers.tsv``: 80.8 % right when they were first read, before the words that they showed to be missing. An
*inversion* is yes read for no, or no for yes. Anger: *alarms* are calm messages taken for angry, *precision* is the share of
angry ones among those that are reported. Beside them real answers from SGD (WABOX_NLU_DATA, sgd_yesno, dev split, after a
question for confirmation): what is not read is left to the rest of the sentence, so there only inversions are counted as wrong.
"""

from __future__ import annotations

import gzip
import hashlib
import time
from collections import Counter
from pathlib import Path

from tests.bench import machine
from tests.bench.bench_nlu import DATA
from wabox.nlu.anger import ANGRY, anger
from wabox.nlu.utterances import tokens
from wabox.nlu.yes_no import yes_no

FOLDER = Path(__file__).parents[1] / "data" / "language"


def fresh() -> list[tuple[str, str, str]]:
    """The phrases that nothing was made for at first, without those of the tests' set."""
    known = {tokens(text) for half in (False, True) for *_, text in rows("yes_no", held_out=half)}
    lines = (Path(__file__).parent / "data" / "answers.tsv").read_text(encoding="utf-8").splitlines()
    found = [line.split("\t") for line in lines if not line.startswith("#")]
    return [(language, label, text) for language, label, text in found if tokens(text) not in known]


def rows(name: str, *, held_out: bool) -> list[tuple[str, str, str]]:
    """Language, label, text."""
    found = []
    for line in (FOLDER / f"{name}.tsv").read_text(encoding="utf-8").splitlines()[2:]:
        language, label, text = line.split("\t")
        if bool(int(hashlib.sha256(text.encode()).hexdigest(), 16) % 2) == held_out:
            found.append((language, label, text))
    return found


def said(text: str) -> str:
    answer = yes_no().read(tokens(text))
    return {None: "other", "done": "no"}.get(answer, str(answer))


def answers(which: str, asked: list[tuple[str, str, str]], *, show: bool = False) -> None:
    times, pairs = [], []
    for _, label, text in asked:
        began = time.thread_time()
        pairs.append((label, said(text)))
        times.append((time.thread_time() - began) * 1e6)
    right = sum(label == found for label, found in pairs)
    turned = sum({label, found} == {"yes", "no"} for label, found in pairs)
    languages = len({language for language, *_ in asked})
    print(
        f"yes/no   {which:8}  {len(asked)} phrases, {languages} languages: "
        f"{100 * right / len(asked):.1f} % right, {turned} inversions, p95 {machine.percentile(times, 95):.0f} us"
    )
    for (label, found), (language, _, text) in zip(pairs, asked, strict=True) if show else ():
        if label != found:
            print(f"    {language} {label} read as {found}: {text}")


def angers(held_out: bool) -> None:
    count = Counter(
        (label == "angry", anger().tone(text).points >= ANGRY) for _, label, text in rows("anger", held_out=held_out)
    )
    told, angry, calm = (
        count[True, True] + count[False, True],
        count[True, True] + count[True, False],
        count[False, True],
    )
    print(
        f"anger    {'held out' if held_out else 'seen    '}  {sum(count.values())} messages: precision "
        f"{100 * count[True, True] / max(told, 1):.1f} %, recall {100 * count[True, True] / max(angry, 1):.1f} %, "
        f"{calm} alarms among {count[False, True] + count[False, False]} that are not angry"
    )


def real() -> None:
    path = DATA / "sgd_yesno.tsv.gz"
    if not path.is_file():
        print(f"no {path}: set WABOX_NLU_DATA to the data sets' folder")
        return
    count: Counter[tuple[str, str]] = Counter()
    with gzip.open(path, "rt", encoding="utf-8") as file:
        next(file)
        for line in file:
            text, label, split, act, *_ = line.rstrip("\n").split("\t")
            if split == "dev" and act == "CONFIRM" and label in ("yes", "no"):
                count[label, said(text)] += 1
    every = sum(count.values())
    turned = count["yes", "no"] + count["no", "yes"]
    read = turned + count["yes", "yes"] + count["no", "no"]
    print(f"SGD      {every} answers to CONFIRM: {100 * read / max(every, 1):.0f} % read whole, {turned} inversions")


def main() -> None:
    for held_out in (False, True):
        answers("held out" if held_out else "seen", rows("yes_no", held_out=held_out))
    answers("unseen", fresh(), show=True)
    for held_out in (False, True):
        angers(held_out)
    real()


if __name__ == "__main__":
    main()
