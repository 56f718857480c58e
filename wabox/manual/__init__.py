"""The manual: one Markdown page a topic. ``wabox help`` shows it, and the links in the README lead to it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

TOPICS = (
    "flows",
    "understanding",
    "testing",
    "fake",
    "publishing",
    "whatsapp",
    "handoff",
    "sending",
    "privacy",
    "console",
    "accounts",
    "security",
    "operating",
    "backups",
    "upgrading",
    "cluster",
    "settings",
    "commands",
    "errors",
)
"""In the order in which a newcomer needs them."""


def page(topic: str) -> str | None:
    """The page, as Markdown; None when there is none of that name."""
    if topic not in TOPICS:
        return None
    return files(__name__).joinpath(f"{topic}.md").read_text(encoding="utf-8")


def pages() -> Mapping[str, str]:
    """Every topic and its title."""
    return {topic: (page(topic) or "").partition("\n")[0].removeprefix("# ") for topic in TOPICS}
