"""GitLab 19, self-managed. It knows itself by another address than the one that it is reached at."""

import subprocess
import time
import uuid
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from werkzeug.wrappers import Request, Response

from tests.forges.hosts import branches
from tests.forges.hosts.gitlab_hooks import Hooks
from tests.forges.hosts.gitlab_parts import ELSEWHERE, MERGE, PROJECT, state_of
from tests.forges.hosts.gitlab_pipelines import Pipelines
from tests.forges.hosts.gitlab_reviews import Reviews
from tests.forges.hosts.oauth import Grant, OAuthSite
from tests.forges.hosts.operations import Answering, Gone, PublishedSite, Refused
from tests.forges.hosts.site import Comment, Hosted, Person, Pull, as_json

LEVELS = {"read": 20, "write": 30, "admin": 40}
EMOJI = {"thumbsup": "+1", "confused": "confused"}


class GitLabSite(OAuthSite, PublishedSite, Pipelines, Hooks, Reviews):
    """Every answer costs a request, also one that says that nothing changed."""

    kind = "gitlab"
    title = "GitLab"
    scopes = "api"
    too_few = "read_api"
    counts = False
    tells_renames = False
    no_token = "401 Unauthorized"
    schemas = "gitlab"
    api_path = "/api/v4"
    version = "19.1.0-ee"
    revoke_path = "/oauth/revoke"
    parts = {"branch": r"[^/]+", "id": r"[^/]+", "sha": r"[0-9a-f]+", "discussion": r"[0-9a-f]+"}

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.ends: dict[str, date] = {}  # of tokens, by their owners
        self.revoked: dict[str, str] = {}  # former tokens, and whose

    def operations(self) -> Mapping[str, Answering]:
        return {
            "GET /user": lambda request, person, parts: self._person(person.login),
            "GET /version": lambda *asked: {"version": self.version, "revision": "0a1b2c3"},
            "GET /users": self._users,
            "GET /personal_access_tokens/self": self._token,
            "POST /personal_access_tokens/self/rotate": self._rotate,
            "GET /projects": self._projects,
            f"GET {PROJECT}": lambda *asked: self._project(self.find(*asked[1:]), asked[1]),
            f"GET {PROJECT}/members/all": self._members,
            f"GET {PROJECT}/members/all/{{user}}": self._member,
            f"GET {PROJECT}/merge_requests": self._merge_requests,
            f"GET {MERGE}": self._merge_request,
            f"GET {PROJECT}/repository/commits/{{sha}}/merge_requests": self._merge_requests_of,
            f"GET {MERGE}/notes": self._notes,
            f"POST {MERGE}/notes": self._make_note,
            f"PUT {MERGE}/notes/{{note}}": self._change_note,
            f"POST {MERGE}/notes/{{note}}/award_emoji": self._react,
            f"GET {PROJECT}/repository/branches/{{branch}}": self._branch,
            f"GET {PROJECT}/protected_branches": self._protected,
            f"GET {PROJECT}/approval_rules": self._approval_rules,
            **self.of_part(),
        }

    def api(self, request: Request, person: Person) -> Response:
        request.path = urlsplit(request.environ["REQUEST_URI"]).path  # names of projects are encoded in it
        if request.method != "GET" and "api" not in person.scopes.split():
            return as_json({"error": "insufficient_scope"}, 403)
        return super().api(request, person)

    def limited(self, answer: Response) -> Response:
        if self.left <= 0 and answer.status_code == 403:
            answer.status_code = 429
            answer.headers["Retry-After"] = str(int(self.resets_at - time.time()))
        answer.headers["RateLimit-Limit"] = "5000"
        answer.headers["RateLimit-Remaining"] = str(max(0, self.left))
        answer.headers["RateLimit-Reset"] = str(int(self.resets_at))
        return answer

    def paged(self, request: Request, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
        size = min(100, int(request.args.get("per_page", "20")))
        if request.args.get("pagination") == "keyset":
            after = int(request.args.get("id_after", "-1"))
            rest = [one for one in items if one["id"] > after]
            following = {"id_after": str(rest[size - 1]["id"])} if len(rest) > size else None
            return rest[:size], self._link(request, following)
        page = int(request.args.get("page", "1"))
        following = {"page": str(page + 1)} if page * size < len(items) else None
        shown = items[(page - 1) * size : page * size]
        return shown, {"X-Total": str(len(items)), **self._link(request, following)}

    def _link(self, request: Request, following: dict[str, str] | None) -> dict[str, str]:
        if following is None:
            return {}
        query = urlencode({**request.args.to_dict(), **following})
        return {"Link": f'<{ELSEWHERE}{request.path}?{query}>; rel="next"'}

    def moved_to(self, request: Request, parts: dict[str, str]) -> Response | None:
        now = self.moved.get(unquote(parts.get("id", "")))
        if now is None or request.method != "GET":
            return None
        there = f"{self.url}{self.api_path}/projects/{self.repositories[now].id}"
        return Response("", 302, {"Location": there})

    def pull_path(self, hosted: Hosted, pull: Pull) -> str:
        return f"/{hosted.full_name}/-/merge_requests/{pull.number}"

    def find(self, person: Person, parts: dict[str, str], role: str = "read") -> Hosted:
        wanted = unquote(parts["id"])
        for hosted in self.repositories.values():
            if wanted in (str(hosted.id), hosted.full_name) and person.login in hosted.members:
                if LEVELS[hosted.members[person.login]] < LEVELS[role]:
                    raise Refused(403, "403 Forbidden")
                return hosted
        raise Gone

    def find_pull(self, person: Person, parts: dict[str, str]) -> Pull:
        pull = self.find(person, parts).pulls.get(int(parts["iid"]))
        if pull is None:
            raise Gone
        return pull

    def _with_etag(self, request: Request, answer: Response) -> Response:
        answer = super()._with_etag(request, answer)
        self.left -= answer.status_code == 304
        return answer

    def takes_user(self, name: str) -> bool:
        return name == "oauth2"

    def said_of(self, grant: Grant) -> dict[str, object]:
        return {"scope": grant.scopes, "created_at": int(time.time())}

    # people and projects

    def _person(self, login: str) -> dict[str, Any]:
        person = self.people[login]
        return {"id": person.id, "username": login, "name": login.title(), "state": "active", "bot": False}

    def author(self, login: str) -> dict[str, Any]:
        person = self.people[login]
        return {"id": person.id, "username": login, "name": login.title(), "state": "active"}

    def _users(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        wanted = request.args["username"].casefold()
        return [self._person(login) for login in self.people if login.casefold() == wanted]

    def _token(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        if self.grant_of(person.token) is not None:
            self.complaints.append("asked about a personal access token with one of OAuth")
            raise Gone
        ends = self.ends.get(person.login)
        return {
            "id": person.id,
            "name": "seatrial",
            "revoked": False,
            "active": True,
            "created_at": "2026-01-01T10:00:00.000Z",
            "scopes": person.scopes.split(),
            "user_id": person.id,
            "last_used_at": None,
            "expires_at": ends.isoformat() if ends else None,
        }

    def _rotate(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        if "expires_at" in (request.get_json() or {}):
            self.ends[person.login] = date.fromisoformat(request.get_json()["expires_at"])
        self.revoked[person.token] = person.login
        person.token = f"token-of-{person.login}-{uuid.uuid4().hex}"
        return {**self._token(request, person, parts), "token": person.token}

    def _projects(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        mine = [one for one in self.repositories.values() if person.login in one.members]
        return [self._project(one, person) for one in sorted(mine, key=lambda one: one.id)]

    def _project(self, hosted: Hosted, person: Person) -> dict[str, Any]:
        access = {"access_level": LEVELS[hosted.members[person.login]], "notification_level": 3}
        return {
            "id": hosted.id,
            "name": hosted.name.rsplit("/", 1)[-1],
            "path": hosted.name.rsplit("/", 1)[-1],
            "path_with_namespace": hosted.full_name,
            "web_url": f"{self.url}/{hosted.full_name}",
            "http_url_to_repo": f"{self.url}/{hosted.full_name}.git",
            "default_branch": "main",
            "description": f"The repository {hosted.name}",
            "topics": ["shop"],
            "archived": hosted.archived,
            "visibility": "private" if hosted.private else "public",
            "created_at": "2026-01-01T10:00:00.123Z",
            "last_activity_at": "2026-02-01T10:00:00.123Z",
            "permissions": {"project_access": None, "group_access": access},
        }

    def _members(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self.find(person, parts, "write")
        return [self._as_member(hosted, login) for login in hosted.members]

    def _member(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self.find(person, parts)
        for login in hosted.members:
            if self.people[login].id == int(parts["user"]):
                return self._as_member(hosted, login)
        raise Gone

    def _as_member(self, hosted: Hosted, login: str) -> dict[str, Any]:
        return {**self.author(login), "access_level": LEVELS[hosted.members[login]]}

    def _branch(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, name = self.find(person, parts), unquote(parts["branch"])
        tip = self._tip(hosted, name)
        if tip is None:
            raise Gone
        return {"name": name, "protected": name in hosted.protections, "commit": {"id": tip}, "default": True}

    def _protected(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        found = self.find(person, parts, "admin").protections
        return [branches.gitlab_protected(name, one) for name, one in found.items()]

    def _approval_rules(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        found = self.find(person, parts).protections.values()
        return [{"id": 1, "name": "All", "approvals_required": one.reviews} for one in found]

    # merge requests

    def _merge_requests(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self.find(person, parts)
        pulls = sorted(hosted.pulls.values(), key=lambda one: one.number)
        return [self._listed(hosted, one) for one in pulls if state_of(one) == request.args["state"]]

    def _merge_requests_of(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self.find(person, parts)
        self.check_commit(hosted, parts["sha"])
        pulls = [one for one in hosted.pulls.values() if one.head == parts["sha"]]
        return [self._listed(hosted, one) for one in pulls if state_of(one) == request.args["state"]]

    def _merge_request(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, pull = self.find(person, parts), self.find_pull(person, parts)
        refs = {"base_sha": pull.base, "start_sha": pull.base, "head_sha": pull.head}
        return {
            **self._listed(hosted, pull),
            "diff_refs": refs,
            "head_pipeline": self.head_pipeline(hosted, pull),
        }

    def _listed(self, hosted: Hosted, pull: Pull) -> dict[str, Any]:
        return {
            "id": hosted.id * 1000 + pull.number,
            "iid": pull.number,
            "project_id": hosted.id,
            "title": pull.title,
            "description": "",
            "state": state_of(pull),
            "draft": pull.draft,
            "labels": list(pull.labels),
            "author": self.author(pull.author),
            "source_branch": pull.branch,
            "target_branch": pull.target,
            "source_project_id": self.origin(hosted, pull.fork).id,
            "target_project_id": hosted.id,
            "sha": pull.head,
            "created_at": "2026-01-01T10:00:00.123Z",
            "updated_at": pull.updated_at.strftime("%Y-%m-%dT%H:%M:%S.789Z"),
            "web_url": f"{self.url}{self.pull_path(hosted, pull)}",
        }

    def check_commit(self, hosted: Hosted, sha: str) -> None:
        found = subprocess.run(
            ["git", "cat-file", "-e", f"{sha}^{{commit}}"],
            cwd=hosted.path,
            check=False,
            stderr=subprocess.DEVNULL,
        )
        if found.returncode:
            raise Gone

    # notes

    def _notes(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        return [self._note(one) for one in self.find_pull(person, parts).comments]

    def _note(self, comment: Comment) -> dict[str, Any]:
        return {
            "id": comment.id,
            "body": comment.body,
            "author": self.author(comment.author),
            "system": False,
            "resolvable": False,
            "noteable_type": "MergeRequest",
        }

    def _make_note(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        comment = Comment(next(self.ids), person.login, request.get_json()["body"])
        self.find_pull(person, parts).comments.append(comment)
        return self._note(comment)

    def _change_note(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        comment = self._find_note(person, parts)
        if comment.author != person.login:
            raise Refused(403, "403 Forbidden")
        comment.body, comment.edits = request.get_json()["body"], comment.edits + 1
        return self._note(comment)

    def _react(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        comment, name = self._find_note(person, parts), request.get_json()["name"]
        reaction = (person.login, EMOJI[name])
        if reaction in comment.reactions:
            raise Refused(404, "404 Award Emoji Name has already been taken Not Found")
        comment.reactions.add(reaction)
        return {"id": next(self.ids), "name": name, "awardable_id": comment.id, "awardable_type": "Note"}

    def _find_note(self, person: Person, parts: dict[str, str]) -> Comment:
        for comment in self.find_pull(person, parts).comments:
            if comment.id == int(parts["note"]):
                return comment
        raise Gone
