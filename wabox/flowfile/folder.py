"""Where bots are: a path, ``flows/<name>`` of the project, or an example that comes with wabox."""

from __future__ import annotations

from pathlib import Path

from wabox.errors import FlowError
from wabox.flowfile.findings import did_you_mean

FLOW_FILES = ("flow.yaml", "flow.yml", "flow.json")


def find_bot(name: str | None, root: Path) -> Path:
    """The folder of a bot.

    ``name`` is a path (of the folder, or of its ``flow.yaml``), a folder in ``root/flows``, or the name of an example; None
    means the only bot in ``root/flows``. Raises FlowError with what there is to choose from.
    """
    if name is None:
        return _only(root)
    path = root / name
    if path.name in FLOW_FILES and path.is_file():
        return path.parent
    bots = {**_bots(examples()), **_bots(root / "flows")}
    if is_bot(path):
        return path
    if name in bots:
        return bots[name]
    for folder in (path, root / "flows" / name):
        if folder.is_dir():
            raise FlowError(f"{shown(folder)} has no {FLOW_FILES[0]}, so it is no bot; `wabox new DIR` makes one")
    fix = did_you_mean(name, bots, otherwise=f"there are: {', '.join(bots)}" if bots else "`wabox new DIR` makes one")
    raise FlowError(f"there is no bot {name!r}, neither as a folder nor in {shown(root / 'flows')}; {fix}")


def find_bots(root: Path) -> list[Path]:
    """Every bot in ``root/flows``, by name. Raises FlowError when there is none."""
    found = list(_bots(root / "flows").values())
    if not found:
        raise _none(root / "flows")
    return found


def known_bots(root: Path) -> dict[str, Path]:
    """Every bot that :func:`find_bot` finds by name: the project's, then the examples that it does not hide."""
    own = _bots(root / "flows")
    return {**own, **{name: path for name, path in _bots(examples()).items() if name not in own}}


def examples() -> Path:
    """The folder of the example bots: inside the installed package, or beside it in the repository."""
    package = Path(__file__).parents[1]
    inside = package / "flows"
    return inside if inside.is_dir() else package.parent / "flows"


def is_bot(folder: Path) -> bool:
    """Whether the folder has a main chart."""
    return any((folder / file).is_file() for file in FLOW_FILES)


def _only(root: Path) -> Path:
    bots = _bots(root / "flows")
    if len(bots) == 1:
        return next(iter(bots.values()))
    if not bots:
        raise _none(root / "flows")
    raise FlowError(f"there are several bots in {shown(root / 'flows')}: {', '.join(bots)}; say which one")


def _none(flows: Path) -> FlowError:
    """Why there is no bot: nothing at all, or folders without a main chart."""
    try:
        folders = [path for path in sorted(flows.iterdir()) if path.is_dir() and not path.name.startswith((".", "_"))]
    except OSError:
        folders = []
    if folders:
        return FlowError(f"{shown(folders[0])} has no {FLOW_FILES[0]}, so it is no bot; `wabox new DIR` makes one")
    return FlowError(f"there is no bot in {shown(flows)}; `wabox new DIR` makes one, `wabox demo` shows one")


def _bots(flows: Path) -> dict[str, Path]:
    try:
        return {path.name: path for path in sorted(flows.iterdir()) if is_bot(path)}
    except OSError:
        return {}


def shown(path: Path) -> str:
    """The path as a person would type it here: relative if it is below where they stand."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
