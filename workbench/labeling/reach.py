"""Which addresses a Label Studio of the workbench's own may call: none that is reserved, but for the workbench's.

Whoever may label can have the server fetch a URL. On the loopback address that everything shares, servers listen that
ask for no password, so it stays shut; an address at which only the workbench answers opens nothing else.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network

__all__ = ["opening"]

_SHARED_BY_ALL = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104  named to be refused
_RESERVED = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/4", "233.252.0.0/24", "240.0.0.0/4"),
    *(
        "::/127",
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/32",
        "2001:20::/28",
    ),
    *("2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8"),
)
"""Special purpose (IANA) registries of IPv4 and IPv6, with documentation, translation and multicast."""


def opening(address: str) -> dict[str, str]:
    """Return the settings that let Label Studio call ``address``; none where it may anyway, or must not."""
    if address in _SHARED_BY_ALL or not _is_reserved(address):
        return {}
    subnets = ",".join(map(str, _reserved_but(address)))
    return {"USE_DEFAULT_BANNED_SUBNETS": "false", "USER_ADDITIONAL_BANNED_SUBNETS": subnets}


def _is_reserved(address: str) -> bool:
    return any(ip_address(address) in network for network in _networks())


def _reserved_but(address: str) -> list[IPv4Network | IPv6Network]:
    """Return the reserved networks, cut up so that none has ``address`` in it."""
    return [part for network in _networks() for part in _without(network, address)]


def _networks() -> Iterator[IPv4Network | IPv6Network]:
    networks = [ip_network(network) for network in _RESERVED]
    yield from collapse_addresses(network for network in networks if isinstance(network, IPv4Network))
    yield from collapse_addresses(network for network in networks if isinstance(network, IPv6Network))


def _without(network: IPv4Network | IPv6Network, address: str) -> Iterator[IPv4Network | IPv6Network]:
    if ip_address(address) in network:
        yield from network.address_exclude(ip_network(address))  # type: ignore[arg-type]  # both are of one version
    else:
        yield network
