"""Gitea's branches: their newest commits, and how they are protected."""

from urllib.parse import quote

from seatrial.control.forges.gitea.answers import Answer, MaybeSha
from seatrial.control.forges.gitea.client import Forbidden, GiteaClient
from seatrial.control.forges.github.payloads import Text
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.wire.evaluations import BranchProtection

HIDDEN = "Gitea shows the protection of a branch to administrators of the repository only."


class Commit(Answer):
    """The newest commit."""

    id: MaybeSha


class BranchAnswer(Answer):
    """A branch, and what everybody may know of its protection."""

    commit: Commit | None = None
    protected: bool = False
    required_approvals: int = 0
    enable_status_check: bool = False
    status_check_contexts: list[Text] | None = None
    effective_branch_protection_name: Text = ""


class ProtectionAnswer(Answer):
    """The rest of it. Newer releases have more; what one does not have is off there."""

    enable_force_push: bool = False
    block_admin_merge_override: bool = False  # Gitea's word
    apply_to_admins: bool = False  # Forgejo's
    block_on_official_review_requests: bool = False  # code owners are asked by themselves


def head(client: GiteaClient, repository: str, branch: str) -> str:
    """The newest commit of a branch; empty where Gitea names none. Raises ForgeError."""
    commit = client.get(_path(repository, branch), BranchAnswer).commit
    if commit is None or not commit.id:
        raise NoSuchThing(f"{branch} of {repository.removeprefix('/repos/')} has no commit at the forge")
    return commit.id


def protection(client: GiteaClient, repository: str, branch: str) -> BranchProtection:
    """What keeps people from changing a branch. What the account may not read is unknown. Raises ForgeError."""
    try:
        answer = client.get(_path(repository, branch), BranchAnswer)
    except NoSuchThing:
        return BranchProtection(branch=branch, unknown=f"Gitea shows no branch {branch}.")
    if not answer.protected:
        return BranchProtection.none(branch)
    more = _more(client, repository, answer.effective_branch_protection_name or branch)
    return BranchProtection(
        branch=branch,
        protected=True,
        required_reviews=answer.required_approvals,
        required_checks=sorted(answer.status_check_contexts or []) if answer.enable_status_check else [],
        force_pushes=more.enable_force_push if more else None,
        deletions=False,  # nobody deletes a protected branch
        admins_enforced=(more.block_admin_merge_override or more.apply_to_admins) if more else None,
        code_owners=more.block_on_official_review_requests if more else None,
        unknown="" if more else HIDDEN,
    )


def _more(client: GiteaClient, repository: str, name: str) -> ProtectionAnswer | None:
    try:
        return client.get(f"{repository}/branch_protections/{quote(name, safe='')}", ProtectionAnswer)
    except (NoSuchThing, Forbidden):
        return None


def _path(repository: str, branch: str) -> str:
    return f"{repository}/branches/{quote(branch, safe='')}"
