"""Which bot the demo shows when nobody names one."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabox.cli.demo import _shown
from wabox.demo.customer import CUSTOMERS, strangers


@pytest.mark.parametrize(
    ("bots", "shown"),
    [((), "shop"), (("bakery",), None), (("clinic", "shop"), "shop"), (("bakery", "cafe"), None)],
    ids=["a folder without bots", "the only one", "this repository", "several of one's own: it asks which"],
)
def test_shown(tmp_path: Path, bots: tuple[str, ...], shown: str | None) -> None:
    flows = tmp_path / "flows"
    for name in bots:
        (flows / name).mkdir(parents=True)
        (flows / name / "flow.yaml").write_text("states: {a: {}}")
    assert _shown(flows) == shown


def test_first_words_that_suit_any_bot() -> None:
    """A dentist is not asked about an order."""
    words = [line for one in strangers(CUSTOMERS) for line in one.suggestions]
    assert "Hi" in words
    assert not [line for line in words if "order" in line or "pedido" in line or "mug" in line]
