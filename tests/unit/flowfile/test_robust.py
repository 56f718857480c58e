"""Whatever stands in a bot's folder, checking it answers with findings, never with a traceback."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wabox.errors import FlowError
from wabox.flowfile.bot import check_bot, load_bot
from wabox.flowfile.findings import render_all

KEYS = (
    *(
        "id",
        "initial",
        "context",
        "states",
        "on",
        "always",
        "after",
        "entry",
        "exit",
        "onDone",
        "type",
        "history",
        "target",
    ),
    *(
        "guard",
        "actions",
        "say",
        "ask",
        "reprompt",
        "expect",
        "timeouts",
        "detours",
        "handoff",
        "text",
        "buttons",
        "list",
    ),
    *(
        "sections",
        "rows",
        "title",
        "button",
        "soft",
        "hard",
        "params",
        "path",
        "op",
        "value",
        "assign",
        "raise",
        "language",
    ),
    *(
        "en",
        "es",
        "keywords",
        "patterns",
        "examples",
        "question",
        "answer",
        "a",
        "b",
        "human",
        "*",
        "1000",
        "x.y",
        "",
        "é",
    ),
)
SCALARS = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2**70,
        1.5,
        float("inf"),
        "",
        "a",
        "b",
        ".a",
        "#a",
        "#root.a",
        "off",
        "10s",
        "final",
    ),
    *(
        "parallel",
        "history",
        "deep",
        "{a.b}",
        "(",
        "(a+)+",
        "wabox.nudge",
        "a" * 5000,
        "\u0000",
        "\U0001f44d",
        "\u202e",
    ),
)

trees = st.recursive(
    st.sampled_from(SCALARS) | st.text(max_size=8) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=30,
)
slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _write(folder: Path, name: str, tree: Any) -> None:
    (folder / name).write_text(json.dumps(tree, allow_nan=True), encoding="utf-8", errors="surrogatepass")


@slow
@given(flow=trees, other=trees, intents=trees, texts=trees, faq=trees, as_json=st.booleans())
def test_any_tree(tmp_path: Path, flow: Any, other: Any, intents: Any, texts: Any, faq: Any, as_json: bool) -> None:
    """Trees of every shape in every file are answered with findings that can be shown."""
    suffix = "json" if as_json else "yaml"
    for old in tmp_path.iterdir():
        old.unlink()
    parts = {"flow": flow, "other": other, "intents": intents, "texts.en": texts, "texts.es": {}, "faq": faq}
    for name, tree in parts.items():
        _write(tmp_path, f"{name}.{suffix}", tree)
    findings = check_bot(tmp_path)
    assert findings
    assert render_all(findings)
    with pytest.raises(FlowError):
        load_bot(tmp_path)


@slow
@given(raw=st.binary(max_size=200) | st.text("{}[]:,-&*!|>'\"%@` \t\n\rab1#?", max_size=60).map(str.encode))
def test_any_bytes(tmp_path: Path, raw: bytes) -> None:
    """So are bytes of every kind, whether they are taken for YAML or for JSON."""
    for name in ("flow.yaml", "other.json", "texts.en.yaml", "intents.yaml", "faq.yaml", "actions.py"):
        (tmp_path / name).write_bytes(b"x = 1\n" if name.endswith("py") else raw)
    assert render_all(check_bot(tmp_path))


@slow
@given(seed=st.integers(0, 10**9))
def test_damaged_shop(tmp_path: Path, shop: dict[str, str], seed: int) -> None:
    """So is a good bot of which some line was doubled, dropped, moved or mistyped."""
    chance = random.Random(seed)
    for name, text in shop.items():
        lines = text.splitlines()
        for _ in range(chance.randint(0, 3)):
            place = chance.randrange(len(lines))
            match chance.randrange(5):
                case 0:
                    del lines[place]
                case 1:
                    lines.insert(place, lines[chance.randrange(len(lines))])
                case 2:
                    lines[place] = "  " + lines[place]
                case 3:
                    cut = chance.randrange(len(lines[place]) + 1)
                    lines[place] = lines[place][:cut] + chance.choice(":{}[]&*,'\"-x. ") + lines[place][cut + 1 :]
                case _:
                    lines[place] = lines[place].replace(":", ": [", 1)
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    assert render_all(check_bot(tmp_path))


@pytest.fixture(scope="module")
def shop() -> dict[str, str]:
    folder = Path(__file__).parents[3] / "flows" / "shop"
    return {
        path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.*") if path.suffix in (".yaml", ".py")
    }
