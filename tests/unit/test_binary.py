"""What the binary is made of: no file of the package may be missing in it."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

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


def test_what_is_left_out_can_be_imported_and_inherited_from_but_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """scikit-learn imports much that training never calls; whoever calls it is told."""
    standins = _part("standins")
    monkeypatch.setattr(standins, "LEFT_OUT", ("left_out_here",))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    standins.stand_in()
    names: dict[str, Any] = {}
    exec("from left_out_here.deep import Base, tool\nclass Ours(Base):\n    said = 1", names)
    assert names["Ours"].said == 1
    with pytest.raises(ImportError, match=r"left_out_here\.deep\.tool is not part of this wabox"):
        names["tool"]()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("not_even_left_out")
    for name in [name for name in sys.modules if name.startswith("left_out_here")]:
        del sys.modules[name]


@pytest.mark.parametrize("language", ["es_MX", "ar", "hi", "uk"])
def test_a_locale_without_names_writes_as_before(
    language: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Dates, times, numbers and money; the weekdays of opening hours."""
    from babel import localedata
    from babel.dates import get_day_names

    from wabox.flowfile import formats

    def written() -> list[Any]:
        localedata._cache.clear()
        for cached in (formats.in_language, formats._locale, formats._day_pattern):
            cached.cache_clear()
        show = formats.in_language(language)
        values = [("2026-11-23", "date"), ("14:05", "time"), ("2026-11-23T14:05:00", "datetime"), (1234.5, "number")]
        values += [({"amount": 42.5, "currency": "MXN"}, "money")]
        return [*(show(value, form) for value, form in values), dict(get_day_names("wide", locale=language))]

    before = written()
    assert None not in before
    lean = _part("slim").lean
    whole = 0
    for name in {language, language.partition("_")[0], "es_419", "root"}:
        content = Path(localedata._dirname, f"{name}.dat").read_bytes()
        whole += len(content)
        (tmp_path / f"{name}.dat").write_bytes(lean(content))
    monkeypatch.setattr(localedata, "_dirname", str(tmp_path))
    assert written() == before
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < whole / 3
    monkeypatch.undo()
    localedata._cache.clear()


def test_the_fences_of_the_manual_have_their_colours() -> None:
    """Of Pygments' lexers only these go into the binary; rich asks for them by name."""
    from pygments.lexers import get_lexer_by_name

    kept = _contents().COLOURED
    named = {
        name
        for path in (ROOT / "wabox" / "manual").glob("*.md")
        for name in re.findall(r"^```(\w+)", path.read_text("utf-8"), re.M)
    }
    assert {type(get_lexer_by_name(name)).__module__.rpartition(".")[2] for name in named} <= kept
    assert "pygments.lexers.ada" in set(_contents().other_lexers())
