"""Which addresses a flow may call: those of the open internet, and what the operator allows by name.

A request of a flow leaves from inside the owner's network. Whoever could choose its host (by a redirect, or by a DNS name
that answers with an inner address) would reach routers, databases and the cloud's metadata service. So the name is resolved
here, each address is looked at, and the connection goes to the very address that was looked at.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses."""

_WRAPPED = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
"""The last 32 bits are an IPv4 address: compatible, mapped, translated, NAT64."""
_OPEN_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_OPEN_V6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
"""Protocol assignments with Teredo, documentation, 6to4. Source: IANA, IPv6 Special-Purpose Address Registry."""
_NOT_OPEN_V4 = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/4")))
"""Beside what Python calls not global, whose tables are as old as Python."""


class Refused(Exception):
    """The address may not be called. The message says which, and what to do."""


class Allowed:
    """What the operator allows beyond the open internet: host names, addresses, networks."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """ValueError for an entry that looks like an address and is none."""
        self._hosts: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in entries:
            word = entry.strip().lower()
            if "/" in word or ":" in word or word.replace(".", "").isdigit():
                self._networks.append(ipaddress.ip_network(word))
            else:
                self._hosts.add(word)

    def __call__(self, host: str, address: Address) -> bool:
        real = _real(address)
        if host.lower().rstrip(".") in self._hosts:
            return True
        if any(one.version == net.version and one in net for one in (address, real) for net in self._networks):
            return True
        return _is_open(real)


def _real(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only wraps it."""
    if isinstance(address, ipaddress.IPv6Address) and any(address in wrapped for wrapped in _WRAPPED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_open(address: Address) -> bool:
    """Whether it is one of the open internet."""
    if isinstance(address, ipaddress.IPv6Address):
        return address in _OPEN_V6 and not any(address in network for network in _NOT_OPEN_V6)
    return address.is_global and not any(address in network for network in _NOT_OPEN_V4)


async def resolve(host: str, port: int) -> Sequence[str]:
    """By the system's resolver. OSError when there is no such host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


async def choose(host: str, port: int, allowed: Allowed, resolver: Resolve = resolve) -> str:
    """An address of the host that may be called. Refused when any of them may not be: a name that answers with an inner and
    an outer address is an attempt. OSError when there is none."""
    try:
        found: Sequence[str] = [str(ipaddress.ip_address(host.strip("[]")))]
    except ValueError:
        found = await resolver(host, port)
    for text in found:
        if not allowed(host, ipaddress.ip_address(text.partition("%")[0])):
            raise Refused(
                f"{host} is {text}, an address inside a network; if that is meant, add it to [calls] allow in wabox.toml"
            )
    if not found:
        raise OSError(f"{host} has no address")
    return found[0]
