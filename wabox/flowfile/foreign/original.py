"""A file with a chart of whatever make, read and rewritten as a definition of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wabox.flowfile.document import START, Document, Mark, Source, Steps
from wabox.flowfile.findings import Finding
from wabox.flowfile.folder import shown
from wabox.flowfile.foreign.note import Brought
from wabox.flowfile.foreign.scxml import from_scxml, is_scxml
from wabox.flowfile.foreign.xml import read_xml
from wabox.flowfile.foreign.xstate import canonical
from wabox.flowfile.reader import SIZE, Add, read


@dataclass(frozen=True, slots=True)
class Original:
    source: Source
    brought: Brought
    document: Document | None
    """Of YAML and JSON: where everything stands."""

    def mark(self, steps: Steps, *, key: bool = False) -> Mark:
        """The place in the file; of SCXML only its beginning is known."""
        return START if self.document is None or not steps else self.document.mark(steps, key=key)


def read_original(path: Path, add: Add, *, exact: bool = False) -> Original | None:
    """The chart; every problem goes to ``add``. None when there is none.

    ``exact``: to be played as it is, not to be read by people: events of SCXML are all families (:func:`from_scxml`), and those
    of XState's keep their order.
    """
    return _scxml(path, add, exact) if is_scxml(path) else _tree(path, add, exact)


def _tree(path: Path, add: Add, exact: bool) -> Original | None:
    document = read(path, shown(path), add)
    if document is None:
        return None
    definition = document.root.plain()
    if not isinstance(definition, Mapping):
        add(
            document.source.finding(
                document.root.mark, "bad-value", "this is no chart", "write states: and their names"
            )
        )
        return None
    brought = canonical(definition, exact_first=not exact)
    return Original(document.source, brought, document)


def _scxml(path: Path, add: Add, exact: bool) -> Original | None:
    source = Source(path, shown(path))
    try:
        with path.open("rb") as file:
            raw = file.read(SIZE + 1)
    except OSError as error:
        fix = "check the name and the permissions of the file"
        add(source.finding(START, "unreadable", f"cannot be read: {error.strerror or error}", fix))
        return None
    source = Source(path, shown(path), tuple(raw[:SIZE].decode("utf-8", "replace").splitlines()))
    root = read_xml(raw, source)
    if isinstance(root, Finding):
        add(root)
        return None
    if root.name != "scxml":
        add(source.finding(root.mark, "bad-value", f"<{root.name}> is no statechart", "the first element is <scxml>"))
        return None
    return Original(source, from_scxml(root, exact=exact), None)
