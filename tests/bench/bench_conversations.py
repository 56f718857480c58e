"""``wabox test``: 200 conversations of the shop, played by the product's runner in one process.

The suite is the shop's own tests, over and over until there are 200; the bot is loaded once, and the first of the rows counts
that. A conversation is parsed like a webhook, understood, stepped, rendered, and compared with what its file expects.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from statistics import median

from tests.bench import machine
from wabox.flowfile.bot import load_bot
from wabox.flowfile.tests import read_tests
from wabox.simulator.runner import Runner

SHOP = Path(__file__).parents[2] / "flows" / "shop"
CONVERSATIONS = 200
ROUNDS = 5


def main() -> None:
    noise = machine.Noise()
    began, cpu = time.perf_counter(), time.process_time()
    bot = load_bot(SHOP)
    tests = read_tests(bot, lambda finding: print(finding))
    loaded = time.perf_counter() - began
    every = [(test, language) for test in tests for language in test.languages]
    suite = list(itertools.islice(itertools.cycle(every), CONVERSATIONS))
    runner = Runner(bot, time.perf_counter)
    results = [runner.play(test, language) for test, language in suite]
    first, first_cpu = time.perf_counter() - began, time.process_time() - cpu
    assert all(result.passed for result in results)
    steps = sum(len(result.played) for result in results)
    print(f"{len(results)} conversations of {len(tests)} files, {steps} steps; loading bot and tests {loaded:.2f} s")
    print(f"cold, loading included: {first:.2f} s ({first_cpu:.2f} s of CPU)")
    walls, cpus = [], []
    for _ in range(ROUNDS):
        wall, cpu = time.perf_counter(), time.process_time()
        runner = Runner(bot, time.perf_counter)
        for test, language in suite:
            runner.play(test, language)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    each = 1000 * median(cpus) / len(results)
    print(f"warm, median of {ROUNDS}: {median(walls):.2f} s ({median(cpus):.2f} s of CPU)")
    print(f"a conversation: {each:.2f} ms of CPU; a step: {1000 * median(cpus) / steps:.2f} ms")
    print(f"(others: {noise.cores():.2f} cores)")


if __name__ == "__main__":
    main()
