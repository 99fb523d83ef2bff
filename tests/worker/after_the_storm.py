"""What the code host and we say after a storm, compared. Everything is read afresh: the database may just have died."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import Delivery
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.triggers.comparing import compare
from tests.worker.storm import Storm, answers

POLICIES, PREVIEW = "seatrial/policies", "seatrial/preview"


def nothing(found: list[str]) -> bool:
    """So that what there is is told, should it stay."""
    assert not found, f"{len(found)}, such as {'; '.join(found[:5])}"
    return True


def unhandled() -> list[str]:
    """How many deliveries wait."""
    answers()
    waiting = Delivery.objects.filter(handled_at=None).count()
    return [f"{waiting} deliveries wait"] if waiting else []


def compared() -> None:
    """Ask the code host about every repository at once, as a worker does once a minute."""
    answers()
    forges = Forges()
    for project in Project.objects.select_related("connection"):
        compare(forges, project)


def unknown(storm: Storm) -> list[str]:
    """How our pull requests differ from the code host's."""
    answers()
    ours = {
        (row.project.full_name, row.number): (row.state, row.head_sha, row.title)
        for row in PullRequest.objects.select_related("project")
    }
    found = []
    for hosted, pull in storm.pulls():
        known, open_there = ours.get((hosted.full_name, pull.number)), pull.state == "open"
        if open_there and known != (pull.state, pull.head, pull.title):
            found.append(f"{hosted.full_name} {pull.number} is {known} here")
        if not open_there and known is not None and known[0] != pull.state:
            found.append(f"{hosted.full_name} {pull.number} is {known} here")
    return found


def unfloated(storm: Storm) -> list[str]:
    """How our previews differ from the code host's pull requests."""
    answers()
    previews = {
        (one.pull_request.project.full_name, one.pull_request.number): one.live and one.live.commit
        for one in Environment.objects.filter(removed_at=None).select_related("pull_request__project", "live")
    }
    wanted = {
        (hosted.full_name, pull.number): pull.head for hosted, pull in storm.pulls() if pull.state == "open"
    }
    return [
        f"{key}: {previews.get(key, 'nothing')} runs instead of {wanted.get(key, 'nothing')}"
        for key in previews.keys() | wanted.keys()
        if key not in previews or key not in wanted or previews[key] != wanted[key]
    ]


def unsaid(storm: Storm) -> list[str]:
    """What the code host does not show as it is here."""
    answers()
    found = []
    for hosted, pull in storm.pulls():
        if pull.state != "open":
            continue
        for context in (POLICIES, PREVIEW):
            said = [one for one in hosted.statuses if (one.sha, one.context) == (pull.head, context)]
            if not said or said[-1].state != "success":
                found.append(f"{hosted.full_name} {pull.number}: {context} {said[-1:]}")
        if [pull.head[:10] in one.body for one in pull.comments] != [True]:
            found.append(f"{hosted.full_name} {pull.number}: {[one.body[:80] for one in pull.comments]}")
    waiting = OutboxMessage.objects.filter(published_at=None).exclude(subject="desired")
    return found + [f"{row.subject} {row.body}" for row in waiting]


def lost(storm: Storm) -> list[str]:
    """Webhooks that were answered as accepted and are not there once, handled at the first attempt."""
    known = Counter(Delivery.objects.filter(result="accepted").values_list("delivery_id", flat=True))
    return [guid for guid in storm.accepted if known[guid] != 1] + [
        row.outcome for row in Delivery.objects.exclude(attempts=1)
    ]


def twice(storm: Storm) -> list[str]:
    """What was said again although it had been said last, and what is there beside the one that should be."""
    found = []
    for where, lines in _said(storm):
        found += [f"{where}: {after}" for before, after in pairwise(lines) if before == after]
    verdicts = Counter(
        (hosted.full_name, one.sha, one.url)  # of an evaluation
        for hosted in storm.repositories
        for one in hosted.statuses
        if one.context == POLICIES and one.state != "pending"
    )
    made = Counter((one["_of"].full_name, one["environment"], one["sha"]) for one in _deployments(storm))
    comments = Counter(
        {(hosted.full_name, pull.number): len(pull.comments) for hosted, pull in storm.pulls()}
    )
    return found + [
        f"{count} of {what}"
        for those in (verdicts, made, comments)
        for what, count in those.items()
        if count > 1
    ]


def _said(storm: Storm) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Everything that was said, by what it was said about, oldest first."""
    for hosted in storm.repositories:
        statuses: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        for one in hosted.statuses:
            line = (one.state, one.description, one.url)
            statuses.setdefault((one.sha, one.context), []).append(line)
        for key, lines in statuses.items():
            yield f"{hosted.full_name} {key}", lines
    for deployment in _deployments(storm):
        states = [(one["state"], one["environment_url"]) for one in deployment["_states"]]
        yield f"deployment {deployment['environment']} {deployment['sha']}", states


def _deployments(storm: Storm) -> list[dict]:  # type: ignore[type-arg]
    return storm.site.reports.deployments
