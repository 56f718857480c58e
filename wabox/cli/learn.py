"""``wabox learn``: what was not understood, and what it means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wabox.core.learning import Decision, Group, Learnt, Lesson

WIDTH = 80
QUESTION = "  means (intent, faq:KEY, oos, ignore; ? lists; Enter: later; q)"
EXAMPLES, REREAD = 5, 12
"""Shown."""
REASONS = {
    "unknown": "not understood",
    "asked": "asked “did you mean …?”",
    "handed_off": "the third in a row: a person took over",
    "unsure": "understood, hardly sure",
    "reprompted": "no answer to the question",
    "llm": "only the language model knew",
}


def learn(
    bot: Annotated[str | None, typer.Argument(help="A folder in flows/, or a path. Default: the only one.")] = None,
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="GROUP=MEANING", help="An intent, faq:KEY, oos (out of scope) or ignore."),
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--answer", metavar="KEY.LANG=TEXT", help="The answer of a new faq:KEY; KEY=TEXT for one language."
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="How far back to look.")] = 30,
    limit: Annotated[int, typer.Option(min=1, help="Groups that are shown.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, and no questions.")] = False,
    data: Annotated[Path | None, typer.Option(help="The data folder. Default: data/.")] = None,
) -> None:
    """Teach the bot what it did not understand.

    Messages that are alike are one group, the most frequent first; names, numbers and addresses in them are replaced. Say
    what a group means: its messages become examples in intents.yaml or questions in faq.yaml (your comments stay), a test
    in tests/ keeps it so, the model is trained anew, and you see which past messages are read differently now. What you
    decided is not asked again. The server may be running.

    Example:  wabox learn shop

    Example:  wabox learn shop --map 3fa41=track_order --map 90c2e=oos
    """
    import sys
    import time
    from dataclasses import replace

    from wabox.bots import learning_of
    from wabox.cli.looking import looking, settings_here
    from wabox.cli.progress import Bar
    from wabox.core.learning import DAY, MOST_LINES
    from wabox.flowfile.folder import find_bot

    settings = settings_here(data)
    decisions = _decisions(maps or [], answers or [])
    folder = find_bot(bot or settings.bot, settings.root).resolve()
    learning = learning_of(settings, folder)
    with looking(settings) as glance:
        lines = glance.heard(int(time.time() * 1000) - days * DAY, MOST_LINES)
    if decisions:
        with Bar() as bar:
            learnt = learning.decide(lines, decisions, bar)
        _tell(learnt, as_json=as_json)
        return
    lesson = learning.lesson(lines)
    if as_json:
        import msgspec

        shown = replace(lesson, groups=lesson.groups[:limit])
        typer.echo(msgspec.json.encode(shown).decode())
        return
    _summary(lesson, days)
    asks = sys.stdin.isatty() and sys.stdout.isatty()
    decided: list[Decision] = []
    for number, group in enumerate(lesson.groups[:limit], 1):
        _show(group, number, min(limit, len(lesson.groups)))
        if asks:
            answer = _ask(group, lesson)
            if answer is None:
                break
            decided += answer
    if not asks and lesson.groups:
        first = lesson.groups[0]
        meaning = first.suggestions[0] if first.suggestions else "oos"
        typer.echo(f"Say what a group means: wabox learn {lesson.bot} --map {first.id}={meaning}")
    if decided:
        with Bar() as bar:
            learnt = learning.decide(lines, decided, bar)
        _tell(learnt, as_json=False)


def _decisions(maps: list[str], answers: list[str]) -> list[Decision]:
    from wabox.core.learning import Decision

    texts: dict[str, dict[str, str]] = {}
    for written in answers:
        key, sign, text = written.partition("=")
        name, _, language = key.partition(".")
        if not sign or not text.strip():
            raise typer.BadParameter(f"{written!r} is not KEY.LANG=TEXT", param_hint="--answer")
        texts.setdefault(name, {})[language] = text
    found = []
    for written in maps:
        group, sign, to = written.partition("=")
        if not sign or not group or not to:
            raise typer.BadParameter(f"{written!r} is not GROUP=MEANING", param_hint="--map")
        found.append(
            Decision(group=group.strip(), to=to.strip(), answer=texts.pop(to.strip().removeprefix("faq:"), {}))
        )
    if texts:
        raise typer.BadParameter(f"there is no --map …=faq:{next(iter(texts))}", param_hint="--answer")
    return found


def _summary(lesson: Lesson, days: int) -> None:
    if not lesson.groups:
        typer.echo(f"Nothing to learn: of {lesson.messages} messages in {days} days none is left to decide about.")
        return
    left = sum(group.times for group in lesson.groups)
    _wrap(
        f"{lesson.bot}: of {lesson.messages} messages in {days} days {lesson.missed} were not understood when they came. "
        f"By now {lesson.since_then} would be, {lesson.decided} you decided about; {left} are left, in "
        f"{len(lesson.groups)} groups."
    )


def _show(group: Group, number: int, of: int) -> None:
    typer.echo("")
    times = "once" if group.times == 1 else f"{group.times} times"
    who = "one customer" if group.customers == 1 else f"{group.customers} customers"
    typer.echo(f"[{group.id}] {number} of {of}: {times}, {who}")
    for saying in group.sayings[:EXAMPLES]:
        _wrap(f"“{_short(saying.text)}”" + (f"  × {saying.times}" if saying.times > 1 else ""), "  ")
    if len(group.sayings) > EXAMPLES:
        typer.echo(f"  … and {len(group.sayings) - EXAMPLES} more ways")
    _wrap("languages: " + _counted(group.languages), "  ")
    _wrap("where: " + _counted(group.states), "  ")
    _wrap("then: " + ", ".join(f"{REASONS[name]} {count}×" for name, count in group.reasons.items()), "  ")
    if group.chosen:
        _wrap("chosen: " + _counted(group.chosen), "  ")
    if group.suggestions:
        _wrap("perhaps: " + ", ".join(group.suggestions), "  ")


def _ask(group: Group, lesson: Lesson) -> list[Decision] | None:
    """What the owner says: a decision, nothing for now (an empty list), or None: enough."""
    from wabox.core.learning import Decision
    from wabox.flowfile.findings import did_you_mean

    while True:
        said: str = typer.prompt(QUESTION, default="", show_default=False).strip()
        if said in ("q", "quit"):
            return None
        if not said:
            return []
        if said == "?":
            _wrap(", ".join(lesson.intents), "  ")
            continue
        name = "faq." + said.removeprefix("faq:") if said.startswith("faq:") else said
        if name.startswith("faq.") and name not in lesson.intents:
            answer = {language: typer.prompt(f"  the answer, {language}").strip() for language in lesson.languages}
            return [Decision(group=group.id, to=said, answer=answer)]
        if name in lesson.intents or said in ("oos", "ignore"):
            return [Decision(group=group.id, to=said)]
        typer.echo(f"  there is no intent {said!r}; {did_you_mean(said, lesson.intents, '? lists them')}")


def _tell(learnt: Learnt, *, as_json: bool) -> None:
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(learnt).decode())
        return
    typer.echo("")
    for intent, texts in learnt.added.items():
        _wrap(f"{intent}: {len(texts)} new example{'' if len(texts) == 1 else 's'}")
    for file in learnt.files:
        typer.echo(f"wrote {file}")
    if learnt.trained and learnt.accuracy is not None:
        was = f" (was {learnt.before:.1%})" if learnt.before is not None else ""
        typer.echo(f"trained: best guess right in {learnt.accuracy:.1%} of held-out examples{was}")
    elif learnt.trained:
        typer.echo("trained: too few examples to say how good it is")
    if learnt.reread:
        typer.echo(f"\nPast messages that are read differently now: {len(learnt.reread)}")
        for one in learnt.reread[:REREAD]:
            times = f"  × {one.times}" if one.times > 1 else ""
            _wrap(f"“{_short(one.text)}”{times}: {one.before or 'nothing'} → {one.after or 'nothing'}", "  ")
        if len(learnt.reread) > REREAD:
            typer.echo(f"  … and {len(learnt.reread) - REREAD} more (--json names them)")
    for note in learnt.notes:
        _wrap(note[:1].upper() + note[1:] + ".")


def _counted(counts: object) -> str:
    assert isinstance(counts, dict)  # noqa: S101 - a mapping of the lesson's
    return ", ".join(f"{name} {count}" for name, count in list(counts.items())[:6])


def _short(text: str) -> str:
    import textwrap

    return textwrap.shorten(text, 200, placeholder=" …")


def _wrap(text: str, indent: str = "") -> None:
    import textwrap

    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    typer.echo(textwrap.fill(plain, WIDTH, initial_indent=indent, subsequent_indent=indent + "  "))
