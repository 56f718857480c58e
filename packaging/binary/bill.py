"""The bill of materials (CycloneDX 1.6) and the licences of everything that is built in.

Which distributions those are is read from what PyInstaller took, file by file, not from what is installed. Shared libraries
that are no part of one belong to packages of Debian, or to Python itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Any

LICENCE = ("LICEN", "COPYING", "NOTICE", "AUTHORS")


def distributions(contents: Path) -> list[metadata.Distribution]:
    """Those that have at least one file in the bundle, by name."""
    sources = {str(Path(source).resolve()) for _, source in json.loads(contents.read_text()) if source}
    found = {}
    for one in metadata.distributions():
        if one.name not in found and any(
            str(Path(str(one.locate_file(file))).resolve()) in sources for file in one.files or ()
        ):
            found[one.name] = one
    return [found[name] for name in sorted(found, key=str.lower)]


def system_packages(contents: Path) -> list[tuple[str, str]]:
    """Debian's packages whose libraries are built in: name and version."""
    found = set()
    site = sysconfig.get_path("purelib")
    for _, source in json.loads(contents.read_text()):
        if ".so" not in source or source.startswith((site, sys.base_prefix)):
            continue
        owner = _asked("dpkg-query", "-S", str(Path(source).resolve())) or _asked(
            "dpkg-query", "-S", f"*/{Path(source).name}"
        )
        if owner:
            name = owner.splitlines()[0].split(": ")[0].split(":")[0]
            found.add((name, _asked("dpkg-query", "-W", "-f", "${Version}", name)))
    return sorted(found)


def bill(version: str, contents: Path) -> dict[str, Any]:
    """CycloneDX 1.6. Nothing in it tells when or where it was made, so that two builds are the same."""
    parts = [
        _component(one.name, one.version, f"pkg:pypi/{one.name.lower()}@{one.version}", _licence(one))
        for one in distributions(contents)
        if one.name != "wabox"
    ]
    python = sys.version.split()[0]
    parts.append(_component("python", python, f"pkg:generic/python@{python}", "Python-2.0"))
    parts += [_component(name, number, f"pkg:deb/debian/{name}@{number}") for name, number in system_packages(contents)]
    wabox = f"pkg:pypi/wabox@{version}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**_component("wabox", version, wabox, "Apache-2.0"), "type": "application"}},
        "components": parts,
        "dependencies": [{"ref": wabox, "dependsOn": [part["bom-ref"] for part in parts]}],
    }


def licences(contents: Path) -> str:
    """The words of every licence, one distribution after the other."""
    blocks = []
    for one in distributions(contents):
        words = [
            path.read_text(encoding="utf-8", errors="replace").strip()
            for file in one.files or ()
            if file.name.upper().startswith(LICENCE) and (path := Path(str(one.locate_file(file)))).is_file()
        ]
        blocks.append(_block(f"{one.name} {one.version}", _licence(one), words))
    blocks.append(_block(f"Python {sys.version.split()[0]}", "Python-2.0", [_python_licence()]))
    for name, number in system_packages(contents):
        copyright = Path(f"/usr/share/doc/{name}/copyright")
        blocks.append(
            _block(
                f"{name} {number} (Debian)", "", [copyright.read_text(errors="replace")] if copyright.is_file() else []
            )
        )
    return "\n".join(blocks)


def _block(title: str, licence: str, words: list[str]) -> str:
    return "\n".join(["=" * 100, title, *([f"Licence: {licence}"] if licence else []), "=" * 100, "", *words, ""])


def _component(name: str, version: str, purl: str, licence: str = "") -> dict[str, Any]:
    known = {"licenses": [{"license": {"name": licence}}]} if licence else {}
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, **known}


def _licence(one: metadata.Distribution) -> str:
    """As its own metadata says it."""
    about = one.metadata
    classified = [
        line.rsplit(" :: ", 1)[-1] for line in about.get_all("Classifier") or () if line.startswith("License ::")
    ]
    said = about.get("License-Expression") or ", ".join(classified) or (about.get("License") or "").strip()
    return said.splitlines()[0][:100] if said else ""


def _python_licence() -> str:
    for place in (Path(sysconfig.get_path("stdlib"), "LICENSE.txt"), Path("/usr/share/doc/python3/copyright")):
        if place.is_file():
            return place.read_text(encoding="utf-8", errors="replace")
    return "https://docs.python.org/3/license.html"


def _asked(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
