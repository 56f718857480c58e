"""What ``/api/schema`` says of answers that are no success: the same of every call, so no route forgets one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why nothing was done."""

    error: str
    """A sentence for people: what is wrong, and what to do."""


PROBLEMS: Final = {
    400: "The call is wrong, or what it asks for cannot be done: the sentence says why",
    401: "Nobody knows the caller: a token is missing or wrong",
    403: "The caller may not",
    404: "There is no such thing",
    409: "It was refused as things stand now",
    413: "The body is too large",
    429: "Too many calls: Retry-After says when to go on",
    500: "wabox failed, and its log says why",
    501: "A cluster does not have it: the sentence says so",
    503: "Not now: WhatsApp, or storage, cannot be reached",
}


@dataclass
class Bytes(Operation):
    """A call whose body is a file's bytes, which Litestar does not see: the handler reads them as they come."""

    def __post_init__(self) -> None:
        any_bytes = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))
        self.request_body = RequestBody(content={"application/octet-stream": any_bytes}, required=True)


def described(handlers: Iterable[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """The same routes, with what else they may answer."""
    found = list(handlers)
    for handler in found:
        own = handler.responses or {}
        handler.responses = {
            **{code: _spec(words) for code, words in PROBLEMS.items() if code not in own},
            **own,
        }
    return found


def _spec(words: str) -> ResponseSpec:
    return ResponseSpec(data_container=Problem, description=words, generate_examples=False)
