"""The order of an upgrade, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabox.release.notice import Kind
from wabox.services.upgrading import Failed, RolledBack, upgrade


class World:
    """A place and hands that write down what was done."""

    kind: Kind = "folder"

    def __init__(self, *, ready: bool = True, migrates: bool = False) -> None:
        self.done: list[str] = []
        self._ready, self._migrates, self._schema = ready, migrates, 15

    def prepare(self, file: Path, version: str) -> Path:
        self.done.append(f"prepare {version}")
        return Path("new")

    def swap(self) -> None:
        self.done.append("swap")

    def back(self) -> None:
        self.done.append("back")

    def try_out(self, program: Path) -> None:
        self.done.append(f"try {program}")

    def back_up(self) -> Path | None:
        self.done.append("back up")
        return Path("backup")

    def schema(self) -> int | None:
        return self._schema

    def restart(self) -> bool:
        self.done.append("restart")
        if self._migrates and "back" not in self.done:
            self._schema += 1
        return True

    def ready(self) -> None:
        self.done.append("ready?")
        if not self._ready and "back" not in self.done:
            raise Failed("not ready")

    def stop(self) -> None:
        self.done.append("stop")

    def restore(self, backup: Path) -> None:
        self.done.append(f"restore {backup}")


def test_a_database_that_the_new_one_changed_is_restored_on_the_way_back() -> None:
    world = World(ready=False, migrates=True)
    with pytest.raises(RolledBack, match="not ready"):
        upgrade(Path("f"), "2", world, world, lambda _: None)
    after = world.done[world.done.index("back") :]
    assert after == ["back", "stop", "restore backup", "restart", "ready?"]


def test_a_database_that_was_not_changed_is_left_alone() -> None:
    world = World(ready=False)
    with pytest.raises(RolledBack):
        upgrade(Path("f"), "2", world, world, lambda _: None)
    assert world.done[world.done.index("back") :] == ["back", "restart", "ready?"]


def test_tried_and_backed_up_before_the_swap() -> None:
    world = World()
    assert upgrade(Path("f"), "2", world, world, lambda _: None)
    assert world.done == ["prepare 2", "try new", "back up", "swap", "restart", "ready?"]
