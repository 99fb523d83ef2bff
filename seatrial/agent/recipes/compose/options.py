"""What a container of a service is given beside its program (`vocabulary.options`)."""

import ipaddress
import re
import signal
from collections.abc import Sequence
from typing import Any

from seatrial.agent.recipes.compose.names import HOST
from seatrial.agent.recipes.compose.values import limit, read
from seatrial.agent.recipes.document import Document, Path
from seatrial.agent.recipes.problems import Problems
from seatrial.agent.vocabulary import quantities
from seatrial.agent.vocabulary.options import (
    LONGEST_STOP_SECONDS,
    MOST_OPEN_FILES,
    SYSCTLS,
    ULIMITS,
    Options,
    Tmpfs,
    without_capabilities,
)

LONGEST_HOSTNAME = 63
GATEWAY = "host-gateway"  # the engine's word for its host
REAL_TIME = re.compile(r"RTM(IN|AX)([+-]\d{1,2})?")


def options(
    document: Document, at: Path, keys: dict[str, Any], tmpfs: list[Tmpfs], problems: Problems
) -> Options:
    """Everything harmless; what is not is refused by `limits` or warned of here. Raises RecipeError."""
    shm = limit(document, (*at, "shm_size"), quantities.file_system_megabytes, keys.get("shm_size"))
    patience = read(document, (*at, "stop_grace_period"), quantities.seconds, keys.get("stop_grace_period"))
    if (patience or 0) > LONGEST_STOP_SECONDS:
        said = f"it has {LONGEST_STOP_SECONDS:g} s to end, the longest that a preview waits"
        problems.inform(document.warning((*at, "stop_grace_period"), said))
    return Options(
        stdin_open=bool(keys.get("stdin_open")),
        tty=bool(keys.get("tty")),
        hostname=hostname(document, (*at, "hostname"), str(keys.get("hostname") or "")) or None,
        init=bool(keys.get("init")),
        read_only=bool(keys.get("read_only")),
        tmpfs=tuple(tmpfs),
        shm_size_mb=shm,
        extra_hosts=extra_hosts(document, (*at, "extra_hosts"), keys.get("extra_hosts") or [], problems),
        sysctls={name: str(value) for name, value in (keys.get("sysctls") or {}).items() if name in SYSCTLS},
        without_capabilities=without_capabilities(keys.get("cap_drop") or [], keys.get("cap_add") or []),
        ulimits=ulimits(document, (*at, "ulimits"), keys.get("ulimits") or {}, problems),
        stop_signal=stop_signal(document, (*at, "stop_signal"), str(keys.get("stop_signal") or "")) or None,
        stop_seconds=None if patience is None else min(patience, LONGEST_STOP_SECONDS),
    )


def hostname(document: Document, at: Path, name: str) -> str:
    """A name that the kernel takes."""
    if len(name.encode()) > LONGEST_HOSTNAME:
        document.fail(at, f"longer than {LONGEST_HOSTNAME} characters", "Shorten it")
    return name


def extra_hosts(
    document: Document, at: Path, given: Sequence[str], problems: Problems
) -> dict[str, tuple[str, ...]]:
    """{name: its addresses}, of `name=address` as Compose prints them."""
    found: dict[str, tuple[str, ...]] = {}
    for name, _, address in (str(one).partition("=") for one in given):
        if address == GATEWAY:
            said = f"{name} is left out: no preview reaches the host"
            problems.warn(document.warning(at, said))
        elif not HOST.fullmatch(name) or not is_address(address):
            document.fail(
                at, f"{name}:{address} is not a name and its address", "Write it like api.test:10.0.0.5"
            )
        else:
            found[name] = (*found.get(name, ()), address)
    return found


def is_address(text: str) -> bool:
    """Of IPv4 or IPv6."""
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def stop_signal(document: Document, at: Path, name: str) -> str:
    """A signal that the engine knows."""
    plain = name.upper().removeprefix("SIG")
    known = REAL_TIME.fullmatch(plain) or f"SIG{plain}" in signal.Signals.__members__
    if plain and not known and not (plain.isdecimal() and 1 <= int(plain) <= signal.SIGRTMAX):
        document.fail(at, f"{name!r} is not a signal", "Write it like SIGTERM or 15")
    return name


def ulimits(
    document: Document, at: Path, given: dict[str, Any], problems: Problems
) -> dict[str, tuple[int, int]]:
    """{name: (soft, hard)} of those that harm nobody else."""
    found: dict[str, tuple[int, int]] = {}
    for name, value in given.items():
        if name not in ULIMITS:
            problems.warn(
                document.warning((*at, name), "ignored: it would take resources from other previews")
            )
            continue
        both = value if isinstance(value, dict) else {"soft": value, "hard": value}
        soft, hard = (int(both.get(key) or 0) for key in ("soft", "hard"))
        most = MOST_OPEN_FILES if name == "nofile" else None
        found[name] = (bounded(soft, most), bounded(hard, most))
    return found


def bounded(value: int, most: int | None) -> int:
    """`value`, -1 for none, but at most `most`."""
    if most is None:
        return value
    return most if value < 0 else min(value, most)
