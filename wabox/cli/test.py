"""``wabox test``: plays the conversations in a bot's ``tests/``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wabox.flowfile.findings import Finding
    from wabox.flowfile.tests import ConversationTest
    from wabox.settings import Settings
    from wabox.simulator.junit import Suite
    from wabox.simulator.runner import Result


def play(
    bot: Annotated[
        str | None,
        typer.Argument(help="A folder in flows/, a path, or one file of tests/. Default: every bot in flows/."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", "-k", metavar="WORDS", help="Only tests with this in their file or name; repeatable."),
    ] = None,
    stop: Annotated[bool, typer.Option("--exitfirst", "-x", help="Stop at the first that fails.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name each test; show whole conversations.")] = False,
    cover: Annotated[bool, typer.Option("--cover", help="Name everything that no test came to.")] = False,
    cover_min: Annotated[
        str | None,
        typer.Option(metavar="PERCENT", help="Fail below this coverage; 100/90: of states / of transitions."),
    ] = None,
    tiers: Annotated[bool, typer.Option("--tiers", help="Say who decided what the messages mean.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a test, the last with the coverage.")
    ] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML for a CI system.")] = None,
) -> None:
    """Play the conversations in tests/. The clock is simulated.

    Each file is one conversation: what the customer does, and what must come of it. What differs is shown with the
    conversation so far; then, how much of the flow was covered. Exit code 0: all is well, 1: something failed, 2: wrong
    usage.

    Example:  wabox test shop --cover-min 100/90

    Example:  wabox test flows/shop/tests/how_many.yaml -v
    """
    import sys

    from wabox.errors import FlowError
    from wabox.settings import load
    from wabox.simulator.junit import junit as written

    least = _least(cover_min)
    settings = load(Path.cwd(), {})
    folders, wanted = _folders(bot, settings, only or [])
    suites: list[Suite] = []
    low = False
    for folder in folders:
        show = _Show(
            as_json=as_json, verbose=verbose, cover=cover, chosen=bool(wanted), tiers=tiers, colour=sys.stdout.isatty()
        )
        suite = _play(folder, settings, wanted, show, stop=stop)
        suites.append(suite)
        low = show.suite(suite, least) or low
        if stop and any(not result.passed for result in suite.results):
            break
    if junit is not None:
        try:
            junit.write_bytes(written(suites))
        except OSError as error:
            raise FlowError(f"cannot write {junit}: {error.strerror}") from error
    played = sum(len(suite.results) for suite in suites)
    mistakes = sum(len(suite.findings) for suite in suites)
    if not played and not mistakes:
        if wanted:
            raise typer.BadParameter(f"no test has {' or '.join(wanted)} in its file or name", param_hint="--only")
        places = ", ".join(f"{folder}/tests" for folder in folders)
        raise FlowError(f"there is no test in {places}; write one there: - user: hi")
    if low or mistakes or any(not result.passed for suite in suites for result in suite.results):
        raise typer.Exit(1)


def _least(written: str | None) -> tuple[float, float]:
    """The percentages that states and transitions must reach."""
    if written is None:
        return 0.0, 0.0
    try:
        percents = [float(part.strip().removesuffix("%")) for part in written.split("/")]
        if len(percents) > 2 or not all(0 <= percent <= 100 for percent in percents):
            raise ValueError
    except ValueError:
        raise typer.BadParameter(
            f"{written} is not a percentage; write 90 or 100/90", param_hint="--cover-min"
        ) from None
    return percents[0], percents[-1]


def _folders(bot: str | None, settings: Settings, only: list[str]) -> tuple[list[Path], list[str]]:
    """The bots to test, and the words to choose tests by. A file in ``tests/`` is its bot and its name."""
    from wabox.flowfile.folder import find_bot, find_bots, is_bot
    from wabox.flowfile.tests import FOLDER, SUFFIXES

    if bot is None:
        return find_bots(settings.root), only
    path = Path(bot)
    if path.suffix in SUFFIXES and path.is_file():
        for folder in path.absolute().parents:
            if folder.name == FOLDER and is_bot(folder.parent):
                return [folder.parent], [f"={path.absolute().relative_to(folder).with_suffix('').as_posix()}", *only]
    return [find_bot(bot, settings.root)], only


def _chosen(test: ConversationTest, words: list[str]) -> bool:
    return not words or any(
        test.name == word[1:] if word.startswith("=") else word in test.name or word in test.title for word in words
    )


def _play(
    folder: Path, settings: Settings, words: list[str], show: _Show, *, stop: bool, copy: Path | None = None
) -> Suite:
    """``copy``: what the tests of the folder are played on, if it is not the folder itself."""
    import time
    from dataclasses import replace

    from wabox.flowfile.bot import BrokenBot, load_bot
    from wabox.flowfile.tests import read_tests
    from wabox.services.models import Models
    from wabox.simulator.junit import Suite
    from wabox.simulator.runner import Runner

    began = time.perf_counter()
    try:
        loaded = load_bot(
            copy or folder,
            language=settings.language,
            context=settings.context,
            name=folder.absolute().name,
            manners=settings.manners,
        )
    except BrokenBot as error:
        for finding in error.findings:
            show.finding(finding)
        took = time.perf_counter() - began
        return Suite(bot=folder.name, results=[], findings=error.findings, seconds=took, coverage=None)
    findings: list[Finding] = []
    tests = [test for test in read_tests(replace(loaded, folder=folder), findings.append) if _chosen(test, words)]
    if words:
        # Somebody who works on one test need not hear of the others.
        findings = [finding for finding in findings if any(word.lstrip("=") in finding.file for word in words)]
    for finding in findings:
        show.finding(finding)
    models = Models(
        settings.root / "models" / loaded.name, say=lambda sentence: typer.echo(f"wabox: {sentence}", err=True)
    )
    runner = Runner(loaded, time.perf_counter, models)
    results: list[Result] = []
    for result in runner.run(tests):
        results.append(result)
        show.result(result)
        if stop and not result.passed:
            break
    return Suite(
        bot=loaded.name,
        results=results,
        findings=findings,
        seconds=time.perf_counter() - began,
        coverage=runner.coverage,
        tiers=runner.tiers,
    )


def failures(folder: Path, settings: Settings, copy: Path | None = None) -> tuple[int, int]:
    """How many of a bot's tests fail (those that cannot be read included), and how many there are. Prints nothing.

    ``copy`` is what they are played on: the tests are the folder's, which has them; a published copy has none.
    """
    suite = _play(folder, settings, [], _Silent(), stop=False, copy=copy)
    failed = sum(not result.passed for result in suite.results) + len(suite.findings)
    return failed, len(suite.results) + len(suite.findings)


class _Show:
    """Prints, as JSON lines or for a person."""

    def __init__(self, *, as_json: bool, verbose: bool, cover: bool, chosen: bool, colour: bool, tiers: bool) -> None:
        """``chosen``: only some of the tests are played, so what they do not cover says little."""
        from wabox.simulator.report import painter

        self._json = as_json
        self._verbose = verbose
        self._cover = cover
        self._chosen = chosen
        self._tiers = tiers
        self._colour = colour
        self._paint = painter(colour)

    def finding(self, finding: Finding) -> None:
        from wabox.flowfile.findings import render

        if self._json:
            typer.echo(json.dumps({"mistake": finding.to_json()}, ensure_ascii=False))
        else:
            typer.echo(render(finding, colour=self._colour) + "\n")

    def result(self, result: Result) -> None:
        from wabox.simulator.report import failure

        if self._json:
            typer.echo(json.dumps(_result_json(result), ensure_ascii=False))
        elif not result.passed:
            typer.echo(failure(result, self._paint, whole=self._verbose) + "\n")
        elif self._verbose:
            typer.echo(f"{self._paint('✓', 'good')} {result.name}")

    def suite(self, suite: Suite, least: tuple[float, float]) -> bool:
        """The summary; whether too little is covered."""
        from wabox.simulator import report

        if suite.coverage is None:
            if not self._json:
                typer.echo(f"{suite.bot} cannot be loaded, so none of its tests was played")
            return False
        if not (suite.results or suite.findings):
            return False
        total = suite.coverage.total()
        low = [
            f"{name} are covered to {count.percent:.1f} %, wanted are {wanted:g} %"
            for name, count, wanted in (
                ("states", total.states, least[0]),
                ("transitions", total.transitions, least[1]),
            )
            if count.percent < wanted
        ]
        if self._json:
            about = {"bot": suite.bot, "seconds": round(suite.seconds, 3), "coverage": suite.coverage.to_json()}
            if self._tiers and suite.tiers is not None:
                about["tiers"] = suite.tiers.to_json()
            typer.echo(json.dumps({**about, "low": low}, ensure_ascii=False))
            return bool(low)
        passed = sum(result.passed for result in suite.results)
        failed = len(suite.results) - passed
        everything = self._cover or bool(low)
        typer.echo(report.verdict(suite.bot, passed, failed, len(suite.findings), suite.seconds, self._paint))
        if everything or not self._chosen:
            typer.echo(report.coverage(suite.coverage, self._paint, everything=everything))
        for line in suite.tiers.lines(suite.bot) if self._tiers and suite.tiers is not None else ():
            typer.echo(line)
        for sentence in low:
            typer.echo(self._paint(f"{suite.bot}: {sentence}", "bad"))
        return bool(low)


class _Silent(_Show):
    """Prints nothing."""

    def __init__(self) -> None:
        super().__init__(as_json=False, verbose=False, cover=False, chosen=False, colour=False, tiers=False)

    def finding(self, finding: Finding) -> None:
        pass

    def result(self, result: Result) -> None:
        pass


def _result_json(result: Result) -> dict[str, Any]:
    return {
        "test": result.name,
        "title": result.test.title,
        "file": result.test.source.shown,
        "language": result.language,
        "passed": result.passed,
        "steps": len(result.played),
        "seconds": round(result.seconds, 4),
        "differences": [
            {
                "line": one.mark.line,
                "column": one.mark.column,
                "key": one.key,
                "sentence": one.sentence,
                "expected": list(one.expected),
                "got": list(one.got),
            }
            for one in result.differences
        ],
    }
