"""How long a picture of a chart takes: ``python -m tests.bench diagram``. CPU time of the process, median of five."""

from __future__ import annotations

import statistics
import time
from typing import Any

from tests.bench import large_chart
from wabox.diagram.svg import svg
from wabox.engine import compile_chart
from wabox.flowfile.bot import load_bot
from wabox.flowfile.folder import examples

RUNS = 5


def chain(size: int) -> dict[str, Any]:
    """States in a row, each with two ways back."""
    return {
        "initial": "s0",
        "states": {
            f"s{number}": {
                "on": {"next": f"s{(number + 1) % size}", "back": f"s{max(0, number - 1)}", "home": "s0"},
            }
            for number in range(size)
        },
    }


def main() -> None:
    shop = load_bot(examples() / "shop")
    charts = {
        "5 states in a row": compile_chart("five", chain(5), guards={}, actions={}),
        "flows/shop": shop.charts[shop.main],
        "60 states in a row": compile_chart("sixty", chain(60), guards={}, actions={}),
        "1,000 states in departments": compile_chart("large", large_chart.definition(), guards={}, actions={}),
    }
    for name, chart in charts.items():
        took = []
        for _ in range(RUNS):
            began = time.process_time()
            picture = svg(chart)
            took.append(time.process_time() - began)
        print(f"{name:30}{statistics.median(took) * 1000:>10.1f} ms{len(picture) / 1024:>10.0f} KiB")


if __name__ == "__main__":
    main()
