"""How the fake forges tell of a branch: its newest commit, and what protects it."""

from dataclasses import dataclass, field
from typing import Any

from tests.forges.hosts.site import Hosted, Site


@dataclass
class Protection:
    """What protects a branch, in no forge's own words. `ruleset`: at GitHub, by a ruleset and not by a protection rule."""

    reviews: int = 2
    checks: list[str] = field(default_factory=lambda: ["build"])
    force_pushes: bool = False
    admins: bool = True
    code_owners: bool = True
    ruleset: bool = False


def github_branch(site: Site, hosted: Hosted, branch: str, example: dict[str, Any]) -> dict[str, Any] | None:
    """The answer; None without such a branch."""
    tip = site._tip(hosted, branch)
    if tip is None:
        return None
    return {
        **example,
        "name": branch,
        "commit": {**example["commit"], "sha": tip},
        "protected": branch in hosted.protections,
    }


def github_protection(found: Protection, example: dict[str, Any]) -> dict[str, Any]:
    return {
        **example,
        "required_status_checks": {"contexts": found.checks, "checks": []},
        "enforce_admins": {**example["enforce_admins"], "enabled": found.admins},
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": False,
            "required_approving_review_count": found.reviews,
            "require_code_owner_reviews": found.code_owners,
        },
        "allow_force_pushes": {"enabled": found.force_pushes},
        "allow_deletions": {"enabled": False},
    }


def github_rules(found: Protection) -> list[dict[str, Any]]:
    of = {"ruleset_source_type": "Repository", "ruleset_source": "acme/shop", "ruleset_id": 1}
    reviews = {
        "dismiss_stale_reviews_on_push": True,
        "require_code_owner_review": found.code_owners,
        "require_last_push_approval": False,
        "required_approving_review_count": found.reviews,
        "required_review_thread_resolution": False,
    }
    checks = {
        "strict_required_status_checks_policy": True,
        "required_status_checks": [{"context": one} for one in found.checks],
    }
    rules: list[dict[str, Any]] = [
        {"type": "pull_request", "parameters": reviews},
        {"type": "required_status_checks", "parameters": checks},
        {"type": "deletion"},
        *([] if found.force_pushes else [{"type": "non_fast_forward"}]),
    ]
    return [{**of, **one} for one in rules]


def gitlab_protected(name: str, found: Protection) -> dict[str, Any]:
    level = 0 if found.admins else 40
    return {
        "id": 1,
        "name": name,
        "push_access_levels": [{"id": 1, "access_level": level, "access_level_description": "Nobody"}],
        "allow_force_push": found.force_pushes,
        "code_owner_approval_required": found.code_owners,
    }


def gitea_branch(site: Site, hosted: Hosted, branch: str) -> dict[str, Any] | None:
    tip, found = site._tip(hosted, branch), hosted.protections.get(branch)
    if tip is None:
        return None
    return {
        "name": branch,
        "commit": {"id": tip},
        "protected": found is not None,
        "required_approvals": found.reviews if found else 0,
        "enable_status_check": bool(found and found.checks),
        "status_check_contexts": found.checks if found else [],
        "user_can_push": True,
        "user_can_merge": True,
        "effective_branch_protection_name": branch if found else "",
    }


def gitea_protection(site: Site, branch: str, found: Protection) -> dict[str, Any]:
    own = {"block_admin_merge_override": found.admins, "enable_force_push": found.force_pushes}
    own = {"apply_to_admins": found.admins} if site.kind == "forgejo" or site.title == "Forgejo" else own
    return {"rule_name": branch, "block_on_official_review_requests": found.code_owners, **own}
