"""Replaces siblings' names in environment values by their real addresses."""

import re
from collections.abc import Mapping

HOST = re.compile(r"^(?P<prefix>.*?)_?(HOST|HOSTNAME|ADDRESS|ADDR|SERVER)$")
LOOPBACK = "127.0.0.1"


def rewritten(values: Mapping[str, str], ports: Mapping[str, int]) -> dict[str, str]:
    """`values` with `<service>:<port>` and bare `<service>` host names replaced, for the services in `ports`.

    A bare name takes the `<PREFIX>_PORT` beside it along: `DB_HOST=db` changes `DB_PORT` too.
    """
    result = {name: with_ports(value, ports) for name, value in values.items()}
    for name, value in values.items():
        match = HOST.match(name)
        if value not in ports or match is None:
            continue
        result[name] = LOOPBACK
        beside = f"{match['prefix']}_PORT" if match["prefix"] else "PORT"
        if beside in values:
            result[beside] = str(ports[value])
    return result


def with_ports(value: str, ports: Mapping[str, int]) -> str:
    """`value` with every `<service>:<port>` replaced, and `//<service>` or `@<service>` where no port follows."""
    for service, port in ports.items():
        name = re.escape(service)
        value = re.sub(rf"(?<![\w.-]){name}:\d+(?!\d)", f"{LOOPBACK}:{port}", value)
        value = re.sub(rf"(?<=[/@]){name}(?=[/?]|$)", f"{LOOPBACK}:{port}", value)
    return value
