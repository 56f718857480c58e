"""Do the names in a bot's files mean anything: events, intents, keys of texts? And is everything there used?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from wabox.core.consent import WISHES
from wabox.core.intent import OUT_OF_SCOPE
from wabox.core.passage import DOCUMENT
from wabox.engine.chart import Chart
from wabox.engine.event import AFTER, DONE, matches
from wabox.engine.problem import Path
from wabox.engine.said import Said, said_in
from wabox.engine.state import BoundAction, State
from wabox.engine.text import around, formats, placeholders
from wabox.flowfile import texts as texts_file
from wabox.flowfile.actions import FILE as ACTIONS
from wabox.flowfile.document import Mark, Source
from wabox.flowfile.draft import Draft
from wabox.flowfile.findings import did_you_mean
from wabox.flowfile.formats import FORMATS
from wabox.flowfile.messages import parts, place_of
from wabox.flowfile.words import listed, quoted

EVENTS = (
    *(
        "fallback",
        "timeout.soft",
        "timeout.hard",
        "resumed",
        "reentered",
        "collected",
        "corrected",
        "invalid",
        "clarify",
        "cannot_handle",
        DOCUMENT,
        "hold",
        "angry",
    ),
    *("handoff.claimed", "handoff.closed", "handoff.text", "handoff.expired", "handoff.follow_up"),
    *("delivery.failed", "window.closing", "error.execution"),
    "migration.failed",
    *("message.text", "message.image", "message.audio", "message.voice", "message.video", "message.document"),
    *("message.sticker", "message.location", "message.contacts", "message.order", "message.form", "message.reaction"),
    *(
        "message.edited",
        "message.deleted",
        "message.referral",
        "message.unsupported",
        "message.system",
        "message.unknown",
    ),
)
"""Events that wabox itself makes."""

_OPEN = ("message.", "done.invoke.", "error.", "handoff.")
"""Families whose members are not all known beforehand."""

_BUILT_IN_NEEDED = ("affirm", "deny", "human")

ANSWERED = frozenset(
    [
        "en",
        "es",
        "pt",
        "ar",
        "hi",
        "id",
        "fr",
        "de",
        "tr",
        "ur",
        "bn",
        "sw",
        "it",
        "ru",
        "zh",
        "vi",
        "th",
        "tl",
        "ms",
        "ta",
        "te",
        "mr",
        "gu",
    ]
)
"""Languages in which wabox knows yes and no by itself (wabox/nlu/phrases/yes_no.txt)."""

_WORDS = re.compile(r"[^\W\d_]{2,}")


def check_names(draft: Draft) -> None:
    """Add a finding for every name that means nothing, and for what nobody uses."""
    known = _known_events(draft)
    used: set[str] = set()
    keys: set[str] = set()
    for chart in draft.readable.values():
        for state in chart.states.values():
            if chart.id in draft.documents:  # what wabox adds is not the author's
                used |= _check_events(draft, chart, state, known)
            _check_tasks(draft, chart, state)
            for said in said_in(state) if chart.id in draft.documents else ():
                keys |= _check_references(draft, chart, said)
            keys |= _check_doing(draft, chart, state)
    _check_translations(draft)
    if draft.documents and all(name in draft.charts for name in draft.documents):
        _check_use(draft, used, keys)


def _known_events(draft: Draft) -> set[str]:
    known = {intent.name for intent in draft.intents} | set(EVENTS)
    # Whoever sends the template, its quick replies come to the flow.
    known.update(reply.event for one in draft.templates.values() for reply in one.replies(draft.texts.default))
    for chart in draft.readable.values():
        for state in chart.states.values():
            known.update(action.raises for action in _actions(state) if action.raises)
            known.update(option.event for said in said_in(state) for option in said.template.options)
    return known


def _actions(state: State) -> Iterator[BoundAction]:
    yield from (*state.entry, *state.exit)
    for transition in (*state.transitions, *state.always):
        yield from transition.actions


# -- events ---------------------------------------------------------------------------------------------------------------


def _check_events(draft: Draft, chart: Chart, state: State, known: set[str]) -> set[str]:
    """The events that the state listens to."""
    used: set[str] = set()
    for transition in state.transitions:
        for event in transition.events if transition.kind == "on" else ():
            used.add(event)
            if not _can_come(event, chart, known):
                on = (*state.path, "on")
                written = transition.path[len(on)] if len(transition.path) > len(on) else event
                sentence = f"nothing is called {quoted(event)}: no intent, button, row or raised event"
                fix = did_you_mean(
                    event, known, f"write {event}: with its words in intents.yaml, or offer it as a button"
                )
                draft.at(chart.id, (*on, written), "unknown-event", sentence, fix, key=True)
    for place, intent in enumerate(state.expect):
        used.add(intent)
        if intent not in known:
            fix = did_you_mean(intent, known, f"write {intent}: with its words in intents.yaml")
            steps = (
                (*state.path, "expect", place)
                if isinstance(state.definition.get("expect"), list)
                else (*state.path, "expect")
            )
            draft.at(chart.id, steps, "unknown-intent", f"there is no intent {quoted(intent)}", fix)
    for intent in state.detours:
        used.add(intent)
        if intent not in known:
            fix = did_you_mean(intent, known, f"write {intent}: with its words in intents.yaml")
            steps = (*state.path, "detours", intent)
            draft.at(chart.id, steps, "unknown-intent", f"there is no intent {quoted(intent)}", fix, key=True)
    return used


def _check_tasks(draft: Draft, chart: Chart, state: State) -> None:
    """Whether what the state invokes exists; nothing is known of an ``actions.py`` that cannot be loaded."""
    functions = draft.registered
    if functions is None:
        return
    for spec in state.invokes:
        if spec.action is None or spec.action in functions.tasks:
            continue
        key = "action" if "action" in _written(chart, spec.path) else "src"
        fix = did_you_mean(spec.action, functions.tasks, f"write it into {ACTIONS}: @task, def {spec.action}(given)")
        if spec.action in functions.actions:
            fix = "mark it with @task instead of @action: what is invoked runs outside the step"
        sentence = f"there is no task {quoted(spec.action)} in {ACTIONS}"
        draft.at(chart.id, (*spec.path, key), "unknown-task", sentence, fix)


def _written(chart: Chart, path: Path) -> Mapping[str, Any]:
    found: Any = chart.root.definition
    for step in path:
        found = found[step]
    return found if isinstance(found, Mapping) else {}


def _can_come(event: str, chart: Chart, known: set[str]) -> bool:
    if event in known or event == "*" or event.startswith((*_OPEN, AFTER)):
        return True
    if event.startswith(DONE):
        return event.removeprefix(DONE) in chart.states
    return event.endswith(".*") and any(matches(event, name) for name in (*known, "done.state"))


# -- texts ----------------------------------------------------------------------------------------------------------------


def _check_references(draft: Draft, chart: Chart, said: Said) -> set[str]:
    """The keys that a message names."""
    texts = draft.texts
    found: set[str] = set()
    for part in parts(said.template):
        reference = part.reference
        if part.role == "data" or (part.role == "link" and reference not in texts.keys):
            continue  # "kitten.png" looks like a key and is none
        if texts.is_key(reference):
            found.add(reference)
            if reference not in texts.keys:
                own = sorted(set().union(*texts.by_language.values()))
                file = f"texts.{texts.default}"
                fix = did_you_mean(
                    reference, own, f"write it in {file}.yaml; words that are no key need a capital or a blank"
                )
                sentence = f"there is no text {quoted(reference)}"
                mark = place_of(draft, chart, said, part)
                draft.findings.append(draft.source(chart.id).finding(mark, "unknown-text", sentence, fix))
        elif texts.keyed and len(texts.languages) > 1 and _has_words(reference):
            others = listed([name for name in texts.languages if name != texts.default])
            sentence = f"these words are the same in every language, also for customers who write {others}"
            mark = place_of(draft, chart, said, part)
            fix = "put them into texts.*.yaml and write their key here"
            draft.findings.append(
                draft.source(chart.id).finding(mark, "untranslated", sentence, fix, severity="warning")
            )
    return found


def _check_doing(draft: Draft, chart: Chart, state: State) -> set[str]:
    """``meta: {doing: …}``: what the customer was doing, in words or as a key."""
    doing = state.meta.get("doing")
    if not isinstance(doing, str) or not draft.texts.is_key(doing):
        return set()
    if doing not in draft.texts.keys:
        sentence = f"there is no text {quoted(doing)}"
        fix = f"write it in texts.{draft.texts.default}.yaml; words that are no key need a capital or a blank"
        draft.at(chart.id, (*state.path, "meta", "doing"), "unknown-text", sentence, fix)
    return {doing}


def _has_words(text: str) -> bool:
    return _WORDS.search(around(text)) is not None


def _check_translations(draft: Draft) -> None:
    files = draft.text_files
    ours = texts_file.built_in("en")
    told: set[str] = set()
    for file in files.values():
        source = file.document.source
        for key, mark in file.marks.items():
            for form in formats(file.texts[key]):
                if form not in FORMATS:
                    sentence = f"there is no format {quoted(form)}"
                    fix = did_you_mean(form, FORMATS, f"write one of {', '.join(FORMATS)}")
                    draft.findings.append(source.finding(mark, "unknown-format", sentence, fix))
            if key.startswith(texts_file.OWN):
                if key not in ours:
                    sentence = f"wabox has no text {quoted(key)}"
                    draft.findings.append(source.finding(mark, "unknown-text", sentence, did_you_mean(key, ours)))
                continue
            missing = [other for other in files if key not in files[other].texts]
            if missing and key not in told:
                told.add(key)
                sentence = (
                    f"{quoted(key)} is missing in {listed([files[other].document.source.shown for other in missing])}"
                )
                draft.findings.append(source.finding(mark, "text-missing", sentence, "add it there"))
            first = files[draft.texts.default].texts.get(key) if draft.texts.default in files else None
            if first is not None and set(placeholders(first)) != set(placeholders(file.texts[key])):
                _check_placeholders(draft, source, mark, first, file.texts[key])
    for language in files:
        # pt-BR is told wabox's own texts in pt
        known = {**texts_file.built_in(texts_file.short(language)), **texts_file.built_in(language)}
        lacking = [key for key in ours if key not in files[language].texts and key not in known]
        if lacking:
            source = files[language].document.source
            sentence = f"{len(lacking)} of wabox's own texts do not exist in {quoted(language)}"
            fix = f"write them here: {', '.join(lacking)}"
            draft.findings.append(source.finding(Mark(1, 1), "own-texts", sentence, fix, severity="warning"))


def _check_placeholders(draft: Draft, source: Source, mark: Mark, first: str, second: str) -> None:
    here, there = set(placeholders(second)), set(placeholders(first))
    lacks = listed(["{" + name + "}" for name in sorted(there - here)])
    extra = listed(["{" + name + "}" for name in sorted(here - there)])
    sentence = (
        " and ".join([*([f"this leaves out {lacks}"] if lacks else []), *([f"this has {extra}"] if extra else [])])
        + f", unlike the text in {draft.texts.default}"
    )
    fix = "use the same placeholders in every language"
    draft.findings.append(source.finding(mark, "placeholders", sentence, fix, severity="warning"))


# -- what nobody uses -----------------------------------------------------------------------------------------------------


def _check_use(draft: Draft, used: set[str], keys: set[str]) -> None:
    mistyped = any(finding.code == "unknown-text" for finding in draft.findings)
    for file in draft.text_files.values() if not mistyped else ():
        for key, mark in file.marks.items():
            first = next(other for other in draft.text_files.values() if key in other.marks)
            if key not in keys and not key.startswith(texts_file.OWN) and first is file:
                source = file.document.source
                sentence = f"no flow says {quoted(key)}"
                fix = "take it out in every language"
                draft.findings.append(source.finding(mark, "unused-text", sentence, fix, severity="warning"))
    wanted = {event for event in used if event not in ("*", "message.*")}
    own = draft.intent_file
    for name in own.intents if own is not None else ():
        if name not in (*WISHES, OUT_OF_SCOPE) and not any(matches(descriptor, name) for descriptor in wanted):
            assert own is not None  # noqa: S101 - for the type checker
            sentence = f"no flow uses the intent {quoted(name)}"
            fix = "add it to an on: or detours:, or take it out"
            source = own.document.source
            draft.findings.append(source.finding(own.marks[name], "unused-intent", sentence, fix, severity="warning"))
    _check_own_intents(draft, wanted)


def _check_own_intents(draft: Draft, wanted: set[str]) -> None:
    """Whether yes, no and "a person" can be said in every language in which it matters."""
    main = draft.documents.get(draft.main)
    by_name = {intent.name: intent for intent in draft.intents}
    for language in draft.texts.languages if main is not None else ():
        spoken = language.replace("_", "-").partition("-")[0].lower() in ANSWERED
        silent = [
            name
            for name in _BUILT_IN_NEEDED
            if name in wanted and language not in by_name[name].words and (name == "human" or not spoken)
        ]
        if silent and main is not None:
            sentence = f"customers who write {language} cannot say {listed(silent)}: wabox does not know the words"
            fix = f"add {silent[0]}: {{{language}: {{examples: [...]}}}} to intents.yaml"
            draft.findings.append(main.source.finding(Mark(1, 1), "no-words", sentence, fix, severity="warning"))
