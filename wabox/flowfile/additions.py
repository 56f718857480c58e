"""More examples for the intents of a bot, and new questions and answers, in the owner's own files.

What is written is read back and compared before it takes the place of the old file, in one rename: killed at any moment, the
folder has the old file or the new one.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from wabox.core.intent import Words
from wabox.errors import FlowError
from wabox.flowfile.faq import PREFIX, read_faq
from wabox.flowfile.findings import Finding
from wabox.flowfile.folder import shown
from wabox.flowfile.insertion import Text
from wabox.flowfile.intents import KINDS, TITLE, read_intents

SUFFIXES = (".yaml", ".yml", ".json")
BOM = b"\xef\xbb\xbf"
Examples = Mapping[str, Sequence[str]]
"""By language."""
Known = Mapping[str, Mapping[str, Words]]


def add_examples(folder: Path, intent: str, examples: Examples, languages: tuple[str, ...]) -> Path:
    """Examples for an intent of ``intents.yaml``, or questions for a ``faq.KEY`` that is there; the file.

    ``languages`` are the bot's, the default first. Raises FlowError, and then nothing was changed.
    """
    faq = intent.startswith(PREFIX)
    path = _file(folder, "faq" if faq else "intents")
    key = intent.removeprefix(PREFIX)

    def change(text: Text) -> None:
        for language, texts in examples.items():
            text.extend(_way(text, key, language, languages, faq=faq), texts)

    before = _read(path, faq, languages)
    _write(path, change, lambda trial: _check(trial, faq, languages, before, intent, examples))
    return path


def add_question(
    folder: Path, key: str, examples: Examples, answer: Mapping[str, str], languages: tuple[str, ...]
) -> Path:
    """A new question and its answer in ``faq.yaml``; the file. Raises FlowError, and then nothing was changed."""
    path, name = _file(folder, "faq"), PREFIX + key
    before = _read(path, True, languages)
    if name in before:
        raise FlowError(f"{shown(path)} has the question {key!r} already")
    lacking = [language for language in languages if not answer.get(language, "").strip()]
    if lacking:
        raise FlowError(f"the answer to {key!r} is missing in {', '.join(lacking)}")
    kept = {language: list(examples.get(language, ())) for language in languages}

    def change(text: Text) -> None:
        if len(languages) == 1:
            value: dict[str, object] = {"question": kept[languages[0]], "answer": answer[languages[0]]}
        else:
            value = {
                "question": {language: texts for language, texts in kept.items() if texts},
                "answer": {language: answer[language] for language in languages},
            }
        text.put((key,), value)

    _write(path, change, lambda trial: _check(trial, True, languages, before, name, examples))
    return path


def _file(folder: Path, stem: str) -> Path:
    """The file that is there, else the one to be made."""
    found = (folder / f"{stem}{suffix}" for suffix in SUFFIXES)
    return next((path for path in found if path.is_file()), folder / f"{stem}.yaml")


def _way(text: Text, key: str, language: str, languages: tuple[str, ...], *, faq: bool) -> tuple[str, ...]:
    """Where the list of examples is, or belongs. A bot of one language may leave the language out."""
    below = text.node(key, "question") if faq else text.node(key)
    if faq:
        plain = below is not None and not isinstance(below, yaml.MappingNode)
        return (key, "question") if plain and language == languages[0] else (key, "question", language)
    names = {name.value for name, _ in below.value} if isinstance(below, yaml.MappingNode) else set()
    plain = bool(names) and names <= {*KINDS, TITLE}
    return (key, "examples") if plain and language == languages[0] else (key, language, "examples")


def _read(path: Path, faq: bool, languages: tuple[str, ...]) -> Known:
    """What the file says; nothing when it is not there. Raises FlowError when it has errors."""
    if not path.is_file():
        return {}
    found: list[Finding] = []
    read = (read_faq if faq else read_intents)(path, shown(path), languages, found.append)
    errors = [one for one in found if one.severity == "error"]
    if read is None or errors:
        first = errors[0]
        raise FlowError(f"{first.file}:{first.line}: {first.sentence}; {first.fix}. Nothing was added")
    return read.intents


def _check(path: Path, faq: bool, languages: tuple[str, ...], before: Known, intent: str, examples: Examples) -> None:
    """Raises ValueError unless the file says what it said, and the new examples."""
    after = _read(path, faq, languages)
    for name in {*before, *after}:
        for language in languages:
            old = before.get(name, {}).get(language, Words())
            new = after.get(name, {}).get(language, Words())
            more = tuple(examples.get(language, ())) if name == intent else ()
            if (old.keywords, old.patterns, old.title) != (new.keywords, new.patterns, new.title):
                raise ValueError(f"{name} would be changed")
            if new.examples != (*old.examples, *more):
                raise ValueError(f"the examples of {name} would be others")


def _write(path: Path, change: Callable[[Text], None], check: Callable[[Path], None]) -> None:
    """Change the file. Raises FlowError, and then it is as it was."""
    try:
        raw = path.read_bytes() if path.is_file() else b""
        mark = BOM if raw.startswith(BOM) else b""
        text = Text(raw.removeprefix(mark).decode("utf-8"), as_json=path.suffix == ".json")
        change(text)
        new = mark + text.text.encode("utf-8")
        # Elsewhere: a half-written file in the bot's folder would be one of its charts.
        with tempfile.TemporaryDirectory(prefix="wabox-") as aside:
            trial = Path(aside) / path.name
            trial.write_bytes(new)
            check(trial)
        swap(path.resolve(), new)
    except OSError as error:
        raise FlowError(f"{shown(path)} cannot be written: {error.strerror or error}. Nothing was added") from error
    except (ValueError, FlowError, yaml.YAMLError) as error:
        raise FlowError(
            f"wabox does not know how to add to {shown(path)} without changing what is there ({error}). "
            "It is as it was; write the examples into it yourself"
        ) from error


def swap(path: Path, raw: bytes) -> None:
    """The file is the old one or the new one, whatever happens. Raises OSError."""
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
        if path.exists():
            os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
    new.replace(path)
