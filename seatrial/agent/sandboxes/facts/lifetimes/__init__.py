"""When support of runtimes, systems and servers ends: dated data of endoflife.date, which comes with the release.

scripts/write_lifetimes.py writes it. An operator who has newer data puts it into the agent's data folder, where nothing is fetched.
"""

import datetime
import re
from collections.abc import Mapping
from pathlib import Path

import structlog
from pydantic import BaseModel, Field, ValidationError

log = structlog.get_logger(__name__)

NAME = "lifetimes.json"
PARTS = re.compile(r"\d+")


class Cycle(BaseModel):
    """One version that is supported by itself: 3.13 of Python, 22 of Node.js. `ends`: None if nobody has said so."""

    released: datetime.date
    ends: datetime.date | None
    extended: datetime.date | None = None  # fixes until then for some, or from others
    codename: str = ""


class Product(BaseModel):
    """Its cycles by name, the newest first."""

    title: str
    cycles: dict[str, Cycle] = Field(min_length=1)

    def cycle_of(self, version: str) -> str:
        """The cycle that `version` belongs to; of a version that leaves it open (Python 3), the newest. Empty: it is not known."""
        parts = PARTS.findall(version)
        for count in range(len(parts), 0, -1):
            if (name := ".".join(parts[:count])) in self.cycles:
                return name
        inside = (name for name in self.cycles if PARTS.findall(name)[: len(parts)] == parts)
        return next(inside, "") if parts else ""

    def called(self, codename: str) -> str:
        """The cycle of this name (bookworm); empty: there is none."""
        return next(
            (name for name, one in self.cycles.items() if one.codename and one.codename == codename.lower()),
            "",
        )


class Lifetimes(BaseModel):
    """All of it. `date`: of which day it is."""

    source: str
    commit: str
    date: datetime.date
    products: Mapping[str, Product]

    @property
    def version(self) -> str:
        """Which data it is, for people and for what is remembered."""
        return f"{self.source} {self.date} {self.commit[:12]}"


_known: list[Lifetimes] = []


def data() -> Lifetimes:
    """The newest that there is."""
    if not _known:
        _known.append(_read(Path(__file__).with_name(NAME)))
    return _known[-1]


def take(directory: Path) -> None:
    """Use the file that an operator put into `directory`, if it is newer than what came along. One that is wrong is logged, and not used."""
    path = directory / NAME
    if not path.exists():
        return
    try:
        theirs = _read(path)
        missing = sorted(data().products.keys() - theirs.products.keys())
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
    except (OSError, ValueError) as error:
        log.warning(
            "these lifetimes cannot be read; those of the release are used",
            file=str(path),
            problem=_reason(error),
        )
        return
    if theirs.date > data().date:
        _known.append(theirs)
        log.info("lifetimes are newer than the release", file=str(path), date=str(theirs.date))


def _read(path: Path) -> Lifetimes:
    return Lifetimes.model_validate_json(path.read_bytes())


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return str(error)
    first = error.errors()[0] if isinstance(error, ValidationError) else None
    where = f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}" if first else str(error)
    return f"{where}. Write it with scripts/write_lifetimes.py of this release"
