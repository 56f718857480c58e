"""What the binary is made of: no file of the package may be missing in it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def _contents() -> ModuleType:
    return _part("contents")


def _part(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "packaging" / "binary" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_file_that_is_no_module_goes_into_the_binary() -> None:
    """Manual, texts, schemas, migrations, tables, pages, bots: each at the place where the code looks for it."""
    taken = {Path(folder, path.name) for path, folder in _contents().data_files()}
    wanted = {
        path.relative_to(ROOT)
        for path in (ROOT / "wabox").rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and path.name != "py.typed"
    }
    wanted |= {Path("wabox", path.relative_to(ROOT)) for path in (ROOT / "flows").rglob("*.yaml")}
    assert wanted - taken == set()
    assert {Path("wabox/flows/clinic/actions.py"), Path("wabox/demo/selftest_bot/actions.py")} <= taken


def test_no_module_and_nothing_compiled_is_taken_for_data() -> None:
    for path, _ in _contents().data_files():
        assert path.suffix != ".pyc"
        assert path.suffix != ".py" or not (path.parent / "__init__.py").exists()


def test_actions_find_the_standard_library_in_the_binary() -> None:
    """Also what wabox itself never imports."""
    names = set(_contents().standard_library())
    assert {
        "csv",
        "statistics",
        "zoneinfo",
        "xml.etree.ElementTree",
        "email.message",
        "http.client",
        "sqlite3",
    } <= names
    assert not any(name.split(".")[0] in {"tkinter", "idlelib", "test"} or ".test" in name for name in names)


def test_the_man_page_has_every_command() -> None:
    from wabox.cli.tree import nodes

    page = _part("manpage").page(0)
    for node in nodes():
        if not node.group:
            assert f"\n.SS wabox {' '.join(node.path)}".replace("-", r"\-") in page
    assert page.startswith('.TH WABOX 1 "1970-01-01"')
