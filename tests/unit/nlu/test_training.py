"""Training on what owners really write: too little, too much, twice, in every script."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from wabox.errors import ModelError
from wabox.nlu.classifier import LinearClassifier
from wabox.nlu.evaluation import LEAST_SURE, _thresholds
from wabox.nlu.examples import Example, data_hash
from wabox.nlu.features import read
from wabox.nlu.training import train

TEXTS = {
    "refund": ["i want my money back", "refund please", "give me a refund", "money back now", "return my payment"],
    "track": ["where is my parcel", "track my order", "when does it arrive", "has my parcel left", "parcel status"],
    "hours": ["when are you open", "opening hours", "are you open on sunday", "what time do you close", "open today"],
}
EXAMPLES = [Example(text, intent) for intent, texts in TEXTS.items() for text in texts]


def model(examples: list[Example]) -> LinearClassifier:
    trained = train(examples, trained_at="")
    return LinearClassifier(trained.card, trained.weights)


@pytest.fixture(scope="module")
def small() -> LinearClassifier:
    return model(EXAMPLES)


def test_words_that_no_example_has(small: LinearClassifier) -> None:
    """It knows what they mean."""
    assert small.classify("reimburse me").candidates[0].intent == "refund"
    assert small.classify("has the package been shipped").candidates[0].intent == "track"


def test_the_same_examples_make_the_same_model() -> None:
    """Whatever their order for the hash; the card says so."""
    assert data_hash(EXAMPLES) == data_hash(EXAMPLES[::-1])
    first, second = train(EXAMPLES, trained_at=""), train(EXAMPLES, trained_at="")
    assert first.card == second.card
    assert (first.weights.weights == second.weights.weights).all()


def test_an_intent_with_one_example() -> None:
    """It is trained, and the card names it as thin."""
    found = model([*EXAMPLES, Example("sing me a song", "sing")])
    assert found.classify("sing me a song").candidates[0].intent == "sing"
    assert "sing" in found.card.thin


def test_an_example_in_two_intents() -> None:
    """It is named, and decides for neither with certainty."""
    found = model([*EXAMPLES, Example("hello there", "refund"), Example("Hello there!", "track")])
    assert found.card.twice == ("hello there", "Hello there!")
    assert found.classify("hello there").candidates[0].confidence < 0.9


@pytest.mark.parametrize("examples", [[], EXAMPLES[:5], [Example("nobody's", "oos")]])
def test_less_than_two_intents(examples: list[Example]) -> None:
    """There is nothing to tell apart, and that is said."""
    with pytest.raises(ModelError, match="examples"):
        train(examples, trained_at="")


def test_two_intents() -> None:
    """The least that works."""
    found = model(EXAMPLES[:10])
    assert found.classify("where is my parcel now").candidates[0].intent == "track"
    assert found.classify("money back please").candidates[0].intent == "refund"


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "where " * 2_000,
        "🙂",
        "\u200b\u200d\u202e",
        "\u202ewhere is\u202c my \u2066parcel\u2069",
        "где мой parcel ご注文 كم",
        "\ud800 broken",
        "0" * 50,
        "我的包裹在哪里" * 100,
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_strange_messages(small: LinearClassifier, text: str) -> None:
    """Every text gets a verdict."""
    verdict = small.classify(text)
    assert all(0.0 <= one.confidence <= 1.0 for one in verdict.candidates)


@pytest.mark.parametrize("text", ["qwzx vbnm", "zzzz", "🙂", "\u200b"])
def test_gibberish_is_not_acted_on(small: LinearClassifier, text: str) -> None:
    """Whatever the likeliest intent is."""
    assert small.classify(text).decision != "accept"


@pytest.mark.parametrize("text", ["the neighbour's parrot sings all day", "who wrote the novel", "is the sea salty"])
def test_what_is_nobodys_business(small: LinearClassifier, text: str) -> None:
    """It is not acted on, though the bot's owner never thought of it."""
    assert small.classify(text).decision != "accept"


def test_a_long_message_costs_no_more() -> None:
    """Tokens are cut, and letters of a token: 10 kB are as many as the first few lines of them."""
    assert len(read("where is my parcel " * 600)) <= 120
    assert max(map(len, read("x" * 10_000))) <= 40


def test_understanding_needs_no_scikit_learn() -> None:
    """Nor scipy; and a bot without a model not even numpy."""
    program = (
        "import sys\n"
        "import wabox.app, wabox.services.models, wabox.simulator\n"
        "assert 'numpy' not in sys.modules\n"
        "import wabox.nlu.modelfile\n"
        "assert 'numpy' in sys.modules\n"
        "assert not {'sklearn', 'scipy'} & set(sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_thresholds_keep_strangers_out() -> None:
    """However sure guesses may be by themselves, of what is nobody's at most a small share is above."""
    sure, right = np.linspace(0.5, 1.0, 100), np.ones(100, dtype=bool)
    none = np.zeros(0)
    strangers = np.linspace(0.0, 0.8, 100)
    assert _thresholds(sure, right, none, none, 0.75).accept == LEAST_SURE
    assert 0.75 < _thresholds(sure, right, none, strangers, 0.75).accept < 0.8
    assert 0.7 < _thresholds(sure, right, strangers, none, 0.75).accept < 0.75
    assert _thresholds(sure, right, none, strangers[-3:], 0.75).accept == LEAST_SURE  # too few to tell
