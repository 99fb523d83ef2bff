"""A minimal forge over HTTP: its client here, its server in `ToySite`.

It joins by one line of the registry, as any forge does: `monkeypatch.setitem(registry.FORGES, TOY.kind, TOY)`.
"""

import hashlib
import hmac
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from seatrial.control.forges.http.forge import HttpForge
from seatrial.control.forges.protocol import (
    EVERYTHING,
    Asked,
    DeploymentReport,
    EvaluationReport,
    FetchCredential,
    ForgeEvent,
    PreviewReport,
    PullRequestAction,
    PullRequestChanged,
    TakenFacts,
    WebhookHeaders,
)
from seatrial.control.forges.registration import Registration
from seatrial.control.projects.models import Connection, Project
from seatrial.wire.evaluations import ForgeFacts, Member, Metadata

START = datetime(2030, 1, 1, tzinfo=UTC)  # its clock is not ours


def changed_by(payload: dict[str, Any]) -> PullRequestChanged:
    return PullRequestChanged(
        external_id=payload["repository"],
        number=payload["number"],
        action=PullRequestAction(payload.get("action", "reopened")),
        head_sha=payload["head"],
        branch=payload["branch"],
        base_branch="main",
        base_sha=payload["base"],
        title="t",
        author="alice",
        from_fork=False,
        changed_at=datetime.fromisoformat(payload["at"]),
    )


def sign(body: bytes, at: str, secret: str) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()


class ToyWebhooks:
    """Its signature needs two headers."""

    kept_headers = ("Toy-Event", "Toy-Time")

    def read(self, headers: Mapping[str, str]) -> WebhookHeaders:
        return WebhookHeaders(headers.get("Toy-Delivery", ""), headers.get("Toy-Event", ""))

    def signed(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
        payload = headers.get("Toy-Signature", "").encode()
        at = headers.get("Toy-Time", "")
        fits = [hmac.compare_digest(sign(body, at, secret).encode(), payload) for secret in secrets]
        return any(fits)

    def parse(self, event: str, body: bytes) -> ForgeEvent | None:
        return changed_by(json.loads(body)) if event == "pull" else None


class ToyForge(HttpForge):
    """Signs in with the connection's credential."""

    def __init__(self, connection: Connection, site: "ToySite") -> None:
        super().__init__(connection.base_url, transport=httpx.MockTransport(site.answer))
        self._token = str(connection.credential)

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def open_pull_requests(self, project: Project) -> list[PullRequestChanged]:
        return [changed_by(payload) for payload in self.get(f"/{project.external_id}/pulls")]

    def facts(
        self,
        project: Project,
        commit: str,
        known: TakenFacts | None = None,
        asked: frozenset[Asked] = EVERYTHING,
    ) -> TakenFacts:
        path = f"/{project.external_id}"
        answer = self.ask("GET", path, etag=known.etags.get(path, "") if known else "")
        if not answer.changed and known is not None:
            return known
        payload = answer.content
        facts = ForgeFacts(
            default_branch=payload["default_branch"],
            members=[Member(username=name, role=role) for name, role in payload["members"].items()],
            metadata=Metadata(name=payload["name"]),
        )
        return TakenFacts(facts=facts, etags={path: answer.etag})

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        payload = {"state": str(report.state), "description": report.description}
        self.ask("PUT", f"/{project.external_id}/statuses/{report.commit}", json=payload)

    def report_preview(self, project: Project, report: PreviewReport) -> None:
        self.ask("PUT", f"/{project.external_id}/previews/{report.number}", json={"state": str(report.state)})

    def report_deployment(self, project: Project, report: DeploymentReport) -> None:
        """It lists none."""

    def fetch_credential(self, project: Project) -> FetchCredential | None:
        payload = self.ask("POST", f"/{project.external_id}/tokens").content
        expires_at = datetime.fromisoformat(payload["expires_at"])
        return FetchCredential(username="toy", password=payload["token"], expires_at=expires_at)


@dataclass
class ToySite:
    """The forge itself. Requests cost one each, but for answers that nothing changed. `problem` answers in its place."""

    left: int = 100
    clock: datetime = START
    asked: list[str] = field(default_factory=list)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    repository: dict[str, Any] = field(
        default_factory=lambda: {"name": "shop", "default_branch": "main", "members": {"alice": "owner"}}
    )
    problem: httpx.Response | None = None
    lock: Any = field(default_factory=threading.Lock)

    def answer(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.asked.append(f"{request.method} {request.url.path}")
            assert request.headers["Authorization"] == "Bearer the credential"
            answer = self.problem or self._answer(request)
            if answer.status_code != 304:
                self.left -= 1
            answer.headers.update(
                {
                    "Date": format_datetime(self.clock, usegmt=True),
                    "RateLimit-Remaining": str(max(self.left, 0)),
                    "RateLimit-Reset": str(int((self.clock + timedelta(minutes=5)).timestamp())),
                }
            )
            return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "PUT":
            self.statuses[path] = json.loads(request.content)
            return httpx.Response(204)
        if path.endswith("/tokens"):
            expires_at = (self.clock + timedelta(hours=1)).isoformat()
            return httpx.Response(201, json={"token": "t" * 520, "expires_at": expires_at})
        content = self.pulls if path.endswith("/pulls") else self.repository
        etag = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        if request.headers.get("If-None-Match") == etag:
            return httpx.Response(304)
        return httpx.Response(200, json=content, headers={"ETag": etag})


def registration(site: ToySite) -> Registration:
    return Registration(
        kind="toy",
        title="Toy",
        needs_credential=True,
        webhooks=ToyWebhooks(),
        bind=lambda connection: ToyForge(connection, site),
    )
