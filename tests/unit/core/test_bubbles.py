"""How many bubbles leave, and what is in them."""

from __future__ import annotations

import pytest

from wabox.core.bubbles import bubbles
from wabox.core.content import Content, Option
from wabox.core.kind import Media, TemplateMessage

YES = (Option(event="yes", title="Yes"),)
PICTURE = Media(type="image", link="https://example.com/a.jpg")
SENTENCE = "This is one sentence. "


def texts(*said: Content, merge: bool = False) -> list[str | None]:
    return [content.text for content in bubbles(said, merge=merge)]


def test_bubbles_that_were_written_one_by_one_stay_so() -> None:
    assert texts(Content(text="a"), Content(text="b")) == ["a", "b"]


def test_where_the_owner_allows_it_texts_share_a_bubble() -> None:
    assert texts(Content(text="a"), Content(text="b"), Content(text="c"), merge=True) == ["a\n\nb\n\nc"]


@pytest.mark.parametrize("alone", [0, 1])
def test_one_that_says_no_stands_alone(alone: int) -> None:
    said = [Content(text="a"), Content(text="b")]
    said[alone] = Content(text="x", merge=False)
    assert len(bubbles(said, merge=True)) == 2


def test_one_that_says_yes_takes_in_the_text_before_it() -> None:
    assert texts(Content(text="a"), Content(text="b", merge=True), Content(text="c")) == ["a\n\nb", "c"]


def test_nothing_moves_past_media_or_buttons() -> None:
    said = (
        Content(text="a"),
        Content(media=PICTURE),
        Content(text="b"),
        Content(text="c", buttons=YES),
        Content(text="d"),
    )
    assert bubbles(said, merge=True) == said


def test_a_question_with_buttons_takes_in_text_only_when_it_says_so() -> None:
    (both,) = bubbles((Content(text="a"), Content(text="b", buttons=YES, merge=True)), merge=False)
    assert (both.text, both.buttons) == ("a\n\nb", YES)


def test_never_over_the_limit() -> None:
    assert len(texts(Content(text="a" * 4000), Content(text="b" * 95), merge=True)) == 2
    assert len(texts(Content(text="a" * 4000), Content(text="b" * 94), merge=True)) == 1


def test_two_templates_for_later_cannot_share_a_bubble() -> None:
    late = TemplateMessage(name="back", language="en")
    assert len(texts(Content(text="a", outside=late), Content(text="b", outside=late), merge=True)) == 2


def test_a_long_text_leaves_in_several_bubbles() -> None:
    pieces = texts(Content(text=SENTENCE * 400))
    assert len(pieces) == 3
    assert all(piece and len(piece) <= 4096 and piece.endswith("sentence.") for piece in pieces)
    assert " ".join(piece or "" for piece in pieces) == (SENTENCE * 400).strip()


def test_buttons_stay_with_the_end_of_a_long_question() -> None:
    *front, last = bubbles([Content(text=SENTENCE * 100 + "Shall we?", buttons=YES)], merge=False)
    assert [bool(content.buttons) for content in front] == [False]
    assert last.buttons == YES
    assert last.text is not None
    assert last.text.endswith("Shall we?")
    assert len(last.text) <= 1024


def test_a_picture_has_the_beginning_as_its_caption() -> None:
    picture, rest = bubbles([Content(text=SENTENCE * 100, media=PICTURE)], merge=False)
    assert picture.media == PICTURE
    assert picture.text is not None
    assert len(picture.text) <= 1024
    assert rest == Content(text=rest.text)


def test_what_must_not_be_repeated_stays_so() -> None:
    """In every piece of it, and with what shares its bubble."""
    paid = Content(text=SENTENCE * 400, once=True)
    assert [content.once for content in bubbles([paid], merge=False)] == [True, True, True]
    [both] = bubbles([Content(text="a"), Content(text="b", once=True)], merge=True)
    assert both.once
