"""GitHub's branches: their newest commits, and how they are protected, by protection rules and by rulesets."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from pydantic import Field

from seatrial.control.forges.github.answers import Answer
from seatrial.control.forges.github.client import GitHubClient, NotAllowed
from seatrial.control.forges.github.payloads import Sha, Text
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.wire.evaluations import BranchProtection

HIDDEN = "GitHub shows the protection rules of a branch to administrators of the repository only; its rulesets were read."


class Commit(Answer):
    """The newest commit."""

    sha: Sha


class BranchAnswer(Answer):
    """A branch. `protected` counts protection rules and rulesets."""

    commit: Commit
    protected: bool = False


class Switch(Answer):
    """Something that is on or off."""

    enabled: bool = False


class Checks(Answer):
    """Names of the checks that must pass."""

    contexts: list[Text] = Field(default_factory=list)


class Reviews(Answer):
    """The reviews that a pull request needs."""

    required_approving_review_count: int = 0
    require_code_owner_reviews: bool = False


class ProtectionAnswer(Answer):
    """A protection rule, as it is for one branch."""

    required_status_checks: Checks | None = None
    required_pull_request_reviews: Reviews | None = None
    enforce_admins: Switch = Switch()
    allow_force_pushes: Switch = Switch()
    allow_deletions: Switch = Switch()


class Rule(Answer):
    """A rule of a ruleset that is active for a branch."""

    type: Text
    parameters: dict[str, Any] | None = None


def head(client: GitHubClient, repository: str, branch: str) -> str:
    """The newest commit of a branch. Raises ForgeError."""
    return client.get(_path(repository, branch), BranchAnswer).commit.sha


def protection(client: GitHubClient, repository: str, branch: str) -> BranchProtection:
    """What keeps people from changing a branch. What the credential may not read is unknown. Raises ForgeError."""
    try:
        protected = client.get(_path(repository, branch), BranchAnswer).protected
    except NoSuchThing:
        return BranchProtection(branch=branch, unknown=f"GitHub shows no branch {branch}.")
    if not protected:
        return BranchProtection.none(branch)
    rules = list(client.pages(f"{repository}/rules/branches/{quote(branch, safe='')}", Rule))
    try:
        answer = client.get(f"{_path(repository, branch)}/protection", ProtectionAnswer)
    except NoSuchThing:
        # A branch with rulesets alone has none, which is said like that as well
        return _by_rules(branch, rules, unknown="" if rules else HIDDEN)
    except NotAllowed:
        return _by_rules(branch, rules, unknown=HIDDEN)
    return _strictest(_of_rule(branch, answer), _by_rules(branch, rules))


def _path(repository: str, branch: str) -> str:
    return f"{repository}/branches/{quote(branch, safe='')}"


def _of_rule(branch: str, answer: ProtectionAnswer) -> BranchProtection:
    reviews = answer.required_pull_request_reviews or Reviews()
    return BranchProtection(
        branch=branch,
        protected=True,
        required_reviews=reviews.required_approving_review_count,
        required_checks=sorted((answer.required_status_checks or Checks()).contexts),
        force_pushes=answer.allow_force_pushes.enabled,
        deletions=answer.allow_deletions.enabled,
        admins_enforced=answer.enforce_admins.enabled,
        code_owners=reviews.require_code_owner_reviews,
    )


def _by_rules(branch: str, rules: Iterable[Rule], *, unknown: str = "") -> BranchProtection:
    """What rulesets demand. Who may bypass them is not shown, so whether admins must keep to them is unknown."""
    every: list[tuple[str, Mapping[str, Any]]] = [(rule.type, rule.parameters or {}) for rule in rules]
    kinds = {kind for kind, _ in every}
    reviews = [said for kind, said in every if kind == "pull_request"]
    checks = {
        str(one.get("context", ""))
        for kind, said in every
        if kind == "required_status_checks"
        for one in said.get("required_status_checks") or []
        if isinstance(one, dict)
    }
    return BranchProtection(
        branch=branch,
        protected=True,
        required_reviews=_or_unknown(
            max((_number(one.get("required_approving_review_count")) for one in reviews), default=0), unknown
        ),
        required_checks=sorted(checks) or (None if unknown else []),
        force_pushes=False if "non_fast_forward" in kinds else (None if unknown else True),
        deletions=False if "deletion" in kinds else (None if unknown else True),
        admins_enforced=None,
        code_owners=_or_unknown(
            any(one.get("require_code_owner_review") is True for one in reviews), unknown
        ),
        unknown=unknown or "GitHub does not show who may bypass a ruleset.",
    )


def _or_unknown(value: Any, unknown: str) -> Any:
    """What is demanded is known; that nothing is, is not known where something is hidden."""
    return value or (None if unknown else value)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _strictest(one: BranchProtection, other: BranchProtection) -> BranchProtection:
    return BranchProtection(
        branch=one.branch,
        protected=True,
        required_reviews=max(one.required_reviews or 0, other.required_reviews or 0),
        required_checks=sorted({*(one.required_checks or []), *(other.required_checks or [])}),
        force_pushes=bool(one.force_pushes and other.force_pushes),
        deletions=bool(one.deletions and other.deletions),
        admins_enforced=one.admins_enforced,
        code_owners=bool(one.code_owners or other.code_owners),
    )
