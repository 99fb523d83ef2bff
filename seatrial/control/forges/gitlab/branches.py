"""GitLab's branches: their newest commits, and how they are protected."""

import re
from urllib.parse import quote

from pydantic import Field

from seatrial.control.forges.gitlab.answers import Access, Answer, ProjectAnswer
from seatrial.control.forges.gitlab.client import GitLabClient, NotAllowed, of_project
from seatrial.control.forges.gitlab.payloads import Sha, Text
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.projects.models import Project
from seatrial.wire.evaluations import BranchProtection

PIPELINE = "the pipeline"  # GitLab requires all of it, or nothing
HIDDEN = "GitLab does not show the protected branches of the project to this token."
NO_RULES = "GitLab does not show the project's approval rules to this token, or its edition has none."


class Commit(Answer):
    """The newest commit."""

    id: Sha


class BranchAnswer(Answer):
    """A branch."""

    commit: Commit
    protected: bool = False


class ProtectedAnswer(Answer):
    """What protects the branches whose names fit `name`, in which * stands for any text."""

    name: Text
    push_access_levels: list[Access] = Field(default_factory=list)
    allow_force_push: bool = False
    code_owner_approval_required: bool = False


class Named(Answer):
    """A protected branch that an approval rule is for."""

    name: Text


class ApprovalRule(Answer):
    """Approvals that a merge request needs; for every branch, or for these."""

    approvals_required: int = 0
    protected_branches: list[Named] = Field(default_factory=list)


def head(client: GitLabClient, project: Project, branch: str) -> str:
    """The newest commit of a branch. Raises ForgeError."""
    return client.get(_path(project, branch), BranchAnswer).commit.id


def protection(client: GitLabClient, project: Project, answer: ProjectAnswer) -> BranchProtection:
    """What keeps people from changing the default branch. What the token may not read is unknown. Raises ForgeError."""
    branch = answer.default_branch or ""
    checks = [PIPELINE] if answer.only_allow_merge_if_pipeline_succeeds else []
    if not branch:
        return BranchProtection(branch="", unknown="The repository is empty.")
    try:
        protected = client.get(_path(project, branch), BranchAnswer).protected
    except (NoSuchThing, NotAllowed):
        return BranchProtection(branch=branch, unknown=f"GitLab shows no branch {branch} to this token.")
    reviews = _reviews(client, project, branch)
    if not protected:
        none = BranchProtection.none(branch)
        return none.model_copy(update={"required_reviews": reviews, "required_checks": checks})
    rules = _rules(client, project, branch)
    known = rules is not None
    return BranchProtection(
        branch=branch,
        protected=True,
        required_reviews=reviews,
        required_checks=checks,
        force_pushes=all(one.allow_force_push for one in rules) if known and rules else None,
        deletions=False,  # nobody deletes a protected branch by a push
        admins_enforced=any(_nobody(one) for one in rules) if known and rules else None,
        code_owners=any(one.code_owner_approval_required for one in rules) if known and rules else None,
        unknown=" ".join(
            [*([] if rules else [HIDDEN]), *([] if reviews is not None else [NO_RULES])]
        ),
    )  # fmt: skip


def _path(project: Project, branch: str) -> str:
    return f"{of_project(project.external_id)}/repository/branches/{quote(branch, safe='')}"


def _rules(client: GitLabClient, project: Project, branch: str) -> list[ProtectedAnswer] | None:
    """Those whose names fit the branch; of several that do, GitLab takes what the most permissive allows."""
    try:
        every = client.pages(f"{of_project(project.external_id)}/protected_branches", ProtectedAnswer)
        return [one for one in every if _fits(one.name, branch)]
    except (NoSuchThing, NotAllowed):
        return None


def _reviews(client: GitLabClient, project: Project, branch: str) -> int | None:
    try:
        every = list(client.pages(f"{of_project(project.external_id)}/approval_rules", ApprovalRule))
    except (NoSuchThing, NotAllowed):
        return None
    return max((one.approvals_required for one in every if _is_for(one, branch)), default=0)


def _is_for(rule: ApprovalRule, branch: str) -> bool:
    return not rule.protected_branches or any(_fits(one.name, branch) for one in rule.protected_branches)


def _fits(pattern: str, branch: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), branch) is not None


def _nobody(rule: ProtectedAnswer) -> bool:
    """Whether nobody at all may push: everybody has to open a merge request."""
    return bool(rule.push_access_levels) and all(one.access_level == 0 for one in rule.push_access_levels)
