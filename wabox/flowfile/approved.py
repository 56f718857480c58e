"""What WhatsApp has of a bot's templates, said at the place in ``templates.yaml`` where it is otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from wabox.flowfile.findings import Finding
from wabox.flowfile.folder import shown
from wabox.flowfile.templates import Templates, read_templates

FILE = "templates.yaml"


class Difference(Protocol):
    @property
    def template(self) -> str: ...

    @property
    def language(self) -> str | None: ...

    @property
    def sentence(self) -> str: ...

    @property
    def fix(self) -> str: ...


def differences(folder: Path, compare: Callable[[Templates], Iterable[Difference]]) -> list[Finding]:
    """One warning for each, at the template or its language: the file alone cannot tell who is right."""
    path = folder / FILE
    file = read_templates(path, shown(path), lambda finding: None) if path.is_file() else None
    if file is None:
        return []
    found = []
    for one in compare(file.templates):
        mark = file.templates[one.template].mark
        node = file.document.root.get(one.template)
        if node is not None and one.language in node.keys:
            mark = node.keys[one.language]
        finding = file.document.source.finding(mark, "template-at-whatsapp", one.sentence, one.fix, severity="warning")
        found.append(finding)
    return found
