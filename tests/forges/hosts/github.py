"""GitHub, as an Enterprise Server: its API is below /api/v3."""

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import jsonschema
from werkzeug.wrappers import Request, Response

from tests.forges.hosts import branches, github_app_pages, github_events, pages
from tests.forges.hosts.github_apps import GitHubApps, Integration
from tests.forges.hosts.github_deliveries import GitHubDeliveries, cursor_page
from tests.forges.hosts.github_reports import GitHubReports
from tests.forges.hosts.operations import Gone, Refused
from tests.forges.hosts.published import published
from tests.forges.hosts.site import Comment, Hosted, Person, Pull, Site, Status, Webhook, as_json

API = "/api/v3"
STATUSES = "GET /repos/{owner}/{repo}/commits/{ref}/statuses"
PAYLOADS = Path(__file__).parent.parent / "github_payloads"
BRANCH = "GET /repos/{owner}/{repo}/branches/{branch}"
NAMES = {
    "owner": r"[^/]+",
    "repo": r"[^/]+",
    "sha": r"[0-9a-f]+",
    "ref": r"[0-9a-f]+",
    "code": "[^/]+",
    "username": "[^/]+",
    "branch": "[^/]+",
}


Answering = Callable[[Request, Person, dict[str, str]], Any]


class GitHubSite(Site):
    """What is said to it and by it is held against GitHub's published schemas; `complaints` has what does not fit."""

    kind = "github"
    title = "GitHub"
    scopes = "repo"
    too_few = "read:user"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.published = published("github")
        self.apps = GitHubApps(self)
        self.reports = GitHubReports(self)
        self._counted: Any = self
        self._operations: list[tuple[str, re.Pattern[str], Answering]] = [
            (name, _pattern(name), answering)
            for name, answering in {
                "GET /user": self._me,
                "GET /user/repos": self._mine,
                "GET /repos/{owner}/{repo}": self._repository,
                "GET /repos/{owner}/{repo}/pulls": self._pulls,
                "GET /repos/{owner}/{repo}/collaborators": self._collaborators,
                "GET /repos/{owner}/{repo}/hooks": self._webhooks,
                "POST /repos/{owner}/{repo}/hooks": self._make_webhook,
                "PATCH /repos/{owner}/{repo}/hooks/{hook_id}": self._change_webhook,
                "DELETE /repos/{owner}/{repo}/hooks/{hook_id}": self._delete_webhook,
                "POST /repos/{owner}/{repo}/statuses/{sha}": self._make_status,
                STATUSES: self._statuses,
                BRANCH: self._branch,
                f"{BRANCH}/protection": self._protection,
                "GET /repos/{owner}/{repo}/rules/branches/{branch}": self._rules,
                "GET /repos/{owner}/{repo}/issues/{issue_number}/comments": self._comments,
                "POST /repos/{owner}/{repo}/issues/{issue_number}/comments": self._make_comment,
                "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}": self._change_comment,
                **self.apps.operations(),
                **self.reports.operations(),
                **GitHubDeliveries(self).operations(),
                **github_events.operations(self),
            }.items()
        ]

    def is_api(self, request: Request) -> bool:
        return request.path.startswith(f"{API}/")

    def signed_in(self, request: Request) -> Person | None:
        return self.apps.signed_in(request) or super().signed_in(request)

    def counted(self, person: Person) -> Any:
        self._counted = person.installation if isinstance(person, Integration) else self
        return self._counted

    def limited(self, answer: Response) -> Response:
        limited = super().limited(answer)
        limited.headers["X-RateLimit-Remaining"] = str(max(0, self._counted.left))
        return limited

    def may_fetch(self, request: Request, person: Person) -> bool:
        if not isinstance(person, Integration):
            return True
        name, _, rest = request.path.removeprefix("/").partition(".git/")
        pushing = "git-receive-pack" in rest + request.query_string.decode()
        return self.apps.may_fetch(person, self.repositories.get(name), pushing=pushing)

    def send(self, hosted: Hosted, event: str, payload: dict[str, Any], guid: str = "") -> None:
        super().send(hosted, event, payload, guid)
        self.apps.send(hosted, event, payload)

    def page(self, request: Request) -> Response | None:
        return github_app_pages.page(self, request) or pages.shown(self, request.path)

    def reported(self, hosted: Hosted, pull: Pull) -> str:
        return self.reports.page(hosted, pull.head)

    def pull_path(self, hosted: Hosted, pull: Pull) -> str:
        return f"/{hosted.full_name}/pull/{pull.number}"

    def api(self, request: Request, person: Person) -> Response:
        request.path = self._named(request.path)
        asked = f"{request.method} {request.path.removeprefix(API)}"
        for name, pattern, answering in self._operations:
            if match := pattern.fullmatch(asked):
                try:
                    return self._held_to(name, request, person, answering, match.groupdict())
                except Gone:
                    return self._moved(request, match.groupdict()) or as_json({"message": "Not Found"}, 404)
                except Refused as refused:
                    return as_json({"message": str(refused)}, refused.status)
        self.complaints.append(f"nothing here does {asked}")
        return as_json({"message": "Not Found"}, 404)

    def _named(self, path: str) -> str:
        """A repository may be asked for by its number, which is published nowhere: it is where redirects lead."""
        for hosted in self.repositories.values():
            path = re.sub(rf"{API}/repositories/{hosted.id}(?=/|$)", f"{API}/repos/{hosted.full_name}", path)
        return path

    def _held_to(
        self, name: str, request: Request, person: Person, answering: Answering, parts: dict[str, str]
    ) -> Response:
        body = request.get_json(silent=True)
        try:
            self.apps.check(name, f"{request.method} {request.path.removeprefix(API)}", person)
            self.published.check_request(name, body)
            content = answering(request, person, parts)
            shown, link = self._page(request, content)
            self.published.check_answer(name, shown)
        except jsonschema.ValidationError as error:
            self.complaints.append(f"{name}: {error.json_path}: {error.message[:300]}")
            return as_json({"message": f"Validation Failed: {error.message[:300]}"}, 422)
        status = self.published.status(name)
        answer = Response("", status) if status == 204 else as_json(shown, status)
        if link:
            answer.headers["Link"] = link
        if name == "GET /user":
            answer.headers["X-OAuth-Scopes"] = person.scopes
        return answer

    def _page(self, request: Request, content: Any) -> tuple[Any, str]:
        """The page that was asked for, 30 items unless asked otherwise, and where the next one is."""
        if isinstance(content, dict) and "total_count" in content:
            name = next(name for name, value in content.items() if isinstance(value, list))
            items, link = self._page(request, content[name])
            return {**content, name: items}, link
        if not isinstance(content, list):
            return content, ""
        items = content
        if request.path.endswith("/deliveries"):
            return cursor_page(request, items, self.url)
        size = min(100, int(request.args.get("per_page", "30")))
        page = int(request.args.get("page", "1"))
        shown = items[(page - 1) * size : page * size]
        if page * size >= len(items):
            return shown, ""
        query = "&".join(f"{key}={value}" for key, value in request.args.items() if key != "page")
        return shown, f'<{self.url}{request.path}?{query}&page={page + 1}>; rel="next"'

    def _moved(self, request: Request, parts: dict[str, str]) -> Response | None:
        former = f"{parts.get('owner')}/{parts.get('repo')}"
        if former not in self.moved:
            return None
        address = self.url + request.full_path.rstrip("?").replace(former, self.moved[former], 1)
        return Response("", 301 if request.method == "GET" else 307, {"Location": address})

    def find(self, person: Person, parts: dict[str, str]) -> Hosted:
        """The repository, if the person may look at it."""
        return self._find(person, parts)

    def _find(self, person: Person, parts: dict[str, str], role: str = "read") -> Hosted:
        hosted = self.repositories.get(f"{parts['owner']}/{parts['repo']}")
        if hosted is not None and isinstance(person, Integration):
            return self.apps.find(person, hosted)
        if hosted is None or person.login not in hosted.members:
            raise Gone
        if role == "admin" and hosted.members[person.login] != "admin":
            raise Gone  # GitHub hides what may not be managed
        return hosted

    def gone(self) -> NoReturn:
        """Nothing is there, or it is hidden."""
        raise Gone

    # operations

    def _branch(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        found = branches.github_branch(
            self, self._find(person, parts), parts["branch"], self.published.example(BRANCH)
        )
        return self.gone() if found is None else found

    def _protection(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        found = self._find(person, parts, "admin").protections.get(parts["branch"])
        if found is None or found.ruleset:
            raise Gone
        return branches.github_protection(found, self.published.example(f"{BRANCH}/protection"))

    def _rules(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        found = self._find(person, parts).protections.get(parts["branch"])
        return branches.github_rules(found) if found is not None and found.ruleset else []

    def _me(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        return {**self.published.example("GET /user"), "login": person.login, "id": person.id}

    def _mine(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        example = self.published.example("GET /user/repos")[0]
        mine = [one for one in self.repositories.values() if person.login in one.members]
        return [
            {**example, **self.described(one, person)} for one in sorted(mine, key=lambda one: one.full_name)
        ]

    def _repository(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        example = self.published.example("GET /repos/{owner}/{repo}")
        return {**example, **self.described(self._find(person, parts), person)}

    def described(self, hosted: Hosted, person: Person) -> dict[str, Any]:
        role = hosted.members.get(person.login, "none")
        return {
            "id": hosted.id,
            "name": hosted.name,
            "full_name": hosted.full_name,
            "html_url": f"{self.url}/{hosted.full_name}",
            "clone_url": f"{self.url}/{hosted.full_name}.git",
            "default_branch": "main",
            "private": hosted.private,
            "archived": hosted.archived,
            "description": f"The repository {hosted.name}",
            "topics": ["shop"],
            "permissions": {"admin": role == "admin", "push": role in {"admin", "write"}, "pull": True},
        }

    def _pulls(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self._find(person, parts)
        example = self.published.example("GET /repos/{owner}/{repo}/pulls")[0]
        state = request.args.get("state", "open")
        return [
            self._pull(hosted, one, example)
            for one in sorted(hosted.pulls.values(), key=lambda one: -one.number)
            if state in ("all", one.state)
        ]

    def _pull(self, hosted: Hosted, pull: Pull, example: dict[str, Any]) -> dict[str, Any]:
        label = {**(example["labels"][0] if example["labels"] else {})}
        head = {**example["head"], "ref": pull.branch, "sha": pull.head}
        base = {**example["base"], "ref": pull.target, "sha": pull.base}
        for side, there in ((head, self.origin(hosted, pull.fork)), (base, hosted)):
            side["repo"] = {**side["repo"], "id": there.id, "full_name": there.full_name}
        return {
            **example,
            "head": head,
            "base": base,
            "number": pull.number,
            "state": pull.state,
            "title": pull.title,
            "user": {**example["user"], "login": pull.author},
            "draft": pull.draft,
            "labels": [{**label, "name": name} for name in pull.labels],
            "merged_at": _time(pull.updated_at) if pull.merged else None,
            "updated_at": _time(pull.updated_at),
        }

    def _collaborators(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self._find(person, parts)
        if hosted.members.get(person.login) == "read":
            raise Refused(403, "Must have push access to view repository collaborators.")
        example = self.published.example("GET /repos/{owner}/{repo}/collaborators")[0]
        return [{**example, "login": login, "role_name": role} for login, role in hosted.members.items()]

    def _webhooks(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        return [self._webhook(one) for one in self._find(person, parts, "admin").webhooks]

    def _webhook(self, webhook: Webhook) -> dict[str, Any]:
        example = self.published.example("GET /repos/{owner}/{repo}/hooks")[0]
        shown = {"url": webhook.url, "content_type": "json", "insecure_ssl": "0", "secret": "********"}
        return {
            **example,
            "id": webhook.id,
            "active": webhook.active,
            "events": webhook.events,
            "config": shown,
        }

    def _make_webhook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, body = self._find(person, parts, "admin"), request.get_json()
        if any(one.url == body["config"]["url"] for one in hosted.webhooks):
            raise Refused(422, "Validation Failed: Hook already exists on this repository")
        webhook = Webhook(
            next(self.ids),
            body["config"]["url"],
            body["config"].get("secret", ""),
            body.get("events", ["push"]),
            body.get("active", True),
        )
        hosted.webhooks.append(webhook)
        return self._webhook(webhook)

    def _change_webhook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        webhook, body = self.find_webhook(person, parts), request.get_json()
        webhook.url = body.get("config", {}).get("url", webhook.url)
        webhook.secret = body.get("config", {}).get(
            "secret", ""
        )  # GitHub drops a secret that is not sent again
        webhook.events = body.get("events", webhook.events)
        webhook.active = body.get("active", webhook.active)
        return self._webhook(webhook)

    def _delete_webhook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self._find(person, parts, "admin")
        hosted.webhooks.remove(self.find_webhook(person, parts))

    def find_webhook(self, person: Person, parts: dict[str, str]) -> Webhook:
        for one in self._find(person, parts, "admin").webhooks:
            if one.id == int(parts["hook_id"]):
                return one
        raise Gone

    def _make_status(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, body = self._find(person, parts), request.get_json()
        if len(body.get("description") or "") > 140:
            raise Refused(422, "Validation Failed: description is too long (maximum is 140 characters)")
        hosted.statuses.append(
            Status(
                parts["sha"],
                body.get("context", "default"),
                body["state"],
                body.get("description") or "",
                body.get("target_url") or "",
                person.login,
            )
        )
        example = self.published.example("POST /repos/{owner}/{repo}/statuses/{sha}")
        return {**example, **body, "id": next(self.ids)}

    def _statuses(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        example = self.published.example(STATUSES)[0]
        of_commit = [one for one in self._find(person, parts).statuses if one.sha == parts["ref"]]
        return [
            {**example, "id": number, "context": one.context, "state": one.state, "description": one.description,
             "target_url": one.url}
            for number, one in reversed(list(enumerate(of_commit)))
        ]  # fmt: skip

    def _comments(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        return [self._comment(one) for one in self._find_pull(person, parts).comments]

    def _comment(self, comment: Comment) -> dict[str, Any]:
        example = self.published.example("GET /repos/{owner}/{repo}/issues/{issue_number}/comments")[0]
        author = {**example["user"], "login": comment.author, "id": self.people[comment.author].id}
        return {**example, "id": comment.id, "body": comment.body, "user": author}

    def _make_comment(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        comment = Comment(next(self.ids), person.login, request.get_json()["body"])
        self._find_pull(person, parts).comments.append(comment)
        return self._comment(comment)

    def _change_comment(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self._find(person, parts)
        for pull in hosted.pulls.values():
            for comment in pull.comments:
                if comment.id == int(parts["comment_id"]):
                    comment.body, comment.edits = request.get_json()["body"], comment.edits + 1
                    return self._comment(comment)
        raise Gone

    def _find_pull(self, person: Person, parts: dict[str, str]) -> Pull:
        pull = self._find(person, parts).pulls.get(int(parts["issue_number"]))
        if pull is None:
            raise Gone
        return pull

    # webhooks

    def webhook_headers(self, webhook: Webhook, event: str, body: bytes, guid: str) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/abc1234",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": guid,
            "X-GitHub-Hook-ID": str(webhook.id),
        }
        if webhook.secret:
            mac = hmac.new(webhook.secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Hub-Signature-256"] = f"sha256={mac}"
        return headers

    def pull_payload(self, hosted: Hosted, pull: Pull, action: str) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads((PAYLOADS / "pull_request.opened.json").read_text())
        repository = {**payload["repository"], **self._of_payload(hosted)}
        changed = self._pull(hosted, pull, payload["pull_request"])
        changed["base"]["repo"] = repository
        changed["head"]["repo"] = {**repository, **self._of_payload(self.origin(hosted, pull.fork))}
        return {
            **payload,
            "action": action,
            "number": pull.number,
            "pull_request": {**changed, "merged": pull.merged},
            "repository": repository,
        }

    def push_payload(self, hosted: Hosted, branch: str, before: str, after: str) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads((PAYLOADS / "push.branch.json").read_text())
        repository = {**payload["repository"], **self._of_payload(hosted)}
        return {
            **payload,
            "ref": f"refs/heads/{branch}",
            "before": before,
            "after": after,
            "deleted": False,
            "repository": repository,
        }

    def repository_payload(self, hosted: Hosted, action: str) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads((PAYLOADS / "push.branch.json").read_text())
        repository = {**payload["repository"], **self._of_payload(hosted)}
        return {"action": action, "repository": repository, "sender": payload["sender"]}

    def comment_payload(
        self, hosted: Hosted, pull: Pull, comment: Comment, action: str
    ) -> tuple[str, dict[str, Any]]:
        return github_events.comment_payload(self, hosted, pull, comment, action)

    def queue_payload(
        self, hosted: Hosted, commit: str, base_sha: str, ref: str
    ) -> tuple[str, dict[str, Any]]:
        return github_events.queue_payload(self, hosted, commit, base_sha, ref)

    def _of_payload(self, hosted: Hosted) -> dict[str, Any]:
        return {
            "id": hosted.id,
            "name": hosted.name,
            "full_name": hosted.full_name,
            "html_url": f"{self.url}/{hosted.full_name}",
            "clone_url": f"{self.url}/{hosted.full_name}.git",
            "default_branch": "main",
        }


def _pattern(operation: str) -> re.Pattern[str]:
    return re.compile(
        re.sub(r"{(\w+)}", lambda found: f"(?P<{found[1]}>{NAMES.get(found[1], '[0-9]+')})", operation)
    )


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
