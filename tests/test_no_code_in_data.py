"""Data never becomes code: nothing of the product unpickles, evaluates or builds what a file or a message says."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PRODUCT = Path(__file__).parents[1] / "wabox"
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
ATTRIBUTES = {
    **{f"yaml.{name}": "a loader that builds objects" for name in ("load", "load_all", "unsafe_load", "full_load")},
    **{f"yaml.{name}": "a loader that builds objects" for name in ("Loader", "UnsafeLoader", "FullLoader", "CLoader")},
    **{f"os.{name}": "a shell" for name in ("system", "popen")},
    **{f"{name}.load": "may unpickle" for name in ("numpy", "np")},
}


def offences(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if name.partition(".")[0] in MODULES:
                yield f"{node.lineno}: import {name}"  # type: ignore[attr-defined]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
            yield f"{node.lineno}: {node.func.id}()"
        if isinstance(node, ast.Attribute):
            named = f"{node.value.id}.{node.attr}" if isinstance(node.value, ast.Name) else ""
            if named in ATTRIBUTES and not _guarded(tree, node):
                yield f"{node.lineno}: {named}: {ATTRIBUTES[named]}"
        if isinstance(node, ast.keyword) and node.arg == "shell" and not _is(node.value, False):
            yield f"{node.value.lineno}: shell=…"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and not _is(node.value, False):
            yield f"{node.value.lineno}: allow_pickle=…"


def _is(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _guarded(tree: ast.AST, attribute: ast.Attribute) -> bool:
    """``numpy.load(…, allow_pickle=False)`` says itself that it does not."""
    return any(
        isinstance(node, ast.Call)
        and node.func is attribute
        and any(word.arg == "allow_pickle" and _is(word.value, False) for word in node.keywords)
        for node in ast.walk(tree)
    )


def test_no_file_of_the_product_turns_data_into_code() -> None:
    """Read, not run: every module, also those that are imported late."""
    found = [
        f"{path.relative_to(PRODUCT)}:{offence}"
        for path in sorted(PRODUCT.rglob("*.py"))
        if "flows" not in path.relative_to(PRODUCT).parts
        for offence in offences(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_the_look_finds_what_it_looks_for() -> None:
    """Each of them in one line."""
    lines = [
        "import pickle", "from joblib import load", "eval('1')", "yaml.load(x)", "np.load(x)", "np.load(x, allow_pickle=True)",
        "run(x, shell=True)", "os.system(x)",
    ]  # fmt: skip
    assert [line for line in lines if not list(offences(ast.parse(line)))] == []
    assert list(offences(ast.parse("np.load(x, allow_pickle=False); yaml.safe_load(x)"))) == []


def test_no_module_of_ours_holds_an_unpickler() -> None:
    """The world is imported, and nobody of ours has a name for it, by whatever way it came."""
    program = (
        "import importlib, pickle, pkgutil, sys, yaml, wabox\n"
        "bad = {id(pickle): 'pickle', id(pickle.loads): 'pickle.loads', id(pickle.load): 'pickle.load',\n"
        "       id(yaml.load): 'yaml.load', id(eval): 'eval', id(exec): 'exec'}\n"
        "for module in pkgutil.walk_packages(wabox.__path__, 'wabox.'):\n"
        "    if module.name.startswith('wabox.flows') or module.name.endswith('__main__'):\n"
        "        continue\n"
        "    for name, value in vars(importlib.import_module(module.name)).items():\n"
        "        if id(value) in bad:\n"
        "            print(module.name, name, bad[id(value)])\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=PRODUCT.parent
    )
    assert shown.stdout == ""
