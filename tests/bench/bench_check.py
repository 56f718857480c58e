"""How long ``wabox check`` takes for a bot of fifty charts, and for one chart of 5,000 states.

    python -m tests.bench check

Each of the fifty is the shop's chart with texts in two languages, under another name. CPU time of the process, the best of
three, without starting Python.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from wabox.flowfile.bot import check_bot
from wabox.flowfile.folder import examples

STATES = 5000


def fifty(folder: Path) -> None:
    """The shop, its chart fifty times."""
    shop = examples() / "shop"
    for path in shop.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    flow = (shop / "flow.yaml").read_text(encoding="utf-8")
    for number in range(49):
        name = f"shop{number}"
        text = flow.replace("id: shop\n", f"id: {name}\n").replace("#shop.", "#root.")
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def large(folder: Path) -> None:
    """One chart of 5,000 states in a row."""
    lines = ["initial: s0", "timeouts: {hard: 23h}", "on: {human: people}", "states:"]
    lines += ["  people: {handoff: support, say: One moment., on: {handoff.closed: s0}}"]
    for number in range(STATES - 2):
        lines.append(f"  s{number}: {{ask: Question {number}?, on: {{affirm: s{number + 1}, deny: end}}}}")
    lines += [f"  s{STATES - 2}: {{ask: The last?, on: {{affirm: end}}}}", "  end: {type: final}"]
    (folder / "flow.yaml").write_text("\n".join(lines), encoding="utf-8")


def measure(make: object) -> tuple[float, int]:
    """Seconds, and how many findings."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)  # type: ignore[operator]
        times = []
        for _ in range(3):
            began = time.process_time()
            findings = check_bot(folder)
            times.append(time.process_time() - began)
        return min(times), len(findings)


def main() -> None:
    for what, make in (("50 charts", fifty), (f"a chart of {STATES:,} states", large)):
        seconds, findings = measure(make)
        print(f"{what:26} {seconds:6.2f} s CPU   {findings} findings")


if __name__ == "__main__":
    main()
