"""``wabox learn``: what was not understood, in groups; and what becomes of it when the owner says what a group means.

A decision is written in this order, each step whole or not at all: examples into ``intents.yaml`` or ``faq.yaml``, a test, what
was decided, the model. Killed between two of them, nothing is half there: what was written counts, and ``wabox train`` makes
the model of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wabox.core.intent import OUT_OF_SCOPE
from wabox.core.learning import Decision, Heard, Learnt, Lesson, Missed, Reread, Saying, missed
from wabox.errors import FlowError, ModelError
from wabox.flowfile.additions import add_examples, add_question, swap
from wabox.flowfile.bot import Bot, BrokenBot
from wabox.flowfile.faq import PREFIX
from wabox.flowfile.findings import did_you_mean
from wabox.flowfile.folder import shown
from wabox.flowfile.intents import NAME
from wabox.flowfile.writing import scalar
from wabox.nlu.examples import trainable
from wabox.nlu.resolver import Resolver
from wabox.nlu.utterances import tokens, words_only
from wabox.services.grouping import Grouped, Reading, grouped, is_known, masked
from wabox.services.memory import Memory
from wabox.services.models import Models
from wabox.services.training import train_bot

IGNORE, FAQ = "ignore", "faq:"
MOST_EXAMPLES = 12
"""Of one group, in one language: more of the same teach little."""
LONGEST = 120
"""Characters of an example: a long message says several things."""
REREAD = 4_000
"""Different past messages that are read again."""
SHOWN = 200

Progress = Callable[[str, float], None]
Plays = Callable[[Bot, Path], str | None]
"""Plays a test of the bot: what goes wrong; None: nothing."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """A decision that can be carried out."""

    decision: Decision
    intent: str | None
    """None: nothing is written."""
    examples: Mapping[str, Sequence[str]]
    sayings: Sequence[Saying]
    question: bool
    """It is a new one for ``faq.yaml``."""


class Learning:
    """For one bot."""

    def __init__(
        self,
        *,
        load: Callable[[], Bot],
        model: Path,
        memory: Path,
        plays: Plays,
        now: Callable[[], str],
    ) -> None:
        """``load`` reads the bot's folder anew; ``model`` is where its model goes, ``memory`` the file of decisions; ``now``
        is ISO 8601."""
        self._load = load
        self._model = model
        self._memory = memory
        self._plays = plays
        self._now = now

    def lesson(self, lines: Sequence[Heard]) -> Lesson:
        """What there is to learn from these lines. Raises FlowError."""
        bot = self._load()
        return self._look(bot, self._reading(bot), lines)[0]

    def decide(
        self,
        lines: Sequence[Heard],
        decisions: Sequence[Decision],
        progress: Progress = lambda what, share: None,
    ) -> Learnt:
        """Carry out decisions about the groups of these lines. Raises FlowError, and then nothing was changed."""
        bot = self._load()
        before = self._reading(bot)
        groups = {one.group.id: one for one in self._look(bot, before, lines)[1]}
        notes: list[str] = []
        plans = [self._plan(bot, groups, decision, notes) for decision in decisions]
        past = self._past(bot, lines, before)
        files, tests = self._written(bot, plans), []
        after = self._load() if files else bot
        for plan in plans:
            test = self._tested(after, plan, notes)
            tests += [test] if test is not None else []
        memory = Memory(self._memory)
        for plan in plans:
            memory.keep((saying.text for saying in plan.sayings), plan.intent or IGNORE)
        trained, accuracy, old = self._trained(after, notes, progress) if files else (False, None, None)
        reread = self._reread(past, self._reading(after)) if files else ()
        if files:
            notes.append("what customers meet changes with the next wabox publish")
        added = {plan.intent: tuple(text for texts in plan.examples.values() for text in texts) for plan in plans}
        return Learnt(
            files=tuple(dict.fromkeys((*(shown(path) for path in files), *(shown(path) for path in tests)))),
            added={intent: texts for intent, texts in added.items() if intent is not None and texts},
            trained=trained,
            accuracy=accuracy,
            before=old,
            reread=reread,
            notes=tuple(notes),
        )

    # -- looking -----------------------------------------------------------------------------------------------------------

    def _reading(self, bot: Bot) -> Reading:
        models = Models(self._model, say=lambda sentence: None)
        return Reading(bot, Resolver(bot.intents, bot.languages, models.of(bot.intents)))

    def _look(self, bot: Bot, read: Reading, lines: Sequence[Heard]) -> tuple[Lesson, list[Grouped]]:
        found = missed(lines)
        texts = list(masked(bot, [one.heard for one in found]))
        memory = Memory(self._memory)
        known: dict[str, bool] = {}
        left: list[tuple[str, Missed]] = []
        decided = since_then = 0
        for text, one in zip(texts, found, strict=True):
            if not tokens(text):
                continue
            if text in memory:
                decided += 1
                continue
            if text not in known:
                known[text] = is_known(read(text))
            if known[text]:
                since_then += 1
            else:
                left.append((text, one))
        groups = grouped(bot, read, left)
        lesson = Lesson(
            bot=bot.name,
            groups=tuple(one.group for one in groups),
            messages=len(lines),
            missed=len(found),
            since_then=since_then,
            decided=decided,
            intents=_intents(bot),
            languages=bot.languages,
        )
        return lesson, groups

    def _past(self, bot: Bot, lines: Sequence[Heard], read: Reading) -> list[tuple[str, int, str | None]]:
        """Past messages, the most frequent first: text, how often, and how it is read now."""
        written = [line for line in lines if line.text.strip() and line.tapped is None]
        counts = Counter(masked(bot, written))
        return [(text, times, read(text).intent) for text, times in counts.most_common(REREAD)]

    def _reread(self, past: Sequence[tuple[str, int, str | None]], read: Reading) -> tuple[Reread, ...]:
        changed = [
            Reread(text=text, times=times, before=before, after=after)
            for text, times, before in past
            if (after := read(text).intent) != before
        ]
        return tuple(changed[:SHOWN])

    # -- deciding ----------------------------------------------------------------------------------------------------------

    def _plan(self, bot: Bot, groups: Mapping[str, Grouped], decision: Decision, notes: list[str]) -> _Plan:
        group = groups.get(decision.group)
        if group is None:
            raise FlowError(f"there is no group {decision.group!r} (any more); wabox learn shows those that there are")
        if decision.to == IGNORE:
            return _Plan(decision, None, {}, group.sayings, False)
        # An answer without a language is in the bot's own.
        answer = {language or bot.default_language: text for language, text in decision.answer.items()}
        decision = replace(decision, answer=answer)
        intent = PREFIX + decision.to.removeprefix(FAQ) if decision.to.startswith(FAQ) else decision.to
        known = _intents(bot)
        question = intent.startswith(PREFIX) and intent not in known
        if question:
            self._check_question(bot, intent.removeprefix(PREFIX), decision.answer)
        elif intent not in (*known, OUT_OF_SCOPE):
            fix = did_you_mean(intent, known, "a new intent needs its place in the flow first; or write faq:KEY")
            raise FlowError(f"{bot.name} has no intent {intent!r}; {fix}")
        examples = _examples(bot, intent, group.sayings, notes)
        if question and not any(examples.values()):
            raise FlowError(f"no message of the group {decision.group} is short enough to be a question")
        return _Plan(decision, intent, examples, group.sayings, question)

    def _check_question(self, bot: Bot, key: str, answer: Mapping[str, str]) -> None:
        if not NAME.match(key) or "." in key or key != key.lower():
            raise FlowError(f"{key!r} cannot be the key of a question; use lower-case letters, digits and _")
        lacking = [language for language in bot.languages if not answer.get(language, "").strip()]
        if lacking:
            raise FlowError(
                f"faq:{key} is new, so it needs an answer in {', '.join(bot.languages)}; missing: {', '.join(lacking)}"
            )

    def _written(self, bot: Bot, plans: Sequence[_Plan]) -> list[Path]:
        """The bot's files that were changed. Raises FlowError, and then they are as they were."""
        old = {path: path.read_bytes() for path in bot.folder.glob("*") if path.stem in ("intents", "faq")}
        files: list[Path] = []
        try:
            for plan in plans:
                if plan.intent is None or not any(plan.examples.values()):
                    continue
                if plan.question:
                    key = plan.intent.removeprefix(PREFIX)
                    files.append(add_question(bot.folder, key, plan.examples, plan.decision.answer, bot.languages))
                else:
                    files.append(add_examples(bot.folder, plan.intent, plan.examples, bot.languages))
            if files:
                self._load()
        except (FlowError, BrokenBot):
            for path in set(files):
                if path in old:
                    swap(path.resolve(), old[path])
                else:
                    path.unlink(missing_ok=True)
            raise
        return files

    def _tested(self, bot: Bot, plan: _Plan, notes: list[str]) -> Path | None:
        """The regression test of a decision, if it can be one."""
        texts = [(language, text) for language, texts in plan.examples.items() for text in texts]
        if plan.intent is None or not texts:
            return None
        name = "".join(sign if sign.isalnum() else "_" for sign in plan.intent)
        path = bot.folder / "tests" / f"learned_{name}_{plan.decision.group}.yaml"
        wanted = None if plan.intent == OUT_OF_SCOPE else plan.intent
        trouble: str | None = None
        for tried in (texts, texts[:1]):
            path.parent.mkdir(exist_ok=True)
            swap(path, _test(bot, tried, wanted, self._now()).encode())
            trouble = self._plays(bot, path)
            if trouble is None:
                return path
        path.unlink()
        notes.append(f"no test was written for {plan.intent}: {trouble}")
        return None

    def _trained(self, bot: Bot, notes: list[str], progress: Progress) -> tuple[bool, float | None, float | None]:
        """Whether there is a new model, how good it is, and how good the old one was; None: nobody knows."""
        if len(trainable(bot.intents)) < 2:
            notes.append("no model was trained: a classifier needs examples of two intents or more")
            return False, None, None
        try:
            made = train_bot(bot, self._model, trained_at=self._now(), progress=progress)
        except ModelError as error:
            notes.append(str(error))
            return False, None, None
        scores, old = made.card.scores, made.before.scores if made.before is not None else None
        return True, scores.accuracy if scores is not None else None, old.accuracy if old is not None else None


def _intents(bot: Bot) -> tuple[str, ...]:
    """What a group may be mapped to."""
    return tuple(intent.name for intent in bot.intents if intent.name != OUT_OF_SCOPE)


def _examples(bot: Bot, intent: str, sayings: Sequence[Saying], notes: list[str]) -> dict[str, tuple[str, ...]]:
    """Those to be added, by language."""
    owners: dict[tuple[str, ...], str] = {}
    for one in bot.intents:
        for words in one.words.values():
            owners |= {words_only(tokens(text)): one.name for text in words.examples}
    found: dict[str, list[str]] = defaultdict(list)
    for saying in sayings:
        form = words_only(tokens(saying.text))
        text = " ".join(saying.text.split())
        if form in owners:
            if owners[form] != intent:
                notes.append(f"“{text}” is an example of {owners[form]} already")
            continue
        language = saying.language if saying.language in bot.languages else bot.default_language
        if len(text) <= LONGEST and len(found[language]) < MOST_EXAMPLES:
            owners[form] = intent
            found[language].append(text)
    return {language: tuple(texts) for language, texts in found.items() if texts}


def _test(bot: Bot, texts: Sequence[tuple[str, str]], intent: str | None, now: str) -> str:
    lines = [
        f"# Customers wrote this and were not understood. What it means was decided with wabox learn, {now[:10]}.",
        *([f"language: {texts[0][0]}"] if len(bot.languages) > 1 else []),
        "steps:",
    ]
    for _, text in texts:
        lines += [f"  - user: {scalar(text)}", f"    intent: {intent or 'null'}"]
    return "\n".join(lines) + "\n"
