"""Every figure that the README quotes: ``python -m tests.bench [engine] [serve]``, each a script ``bench_<name>.py`` here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main() -> None:
    wanted = sys.argv[1:] or SCRIPTS
    unknown = [name for name in wanted if name not in SCRIPTS]
    if unknown:
        sys.exit(f"no such figures: {', '.join(unknown)}; there are: {', '.join(SCRIPTS)}")
    for name in wanted:
        print(f"== {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"tests.bench.bench_{name}"], check=True)


main()
