"""What lies on the disk of a host, as a runtime tells it."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Holding:
    """The files that a container has written, or a volume. `path`: where its service sees it; `folder`: where it is on the host, if
    that is known."""

    environment: str
    service: str
    path: str
    bytes: int
    folder: Path | None = None
    container: str = ""  # whose files they are; empty: it is a volume


@dataclass(frozen=True)
class Disk:
    """What previews hold, one by one, and `kinds`: bytes of everything that the engine keeps, by what it is."""

    holdings: tuple[Holding, ...] = ()
    kinds: dict[str, int] = field(default_factory=dict)
