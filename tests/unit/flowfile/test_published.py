"""Copies of bots' folders: named by content, whole or not there, and nothing that customers could not meet."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wabox.errors import FlowError, StorageError
from wabox.flowfile.bot import BrokenBot, load_bot
from wabox.flowfile.published import Shelf, SpoiltCopy, identity, read_files

FLOW = """
initial: a
timeouts: {hard: 1h}
on: {human: people}
states:
  a: {ask: "Hello!", on: {message.text: end}}
  people: {handoff: true, say: "Wait.", on: {handoff.closed: a}}
  end: {type: final, say: "Bye."}
"""


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    folder = tmp_path / "flows" / "shop"
    for name, text in {
        "flow.yaml": FLOW,
        "prices/list.json": "{}",
        "tests/one.yaml": "- user: hi",
        "__pycache__/x.pyc": "x",
        ".secret": "x",
        "flow.yaml~": "x",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_what_is_copied(bot: Path, tmp_path: Path) -> None:
    """Everything that customers could meet, nothing that only the author sees; nobody may write it."""
    files = read_files(bot)
    assert set(files) == {"flow.yaml", "prices/list.json"}
    shelf = Shelf(tmp_path / "data", "shop")
    copy = shelf.place(shelf.keep(files))
    assert read_files(copy) == files
    assert (copy / "prices" / "list.json").stat().st_mode & 0o777 == 0o444
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in shelf.folder.iterdir()) == [copy.name]


def test_the_name_is_the_content(bot: Path, tmp_path: Path) -> None:
    """The same files have the same id wherever they are; any other byte or name makes another. A test is no part of it."""
    first = identity(read_files(bot))
    (bot / "tests" / "two.yaml").write_text("- user: hi", encoding="utf-8")
    assert identity(read_files(bot)) == first
    (bot / "prices" / "list.json").rename(bot / "prices" / "list2.json")
    assert identity(read_files(bot)) != first
    assert identity({"a": b"bc"}) != identity({"ab": b"c"})


def test_a_copy_runs_under_the_bots_own_name(bot: Path, tmp_path: Path) -> None:
    """The main chart is called like the bot, not like the folder of the copy: its reference is the same."""
    shelf = Shelf(tmp_path / "data", "shop")
    copied = load_bot(shelf.check(shelf.keep(read_files(bot))), name="shop", published=True)
    assert copied.name == "shop"
    assert copied.charts.live["shop"].ref == load_bot(bot).charts.live["shop"].ref


def test_keeping_again_repairs(bot: Path, tmp_path: Path) -> None:
    """A copy that somebody changed or half deleted is found out, and put right by publishing the same again."""
    shelf = Shelf(tmp_path / "data", "shop")
    files = read_files(bot)
    id_ = shelf.keep(files)
    (shelf.place(id_) / "flow.yaml").unlink()
    with pytest.raises(SpoiltCopy, match="was changed by hand"):
        shelf.check(id_)
    assert shelf.keep(files) == id_
    assert read_files(shelf.check(id_)) == files


@pytest.mark.parametrize("name", ["../../flows", "0123", "0123456789AB", "0123456789ab/", ""])
def test_what_is_no_version(name: str, tmp_path: Path) -> None:
    """Only an id leads to a copy; a path leads nowhere."""
    with pytest.raises(FlowError, match="is no version"):
        Shelf(tmp_path, "shop").check(name)


def test_a_missing_copy(tmp_path: Path) -> None:
    with pytest.raises(SpoiltCopy, match="is missing"):
        Shelf(tmp_path, "shop").check("0" * 12)


@pytest.mark.parametrize("fails", ["rename", "fsync"])
def test_a_copy_is_whole_or_not_there(bot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    """Whatever goes wrong while it is written, nothing lies under its name."""

    def wrong(*_: object) -> None:
        raise OSError(28, "No space left on device")

    shelf = Shelf(tmp_path / "data", "shop")
    files = read_files(bot)
    with monkeypatch.context() as patch:
        patch.setattr(Path if fails == "rename" else os, fails, wrong)
        with pytest.raises(StorageError, match="No space left"):
            shelf.keep(files)
    assert not shelf.place(identity(files)).exists()
    assert shelf.check(shelf.keep(files))


def test_tidy(bot: Path, tmp_path: Path) -> None:
    """What nobody needs goes, also what was left half written; what is new or needed stays."""
    shelf = Shelf(tmp_path / "data", "shop")
    old = shelf.keep(read_files(bot))
    (bot / "flow.yaml").write_text(FLOW + "# b", encoding="utf-8")
    needed = shelf.keep(read_files(bot))
    (bot / "flow.yaml").write_text(FLOW + "# c", encoding="utf-8")
    fresh = shelf.keep(read_files(bot))
    (shelf.folder / ".new-abc").mkdir()
    for name in (old, needed, ".new-abc"):
        os.utime(shelf.folder / name, (1, 1))
    assert sorted(shelf.tidy({needed}, 10_000.0)) == sorted([".new-abc", old])
    assert sorted(path.name for path in shelf.folder.iterdir()) == sorted([needed, fresh])


def test_what_is_kept_again_is_new(bot: Path, tmp_path: Path) -> None:
    """An old copy that is about to be published again is not tidied away before it is."""
    shelf = Shelf(tmp_path / "data", "shop")
    id_ = shelf.keep(read_files(bot))
    now = shelf.place(id_).stat().st_mtime
    os.utime(shelf.place(id_), (1, 1))
    shelf.keep(read_files(bot))
    assert shelf.tidy(set(), now) == []
    assert shelf.check(id_)


@pytest.mark.parametrize(("target", "words"), [("outside", "a link to a folder"), ("nowhere", "a link to no file")])
def test_a_link_is_refused(bot: Path, tmp_path: Path, target: str, words: str) -> None:
    """What the tests find behind a link and customers would not is refused, with the link's name and what to do."""
    (tmp_path / "outside").mkdir()
    (bot / "prices" / "more").symlink_to(tmp_path / target)
    with pytest.raises(FlowError, match=rf"prices/more is {words}.*take the link out"):
        read_files(bot)


def test_a_link_to_a_file_is_the_file(bot: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.json").write_text("[1]", encoding="utf-8")
    (bot / "more.json").symlink_to(tmp_path / "outside.json")
    assert read_files(bot)["more.json"] == b"[1]"


def test_a_huge_file_is_not_read(bot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is looked at first."""
    with (bot / "film.mp4").open("wb") as file:
        file.truncate(1 << 40)
    read: list[str] = []
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.name) or b"")
    with pytest.raises(FlowError, match="too much for a bot"):
        read_files(bot)
    assert "film.mp4" not in read


def test_too_much(bot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder full of pictures is refused in words instead of being copied at every publish."""
    monkeypatch.setattr("wabox.flowfile.published.LARGEST", 10)
    with pytest.raises(FlowError, match="too much for a bot"):
        read_files(bot)


def test_a_newer_wabox_may_find_more(bot: Path) -> None:
    """What was published runs though today's check finds fault with it; what cannot run at all does not."""
    (bot / "flow.yaml").write_text(FLOW + "  lost: {type: final}\n", encoding="utf-8")
    with pytest.raises(BrokenBot):
        load_bot(bot)
    assert load_bot(bot, published=True).main == "shop"
    (bot / "actions.py").write_text("import nothing_like_it\n", encoding="utf-8")
    with pytest.raises(BrokenBot):
        load_bot(bot, published=True)
