"""The dashboard and the alert rules speak of numbers and labels that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from wabox.core.figure import FIGURES

FOLDER = Path(__file__).parents[2] / "packaging" / "monitoring"
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
NAMES = {figure.full + suffix: figure for figure in FIGURES.values() for suffix in SUFFIXES[figure.kind]}


def expressions() -> Iterator[str]:
    dashboard = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))
    yield from (rule["expr"] for group in rules["groups"] for rule in group["rules"])


def test_every_number_exists() -> None:
    found = [name for expr in expressions() for name in re.findall(r"\b(?:wabox|process)_[a-z_]+", expr)]
    assert len(found) > 30
    assert [name for name in found if name not in NAMES] == []


def test_every_label_exists() -> None:
    """In selections and in groups; le and job are Prometheus' own."""
    for expr in expressions():
        names = re.findall(r"\b(?:wabox|process)_[a-z_]+", expr)
        known = {label for name in names for label in NAMES[name].labels} | {"le", "job"}
        groups = re.findall(r"by \(([a-z_, ]+)\)", expr)
        used = {label.strip() for group in groups for label in group.split(",")}
        used |= set(re.findall(r"[{,] ?([a-z_]+)=", expr))
        assert used <= known, expr


def test_alerts_say_what_they_mean() -> None:
    [group] = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"]["summary"].endswith((".", "?"))
