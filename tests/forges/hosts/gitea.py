"""Gitea, and Forgejo, which has its API: below /api/v1."""

import hashlib
import hmac
import json
import subprocess
import uuid
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

from tests.forges.hosts import branches
from tests.forges.hosts import gitea_shapes as shapes
from tests.forges.hosts.oauth import OAuthSite
from tests.forges.hosts.operations import Answering, Gone, PublishedSite, Refused
from tests.forges.hosts.site import Comment, Delivery, Hosted, Person, Pull, Status, Webhook, as_json

ELSEWHERE = "https://git.corp.test"  # what its settings say its address is
# What it calls what happens, and the type of the event.
ACTIONS = {
    "synchronize": ("synchronized", "pull_request_sync"),
    "labeled": ("label_updated", "pull_request_label"),
    "unlabeled": ("label_updated", "pull_request_label"),
    "converted_to_draft": ("edited", "pull_request"),
    "ready_for_review": ("edited", "pull_request"),
}
# The event of a type, where it has another name.
EVENTS = {
    **{f"issue_{what}": "issues" for what in ("assign", "label", "milestone")},
    **{
        f"pull_request_{what}": "pull_request"
        for what in ("assign", "label", "milestone", "sync", "review_request")
    },
    "pull_request_comment": "issue_comment",
    "pull_request_review_approved": "pull_request_approved",
    "pull_request_review_rejected": "pull_request_rejected",
    "pull_request_review_comment": "pull_request_comment",
}
LINKED = ("/user/repos", "/pulls")  # other lists only say how many items there are
WHOLE = ("/comments", "/assignees")  # have no pages
HIDDEN = "user should be an owner or a collaborator with admin write of a repository"


class GiteaSite(OAuthSite, PublishedSite):
    """It neither counts requests nor knows ETags. A webhook's secret can be neither read nor changed.

    `private_receivers`: as its ALLOWED_HOST_LIST says, webhooks may go to private addresses; by default they may not.
    """

    kind = "gitea"
    title = "Gitea"
    scopes = "write:repository,write:issue,read:user"
    too_few = "read:repository,read:user"
    counts = False
    tells_renames = False
    schemas = "gitea"
    api_path = "/api/v1"
    parts = {
        "branch": r"[^/]+",
        "name": r"[^/]+",
        "owner": r"[^/]+",
        "repo": r"[^/]+",
        "sha": r"[0-9a-f]+|-",
        "collaborator": r"[^/]+",
    }
    authorize_path = "/login/oauth/authorize"
    token_path = "/login/oauth/access_token"
    separator = ","
    access_seconds = 3600.0
    ends_at_refresh = False
    word_for_code = word_for_used = "unauthorized_client"
    version = "1.26.3"
    names: tuple[str, ...] = ("Gitea",)
    most_per_page = 50

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.private_receivers = True
        self.rotates = False  # unless INVALIDATE_REFRESH_TOKENS is set

    def word_for_client(self, kind: str) -> str:
        return "unauthorized_client" if kind == "authorization_code" else "invalid_client"

    def no_tokens(self, word: str) -> Response:
        return as_json({"error": word, "error_description": "no"}, 400)

    def operations(self) -> Mapping[str, Answering]:
        return {
            "GET /version": lambda *_: {"version": self.version},
            "GET /user": lambda _, person, __: shapes.user(self, person),
            "GET /user/repos": self._mine,
            "GET /repos/{owner}/{repo}": self._repository,
            "GET /repositories/{id}": self._numbered,
            "GET /repos/{owner}/{repo}/branches/{branch}": self._branch,
            "GET /repos/{owner}/{repo}/branch_protections/{name}": self._protection,
            "GET /repos/{owner}/{repo}/topics": self._topics,
            "GET /repos/{owner}/{repo}/pulls": self._pulls,
            "GET /repos/{owner}/{repo}/pulls/{index}": self._pull,
            "GET /repos/{owner}/{repo}/collaborators": self._collaborators,
            "GET /repos/{owner}/{repo}/collaborators/{collaborator}/permission": self._permission,
            "GET /repos/{owner}/{repo}/assignees": self._assignees,
            "GET /repos/{owner}/{repo}/hooks": self._webhooks,
            "POST /repos/{owner}/{repo}/hooks": self._make_webhook,
            "PATCH /repos/{owner}/{repo}/hooks/{id}": self._change_webhook,
            "DELETE /repos/{owner}/{repo}/hooks/{id}": self._delete_webhook,
            "POST /repos/{owner}/{repo}/hooks/{id}/tests": self._test_webhook,
            "POST /repos/{owner}/{repo}/statuses/{sha}": self._make_status,
            "GET /repos/{owner}/{repo}/statuses/{sha}": self._statuses,
            "GET /repos/{owner}/{repo}/issues/{index}/comments": self._comments,
            "POST /repos/{owner}/{repo}/issues/{index}/comments": self._make_comment,
            "PATCH /repos/{owner}/{repo}/issues/comments/{id}": self._change_comment,
            "POST /repos/{owner}/{repo}/issues/comments/{id}/reactions": self._react,
        }

    def pull_path(self, hosted: Hosted, pull: Pull) -> str:
        return f"/{hosted.full_name}/pulls/{pull.number}"

    def api(self, request: Request, person: Person) -> Response:
        """Scopes are looked at before anything is looked for."""
        path = request.path.removeprefix(self.api_path)
        level = "read" if request.method == "GET" else "write"
        for category in _categories(path):
            if not {f"{level}:{category}", f"write:{category}"} & set(person.scopes.split(",")):
                return Response(json.dumps({"message": self.lacking(f"{level}:{category}", person)}), 403)
        return super().api(request, person)

    def lacking(self, scope: str, person: Person) -> str:
        """Its words for a token without `scope`."""
        start = "token does not have at least one of required scope(s)"
        return f"{start}, required=[{scope}], token scope={person.scopes}"

    def limited(self, answer: Response) -> Response:
        return answer

    def _with_etag(self, request: Request, answer: Response) -> Response:
        return answer

    def paged(self, request: Request, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
        headers = {"X-Total-Count": str(len(items))}
        if request.path.endswith(WHOLE):
            return items, headers
        size = min(self.most_per_page, int(request.args.get("limit", "30")))
        page = int(request.args.get("page", "1"))
        if request.path.endswith(LINKED) and len(items) > page * size:
            headers["Link"] = f'<{ELSEWHERE}{request.path}?page={page + 1}>; rel="next"'
        elif request.path.endswith(LINKED) and page > 1:
            headers["Link"] = f'<{ELSEWHERE}{request.path}?page=1>; rel="first"'
        return items[(page - 1) * size : page * size], headers

    def moved_to(self, request: Request, parts: dict[str, str]) -> Response | None:
        former = f"{parts.get('owner')}/{parts.get('repo')}"
        if former not in self.moved:
            return None
        path = request.full_path.rstrip("?").replace(former, self.moved[former], 1)
        return Response("", 301, {"Location": path})

    def _find(self, person: Person, parts: dict[str, str], role: str = "read") -> Hosted:
        hosted = self.repositories.get(f"{parts['owner']}/{parts['repo']}")
        if hosted is None or person.login not in hosted.members:
            raise Gone
        if role == "admin" and hosted.members[person.login] != "admin":
            raise Refused(403, HIDDEN)
        if role == "write" and hosted.members[person.login] == "read":
            raise Refused(403, "user should have a permission to write to a repo")
        return hosted

    # operations

    def _mine(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        mine = [one for one in self.repositories.values() if person.login in one.members]
        return [shapes.repository(self, one, one.members[person.login]) for one in mine]

    def _repository(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self._find(person, parts)
        return shapes.repository(self, hosted, hosted.members[person.login])

    def _numbered(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        found = [one for one in self.repositories.values() if str(one.id) == parts["id"]]
        if not found or person.login not in found[0].members:
            raise Gone
        return shapes.repository(self, found[0], found[0].members[person.login])

    def _topics(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        self._find(person, parts)
        return {"topics": ["shop"]}

    def _pulls(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, state = self._find(person, parts), request.args.get("state", "open")
        pulls = [one for one in hosted.pulls.values() if state in ("all", one.state)]
        return [shapes.pull_request(self, hosted, one) for one in pulls]

    def _pull(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self._find(person, parts)
        return shapes.pull_request(self, hosted, self._find_pull(person, parts))

    def _collaborators(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self._find(person, parts)
        return [shapes.somebody(self, login) for login in hosted.members if login != hosted.owner]

    def _branch(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        found = branches.gitea_branch(self, self._find(person, parts), parts["branch"])
        if found is None:
            raise Gone
        return found

    def _protection(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        found = self._find(person, parts, "admin").protections.get(parts["name"])
        if found is None:
            raise Gone
        return branches.gitea_protection(self, parts["name"], found)

    def _assignees(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        members = self._find(person, parts).members.items()
        return [shapes.somebody(self, login) for login, role in members if role != "read"]

    def _permission(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, login = self._find(person, parts), parts["collaborator"]
        if login != person.login and hosted.members[person.login] != "admin":
            raise Refused(
                403, "Only admins can query all permissions, repo admins can query all repo permissions"
            )
        if login not in self.people:
            raise Gone
        role = hosted.members.get(login, "none" if hosted.private else "read")
        return {"permission": role, "role_name": role, "user": shapes.somebody(self, login)}

    def _webhooks(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        return [shapes.hook(one) for one in self._find(person, parts, "admin").webhooks]

    def _make_webhook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, body = self._find(person, parts, "admin"), request.get_json()
        config = body["config"]
        webhook = Webhook(
            next(self.ids),
            config["url"],
            config.get("secret", ""),
            body.get("events") or ["push"],
            body.get("active", False),
        )
        hosted.webhooks.append(webhook)
        return shapes.hook(webhook)

    def _change_webhook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        webhook, body = self._find_webhook(person, parts), request.get_json()
        webhook.url = (body.get("config") or {}).get("url", webhook.url)  # and not its secret
        webhook.events = body.get("events") or ["push"]
        webhook.active = body.get("active", webhook.active)
        return shapes.hook(webhook)

    def _delete_webhook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        self._find(person, parts, "admin").webhooks.remove(self._find_webhook(person, parts))

    def _test_webhook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        """A push of what is there."""
        webhook, hosted = self._find_webhook(person, parts), self._find(person, parts, "admin")
        tip = self._tip(hosted, "main") or ""
        body = json.dumps(self.push_payload(hosted, "main", tip, tip)).encode()
        self.deliver(webhook, "push", body, str(uuid.uuid4()))

    def _find_webhook(self, person: Person, parts: dict[str, str]) -> Webhook:
        found = [one for one in self._find(person, parts, "admin").webhooks if one.id == int(parts["id"])]
        if not found:
            raise Gone
        return found[0]

    def _make_status(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, body = self._find(person, parts, "write"), request.get_json()
        there = ["git", "cat-file", "-e", f"{parts['sha']}^{{commit}}"]
        if subprocess.run(there, cwd=hosted.path, capture_output=True, check=False).returncode:
            raise Refused(500, "")  # it says nothing to people who are no admins of the server
        status = Status(
            parts["sha"],
            body["context"],
            body["state"],
            body.get("description", ""),
            body.get("target_url", ""),
            person.login,
        )
        hosted.statuses.append(status)
        return shapes.status(self, person, status)

    def _statuses(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        found = [one for one in self._find(person, parts).statuses if one.sha == parts["sha"]]
        newest_first = request.args.get("sort") == "highestindex"
        return [shapes.status(self, person, one) for one in (reversed(found) if newest_first else found)]

    def _comments(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, pull = self._find(person, parts), self._find_pull(person, parts)
        return [shapes.comment(self, hosted, pull, one) for one in pull.comments]

    def _make_comment(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, pull = self._find(person, parts), self._find_pull(person, parts)
        comment = Comment(next(self.ids), person.login, request.get_json()["body"])
        pull.comments.append(comment)
        return shapes.comment(self, hosted, pull, comment)

    def _change_comment(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        pull, comment = self._find_comment(person, parts)
        comment.body, comment.edits = request.get_json()["body"], comment.edits + 1
        return shapes.comment(self, self._find(person, parts), pull, comment)

    def _react(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        _, comment = self._find_comment(person, parts)
        content = request.get_json()["content"]
        comment.reactions.add((person.login, content))
        return {"user": shapes.user(self, person), "content": content, "created_at": shapes.MADE}

    def _find_pull(self, person: Person, parts: dict[str, str]) -> Pull:
        pull = self._find(person, parts).pulls.get(int(parts["index"]))
        if pull is None:
            raise Gone
        return pull

    def _find_comment(self, person: Person, parts: dict[str, str]) -> tuple[Pull, Comment]:
        for pull in self._find(person, parts).pulls.values():
            for comment in pull.comments:
                if comment.id == int(parts["id"]):
                    return pull, comment
        raise Gone

    # webhooks

    def changed(self, hosted: Hosted, pull: Pull, action: str) -> None:
        _, exact = ACTIONS.get(action, (action, "pull_request"))
        self.send(hosted, exact, self.pull_payload(hosted, pull, action))

    def send(self, hosted: Hosted, event: str, payload: dict[str, Any], guid: str = "") -> None:
        """Of a repository, only being made and deleted is told. Private receivers get nothing unless they are allowed."""
        if event == "repository" and payload["action"] not in {"created", "deleted"}:
            return
        receivers = [one for one in hosted.webhooks if self.private_receivers or not _private(one.url)]
        refused = [one for one in hosted.webhooks if one not in receivers]
        self.deliveries.extend(Delivery(guid, event, json.dumps(payload).encode(), 0) for _ in refused)
        if not refused:
            super().send(hosted, event, payload, guid)

    def webhook_headers(self, webhook: Webhook, event: str, body: bytes, guid: str) -> dict[str, str]:
        mac = hmac.new(webhook.secret.encode(), body, hashlib.sha256).hexdigest() if webhook.secret else ""
        said = (("Delivery", guid), ("Event", EVENTS.get(event, event)), ("Event-Type", event))
        names = (*self.names, "Gogs", "GitHub")
        return {
            "Content-Type": "application/json",
            **{f"X-{name}-{what}": value for name in names for what, value in said},
            **{f"X-{name}-Signature": mac for name in (*self.names, "Gogs")},
            "X-Hub-Signature-256": f"sha256={mac}",
        }

    def pull_payload(self, hosted: Hosted, pull: Pull, action: str) -> dict[str, Any]:
        said, _ = ACTIONS.get(action, (action, "pull_request"))
        return {
            "action": said,
            "number": pull.number,
            "pull_request": shapes.pull_request(self, hosted, pull),
            "requested_reviewer": None,
            **self._everywhere(hosted, pull.author),
            "commit_id": "",
            "review": None,
        }

    def push_payload(self, hosted: Hosted, branch: str, before: str, after: str) -> dict[str, Any]:
        return {
            "ref": f"refs/heads/{branch}",
            "before": before,
            "after": after,
            "compare_url": f"{self.url}/{hosted.full_name}/compare/{before}...{after}",
            "commits": [],
            "total_commits": 1,
            "head_commit": None,
            **self._everywhere(hosted, hosted.owner),
            "pusher": shapes.somebody(self, hosted.owner),
        }

    def repository_payload(self, hosted: Hosted, action: str) -> dict[str, Any]:
        owner = shapes.somebody(self, hosted.owner)
        return {"action": action, "organization": owner, **self._everywhere(hosted, hosted.owner)}

    def comment_payload(
        self, hosted: Hosted, pull: Pull, comment: Comment, action: str
    ) -> tuple[str, dict[str, Any]]:
        """The type and the body of what happened to a comment below a pull request."""
        address = f"{self.url}{self.pull_path(hosted, pull)}"
        issue = {"id": pull.number + 5000, "number": pull.number, "title": pull.title, "html_url": address}
        return "pull_request_comment", {
            "action": action,
            "issue": {**issue, "state": pull.state, "pull_request": {"merged": pull.merged}},
            "comment": shapes.comment(self, hosted, pull, comment),
            **self._everywhere(hosted, comment.author),
            "is_pull": True,
        }

    def _everywhere(self, hosted: Hosted, login: str) -> dict[str, Any]:
        return {
            "repository": shapes.repository(self, hosted, "read"),
            "sender": shapes.somebody(self, login),
        }


class ForgejoSite(GiteaSite):
    """It says which Gitea it is like, sends its own headers as well, and has other words for some things."""

    title = "Forgejo"
    schemas = "forgejo"
    version = "11.0.1+gitea-1.22.0"
    names = ("Forgejo", "Gitea")
    most_per_page = 20

    def lacking(self, scope: str, person: Person) -> str:
        return f"token does not have at least one of required scope(s): [{scope}]"


def _categories(path: str) -> list[str]:
    """What a token's scopes must be about."""
    if path == "/version":
        return []
    if path.startswith("/user"):
        return ["user", "repository"] if path == "/user/repos" else ["user"]
    return ["issue"] if "/issues/" in path else ["repository"]


def _private(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost"
