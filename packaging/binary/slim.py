"""What the built folder has twice, or has and wabox never reads, goes out of it. Run by ``assemble.py``."""

from __future__ import annotations

import pickle
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NEVER_READ = (
    "character_order", "compound_unit_patterns", "currency_names", "currency_names_plural", "currency_unit_patterns",
    "date_fields", "interval_formats", "languages", "list_patterns", "measurement_systems", "meta_zones", "scripts",
    "territories", "text_direction", "time_zones", "unit_display_names", "unit_patterns", "variants", "zone_formats",
)  # fmt: skip
"""Of a locale: wabox writes dates, times, numbers and money with their signs; it names no languages, countries and units."""


SOURCES = {".build", ".c", ".cpp", ".csv", ".gz", ".h", ".jpg", ".pxd", ".pxi", ".pyx", ".rst", ".tp", ".txt"}


def slim(folder: Path) -> None:
    """``folder``: what PyInstaller made, with its libraries in ``_internal``."""
    inside = folder / "_internal"
    _one_openblas(inside)
    _each_once(inside / "numpy.libs", inside / "scipy.libs")
    shutil.rmtree(inside / "pytz" / "zoneinfo")  # dateparser asks pytz for UTC alone; Python's zones are in tzdata
    _unasked(inside, "libgfortran", "libquadmath")
    for path in sorted((inside / "sklearn").rglob("*")):
        if path.is_file() and path.suffix in SOURCES:
            path.unlink()  # of its libraries; and data to play with
    for path in sorted((inside / "babel" / "locale-data").glob("*.dat")):
        path.write_bytes(lean(path.read_bytes()))


def lean(locale: bytes) -> bytes:
    """One of Babel's locales, empty where it is never read: Babel looks for the keys."""
    found: dict[str, Any] = pickle.loads(locale)  # noqa: S301 - Babel's own file, of a wheel whose hash was checked
    return pickle.dumps({key: {} if key in NEVER_READ else value for key, value in found.items()}, 2)


def _one_openblas(inside: Path) -> None:
    """NumPy's copy becomes a few calls of SciPy's: see oneblas.c."""
    (wide,) = (inside / "numpy.libs").glob("libscipy_openblas64_-*.so")
    (narrow,) = (path for path in (inside / "scipy.libs").glob("libscipy_openblas-*.so"))
    asked = set()
    for library in (inside / "numpy").rglob("*.so"):
        asked |= {name for name in _symbols(library, "--undefined-only") if name.startswith("scipy_")}
    wide.unlink()
    subprocess.run(
        [
            *("gcc", "-shared", "-fPIC", "-O2", "-std=gnu17", f"-Wl,-soname,{wide.name}"),
            *("-Wl,--build-id=none", "-Wl,-z,defs", "-Wl,-rpath,$ORIGIN/../scipy.libs", "-s"),
            *("-o", wide, HERE / "oneblas.c", narrow),
        ],
        check=True,
    )
    if missing := asked - _symbols(wide, "--defined-only"):
        raise SystemExit(f"NumPy asks its OpenBLAS for what oneblas.c does not have: {', '.join(sorted(missing))}")


def _unasked(inside: Path, *names: str) -> None:
    """Of a library that is there in two versions, the one that is needed by name and asked for nothing becomes the other."""
    libraries = [path for path in inside.rglob("*.so*") if path.is_file() and not path.is_symlink()]
    for name in names:
        twins = [path for path in libraries if path.parent.name == "scipy.libs" and path.name.startswith(name)]
        idle = [path for path in twins if not any(_asks(one, path) for one in libraries if one not in twins)]
        for path in idle if len(idle) < len(twins) else ():
            path.unlink()
            path.symlink_to(next(one.name for one in twins if one not in idle))


def _asks(library: Path, other: Path) -> bool:
    """Whether it loads the other one and uses something of it."""
    needed = subprocess.run(["objdump", "-p", library], capture_output=True, text=True, check=True).stdout
    if not re.search(rf"NEEDED\s+{re.escape(other.name)}$", needed, re.MULTILINE):
        return False
    return bool(_symbols(library, "--undefined-only") & _symbols(other, "--defined-only"))


def _symbols(library: Path, which: str) -> set[str]:
    """Without their versions."""
    said = subprocess.run(["nm", "-D", which, library], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].partition("@")[0] for line in said.splitlines() if line}


def _each_once(folder: Path, other: Path) -> None:
    """Libraries of both wheels: names hold a digest, so what is called the same is the same."""
    for path in sorted(folder.iterdir()):
        twin = other / path.name
        if twin.is_file() and not path.is_symlink() and path.read_bytes() == twin.read_bytes():
            path.unlink()
            path.symlink_to(f"../{other.name}/{twin.name}")
