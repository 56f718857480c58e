"""What there is of a bot in each of its languages."""

from __future__ import annotations

from pathlib import Path

from wabox.flowfile.bot import look_at_bot


def test_coverage(tmp_path: Path) -> None:
    """Texts and intents that one language lacks are seen at once; wabox's own are not counted."""
    files = {
        "flow.yaml": "{language: en, initial: a, states: {a: {ask: hello, timeouts: {hard: 1h}, on: {order: a}}}}",
        "texts.en.yaml": "{hello: Hello!, more: More.}",
        "texts.es.yaml": "{hello: ¡Hola!, wabox: {nudge: ¿Hola?}}",
        "intents.yaml": "order: {en: {examples: [one please, two please]}}",
        "faq.yaml": "hours: {question: {en: [When?], es: [¿Cuándo?]}, answer: {en: Now., es: Ya.}}",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    _, (english, spanish) = look_at_bot(tmp_path)
    assert (english.language, english.intents, english.of_intents, english.examples) == ("en", 2, 2, 3)
    assert (spanish.language, spanish.intents, spanish.examples) == ("es", 1, 1)
    assert english.texts - spanish.texts == 1
    assert spanish.of_texts == english.texts
