"""What every fake forge has: a server, tokens, repositories, limits, faults, webhooks."""

import hashlib
import itertools
import json
import ssl
import subprocess
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import httpx
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.forges.hosts.git_over_http import served
from tests.repositories import bare, git


@dataclass
class Person:
    """An account and what its token may do."""

    id: int
    login: str
    token: str
    scopes: str


@dataclass
class Comment:
    """`reactions` are pairs of an account and `+1` or `confused`, whatever the forge calls them."""

    id: int
    author: str
    body: str
    edits: int = 0
    reactions: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Status:
    """A commit status. `state` is pending, success, failure or error, whatever the forge calls it."""

    sha: str
    context: str
    state: str
    description: str
    url: str
    by: str


@dataclass
class Deployment:
    """A deployment that a forge lists. `state` is the forge's word."""

    id: int
    environment: str
    sha: str
    state: str
    url: str = ""


@dataclass
class Pull:
    number: int
    branch: str
    head: str
    base: str
    title: str
    author: str
    state: str = "open"
    merged: bool = False
    draft: bool = False
    target: str = "main"
    labels: list[str] = field(default_factory=list)
    fork: str = ""  # full name of the repository that it comes from; empty: no fork
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    comments: list[Comment] = field(default_factory=list)


@dataclass
class Webhook:
    id: int
    url: str
    secret: str
    events: list[str]
    active: bool = True


@dataclass
class Delivery:
    """A webhook that was sent. `status` is what it was answered; 0: nobody answered."""

    guid: str
    event: str
    body: bytes
    status: int
    id: int = 0
    webhook: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Hosted:
    """A repository."""

    id: int
    owner: str
    name: str
    path: Path
    members: dict[str, str]
    private: bool = True
    archived: bool = False
    pulls: dict[int, Pull] = field(default_factory=dict)
    webhooks: list[Webhook] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    protections: dict[str, Any] = field(default_factory=dict)  # by the branch: see `branches.Protection`
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


class Site(ABC):
    """The state of a forge and its server. A subclass answers its API in `api` and says what its webhooks look like.

    `faults` are answered in place of the next requests to the API. `left` requests are accepted until `resets_at`, if
    this kind of forge `counts` them; then an answer that did not change costs none.
    """

    kind: ClassVar[str]  # as which it is registered
    title: ClassVar[str]
    scopes: ClassVar[str]  # what a token needs
    too_few: ClassVar[str]  # what a token may have that is not enough
    counts: ClassVar[bool] = True
    tells_renames: ClassVar[bool] = True
    no_token: ClassVar[str] = "Bad credentials"  # what a request to the API without one is told

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.people: dict[str, Person] = {}
        self.repositories: dict[str, Hosted] = {}
        self.moved: dict[str, str] = {}  # former full names
        self.deliveries: list[Delivery] = []
        self.asked: list[str] = []
        self.complaints: list[str] = []  # what the real forge would have refused, or never said
        self.faults: deque[Response] = deque()
        self.left = 5000
        self.resets_at = time.time() + 3600
        self.deliver_webhooks = True
        self.url = ""
        self.ids = itertools.count(1001)
        self._lock = threading.RLock()

    # people and repositories

    def person(self, login: str, **more: Any) -> Person:
        """Make an account with a token."""
        with self._lock:
            if login not in self.people:
                number = next(self.ids)
                token = f"token-of-{login}-{uuid.uuid4().hex}"
                self.people[login] = Person(number, login, token, **{"scopes": self.scopes, **more})
            return self.people[login]

    def repository(self, full_name: str, source: Path, *, admin: str) -> Hosted:
        """Make a repository with all branches of `source`."""
        owner, name = full_name.split("/", 1)
        path = self.root / owner / f"{name}.git"
        path.parent.mkdir(parents=True, exist_ok=True)
        bare(path, source)
        with self._lock:
            hosted = Hosted(next(self.ids), owner, name, path, {admin: "admin"})
            self.repositories[full_name] = hosted
            self.moved.pop(full_name, None)  # a name leads to who has it
            return hosted

    def renamed(self, former: str, full_name: str) -> None:
        """Give a repository another name; the former one leads to it."""
        with self._lock:
            hosted = self.repositories.pop(former)
            hosted.owner, hosted.name = full_name.split("/", 1)
            self.repositories[full_name] = hosted
            self.moved[former] = full_name
        path = self.root / f"{full_name}.git"
        path.parent.mkdir(parents=True, exist_ok=True)
        hosted.path = hosted.path.rename(path)
        if self.tells_renames:
            self.send(hosted, "repository", self.repository_payload(hosted, "renamed"))

    def push(self, full_name: str, source: Path, branch: str) -> str:
        """Push `branch` of `source`: its webhooks follow, and open pull requests of the branch move on."""
        hosted = self.repositories[full_name]
        before = self._tip(hosted, branch)
        git(source, "push", "-q", "-f", str(hosted.path), f"{branch}:refs/heads/{branch}")
        head = self._tip(hosted, branch) or ""
        self.send(hosted, "push", self.push_payload(hosted, branch, before or "0" * 40, head))
        for pull in hosted.pulls.values():
            if pull.branch == branch and pull.state == "open":
                pull.head, pull.updated_at = head, self._now(pull)
                self.changed(hosted, pull, "synchronize")
        return head

    def open_pull(self, full_name: str, branch: str, *, author: str, title: str = "", fork: str = "") -> Pull:
        """Open a pull request of a branch that was pushed, there or to `fork`."""
        hosted = self.repositories[full_name]
        origin = self.origin(hosted, fork)
        head, base = self._tip(origin, branch), self._tip(hosted, "main")
        assert head and base, f"no branch {branch} or main in {full_name}"
        pull = Pull(next(hosted.numbers), branch, head, base, title or branch, author, fork=fork)
        if origin is not hosted:
            git(hosted.path, "fetch", "-q", str(origin.path), f"{head}:refs/pull/{pull.number}/head")
        with self._lock:
            hosted.pulls[pull.number] = pull
        self.changed(hosted, pull, "opened")
        return pull

    def origin(self, hosted: Hosted, fork: str) -> Hosted:
        """Where the branch of a pull request of `hosted` is."""
        return self.repositories[fork] if fork else hosted

    def close_pull(self, full_name: str, number: int, *, merged: bool = False) -> None:
        """Close or merge a pull request."""
        hosted = self.repositories[full_name]
        pull = hosted.pulls[number]
        pull.state, pull.merged, pull.updated_at = "closed", merged, self._now(pull)
        self.changed(hosted, pull, "closed")

    # webhooks

    def changed(self, hosted: Hosted, pull: Pull, action: str) -> None:
        """Send what happened to a pull request."""
        self.send(hosted, "pull_request", self.pull_payload(hosted, pull, action))

    def send(self, hosted: Hosted, event: str, payload: dict[str, Any], guid: str = "") -> None:
        """Deliver an event to every active webhook that wants it."""
        body = json.dumps(payload).encode()
        for webhook in list(hosted.webhooks):
            if webhook.active and event in webhook.events and self.deliver_webhooks:
                self.deliver(webhook, event, body, guid or str(uuid.uuid4()))

    def deliver_to(self, webhook: Webhook, event: str, payload: dict[str, Any]) -> None:
        """Deliver an event to one webhook."""
        if webhook.active and self.deliver_webhooks:
            self.deliver(webhook, event, json.dumps(payload).encode(), str(uuid.uuid4()))

    def deliver(self, webhook: Webhook, event: str, body: bytes, guid: str) -> int:
        """Deliver once, and remember how it was answered."""
        headers = self.webhook_headers(webhook, event, body, guid)
        status = self.post(webhook, headers, body)
        sent = Delivery(guid, event, body, status, next(self.ids), webhook.id, headers)
        self.deliveries.append(sent)
        return status

    def post(self, webhook: Webhook, headers: dict[str, str], body: bytes) -> int:
        """Send one request to a webhook; 0 when nobody answered."""
        try:
            return httpx.post(
                webhook.url, content=body, headers=headers, timeout=10, trust_env=False, verify=False
            ).status_code
        except httpx.HTTPError:
            return 0

    @abstractmethod
    def push_payload(self, hosted: Hosted, branch: str, before: str, after: str) -> dict[str, Any]:
        """The body of a push."""

    @abstractmethod
    def pull_payload(self, hosted: Hosted, pull: Pull, action: str) -> dict[str, Any]:
        """The body of what happened to a pull request."""

    @abstractmethod
    def repository_payload(self, hosted: Hosted, action: str) -> dict[str, Any]:
        """The body of what happened to the repository."""

    @abstractmethod
    def comment_payload(
        self, hosted: Hosted, pull: Pull, comment: Comment, action: str
    ) -> tuple[str, dict[str, Any]]:
        """The event and the body of what happened to a comment below a pull request."""

    @abstractmethod
    def webhook_headers(self, webhook: Webhook, event: str, body: bytes, guid: str) -> dict[str, str]:
        """What a delivery is sent with, its signature included."""

    # the server

    @abstractmethod
    def api(self, request: Request, person: Person) -> Response:
        """Answer a request to the API of somebody who is signed in."""

    @abstractmethod
    def pull_path(self, hosted: Hosted, pull: Pull) -> str:
        """Where people see a pull request."""

    @abstractmethod
    def is_api(self, request: Request) -> bool:
        """Whether the request is one to the API."""

    def page(self, request: Request) -> Response | None:
        """A page for people, at the addresses that have one."""
        return None

    def may_fetch(self, request: Request, person: Person) -> bool:
        """Whether somebody who is signed in may fetch, or push, what a request of git is about."""
        return True

    def reported(self, hosted: Hosted, pull: Pull) -> str:
        """What people see at a pull request beside statuses and comments, as HTML."""
        return ""

    def signed_in(self, request: Request) -> Person | None:
        """Whose token the request has: a bearer's, or the password of git."""
        given = request.authorization
        token = (given.token or given.password or "") if given else ""
        return next((one for one in self.people.values() if token and one.token == token), None)

    def answer(self, request: Request) -> Response:
        """Answer any request."""
        person = self.signed_in(request)
        if (page := self.page(request)) is not None:
            return page
        if not self.is_api(request):
            if person is None:
                return Response("sign in", 401, {"WWW-Authenticate": "Basic"})
            if not self.may_fetch(request, person):
                return Response("not found", 404)
            return served(self.root, request.path, request, person.login)
        with self._lock:
            self.asked.append(f"{request.method} {request.path}")
            if self.faults:
                return self.faults.popleft()
            if person is None:
                return as_json({"message": self.no_token}, 401)
            counted = self.counted(person)
            if counted.left <= 0 and time.time() < self.resets_at:
                return self.limited(as_json({"message": "API rate limit exceeded"}, 403))
            answer = self._with_etag(request, self.api(request, person))
            counted.left -= answer.status_code != 304
            return self.limited(answer)

    def counted(self, person: Person) -> Any:
        """What has the number of requests that are `left` to them."""
        return self

    def limited(self, answer: Response) -> Response:
        """Say how many requests are left."""
        answer.headers["X-RateLimit-Limit"] = "5000"
        answer.headers["X-RateLimit-Remaining"] = str(max(0, self.left))
        answer.headers["X-RateLimit-Reset"] = str(int(self.resets_at))
        return answer

    def _with_etag(self, request: Request, answer: Response) -> Response:
        if request.method != "GET" or answer.status_code != 200:
            return answer
        etag = f'W/"{hashlib.sha256(answer.data).hexdigest()}"'
        if request.headers.get("If-None-Match") == etag:
            answer.status_code, answer.data = 304, b""
        answer.headers["ETag"] = etag
        return answer

    @contextmanager
    def serving(
        self, *, context: ssl.SSLContext | None = None, port: int = 0, host: str = "127.0.0.1"
    ) -> Iterator[str]:
        """Serve on this machine, and give the address."""
        server = make_server(host, port, Request.application(self.answer), threaded=True, ssl_context=context)
        self.url = f"{'https' if context else 'http'}://{host}:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="forge")
        thread.start()
        try:
            yield self.url
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _tip(self, hosted: Hosted, branch: str) -> str | None:
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "-q", f"refs/heads/{branch}"],
            cwd=hosted.path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() or None

    def _now(self, pull: Pull) -> datetime:
        """When something happens to it, in whole seconds."""
        return max(datetime.now(UTC).replace(microsecond=0), pull.updated_at)


def as_json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
