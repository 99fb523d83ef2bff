"""What we need of GitHub: the events that we are told of, and what an App may do. Plain data, for tools as well."""

from collections.abc import Collection, Mapping

EVENTS = ["create", "issue_comment", "merge_group", "pull_request", "push", "repository"]
QUEUES = "merge_group"  # an Enterprise Server has none, and refuses an event that it does not know
LEVELS = ("", "read", "write", "admin")
# The least that works, and what for. GitHub sends requests at check runs to everybody who may write them.
PERMISSIONS = {
    "checks": "write",  # seatrial/policies and seatrial/preview, and their buttons
    "contents": "read",  # agents fetch; pushes and tags are told
    "deployments": "write",  # View deployment
    "issues": "read",  # comments below pull requests are told as those of issues
    "metadata": "read",  # every App has it: names, topics, collaborators
    "pull_requests": "write",  # they are told, and commented on
}
# What people miss without it.
WITHOUT = {
    "checks": "verdicts and previews are not shown beside the commit, and nothing can be required for merging",
    "contents": "agents cannot fetch code: no preview, no verdict",
    "deployments": "there is no View deployment",
    "issues": "comments are not noticed",
    "merge_queues": "a merge queue waits for verdicts that never come",
    "metadata": "nothing works",
    "pull_requests": "pull requests are not found, and the comment below them is missing",
}
# The permission without which GitHub refuses to tell.
TOLD_WITH = {
    "create": "contents",
    "issue_comment": "issues",
    "merge_group": "merge_queues",
    "pull_request": "pull_requests",
    "push": "contents",
    "release": "contents",
    "repository": "metadata",
}


def events(*, queues: bool = True) -> list[str]:
    """What we are told of. `queues`: this GitHub has merge queues."""
    return [event for event in EVENTS if queues or event != QUEUES]


def permissions(*, queues: bool = True) -> dict[str, str]:
    """What the App may do."""
    told = {TOLD_WITH[event]: "read" for event in events(queues=queues)}
    return dict(sorted({**told, **PERMISSIONS}.items()))


def missing(given: Mapping[str, str], told: Collection[str], *, queues: bool = True) -> list[str]:
    """What an App with these permissions and events lacks, for people."""
    lacks = [
        f"the permission {shown(name)}"
        for name, level in permissions(queues=queues).items()
        if not reaches(given, name, level)
    ]
    return [*lacks, *(f"the event {event}" for event in events(queues=queues) if event not in told)]


def shown(permission: str) -> str:
    """A permission that we need, as GitHub's pages call it."""
    return f"{permission.replace('_', ' ').capitalize()} ({permissions()[permission]})"


def reaches(given: Mapping[str, str], permission: str, level: str) -> bool:
    """Whether what was given is that level or a higher one."""
    return _level(given.get(permission, "")) >= _level(level)


def _level(word: str) -> int:
    return LEVELS.index(word) if word in LEVELS else 0
