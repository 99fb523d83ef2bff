"""How much a folder holds on the disk."""

import os
from pathlib import Path


def held_below(folder: Path) -> int:
    """Bytes that everything below `folder` holds; what has several names counts once, what cannot be read not at all."""
    total, linked, waiting = 0, set[int](), [str(folder)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
                below = entry.is_dir(follow_symlinks=False)
            except OSError:
                continue
            if below:
                waiting.append(entry.path)
            elif status.st_nlink > 1:
                if status.st_ino in linked:
                    continue
                linked.add(status.st_ino)
            total += status.st_blocks * 512
    return total
