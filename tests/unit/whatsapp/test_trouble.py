"""What the network did not do is said in words."""

from __future__ import annotations

import errno
import socket

import httpx
import pytest

from wabox.whatsapp.reach import ask
from wabox.whatsapp.trouble import in_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "nobody knows that name"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "its name cannot be looked up now"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "this machine has no way to that network"),
        (httpx.ReadTimeout(""), "it does not answer in time"),
        (httpx.ConnectError("[Errno 5] odd"), "odd"),
        (httpx.RemoteProtocolError(""), "RemoteProtocolError"),
    ],
)
def test_causes(error: Exception, words: str) -> None:
    """Also of an error that hides what it came from."""
    assert in_words(error) == words
    outer = httpx.ConnectError("[Errno -2] something")
    outer.__cause__ = error
    if isinstance(error, OSError):
        assert in_words(outer) == words


async def test_a_real_refusal() -> None:
    """As the client raises it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        reply = await ask(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert (reply.status, reply.body) == (0, "nothing listens there")
