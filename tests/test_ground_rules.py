"""Rules that hold for the repository as a whole. (What may import what: ``lint-imports``, set up in pyproject.toml.)"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REQUIREMENTS = sorted((ROOT / "packaging").glob("requirements*.txt"))
LONGEST = 400

# Spelled so that this file does not contain what it forbids.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home|opt/pypi)/")
REGISTRY = re.compile(r"pypi\.(?:org|io)\b|pythonhosted\.|registry\.(?:npmjs|yarnpkg)\.|\bdeb\.debian\.org|crates\.io")
LOCK_ADDRESS = re.compile(r"""--(?:extra-)?index-url[ =]\S*//|--find-links[ =]\S*/|"resolved": *"https?:""")

# What `--help` must not wait for: a server, a client, a database, a YAML reader, a model.
HEAVY = {
    *("litestar", "uvicorn", "uvloop", "httptools", "httpx", "aiohttp", "msgspec", "yaml", "sqlite3", "apscheduler"),
    *("structlog", "asyncio", "sklearn", "numpy"),
}


def _files() -> list[Path]:
    """Every file that is, or is about to be, under version control; without git or its history, all but hidden ones."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        inside = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        listed = "\0".join(str(path) for path in inside if not any(part.startswith((".", "__")) for part in path.parts))
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _pins(path: Path) -> dict[str, tuple[str, list[str]]]:
    """Package → version and hashes of a requirements file; fails on a line that is anything else."""
    pins: dict[str, tuple[str, list[str]]] = {}
    for block in path.read_text().replace("\\\n", " ").splitlines():
        if not block.strip() or block.startswith("#"):
            continue
        words = block.split(" --hash=")
        name = re.fullmatch(r"([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==([^\s;]+)(?: ; .*)?", words[0].strip())
        assert name, f"{path.name}: not a pinned package: {words[0]!r}"
        pins[name[1]] = (name[2], [word.strip() for word in words[1:]])
    return pins


@pytest.mark.parametrize("forbidden", [MACHINE_PATH, REGISTRY, LOCK_ADDRESS], ids=["path", "registry", "lock"])
def test_no_file_names_a_machine(forbidden: re.Pattern[str]) -> None:
    """No file names a path of one machine, a registry's host or where a locked package was fetched from."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in _files()
        for number, line in enumerate((_text(path) or "").splitlines(), 1)
        if (match := forbidden.search(line))
    ]
    assert found == []


def test_files_stay_short() -> None:
    """No source file of the product is longer than 400 lines; the schema, which lists every table there is, may be."""
    sources = {".py", ".sql", ".js", ".css", ".html"}
    lengths = {
        str(path.relative_to(ROOT)): len((_text(path) or "").splitlines())
        for path in _files()
        if path.is_relative_to(ROOT / "wabox") and path.suffix in sources
    }
    assert lengths, "no source file found"
    del lengths["wabox/sqlite/schema.sql"]
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_nothing_is_left_to_do() -> None:
    """The product carries no note about work that is missing."""
    note = re.compile(r"\b(?:TODO|FIXME|NotImplementedError)\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _files()
        if path.is_relative_to(ROOT / "wabox") and path.suffix == ".py"
        for number, line in enumerate((_text(path) or "").splitlines(), 1)
        if note.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_requirements_are_pinned_by_hash(path: Path) -> None:
    """Every package that is installed is named with its version and its hashes, and with nothing else."""
    for name, (version, hashes) in _pins(path).items():
        assert hashes, f"{name}=={version} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), name


def test_requirements_agree() -> None:
    """The smaller requirement files name the same versions as the larger, so one environment can serve them all."""
    pins = {path.stem: _pins(path) for path in REQUIREMENTS}
    build = pins.pop("requirements-build")
    by_size = sorted(pins.values(), key=len)
    assert len(by_size) == 3
    for smaller, larger in itertools.pairwise(by_size):
        assert smaller.items() <= larger.items()
    assert by_size[0].items() <= build.items()
    assert {name: pin for name, pin in build.items() if name in by_size[-1]}.items() <= by_size[-1].items()


def test_requirements_hold_what_the_project_declares() -> None:
    """Each dependency of pyproject.toml, and what builds the package, is pinned where it is installed from."""

    def names(declared: list[str]) -> set[str]:
        return {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower().replace("_", "-") for line in declared}

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = settings["project"]
    runtime = names(project["dependencies"]) | names(settings["build-system"]["requires"])
    extras = project["optional-dependencies"]
    packaging = ROOT / "packaging"
    assert runtime <= _pins(packaging / "requirements.txt").keys()
    assert runtime | names(extras["build"]) <= _pins(packaging / "requirements-build.txt").keys()
    assert runtime | names(extras["dev"]) <= _pins(packaging / "requirements-dev.txt").keys()
    assert runtime | names(extras["dev"]) | names(extras["bench"]) <= _pins(packaging / "requirements-bench.txt").keys()


@pytest.mark.parametrize("name", ["packaging/demo", "packaging/test", "packaging/bench", "packaging/renew", ".ci/run"])
def test_scripts_run_as_they_are(name: str) -> None:
    """Each script is executable and any POSIX shell can read it."""
    path = ROOT / name
    assert os.access(path, os.X_OK)
    assert path.read_text().startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", path], check=True)


def test_help_waits_for_nothing_heavy() -> None:
    """`wabox --help` answers without loading a server, a client, a database, a YAML reader or a model."""
    program = (
        "import json, sys\n"
        "from wabox.cli.main import main\n"
        "sys.argv = ['wabox', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit as done:\n    assert not done.code, done.code\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "serve" in ran.stdout
    loaded = {name.partition(".")[0] for name in json.loads(ran.stderr.splitlines()[-1])}
    assert loaded & HEAVY == set()


def test_license_is_apache() -> None:
    """The whole text of the licence comes with the source."""
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert text.rstrip().endswith("limitations under the License.")
