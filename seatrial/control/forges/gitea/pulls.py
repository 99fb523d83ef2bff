"""Gitea's pull requests as ours."""

from seatrial.control.forges.gitea.answers import PULL_REFS, Pull
from seatrial.control.projects.events import PullRequestAction, PullRequestChanged

# A server may have others in its settings; newer ones say themselves whether it is a draft.
DRAFTS = ("wip:", "[wip]")


def as_event(external_id: str, pull: Pull, action: PullRequestAction) -> PullRequestChanged:
    """The pull request of the repository `external_id`, which has a commit."""
    return PullRequestChanged(
        external_id=external_id,
        number=pull.number,
        action=action,
        head_sha=pull.head.sha,
        branch=pull.head.ref,
        base_branch=pull.base.ref,
        base_sha=pull.base.sha,
        title=pull.title,
        author=pull.user.login if pull.user else "",
        from_fork=_is_strangers(external_id, pull),
        changed_at=pull.updated_at,
        opened_at=pull.created_at,
        draft=pull.title.lower().startswith(DRAFTS) if pull.draft is None else pull.draft,
        merged=pull.merged,
        labels=tuple(label.name for label in pull.labels or ()),
    )


def _is_strangers(external_id: str, pull: Pull) -> bool:
    """Whether it may come from somebody without write access: from a fork, or pushed to refs/for (AGit).

    Everybody who may read can do the latter. Such a pull request is in no branch, but names the base's repository.
    """
    return str(pull.head.repo_id) != external_id or pull.head.ref.startswith(PULL_REFS)
