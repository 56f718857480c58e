"""Which addresses a flow may call."""

from __future__ import annotations

import ipaddress

import pytest

from wabox.calls.address import Allowed, Refused, choose

INNER = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::a00:1", "2002:7f00:1::", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1",
    "fec0::1", "64:ff9b:1::7f00:1", "192.0.0.8", "192.88.99.1", "5f00::1", "3fff::1", "2001::1", "2001:db8::1",
]  # fmt: skip
OUTER = ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses_are_refused(address: str) -> None:
    assert not Allowed()("x.example", ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OUTER)
def test_the_open_internet_is_allowed(address: str) -> None:
    assert Allowed()("x.example", ipaddress.ip_address(address))


def test_the_operator_may_allow_more() -> None:
    """By name, by address, by network; also in the form of IPv6 that wraps it."""
    allowed = Allowed(["crm.internal", "10.0.0.0/24", "192.168.7.7"])
    assert allowed("CRM.internal.", ipaddress.ip_address("10.9.9.9"))
    assert allowed("x", ipaddress.ip_address("10.0.0.9"))
    assert allowed("x", ipaddress.ip_address("::ffff:10.0.0.9"))
    assert allowed("x", ipaddress.ip_address("192.168.7.7"))
    assert not allowed("x", ipaddress.ip_address("10.0.1.9"))


async def test_a_name_with_one_inner_address_is_refused() -> None:
    """Also when the other one is fine: DNS would be asked again for the connection otherwise."""

    async def both(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "127.0.0.1"]

    with pytest.raises(Refused, match=r"x.example is 127.0.0.1.*\[calls\] allow"):
        await choose("x.example", 443, Allowed(), both)


async def test_the_address_that_was_looked_at_is_the_one_that_is_called() -> None:
    async def one(host: str, port: int) -> list[str]:
        return ["93.184.216.34"]

    assert await choose("x.example", 443, Allowed(), one) == "93.184.216.34"
    with pytest.raises(Refused):
        await choose("[::1]", 80, Allowed())
