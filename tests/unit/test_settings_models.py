"""The section [llm]: off by default, and never without prices."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabox.errors import SettingsError
from wabox.settings import load
from wabox.settings.models import LlmSettings

MINIMAL = '[llm]\nurl = "http://localhost:11434/v1/"\nmodel = "m"\nprice_in = 0\nprice_out = 0.5\n'


def llm(folder: Path, text: str, **environ: str) -> LlmSettings | None:
    (folder / "wabox.toml").write_text(text)
    return load(folder, environ).llm


def test_it_is_off_by_default(tmp_path: Path) -> None:
    """Without the section, and without a url."""
    assert llm(tmp_path, "") is None
    assert llm(tmp_path, "[llm]\n") is None


def test_what_it_needs(tmp_path: Path) -> None:
    """A url, a model and both prices; the rest has careful defaults; the key comes from the environment or a file."""
    found = llm(tmp_path, MINIMAL, WABOX_LLM_KEY="hush")
    assert found is not None
    assert found.key is not None
    assert (found.url, found.model, found.key.reveal()) == ("http://localhost:11434/v1", "m", "hush")
    assert (found.max_turn, found.max_conversation, found.max_day, found.deadline) == (0.01, 0.10, 1.0, 6.0)
    assert "hush" not in repr(found)
    (tmp_path / "key").write_text("shh\n")
    found = llm(tmp_path, MINIMAL + 'key_file = "key"\n')
    assert found is not None
    assert found.key is not None
    assert found.key.reveal() == "shh"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (MINIMAL.replace("url", "model2"), "unknown setting in [llm]: 'model2'"),
        ('[llm]\nmodel = "m"\n', "[llm] has model and no url"),
        (MINIMAL.replace("http:", "ftp:"), "[llm] url must start with https://"),
        (MINIMAL.replace("model = ", "# "), "[llm] model is missing"),
        (MINIMAL.replace("price_out", "# "), "[llm] price_out is missing: say what a million tokens cost"),
        (MINIMAL + "max_day = -1\n", "[llm] max_day must be a number from 0 to"),
        (MINIMAL + "max_day = inf\n", "[llm] max_day must be a number from 0 to"),
        (MINIMAL + "max_turn = nan\n", "[llm] max_turn must be a number from 0 to"),
        (MINIMAL + 'deadline = "6"\n', "[llm] deadline must be a number from 0.1 to 30"),
        (MINIMAL + "retries = true\n", "[llm] retries must be a number"),
        (MINIMAL + 'key = "sk-1"\n', "[llm] key is a secret and does not belong in this file: set WABOX_LLM_KEY"),
        (MINIMAL + 'key_file = "nowhere"\n', "[llm] key_file: cannot read"),
    ],
)
def test_mistakes_are_said(tmp_path: Path, text: str, sentence: str) -> None:
    """With the setting and what to write."""
    with pytest.raises(SettingsError) as raised:
        llm(tmp_path, text)
    assert sentence in str(raised.value)
    assert "sk-1" not in str(raised.value)
