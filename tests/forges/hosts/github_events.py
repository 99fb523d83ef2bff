"""What GitHub is asked about one pull request, an account, a comment; and its payloads of comments and merge queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.forges.hosts.happenings import Payload
from tests.forges.hosts.site import Comment, Hosted, Person, Pull

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from tests.forges.hosts.github import GitHubSite

    Answering = Callable[[Request, Person, dict[str, str]], Any]


def operations(site: GitHubSite) -> dict[str, Answering]:
    """The operations by their published names."""
    return {
        "GET /repos/{owner}/{repo}/pulls/{pull_number}": lambda _, person, parts: one_pull(
            site, person, parts
        ),
        "GET /repos/{owner}/{repo}/collaborators/{username}/permission": lambda _, person, parts: permission(
            site, person, parts
        ),
        "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions": lambda request, person, parts: (
            react(site, request, person, parts)
        ),
    }


def one_pull(site: GitHubSite, person: Person, parts: dict[str, str]) -> Any:
    hosted = site._find(person, parts)
    example = site.published.example("GET /repos/{owner}/{repo}/pulls/{pull_number}")
    pull = hosted.pulls.get(int(parts["pull_number"])) or site.gone()
    return {**site._pull(hosted, pull, example), "merged": pull.merged}


def permission(site: GitHubSite, person: Person, parts: dict[str, str]) -> Any:
    """Of everybody who has an account: who is no collaborator may read what is public, and nothing else."""
    hosted = site._find(person, parts)
    if parts["username"] not in site.people:
        site.gone()
    role = hosted.members.get(parts["username"], "none" if hosted.private else "read")
    example = site.published.example("GET /repos/{owner}/{repo}/collaborators/{username}/permission")
    return {**example, "permission": role, "role_name": role, "user": None}


def react(site: GitHubSite, request: Request, person: Person, parts: dict[str, str]) -> Any:
    hosted = site._find(person, parts)
    written = [one for pull in hosted.pulls.values() for one in pull.comments]
    comment = next((one for one in written if one.id == int(parts["comment_id"])), None) or site.gone()
    content = request.get_json()["content"]
    comment.reactions.add((person.login, content))
    example = site.published.example("POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions")
    return {**example, "content": content}


def comment_payload(site: GitHubSite, hosted: Hosted, pull: Pull, comment: Comment, action: str) -> Payload:
    author = site.people[comment.author]
    user = {"login": author.login, "id": author.id, "type": "User"}
    here = site.published.example("GET /repos/{owner}/{repo}/pulls/{pull_number}")
    return "issue_comment", {
        "action": action,
        "issue": {"number": pull.number, "title": pull.title, "pull_request": {"url": here["url"]}},
        # Whoever commented once or forked it is something; it says nothing about what they may do
        "comment": {
            "id": comment.id,
            "body": comment.body,
            "user": user,
            "author_association": "CONTRIBUTOR",
        },
        "repository": site._of_payload(hosted),
        "sender": user,
    }


def queue_payload(site: GitHubSite, hosted: Hosted, commit: str, base_sha: str, ref: str) -> Payload:
    group = {"head_sha": commit, "head_ref": ref, "base_sha": base_sha, "base_ref": "refs/heads/main"}
    return "merge_group", {
        "action": "checks_requested",
        "merge_group": group,
        "repository": site._of_payload(hosted),
    }
