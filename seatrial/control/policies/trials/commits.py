"""The commits that policies can be tried on: those that Seatrial has heard of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.control.policies.errors import NothingToTry
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import Project, PullRequest, PullRequestState

WHOLE = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
PART = re.compile(r"[0-9a-f]{4,63}")
LOOKED_THROUGH = 2_000  # evaluations of one project, for its newest commits
BRANCH = "refs/heads/"


@dataclass(frozen=True)
class KnownCommit:
    """A commit, and as what it was pushed or proposed."""

    commit: str
    ref: str
    base_commit: str = ""
    pull_request: PullRequest | None = None

    @property
    def name(self) -> str:
        """Where it is, for people."""
        if self.pull_request is not None:
            return f"#{self.pull_request.number} {self.pull_request.title or self.pull_request.branch}"
        return self.ref.removeprefix(BRANCH)


def of_branch(project: Project, most: int) -> list[KnownCommit]:
    """The newest commits of the default branch, newest first: those that were pushed, then those that pull requests start from."""
    ref = f"{BRANCH}{project.default_branch}"
    rows = Evaluation.objects.filter(project=project).order_by("-id")
    pushed = rows.filter(ref=ref, pull_request=None).values_list("commit", "base_commit")
    bases = rows.filter(pull_request__base_branch=project.default_branch).exclude(base_commit="")
    found: dict[str, KnownCommit] = {}
    for commit, base in pushed[:LOOKED_THROUGH]:
        found.setdefault(commit, KnownCommit(commit, ref, base))
        if len(found) == most:
            return list(found.values())
    for commit in bases.values_list("base_commit", flat=True)[:LOOKED_THROUGH]:
        found.setdefault(commit, KnownCommit(commit, ref))
    return list(found.values())[:most]


def of_pull_requests(project: Project) -> list[KnownCommit]:
    """The newest commit of each open pull request, those that changed last first."""
    pulls = project.pull_requests.filter(state=PullRequestState.OPEN).order_by("-changed_at")
    return [KnownCommit(pull.head_sha, f"{BRANCH}{pull.branch}", pull.base_sha, pull) for pull in pulls]


def known(project: Project, most: int, *, live: bool = False) -> list[KnownCommit]:
    """For people to choose from: the newest of the default branch and of the pull requests. Those come first for a `live` policy,
    because they have previews."""
    branch, pulls = of_branch(project, most), of_pull_requests(project)[:most]
    return list(_once([*pulls, *branch] if live else [*branch, *pulls]))


def find(project: Project, commit: str, *, live: bool = False) -> KnownCommit:
    """The commit with this id, or one whose id begins so; the newest that is known when it is empty, for a `live` policy that of a pull
    request. Raises NothingToTry."""
    if WHOLE.fullmatch(commit) or PART.fullmatch(commit) or not commit:
        every = known(project, LOOKED_THROUGH, live=live)
        matching = [one for one in every if one.commit.startswith(commit)]
        if matching and (not commit or len(matching) == 1):
            return matching[0]
        if WHOLE.fullmatch(commit):
            return KnownCommit(commit, "")
        if len(matching) > 1:
            raise NothingToTry(f"{commit} begins several commits of {project.name}. Write more of it.")
    if not commit:
        raise NothingToTry(
            f"No commit of {project.name} is known yet. Push one, or name one by its whole id."
        )
    raise NothingToTry(f"No commit {commit[:80]} of {project.name} is known. Name one by its whole id.")


def _once(commits: list[KnownCommit]) -> Iterator[KnownCommit]:
    seen: set[str] = set()
    for one in commits:
        if one.commit not in seen:
            seen.add(one.commit)
            yield one
