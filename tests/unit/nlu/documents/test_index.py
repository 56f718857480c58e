"""Which passage answers a question, and when none does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wabox.core.passage import Passage
from wabox.errors import ModelError
from wabox.nlu.documents.files import read_documents
from wabox.nlu.documents.index import LONGEST_ANSWER, Index, counted, shortened
from wabox.nlu.documents.indexfile import CARD, has_index, read_index, read_index_card, remove_index, write_index
from wabox.nlu.documents.indexing import HIGHEST, LOWEST, UNTRIED, index_of

ROOT = Path(__file__).parents[4]
QUESTIONS = ROOT / "tests" / "data" / "documents" / "questions.tsv"
LANGUAGES = {"shop": ("en", "es"), "clinic": ("en", "ar")}


def passage(name: str, *sentences: str, section: str = "", language: str | None = None) -> Passage:
    return Passage(id=f"{name}#1", title=name, section=section, sentences=sentences, language=language)


def written(folder: Path, index: Index) -> None:
    write_index(folder, index, held=None, trained_at="2026-11-22T10:00:00+00:00", documents_hash="0", files=1)


@pytest.fixture(scope="module")
def example_bots() -> dict[str, Index]:
    return {
        bot: index_of(read_documents(ROOT / "flows" / bot, languages).passages)[0]
        for bot, languages in LANGUAGES.items()
    }


def test_questions_to_the_example_bots(example_bots: dict[str, Index]) -> None:
    """Of 110 questions that people might ask, half of them answered by no document: nearly no answer is wrong."""
    right = wrong = answerable = 0
    for line in QUESTIONS.read_text(encoding="utf-8").splitlines()[1:]:
        bot, language, question, listed = line.split("\t")
        wanted = listed.split(",")
        [best, *_] = example_bots[bot].search(question, language, 1) or [None]
        answerable += wanted != ["-"]
        if best is not None and best.score >= example_bots[bot].threshold:
            right += best.passage.id in wanted
            wrong += best.passage.id not in wanted
    assert wrong <= 4
    assert right >= 0.68 * answerable


def test_words_that_documents_do_not_know_count_against_all() -> None:
    """Half of this question is about returning, and no passage says anything of submarines."""
    passages = [passage("Returns", "You can return anything within 30 days.")]
    index = Index(passages, counted(passages), 0.45)
    assert index.search("can I return it?")[0].score > 0.7
    assert index.search("can I return a submarine?")[0].score < 0.6
    assert index.search("the of and") == () or index.search("the of and")[0].score < 0.2
    assert index.search("👍") == ()
    assert index.search("") == ()


def test_typos_endings_and_synonyms_match() -> None:
    """The same word, nearly the same word, and a word of the same meaning."""
    passages = [
        passage("A", "A refund of a parcel takes five days."),
        passage("B", "Parking is behind the house."),
        passage("C", "We sell mugs."),
    ]
    index = Index(passages, counted(passages), 0.45)
    for question in ("refund", "refunds", "refundd", "package"):
        assert index.search(question)[0].passage.title == "A", question


def test_a_passage_of_another_language_is_not_read_out() -> None:
    """Unless nobody says which language it is in."""
    passages = [
        passage("a", "Delivery takes two days.", language="en"),
        passage("b", "Delivery, delivery!", language="es"),
    ]
    index = Index(passages, counted(passages), 0.45)
    assert [found.passage.title for found in index.search("delivery", "en")] == ["a"]
    assert [found.passage.title for found in index.search("delivery", "es")] == ["b"]
    assert len(index.search("delivery")) == 2


def test_an_answer_is_short_and_keeps_what_matters() -> None:
    """The sentence that says most, its neighbours, and a sign where something was left out."""
    sentences = [f"Sentence number {number} says nothing in particular about anything at all." for number in range(30)]
    sentences[20] = "Only this one is about parking."
    short = shortened(sentences, [1.0 if number == 20 else 0.0 for number in range(30)])
    assert "about parking" in short
    assert len(short) <= LONGEST_ANSWER
    assert short.startswith("… ")
    assert short.endswith(" …")


def test_the_threshold_stays_where_it_was_measured(example_bots: dict[str, Index]) -> None:
    """Few sentences decide nothing."""
    index, held = index_of([passage("A", "One sentence.")])
    assert (index.threshold, held) == (UNTRIED, None)
    for one in example_bots.values():
        assert LOWEST <= one.threshold <= HIGHEST


def test_written_and_read_again(tmp_path: Path, example_bots: dict[str, Index]) -> None:
    """The index on disk answers as the one that was made; a second replaces the first; none leaves nothing."""
    index = example_bots["shop"]
    question = "can I put the mug in the microwave?"
    written(tmp_path, Index([passage("A", "One.")], counted([passage("A", "One.")]), 0.5))
    written(tmp_path, index)
    assert read_index(tmp_path).search(question, "en") == index.search(question, "en")
    assert read_index_card(tmp_path).threshold == index.threshold
    assert len(list(tmp_path.iterdir())) == 2
    remove_index(tmp_path)
    assert not has_index(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_spoilt_index_is_refused(tmp_path: Path, example_bots: dict[str, Index]) -> None:
    """Damaged, cut, of another layout, or naming other files: one sentence, and nothing is run."""
    written(tmp_path, example_bots["shop"])
    card = (tmp_path / CARD).read_bytes()
    [arrays] = tmp_path.glob("*.npz")
    raw = arrays.read_bytes()
    for spoilt in (
        b"",
        b"{}",
        card[:100],
        card.replace(b'"layout": 1', b'"layout": 99'),
        card.replace(b".npz", b".pkl"),
    ):
        (tmp_path / CARD).write_bytes(spoilt)
        with pytest.raises(ModelError, match="train it again"):
            read_index(tmp_path)
    (tmp_path / CARD).write_bytes(card)
    for spoilt in (b"", raw[:50], raw[:-1] + b"x"):
        arrays.write_bytes(spoilt)
        with pytest.raises(ModelError, match="was damaged or changed"):
            read_index(tmp_path)


@pytest.mark.parametrize("name", ["at", "ends", "about", "about_ends", "last", "idf", "words"])
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, name: str) -> None:
    """Somebody who can write both files cannot make the index read where it should not."""
    import dataclasses

    passages = [passage("A", "One sentence.", "Another one."), passage("B", "A third.", section="Heading")]
    postings = counted(passages)
    value = getattr(postings, name)
    for wrong in (
        value[:-1],
        value + 1000 if name != "words" else (*value, value[0]),
        -value if name != "words" else (),
    ):
        if name == "idf" and np.array_equal(wrong, value + 1000):
            continue  # large weights are odd and harmless
        spoilt = dataclasses.replace(postings, **{name: wrong})
        index = Index(passages, postings, 0.5)
        index.postings = spoilt
        written(tmp_path, index)
        with pytest.raises(ModelError, match="cannot be read"):
            read_index(tmp_path)
