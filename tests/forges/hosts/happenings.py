"""What people do at a fake forge, beside opening, pushing and closing: the same at every forge, each with its own payloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.forges.hosts.github import GitHubSite
    from tests.forges.hosts.site import Comment, Hosted, Pull, Site


def label(site: Site, full_name: str, number: int, *labels: str) -> None:
    """Give a pull request exactly these labels."""
    hosted, pull = _found(site, full_name, number)
    added = set(labels) - set(pull.labels)
    pull.labels = list(labels)
    _changed(site, hosted, pull, "labeled" if added else "unlabeled")


def draft(site: Site, full_name: str, number: int, *, is_draft: bool = True) -> None:
    """Turn a pull request into a draft, or mark it as ready."""
    hosted, pull = _found(site, full_name, number)
    pull.draft = is_draft
    _changed(site, hosted, pull, "converted_to_draft" if is_draft else "ready_for_review")


def edit(
    site: Site, full_name: str, number: int, *, title: str = "", base: str = "", base_sha: str = ""
) -> None:
    """Change the title or the base of a pull request."""
    hosted, pull = _found(site, full_name, number)
    pull.title, pull.target = title or pull.title, base or pull.target
    pull.base = base_sha or pull.base
    _changed(site, hosted, pull, "edited")


def reopen(site: Site, full_name: str, number: int) -> None:
    """Open a closed pull request again."""
    hosted, pull = _found(site, full_name, number)
    pull.state, pull.merged = "open", False
    _changed(site, hosted, pull, "reopened")


def comment(site: Site, full_name: str, number: int, author: str, body: str, *, guid: str = "") -> Comment:
    """Write a comment below a pull request."""
    from tests.forges.hosts.site import Comment

    hosted, pull = _found(site, full_name, number)
    site.person(author)
    written = Comment(next(site.ids), author, body)
    pull.comments.append(written)
    site.send(hosted, *site.comment_payload(hosted, pull, written, "created"), guid=guid)
    return written


def edit_comment(site: Site, full_name: str, number: int, written: Comment, body: str) -> None:
    """Change a comment."""
    hosted, pull = _found(site, full_name, number)
    written.body = body
    site.send(hosted, *site.comment_payload(hosted, pull, written, "edited"))


def queue(site: GitHubSite, full_name: str, commit: str, base_sha: str, ref: str) -> None:
    """Ask for verdicts on a commit that the merge queue made. No other forge here has one."""
    hosted = site.repositories[full_name]
    site.send(hosted, *site.queue_payload(hosted, commit, base_sha, ref))


def archive(site: Site, full_name: str, *, archived: bool = True) -> None:
    """Archive a repository, or take that back."""
    hosted = site.repositories[full_name]
    hosted.archived = archived
    action = "archived" if archived else "unarchived"
    site.send(hosted, "repository", site.repository_payload(hosted, action))


def delete(site: Site, full_name: str) -> None:
    """Delete a repository."""
    hosted = site.repositories[full_name]
    site.send(hosted, "repository", site.repository_payload(hosted, "deleted"))
    del site.repositories[full_name]


def _found(site: Site, full_name: str, number: int) -> tuple[Hosted, Pull]:
    hosted = site.repositories[full_name]
    return hosted, hosted.pulls[number]


def _changed(site: Site, hosted: Hosted, pull: Pull, action: str) -> None:
    pull.updated_at = site._now(pull)
    site.changed(hosted, pull, action)


Payload = tuple[str, dict[str, Any]]  # the event's name, and the body
