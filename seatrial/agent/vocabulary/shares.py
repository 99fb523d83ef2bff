"""A part of a disk, as settings write it: a size, or percent of the whole."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from seatrial.wire.sizes import in_megabytes

PERCENT = re.compile(r"([1-9]\d?|100)\s*%")


@dataclass(frozen=True)
class Share:
    """`megabytes`, or `percent` where that is not 0; neither: no limit."""

    megabytes: int = 0
    percent: int = 0

    @classmethod
    def of(cls, text: str) -> "Share":
        """Of `20g`, `20%` or `0`. Raises ValueError."""
        if percent := PERCENT.fullmatch(text.strip()):
            return cls(percent=int(percent[1]))
        size = in_megabytes(text)
        if size is None or 0 < size < 1:
            raise ValueError("not a part of a disk. Write it like 20g or 20%, or 0 for no limit")
        return cls(megabytes=int(size))

    def bytes_of(self, folder: Path) -> int:
        """Of the disk that `folder` is on; 0: no limit."""
        if self.percent:
            return shutil.disk_usage(folder).total * self.percent // 100
        return self.megabytes * 1024**2
