"""What a policy asked for and was not given, as its result says it."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from seatrial.agent.sandboxes.shapes import clean

KEY = "not_looked_at"  # in the details of a result
COMPLETE = "complete"  # the parameter with which a pass must have read everything
NOT_THERE = "there is no such file"
BINARY = "a binary file"
SHOWN = 20  # paths of each reason
MAX_PATH = 1_000


def told(unread: Mapping[str, str]) -> list[dict[str, Any]]:
    """`[{why, files, such_as}]`, the most frequent reason first; files that are not there were never to be looked at."""
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for path, why in unread.items():
        if why != NOT_THERE:
            by_reason["too large" if why[:1].isdigit() else why].append(clean(path, MAX_PATH))
    reasons = sorted(by_reason.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [{"why": why, "files": len(paths), "such_as": paths[:SHOWN]} for why, paths in reasons]


def left_open(unread: Mapping[str, str]) -> str:
    """Why a pass says nothing where everything must be read, in a sentence; empty if it does. Binary files hold no text."""
    open_files = [(path, why) for path, why in unread.items() if why not in (NOT_THERE, BINARY)]
    if not open_files:
        return ""
    path, why = open_files[0]
    return (
        f"passed, and {len(open_files):,} of the files that it asked for could not be read, such as {path}: {why}. "
        f"Its parameter '{COMPLETE}' makes that an error"
    )
