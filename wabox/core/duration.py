"""How long: ``10s``, ``30m``, ``24h``, ``2d``, ``1h30m``, ``500ms``, ISO 8601 (``PT10S``, ``P1DT2H``) or a whole number of ms.

Months and years have no fixed length and are refused; so is anything longer than ten years, which is always a mistake.
"""

from __future__ import annotations

import re

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
LONGEST = 3_653 * _UNITS["d"]

_SHORT = re.compile(r"(?:(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h|d|w)\s*)+", re.ASCII | re.IGNORECASE)
_PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h|d|w)", re.ASCII | re.IGNORECASE)
_NUMBER = r"\d+(?:[.,]\d+)?"
_ISO = re.compile(
    rf"P(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?=\d)(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?",
    re.ASCII | re.IGNORECASE,
)


def parse_duration(value: object) -> int:
    """The duration in ms; ValueError with a sentence for the author when it is none."""
    ms = _ms(value)
    if ms is None:
        raise ValueError(
            f"{value!r} is not a duration; write 10s, 30m, 24h, 2d, 1h30m, PT10S or a number of milliseconds"
        )
    if not 0 <= ms <= LONGEST:
        raise ValueError(f"{value!r} is out of range; a duration is between 0 and ten years")
    return ms


def _ms(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip()
    if len(text) > 40:
        return None
    if re.fullmatch(r"[0-9]+", text):
        return int(text)
    if _SHORT.fullmatch(text):
        return round(sum(float(number) * _UNITS[unit.lower()] for number, unit in _PART.findall(text)))
    iso = _ISO.fullmatch(text)
    if iso is None or not any(iso.groups()):
        return None
    return round(
        sum(
            float((number or "0").replace(",", ".")) * _UNITS[unit]
            for number, unit in zip(iso.groups(), "wdhms", strict=True)
        )
    )


def written(ms: int) -> str:
    """The duration as a person writes it: ``1h30m``, ``31m``, ``1.5s``; :func:`parse_duration` reads it back."""
    parts = []
    for unit in ("d", "h", "m"):
        count, ms = divmod(ms, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    if ms or not parts:
        parts.append(f"{ms / 1000:.3f}".rstrip("0").rstrip(".") + "s")
    return "".join(parts)
