"""Where bots are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.flowfile.folders import GOOD, write
from wabox.errors import FlowError
from wabox.flowfile.folder import examples, find_bot, find_bots, is_bot, known_bots, shown


@pytest.fixture
def root(tmp_path: Path) -> Path:
    flows = tmp_path / "flows"
    flows.mkdir()
    write(flows, GOOD)
    (flows / "notes").mkdir()
    return tmp_path


def test_examples() -> None:
    """The example shop comes with wabox."""
    assert is_bot(examples() / "shop")


def test_by_path(root: Path) -> None:
    """A folder, its flow.yaml, or an absolute path."""
    tiny = root / "flows" / "tiny"
    for name in ("flows/tiny", "flows/tiny/", "flows/tiny/flow.yaml", str(tiny)):
        assert find_bot(name, root) == tiny


def test_by_name(root: Path) -> None:
    """A folder in flows/, and the examples, which a bot of the same name hides."""
    assert find_bot("tiny", root) == root / "flows" / "tiny"
    assert find_bot("shop", root) == examples() / "shop"
    (root / "flows" / "tiny").rename(root / "flows" / "shop")
    assert find_bot("shop", root) == root / "flows" / "shop"
    assert known_bots(root)["shop"] == root / "flows" / "shop"


def test_the_only_one(root: Path) -> None:
    """Without a name, the only bot is meant; with several, one must be said."""
    assert find_bot(None, root) == root / "flows" / "tiny"
    assert find_bots(root) == [root / "flows" / "tiny"]
    more = root / "flows" / "more"
    more.mkdir()
    (more / "flow.json").write_text("{}")
    assert find_bots(root) == [more, root / "flows" / "tiny"]
    with pytest.raises(FlowError, match="several bots in .*: more, tiny; say which one"):
        find_bot(None, root)


def test_none(tmp_path: Path) -> None:
    """Without any bot, there is a way to one."""
    for look in (lambda: find_bot(None, tmp_path), lambda: find_bots(tmp_path)):
        with pytest.raises(FlowError, match="wabox new"):
            look()


def test_unknown(root: Path) -> None:
    """A name that is not there is answered with the nearest one; a folder that is no bot with what it lacks."""
    with pytest.raises(FlowError, match="no bot 'tinny'.*did you mean \"tiny\""):
        find_bot("tinny", root)
    with pytest.raises(FlowError, match="there are: .*shop.*tiny"):
        find_bot("zzzzzz", root)
    with pytest.raises(FlowError, match=r"notes has no flow\.yaml"):
        find_bot("flows/notes", root)
    with pytest.raises(FlowError, match=r"notes has no flow\.yaml"):
        find_bot("notes", root)


def test_only_the_chart_is_missing(tmp_path: Path) -> None:
    """Who made the folder and not the file is told so, by whatever looks for bots."""
    (tmp_path / "flows" / "bakery").mkdir(parents=True)
    for look in (lambda: find_bot(None, tmp_path), lambda: find_bots(tmp_path)):
        with pytest.raises(FlowError, match=r"bakery has no flow\.yaml"):
            look()


def test_shown(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are shown as one would type them here."""
    monkeypatch.chdir(root)
    assert shown(root / "flows" / "tiny") == str(Path("flows") / "tiny")
    assert shown(root.parent) == str(root.parent)
