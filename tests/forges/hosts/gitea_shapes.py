"""What Gitea says about people, repositories, pull requests and comments, in answers and in webhooks."""

from datetime import UTC, datetime
from typing import Any

from tests.forges.hosts.site import Comment, Hosted, Person, Pull, Site, Status, Webhook

MADE = "2026-01-02T03:04:05Z"


def user(site: Site, person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "login": person.login,
        "login_name": "",
        "source_id": 0,
        "full_name": "",
        "email": f"{person.login}@noreply.git.test",
        "avatar_url": f"{site.url}/avatars/{person.id}",
        "html_url": f"{site.url}/{person.login}",
        "language": "",
        "is_admin": False,
        "last_login": "0001-01-01T00:00:00Z",
        "created": MADE,
        "restricted": False,
        "active": False,
        "prohibit_login": False,
        "location": "",
        "website": "",
        "description": "",
        "visibility": "public",
        "followers_count": 0,
        "following_count": 0,
        "starred_repos_count": 0,
    }


def somebody(site: Site, login: str) -> dict[str, Any]:
    return user(site, site.people.get(login) or Person(0, login, "", ""))


def repository(site: Site, hosted: Hosted, role: str) -> dict[str, Any]:
    return {
        "id": hosted.id,
        "owner": somebody(site, hosted.owner),
        "name": hosted.name,
        "full_name": hosted.full_name,
        "description": f"The repository {hosted.name}",
        "empty": False,
        "private": hosted.private,
        "fork": False,
        "template": False,
        "mirror": False,
        "size": 24,
        "language": "",
        "html_url": f"{site.url}/{hosted.full_name}",
        "url": f"{site.url}/api/v1/repos/{hosted.full_name}",
        "ssh_url": f"git@git.test:{hosted.full_name}.git",
        "clone_url": f"{site.url}/{hosted.full_name}.git",
        "original_url": "",
        "website": "",
        "stars_count": 0,
        "forks_count": 0,
        "watchers_count": 1,
        "open_issues_count": 0,
        "open_pr_counter": sum(pull.state == "open" for pull in hosted.pulls.values()),
        "release_counter": 0,
        "default_branch": "main",
        "archived": hosted.archived,
        "created_at": MADE,
        "updated_at": MADE,
        "archived_at": "1970-01-01T00:00:00Z",
        "permissions": {"admin": role == "admin", "push": role in {"admin", "write"}, "pull": True},
        "has_issues": True,
        "has_wiki": True,
        "has_pull_requests": True,
        "internal": False,
        "mirror_interval": "",
        "object_format_name": "sha1",
        "mirror_updated": "0001-01-01T00:00:00Z",
        "repo_transfer": None,
        "topics": ["shop"],
    }


def pull_request(site: Site, hosted: Hosted, pull: Pull) -> dict[str, Any]:
    origin = site.origin(hosted, pull.fork)
    address = f"{site.url}{site.pull_path(hosted, pull)}"
    return {
        "id": pull.number + 5000,
        "url": address,
        "number": pull.number,
        "user": somebody(site, pull.author),
        "title": f"WIP: {pull.title}" if pull.draft else pull.title,
        "body": "",
        "labels": [
            {"id": 1, "name": one, "color": "00aabb", "description": "", "url": ""} for one in pull.labels
        ],
        "milestone": None,
        "assignee": None,
        "assignees": None,
        "requested_reviewers": None,
        "state": pull.state,
        "draft": pull.draft,
        "is_locked": False,
        "comments": len(pull.comments),
        "html_url": address,
        "diff_url": f"{address}.diff",
        "patch_url": f"{address}.patch",
        "mergeable": True,
        "merged": pull.merged,
        "merged_at": at(pull.updated_at) if pull.merged else None,
        "merge_commit_sha": None,
        "merged_by": None,
        "allow_maintainer_edit": False,
        "base": side(site, hosted, "main", pull.base),
        "head": side(site, origin, pull.branch, pull.head),
        "merge_base": pull.base,
        "due_date": None,
        "created_at": MADE,
        "updated_at": at(pull.updated_at),
        "closed_at": at(pull.updated_at) if pull.state == "closed" else None,
        "pin_order": 0,
    }


def side(site: Site, hosted: Hosted, branch: str, commit: str) -> dict[str, Any]:
    return {
        "label": branch,
        "ref": branch,
        "sha": commit,
        "repo_id": hosted.id,
        "repo": repository(site, hosted, "read"),
    }


def comment(site: Site, hosted: Hosted, pull: Pull, one: Comment) -> dict[str, Any]:
    address = f"{site.url}{site.pull_path(hosted, pull)}"
    return {
        "id": one.id,
        "html_url": f"{address}#issuecomment-{one.id}",
        "pull_request_url": address,
        "issue_url": "",
        "user": somebody(site, one.author),
        "original_author": "",
        "original_author_id": 0,
        "body": one.body,
        "assets": [],
        "created_at": MADE,
        "updated_at": MADE,
    }


def hook(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "type": "gitea",
        "branch_filter": "",
        "config": {"content_type": "json", "url": webhook.url},
        "events": webhook.events,
        "authorization_header": "",
        "active": webhook.active,
        "updated_at": MADE,
        "created_at": MADE,
    }


def at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def status(site: Site, by: Person, one: Status) -> dict[str, Any]:
    return {
        "id": next(site.ids),
        "status": one.state,
        "target_url": one.url,
        "description": one.description,
        "url": f"{site.url}/api/v1/statuses/{one.sha}",
        "context": one.context,
        "creator": user(site, by),
        "created_at": MADE,
        "updated_at": MADE,
    }
