"""Fingerprints of findings whose policies give none: they stay while lines move, and change with the line itself."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from seatrial.wire.evaluations import Finding

Place = tuple[str, int]  # path, line


def with_fingerprints(slug: str, findings: Sequence[Finding], texts: Mapping[Place, str]) -> list[Finding]:
    """`findings`, in their order. A fingerprint is made of the policy, the path, the text of the line (else the message), and the
    number of the finding among those for which these are equal, counted along the file."""
    equals: Counter[tuple[str, str]] = Counter()
    made: dict[int, str] = {}
    for index in sorted(range(len(findings)), key=lambda index: (findings[index].line or 0, index)):
        one = findings[index]
        if one.fingerprint:
            continue
        text = " ".join((texts.get((one.path, one.line or 0)) or one.message).split())
        equals[one.path, text] += 1
        whole = "\0".join([slug, one.path, text, str(equals[one.path, text])])
        made[index] = hashlib.sha256(whole.encode(errors="replace")).hexdigest()
    return [
        one.model_copy(update={"fingerprint": made[index]}) if index in made else one
        for index, one in enumerate(findings)
    ]
