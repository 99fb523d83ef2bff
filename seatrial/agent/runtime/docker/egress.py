"""The rules for what previews connect to: their host, its metadata service, private networks, the internet.

They are made from nothing but the engine's list of networks, each of which carries its `Egress` as a label: whoever makes them,
after whatever crash, makes the same. A network that is not listed (it is being made) may reach the internet and nothing else.
"""

import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from seatrial.agent.firewall import (
    BUILDS_INTERFACE,
    IPV4,
    IPV6,
    LINK_LOCAL,
    PREVIEW_INTERFACES,
    Chain,
    Rule,
    forwarding_in,
)
from seatrial.agent.vocabulary.egress import Egress

HOST, BEYOND, METADATA = "GALLEY-PREVIEWS", "GALLEY-EGRESS", "GALLEY-METADATA"
OURS = ("-i", PREVIEW_INTERFACES)
RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))  # where engines look,
DAEMON = Path("/etc/docker/daemon.json")  # unless this says "dns"
ANSWERS = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "RETURN")
NEIGHBOURS = ("-p", "ipv6-icmp", "-j", "RETURN")  # without which there is no way to the bridge's router
PRIVATE_4 = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", LINK_LOCAL, "172.16.0.0/12", "192.0.0.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
)  # fmt: skip
TRANSLATED = "64:ff9b::"  # NAT64: the last four bytes are an address of IPv4
PRIVATE = {
    IPV4: PRIVATE_4,
    IPV6: (
        "::/127", "::ffff:0:0/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    ),
}  # fmt: skip
# Where clouds hand out their hosts' credentials and settings; the second of the first line looks like an address of the internet.
CLOUDS = {
    IPV4: (LINK_LOCAL, "168.63.129.16", "100.100.100.200", "192.0.0.192"),
    IPV6: ("fd00:ec2::254", "fd20:ce::254", f"{TRANSLATED}a9fe:0/112", f"{TRANSLATED}a83f:8110"),
}


def closed(program: str) -> list[str]:
    """Every range that is not of the internet. Of IPv6 also those that lead to one of IPv4."""
    if program == IPV4:
        return list(PRIVATE_4)
    networks = [ipaddress.IPv4Network(one) for one in PRIVATE_4]
    base = int(ipaddress.IPv6Address(TRANSLATED))
    translated = [
        str(ipaddress.IPv6Network((base + int(one.network_address), 96 + one.prefixlen))) for one in networks
    ]
    return [*PRIVATE[IPV6], *translated]


def resolvers(program: str, more: Iterable[str] = ()) -> list[str]:
    """The host's resolvers and the engine's, which the engine asks from the place of the container that asks it. They may be in a private
    network. `more` are those that the operator names."""
    named = [*_nameservers(), *_of_the_engine(), *more]
    return list(dict.fromkeys(one for text in named for one in _usable(program, text.partition("%")[0])))


def _nameservers() -> Iterator[str]:
    for file in RESOLVERS:
        for line in _text(file).splitlines():
            match line.split():
                case ["nameserver", address, *_]:
                    yield address


def _of_the_engine() -> list[str]:
    try:
        said = json.loads(_text(DAEMON) or "{}").get("dns", [])
        return [str(one) for one in said]
    except (ValueError, AttributeError, TypeError):
        return []


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _usable(program: str, text: str) -> Iterator[str]:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return
    if address.version == (4 if program == IPV4 else 6) and not address.is_loopback:
        yield str(address)


def chains(networks: Mapping[str, Egress], saved: str, program: str, asked: Iterable[str]) -> list[Chain]:
    """All of it, for `networks`, which are known by their interfaces; `saved` is what is in force, `asked` the host's resolvers."""
    asked = list(asked)
    passing = (
        list(dict.fromkeys((forwarding_in(saved), "FORWARD"))) if program == IPV6 else [forwarding_in(saved)]
    )
    return [
        Chain("raw", METADATA, list(_towards_clouds(program, asked)), [("PREROUTING", *OURS)]),
        Chain("filter", HOST, list(_towards_host(program)), [("INPUT", *OURS)]),
        Chain("filter", BEYOND, list(_beyond(networks, program, asked)), [(one, *OURS) for one in passing]),
    ]


def _towards_clouds(program: str, asked: Iterable[str]) -> Iterator[Rule]:
    """Some clouds' resolvers are there as well."""
    for resolver in asked:
        yield from _names(resolver, program, "ACCEPT")
    yield from (("-d", one, "-j", "DROP") for one in CLOUDS[program])


def _towards_host(program: str) -> Iterator[Rule]:
    """Its answers, and its name service."""
    yield ANSWERS
    if program == IPV6:
        yield NEIGHBOURS
    yield from (("-p", protocol, "--dport", "53", "-j", "RETURN") for protocol in ("udp", "tcp"))
    yield ("-j", "REJECT")


def _beyond(networks: Mapping[str, Egress], program: str, asked: Iterable[str]) -> Iterator[Rule]:
    """Siblings, whom the engine keeps apart from other networks, are open to each other with every `Egress`."""
    yield ANSWERS
    yield ("-o", PREVIEW_INTERFACES, "-j", "RETURN")
    yield ("-i", BUILDS_INTERFACE, "-j", "RETURN")  # mirrors of packages are in private networks
    yield from (
        ("-i", one, "-j", "REJECT") for one, egress in sorted(networks.items()) if egress is Egress.NONE
    )
    for resolver in asked:
        yield from _names(resolver, program, "RETURN")
    yield from (
        ("-i", one, "-j", "RETURN") for one, egress in sorted(networks.items()) if egress is Egress.OPEN
    )
    yield from (("-d", one, "-j", "REJECT") for one in closed(program))


def _names(resolver: str, program: str, target: str) -> Iterator[Rule]:
    for protocol in ("udp", "tcp"):
        yield ("-d", resolver, "-p", protocol, "--dport", "53", "-j", target)
