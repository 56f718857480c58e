"""Is everything in a bot's files used, and used so that it works: functions, templates, intents that are too much alike?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wabox.core.intent import Words
from wabox.core.kind import TemplateUse, variables
from wabox.engine.chart import Chart
from wabox.engine.event import matches
from wabox.engine.problem import Path
from wabox.engine.said import said_in
from wabox.engine.state import State
from wabox.flowfile.actions import FILE as ACTIONS
from wabox.flowfile.actions import place_of_function
from wabox.flowfile.document import Mark, Source
from wabox.flowfile.draft import Draft
from wabox.flowfile.findings import did_you_mean
from wabox.flowfile.folder import shown
from wabox.flowfile.templates import Template
from wabox.flowfile.words import listed, quoted

_WORD = re.compile(r"\w+")
ALIKE = 0.8
"""Two examples with so much of their words in common are too close."""


def check_usage(draft: Draft) -> None:
    """Add a finding for each."""
    whole = bool(draft.documents) and all(name in draft.charts for name in draft.documents)
    states = [(chart, state) for chart in draft.readable.values() for state in chart.states.values()]
    _check_templates(draft, states, whole)
    _check_alike(draft, states)
    if whole:
        _check_functions(draft, states)
        _check_unheard(draft, states)


# -- functions ------------------------------------------------------------------------------------------------------------


def _check_functions(draft: Draft, states: list[tuple[Chart, State]]) -> None:
    known = draft.registered
    if known is None:
        return
    path = draft.folder / ACTIONS
    used: set[str] = set()
    for _, state in states:
        transitions = (*state.transitions, *state.always)
        used.update(name for one in transitions if one.guard is not None for name in one.guard.names)
        actions = [*state.entry, *state.exit, *(state.initial.actions if state.initial else ())]
        actions += [action for one in transitions for action in one.actions]
        used.update(action.label for action in actions)
        used.update(spec.action for spec in state.invokes if spec.action)
    for what, functions in (("guard", known.guards), ("action", known.actions), ("task", known.tasks)):
        for name, function in functions.items():
            if name not in used:
                line, text = place_of_function(function)
                source = Source(path, shown(path), ("",) * (line - 1) + (text,))
                sentence = f"no flow uses the {what} {quoted(name)}"
                mark = Mark(line, 1, max(1, len(text)))
                draft.findings.append(
                    source.finding(mark, "unused-function", sentence, "use it, or take it out", severity="warning")
                )


# -- templates ------------------------------------------------------------------------------------------------------------


def _check_templates(draft: Draft, states: list[tuple[Chart, State]], whole: bool) -> None:
    used: set[str] = set()
    for chart, state in states:
        for said in said_in(state):
            for key, use in (("template", said.template.kind), ("outside", said.template.outside)):
                if isinstance(use, TemplateUse) and use.name in draft.templates:
                    used.add(use.name)
                    _check_use(draft, chart, (*said.path, key), use, draft.templates[use.name])
    file = draft.template_file
    for name, template in file.templates.items() if file is not None and whole else ():
        if name not in used and file is not None:
            sentence, fix = f"no flow sends the template {quoted(name)}", "send it, or take it out"
            draft.findings.append(
                file.document.source.finding(template.mark, "unused-template", sentence, fix, severity="warning")
            )


def _check_use(draft: Draft, chart: Chart, path: Path, use: TemplateUse, template: Template) -> None:
    """Whether the message fills what the template leaves open, in every language."""
    languages = [use.language] if use.language else list(draft.texts.languages)
    for language in languages:
        if not template.speaks(language):
            sentence = f"the template {quoted(use.name)} does not exist in {quoted(language)}"
            fix = f"add {language}: to it, once WhatsApp has approved it; or always send one with language:"
            draft.at(chart.id, path, "text-missing", sentence, fix)
    texts = [template.text(language) for language in languages]
    wanted = {name for text in texts for name in text.variables}
    lacking = sorted(wanted - use.values.keys())
    if lacking:
        sentence = f"the template {quoted(use.name)} needs {listed(['{{' + name + '}}' for name in lacking])}"
        draft.at(chart.id, path, "template-values", sentence, f"add values: {{{lacking[0]}: …}}")
    for name in use.values.keys() - wanted:
        fix = did_you_mean(name, wanted, "take it out")
        sentence = f"the template {quoted(use.name)} has no {'{{' + name + '}}'}"
        draft.at(chart.id, (*path, "values", name), "template-values", sentence, fix, key=True)
    for text in texts:
        open_header = text.header_type == "text" and text.header and variables(text.header)
        if open_header and use.header is None:
            sentence = f"the header of the template {quoted(use.name)} needs a value"
            draft.at(chart.id, path, "template-values", sentence, "add header: to the message")
        for button in text.buttons:
            needs = button.type == "copy_code" or (button.type == "url" and variables(button.value))
            if needs and button.key not in use.buttons:
                sentence = f"the button {quoted(button.key)} of the template {quoted(use.name)} needs a value"
                draft.at(chart.id, path, "template-values", sentence, f"add buttons: {{{button.key}: …}}")


# -- intents --------------------------------------------------------------------------------------------------------------


def _check_alike(draft: Draft, states: list[tuple[Chart, State]]) -> None:
    """Two intents with (nearly) the same example, or the same keyword: where both are heard, which one is meant is luck."""
    own = draft.intent_file
    if own is None:
        return
    seen: dict[tuple[str, str, frozenset[str]], str] = {}
    lists: list[tuple[str, str, frozenset[str], str]] = []
    told: set[tuple[str, str]] = set()
    for name, by_language in own.intents.items():
        for language, words in by_language.items():
            for kind, text in _said(words):
                found = frozenset(_WORD.findall(text.casefold()))
                other = seen.setdefault((language, kind, found), name)
                if other == name and kind == "example" and len(found) > 3:
                    other = next((one for lang, one, tokens in _near(lists, language) if _alike(found, tokens)), name)
                    lists.append((language, name, found, text))
                if found and other != name and (name, other) not in told and _meet(states, name, other):
                    told.add((name, other))
                    sentence = f"{quoted(text)} is nearly the same in the intents {quoted(other)} and {quoted(name)}"
                    fix = "keep it in one of them, or make one intent of the two"
                    source = own.document.source
                    draft.findings.append(
                        source.finding(own.marks[name], "close-intents", sentence, fix, severity="warning")
                    )


def _near(
    lists: list[tuple[str, str, frozenset[str], str]], language: str
) -> Iterator[tuple[str, str, frozenset[str]]]:
    yield from ((one, name, tokens) for one, name, tokens, _ in lists if one == language)


def _meet(states: list[tuple[Chart, State]], one: str, other: str) -> bool:
    """Whether some leaf hears both, itself or further out."""

    def hears(state: State, name: str) -> bool:
        words = (word for transition in state.transitions for word in transition.events if word != "*")
        return name in state.detours or any(matches(word, name) for word in words)

    heard = {name: {id(state) for _, state in states if hears(state, name)} for name in (one, other)}
    return any(
        all(any(id(around) in heard[name] for around in (state, *state.ancestors)) for name in (one, other))
        for _, state in states
        if state.is_leaf
    )


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= ALIKE * len(one | other)


def _said(words: Words) -> Iterator[tuple[str, str]]:
    yield from (("example", text) for text in words.examples)
    yield from (("keyword", text) for text in words.keywords)


def _check_unheard(draft: Draft, states: list[tuple[Chart, State]]) -> None:
    """Intents that customers may have anywhere, and that the flow hears only here and there.

    An option, or what some state expects, belongs to its place; and what the root hears is heard everywhere.
    """
    own = draft.intent_file
    if own is None:
        return
    placed = {intent for _, state in states for intent in state.expect}
    placed |= {option.event for _, state in states for said in said_in(state) for option in said.template.options}
    heard: dict[str, list[str]] = {}
    roots: set[str] = set()
    for chart, state in states:
        words = {word for one in state.transitions if one.kind == "on" for word in one.events if word != "*"}
        families = [word for word in words if word.endswith(".*")]
        for name in own.intents:
            if name in words or name in state.detours or any(matches(word, name) for word in families):
                heard.setdefault(name, []).append(state.id or chart.id)
                if state.parent is None and chart.id == draft.main:
                    roots.add(name)
    for name, where in heard.items():
        if name not in placed and name not in roots:
            sentence = f"customers may mean {quoted(name)} anywhere, and only {listed(where[:3])} listens to it"
            fix = f"add {name}: to the on: of the root too, or list it in expect: where it belongs"
            source = own.document.source
            draft.findings.append(
                source.finding(own.marks[name], "unhandled-intent", sentence, fix, severity="warning")
            )
