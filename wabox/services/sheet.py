"""The file that a broadcast is made from: rows with a header, as spreadsheets write them.

Lines are counted as an editor does, the header is 1. Comma, semicolon and tab are understood; a cell may be quoted and have
line breaks. Nothing is guessed beyond that: what a column is for is its name, or what the caller says.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wabox.errors import WaboxError

ADDRESSES = ("phone", "to", "number", "wa_id", "whatsapp", "mobile", "telephone", "user_id")
"""Names of columns with phone numbers or user ids, the first that there is."""
LANGUAGE = "language"
MOST = 200_000
"""Rows."""
LARGEST = 64 * 1024 * 1024
"""Bytes."""


class BadSheet(WaboxError):
    """The file cannot be read as rows; the message says where and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    columns: Sequence[str]
    rows: Sequence[tuple[int, Mapping[str, str]]]
    """Line and cells by column; empty rows are left out."""
    short: Sequence[int] = ()
    """Lines with more or fewer cells than the header."""

    def address(self, wanted: str | None) -> str:
        """The column of phone numbers or user ids. Raises BadSheet."""
        if wanted is not None:
            return self.column(wanted)
        lower = {name.lower(): name for name in reversed(self.columns)}
        found = next((lower[name] for name in ADDRESSES if name in lower), None)
        if found is None:
            raise BadSheet(
                f"no column has phone numbers: call one {ADDRESSES[0]}, or name it with --to; there are {self._listed}"
            )
        return found

    def column(self, name: str) -> str:
        """The column of that name. Raises BadSheet."""
        found = next((one for one in self.columns if one.lower() == name.lower()), None)
        if found is None:
            raise BadSheet(f"there is no column {name!r}; there are {self._listed}")
        return found

    @property
    def _listed(self) -> str:
        return ", ".join(self.columns)


def read_sheet(text: str) -> Sheet:
    """Raises BadSheet."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [name.strip() for name in next(reader, [])]
        if not any(columns):
            raise BadSheet("the file is empty: its first line names the columns, such as phone,1,2")
        doubled = sorted({name for name in columns if name and columns.count(name) > 1})
        if doubled:
            raise BadSheet(f"two columns are called {doubled[0]!r}: a name is one column's")
        rows: list[tuple[int, Mapping[str, str]]] = []
        short: list[int] = []
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) != len(columns):
                    short.append(line)
                rows.append((line, {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name}))
            line = reader.line_num + 1
            if len(rows) > MOST:
                raise BadSheet(f"the file has more than {MOST:,} rows: send it in parts")
    except csv.Error as error:
        raise BadSheet(f"line {reader.line_num} cannot be read: {error}. Is a quote not closed?") from error
    if not rows:
        raise BadSheet("the file has a header and no rows")
    return Sheet(columns=[name for name in columns if name], rows=rows, short=short)
