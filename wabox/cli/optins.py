"""Opt-ins from a CSV file."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

from wabox.errors import WaboxError
from wabox.services.people import OptIn

WHO = ("who", "phone", "number", "user_id", "wa_id")
WHEN = ("when", "date", "at")
WORDS = ("words", "text", "source")


def read(file: Path, words: str) -> list[OptIn]:
    """The lines of it; ``words`` where it does not say to what people agreed. Raises WaboxError."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            sample = lines.read(4096)
            lines.seek(0)
            delimiter = max(",;\t", key=sample.partition("\n")[0].count)
            rows = list(csv.reader(lines, delimiter=delimiter))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WaboxError(f"{file} cannot be read: {error}. It must be CSV in UTF-8") from error
    names = [name.strip().lower() for name in rows[0]] if rows else []
    who, when, told = (next((names.index(one) for one in of if one in names), None) for of in (WHO, WHEN, WORDS))
    if who is None:
        raise WaboxError(f"{file}: the first line must name the columns, one of them {' or '.join(WHO)}")
    found = []
    for number, row in enumerate(rows[1:], 2):
        if not any(part.strip() for part in row):
            continue
        cells = [*row, *[""] * (len(names) - len(row))]
        found.append(
            OptIn(
                who=cells[who].strip(),
                at=_moment(file, number, cells[when].strip() if when is not None else ""),
                words=(cells[told].strip() if told is not None else "") or words,
            )
        )
    return found


def _moment(file: Path, line: int, written: str) -> int:
    if not written:
        return round(datetime.now(UTC).timestamp() * 1000)
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise WaboxError(f"{file}:{line}: {written!r} is no date; write it as 2026-11-22 or 2026-11-22T10:30") from None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
