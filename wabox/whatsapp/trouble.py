"""Why the network did not do it, in words: an ``[Errno -2]`` tells nobody what to do."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterator
from typing import Final

WORDS: Final = {
    errno.ECONNREFUSED: "nothing listens there",
    errno.ECONNRESET: "the connection was cut",
    errno.EHOSTUNREACH: "there is no way to that machine",
    errno.ENETUNREACH: "this machine has no way to that network",
    errno.ETIMEDOUT: "it does not answer",
}
_NUMBER = re.compile(r"\[Errno -?\d+\] ")


def in_words(error: BaseException) -> str:
    """What went wrong, without numbers; never empty."""
    for one in _behind(error):
        if isinstance(one, socket.gaierror):
            again = one.errno == socket.EAI_AGAIN
            return "its name cannot be looked up now" if again else "nobody knows that name"
        if isinstance(one, OSError) and one.errno in WORDS:
            return WORDS[one.errno]
        if isinstance(one, TimeoutError) or type(one).__name__.endswith("Timeout"):  # as HTTP clients call theirs
            return "it does not answer in time"
    said = str(error)
    if "temporary failure in name resolution" in said.lower():
        return "its name cannot be looked up now"
    return _NUMBER.sub("", said) or type(error).__name__


def _behind(error: BaseException) -> Iterator[BaseException]:
    """It, and what it came from."""
    found: BaseException | None = error
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__
