"""Where a call comes from. What a proxy says about it is believed only of proxies that the settings name.

A header may be sent by anybody. So the chain ``X-Forwarded-For`` is read from its end, where the nearest proxy wrote, for as
long as those who wrote are trusted; the first that is not is the caller.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar.types import Scope

FORWARDED: Final = (b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    address: str
    """Of the browser or program, as far as those can be believed who say so."""
    local: bool
    """On this machine, and no proxy in between."""
    secure: bool
    """By HTTPS, all the way to the proxy."""
    host: str
    """What the browser calls us, with the port."""


class Callers:
    def __init__(self, proxies: Sequence[str] = ("127.0.0.1", "::1")) -> None:
        """``proxies``: addresses and networks whose word about the caller is believed."""
        self._trusted = [ipaddress.ip_network(proxy) for proxy in proxies]

    def of(self, scope: Scope) -> Caller:
        headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        client: Any = scope.get("client")
        peer = str(client[0]) if client else ""
        trusted = self._trusts(peer)
        forwarded = any(name in FORWARDED for name, _ in headers)
        host = _one(headers, b"host")
        address, secure = peer, scope["scheme"] == "https"
        if trusted:
            address = self._first_stranger(peer, _all(headers, b"x-forwarded-for"))
            secure = secure or _one(headers, b"x-forwarded-proto").lower() == "https"
            host = _one(headers, b"x-forwarded-host") or host
        server: Any = scope.get("server")
        here = str(server[0]) if server else ""  # whoever comes from the address they go to is on this machine
        # The name is looked at because a page elsewhere may let its own name lead here (DNS rebinding).
        local = not forwarded and all(one == here or _is_loopback(one) for one in (peer, _name(host)))
        return Caller(address=address, local=local, secure=secure, host=host)

    def _trusts(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._trusted)

    def _first_stranger(self, peer: str, chain: Sequence[str]) -> str:
        address = peer
        for hop in reversed(chain):
            try:
                address = str(ipaddress.ip_address(hop))
            except ValueError:
                break
            if not self._trusts(address):
                break
        return address


def bucket(address: str) -> str:
    """Whom a limit counts as one: an IPv6 user has a whole /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{found}/64", strict=False)) if found.version == 6 else address


def _one(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin-1").strip() for key, value in headers if key == name), "")


def _all(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> list[str]:
    joined = ",".join(value.decode("latin-1") for key, value in headers if key == name)
    return [part.strip() for part in joined.split(",") if part.strip()]


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    """Without the port and the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host
