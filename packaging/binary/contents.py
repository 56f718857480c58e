"""What goes into the binary, as lists: read by ``wabox.spec``, and by a test that walks the package.

Left out is what wabox never loads. Measured: the modules that a training, a day of serving and the console load, against
what PyInstaller finds by following imports. Everything that is left out in doubt is tried by ``wabox selftest``.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CODE = {".py", ".pyi", ".pyc"}
"""Modules of wabox are compiled into the executable. A bot's ``actions.py`` is data: it is loaded by its path."""

WHOLE = ("wabox", "dateparser.data", "phonenumbers", "tzdata", "uvicorn")
"""Packages that load some of their modules by name."""

EXCLUDED = (
    # the toolbox of whoever builds
    "_pytest", "ensurepip", "hypothesis", "idlelib", "lib2to3", "pip", "pkg_resources", "pytest", "setuptools", "venv", "wheel",
    # windows and pictures
    "IPython", "PIL", "_tkinter", "curses", "matplotlib", "tkinter", "turtle", "turtledemo",
    # test data, which Litestar's test client makes and wabox does not use
    "faker", "polyfactory", "litestar.testing",
    # yellow pages of 1985, with Kerberos behind them
    "nis",
    # ways to other frames of data, and what is there for older programs
    "narwhals._arrow", "narwhals._dask", "narwhals._duckdb", "narwhals._ibis", "narwhals._interchange",
    "narwhals._pandas_like", "narwhals._polars", "narwhals._spark_like", "narwhals._sql", "narwhals.testing",
    "pydantic.mypy", "pydoc_data",
    # other frames of data, which scikit-learn and Litestar take too
    "dask", "pandas", "polars", "pyarrow", "sqlalchemy", "torch",
    # what scikit-learn and SciPy can do besides, and training does not
    "numpy.distutils", "scipy.datasets", "scipy.differentiate", "scipy.fftpack", "scipy.io", "scipy.misc", "scipy.odr",
    "scipy.signal", "sklearn.cluster", "sklearn.compose", "sklearn.covariance", "sklearn.cross_decomposition",
    "sklearn.datasets", "sklearn.decomposition", "sklearn.ensemble", "sklearn.experimental", "sklearn.feature_extraction",
    "sklearn.feature_selection", "sklearn.frozen", "sklearn.gaussian_process", "sklearn.impute", "sklearn.inspection",
    "sklearn.manifold", "sklearn.mixture", "sklearn.neighbors", "sklearn.neural_network", "sklearn.semi_supervised",
    "sklearn.tree",
)  # fmt: skip

NOT_FOR_ACTIONS = {
    "antigravity",
    "curses",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "nis",
    "pydoc_data",
    "this",
    "tkinter",
    "turtle",
    "turtledemo",
    "venv",
}
"""Of the standard library: everything else a bot's ``actions.py`` may import."""


COLOURED = {"_mapping", "configs", "data", "python", "shell", "special"}
"""Pygments' modules for what the manual has in its fences."""


def other_lexers() -> Iterator[str]:
    """Of Pygments, which knows 500 languages."""
    found = find_spec("pygments.lexers")
    for _, short, _ in pkgutil.iter_modules(found.submodule_search_locations if found else ()):
        if short not in COLOURED:
            yield f"pygments.lexers.{short}"


def data_files() -> Iterator[tuple[Path, str]]:
    """Every file that is no module, and the folder that it belongs to inside the bundle."""
    for place, inside in ((ROOT / "wabox", "wabox"), (ROOT / "flows", "wabox/flows")):
        for path in sorted(place.rglob("*")):
            if not path.is_file() or "__pycache__" in path.parts or _is_module(path):
                continue
            yield path, str(Path(inside, path.relative_to(place)).parent)


def _is_module(path: Path) -> bool:
    """A ``.py`` in a folder without ``__init__.py`` is somebody's data."""
    return path.suffix in CODE and (path.parent / "__init__.py").is_file()


def standard_library() -> list[str]:
    """Its modules by name, packages with what is in them. None of them is imported for that."""
    names = []
    for name in sorted(sys.stdlib_module_names - NOT_FOR_ACTIONS):
        found = None if name.startswith("_") else _found(name)
        if found is not None:
            names += [name, *_inside(name, found.submodule_search_locations or ())]
    return names


def _inside(package: str, places: Iterable[str]) -> Iterator[str]:
    for _, short, is_package in pkgutil.iter_modules(list(places)):
        if short not in {"test", "tests", "__main__"}:
            yield f"{package}.{short}"
            if is_package:
                yield from _inside(f"{package}.{short}", [str(Path(place, short)) for place in places])


def _found(name: str) -> ModuleSpec | None:
    try:
        return find_spec(name)
    except (ImportError, ValueError):
        return None
