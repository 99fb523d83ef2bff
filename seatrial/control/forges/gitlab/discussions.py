"""What policies found at lines of a merge request's changes, as discussions there: each once, resolved when it is gone."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.control.forges.gitlab.answers import DiffRefs, Discussion, Made, MergeRequest, Person
from seatrial.control.forges.gitlab.client import GitLabClient, NotAccepted, of_project
from seatrial.control.forges.gitlab.orders import without_orders
from seatrial.control.forges.marker import marked, marker
from seatrial.control.forges.protocol import Annotation
from seatrial.control.projects.models import Project

MOST = 50  # GitLab accepts 300 notes a minute; the comment says the rest
LONGEST = 5000  # characters of one
FINDING = "finding-"  # begins the marks
Marks = dict[str, Annotation]


@dataclass(frozen=True)
class _Ours:
    """A discussion that we began. `by_us`: it is resolved, and nobody else did that."""

    id: str
    resolved: bool
    by_us: bool


def discuss(
    client: GitLabClient, project: Project, number: int, commit: str, annotations: Sequence[Annotation]
) -> None:
    """Have a discussion at each line that `annotations` name. Sending them again changes nothing.

    A finding is known by its file and its text, so one that moved to another line is the same. Lines that the merge request
    does not change have no discussion. Somebody's resolving one is respected for as long as it is found.
    """
    path = f"{of_project(project.external_id)}/merge_requests/{number}"
    wanted = _marked(annotations)
    ours = _ours(client, path)
    for mark, discussion in ours.items():
        gone = mark not in wanted
        if gone != discussion.resolved and (gone or discussion.by_us):
            client.send("PUT", f"{path}/discussions/{discussion.id}", {"resolved": gone}, Made)
    missing = [(mark, one) for mark, one in wanted.items() if mark not in ours]
    if not missing:
        return
    refs = client.get(path, MergeRequest).diff_refs
    if refs is None or refs.head_sha != commit:
        return  # of a commit that is not its head any more
    for mark, annotation in missing:
        _begin(client, path, refs, mark, annotation)


def _begin(client: GitLabClient, path: str, refs: DiffRefs, mark: str, annotation: Annotation) -> None:
    position = {
        "position_type": "text",
        "base_sha": refs.base_sha,
        "start_sha": refs.start_sha,
        "head_sha": refs.head_sha,
        "old_path": annotation.path,
        "new_path": annotation.path,
        "new_line": annotation.line,
    }
    text = marked(without_orders(_text(annotation)), mark)
    try:
        client.send("POST", f"{path}/discussions", {"body": text, "position": position}, Made)
    except NotAccepted:
        return  # the line is not among the changes


def _text(annotation: Annotation) -> str:
    """As it was written: it names nobody and links nowhere, because it is code."""
    written = f"{annotation.title}\n\n{annotation.message}".strip()[:LONGEST]
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", written)), default=0))
    return f"{fence}\n{written}\n{fence}"


def _marked(annotations: Sequence[Annotation]) -> Marks:
    """The annotations by their marks. Of the same text in one file, each has its own."""
    seen: Counter[tuple[str, str, str]] = Counter()
    found: Marks = {}
    for one in annotations[:MOST]:
        text = (one.path, one.title, one.message)
        digest = hashlib.sha256("\0".join((*text, str(seen[text]))).encode()).hexdigest()
        seen[text] += 1
        found[f"{FINDING}{digest[:16]}"] = one
    return found


def _ours(client: GitLabClient, path: str) -> dict[str, _Ours]:
    """Our discussions by their marks. Anybody may copy a mark, so our own account must have begun it."""
    me = client.get("/user", Person)
    found: dict[str, _Ours] = {}
    for discussion in client.pages(f"{path}/discussions", Discussion):
        first = discussion.notes[0] if discussion.notes else None
        if first is None or not first.resolvable or first.author is None or first.author.id != me.id:
            continue
        mark = _mark_in(first.body or "")
        if mark:
            by_us = first.resolved_by is not None and first.resolved_by.id == me.id
            found[mark] = _Ours(discussion.id, first.resolved, by_us)
    return found


def _mark_in(body: str) -> str:
    """The mark of a finding that ends a text; empty without one."""
    before, after = marker("\0").split("\0")
    line = body.rstrip().rsplit("\n", 1)[-1]
    mark = line.removeprefix(before).removesuffix(after)
    return mark if mark.startswith(FINDING) and line == marker(mark) else ""
