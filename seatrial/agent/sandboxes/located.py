"""What a finding is about, read from the commit: the text of its line, for its fingerprint, and the lines around, for people."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.fingerprints import Place, with_fingerprints
from seatrial.agent.sandboxes.questions import Seen
from seatrial.agent.sandboxes.shapes import clean
from seatrial.wire.evaluations import Excerpt, Finding

MOST_EXCERPTS = 20  # of one result
AROUND = 2  # lines, before and after
MAX_LINE = 160  # characters


async def located(slug: str, findings: Sequence[Finding], broker: Broker) -> tuple[list[Finding], Seen]:
    """`findings`, each with a fingerprint, the first with excerpts; and what was looked at for them, which is part of what the
    result depends on.

    Raises CheckoutError.
    """
    quoted = _quoted(findings)
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for index, one in enumerate(findings):
        if one.line is not None and index in quoted:
            wanted[one.path].update(_around(one.line))
        elif one.line is not None and not one.fingerprint:
            wanted[one.path].add(one.line)
    texts, seen = await broker.lines(wanted)
    found = with_fingerprints(slug, findings, texts)
    return [_with_excerpt(one, texts) if index in quoted else one for index, one in enumerate(found)], seen


def _quoted(findings: Sequence[Finding]) -> set[int]:
    """The indexes of those that get an excerpt."""
    return set([index for index, one in enumerate(findings) if one.line and one.quote][:MOST_EXCERPTS])


def _around(line: int) -> range:
    return range(max(1, line - AROUND), line + AROUND + 1)


def _with_excerpt(one: Finding, texts: Mapping[Place, str]) -> Finding:
    assert one.line is not None
    there = [number for number in _around(one.line) if (one.path, number) in texts]
    if one.line not in there:
        return one
    if there[-1] > one.line and not texts[one.path, there[-1]]:
        there.pop()  # what follows the last line break of a file, or an empty line that nobody misses
    lines = [clean(texts[one.path, number].removesuffix("\r"), MAX_LINE) for number in there]
    return one.model_copy(update={"excerpt": Excerpt(first=there[0], lines=lines)})
