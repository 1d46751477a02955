"""From which address somebody asks: of the connection, or where a trusted proxy speaks for it of whoever it names."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network

UNKNOWN = "unknown"
_HOUSEHOLD = 64
"""The bits of an IPv6 address that name a household: the others one chooses by oneself."""


def address_of(peer: str | None, forwarded: str | None, trusted: Sequence[str]) -> str:
    """Return who asks, by the connection's `peer` and the header X-Forwarded-For.

    The header is read from its end, as long as the one who wrote an entry is trusted; what comes before is hearsay.
    """
    named = [part.strip() for part in (forwarded or "").split(",") if part.strip()]
    address = _read(peer)
    while named and address is not None and _is_in(address, trusted):
        address = _read(named.pop())
    return _shortened(address)


def _read(text: str | None) -> str | None:
    try:
        found = ip_address((text or "").strip("[]"))
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def _is_in(address: str, networks: Sequence[str]) -> bool:
    read = ip_address(address)
    return any(read in ip_network(one) for one in networks)


def _shortened(address: str | None) -> str:
    if address is None:
        return UNKNOWN
    if isinstance(ip_address(address), IPv6Address):
        return str(ip_network(f"{address}/{_HOUSEHOLD}", strict=False))
    return address
