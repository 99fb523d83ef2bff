"""What came of preparing the database, for whoever started that."""

from pathlib import Path

from pydantic import BaseModel


class Prepared(BaseModel):
    """`before` is the release that prepared the database last, as far as it is known. With a `problem` nothing serves."""

    release: str = ""
    before: str = ""
    steps: int = 0  # migrations that were missing
    backup: Path | None = None  # the database as it was before them
    problem: str = ""
    of_master_key: bool = False  # the problem is with the master key
