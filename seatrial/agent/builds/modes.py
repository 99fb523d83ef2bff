"""Symbolic modes of COPY and ADD, as numbers where the number is the same for everything a commit can hold."""

import re

CLAUSE = re.compile(r"([ugoa]*)([-+=])([rwx]*)$")
IN_A_COMMIT = (0o644, 0o755)  # git knows no other modes of files
EVERYBODY = "ugo"
SHIFTS = {"u": 6, "g": 3, "o": 0}
BITS = {"r": 4, "w": 2, "x": 1}


def as_number(mode: str) -> str | None:
    """`755` for `+x`; None if it is no symbolic mode, or files with different modes would stay different."""
    results = {applied(mode, before) for before in IN_A_COMMIT}
    result = results.pop()
    return None if results or result is None else f"{result:o}"


def applied(mode: str, before: int) -> int | None:
    """The mode of a file with the mode `before` after `chmod mode`; None if that is not known here."""
    now = before
    for clause in mode.split(","):
        match = CLAUSE.match(clause)
        if match is None:
            return None
        who, sign, what = match.groups()
        bits = sum(BITS[letter] for letter in set(what))
        for one in set(who.replace("a", EVERYBODY) or EVERYBODY):
            given = bits << SHIFTS[one]
            kept = now & ~(7 << SHIFTS[one]) if sign == "=" else now
            now = kept & ~given if sign == "-" else kept | given
    return now
