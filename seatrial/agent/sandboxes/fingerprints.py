"""Fingerprints of findings whose policies give none: they stay while lines move, and change with the line itself."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.questions import Seen
from seatrial.wire.evaluations import Finding

Place = tuple[str, int]  # path, line


async def fingerprinted(slug: str, findings: Sequence[Finding], broker: Broker) -> tuple[list[Finding], Seen]:
    """`findings`, each with a fingerprint; and what was looked at for them, which is part of what the result depends on.

    Raises CheckoutError.
    """
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for one in findings:
        if not one.fingerprint and one.line is not None:
            wanted[one.path].add(one.line)
    texts, seen = await broker.lines(wanted)
    return with_fingerprints(slug, findings, texts), seen


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
