"""Rows for tests and screenshots. The cast: Alice owns the workspace, Bob may only look, Charlie is a stranger.

Every function makes what it needs and takes only what a test cares about; names and numbers are counted, so that
calling twice never collides.
"""

import hashlib
import itertools
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from seatrial.control.accounts.models import Membership, Role, User, Workspace
from seatrial.control.fleet.models import Agent
from seatrial.control.forges.models import Delivery
from seatrial.control.policies.models import Evaluation, Policy, PolicyVersion, Result, Waiver
from seatrial.control.previews.models import Deployment, DeploymentPhase, Environment, Placement
from seatrial.control.projects.models import Connection, Project, PullRequest
from seatrial.wire.hostnames import environment_name

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


def sha(of: object = None) -> str:
    """A commit id: the same for the same argument, a new one without."""
    return hashlib.sha1(repr(next(_numbers) if of is None else of).encode()).hexdigest()


def user(username: str = "", **fields: Any) -> User:
    """Somebody who can sign in with PASSWORD."""
    return User.objects.create_user(username or f"person{next(_numbers)}", password=PASSWORD, **fields)


def workspace(slug: str = "", **roles: User) -> Workspace:
    """A workspace; `owner=alice, viewer=bob` makes them members."""
    number = next(_numbers)
    made = Workspace.objects.create(slug=slug or f"team-{number}", name=slug or f"Team {number}")
    for role, member in roles.items():
        Membership.objects.create(workspace=made, user=member, role=Role(role))
    return made


class Cast:
    """Alice, Bob and Charlie, the workspace they are (not) in, and an admin of the instance."""

    def __init__(self) -> None:
        self.alice, self.bob, self.charlie = user("alice"), user("bob"), user("charlie")
        self.workspace = workspace("harbour", owner=self.alice, viewer=self.bob)
        self.elsewhere = workspace("elsewhere", owner=self.charlie)


def connection(of: Workspace, **fields: Any) -> Connection:
    """A connection of the local forge."""
    values = {"forge": "local", "name": f"machine {next(_numbers)}", "webhook_secret": "s" * 32, **fields}
    return Connection.objects.create(workspace=of, **values)


def project(of: Workspace, name: str = "", **fields: Any) -> Project:
    """A project with a connection of its own unless one is given."""
    name = name or f"shop{next(_numbers)}"
    values = {"external_id": f"/srv/git/{name}", "slug": name, "clone_url": f"/srv/git/{name}", **fields}
    values.setdefault("connection", None)
    values["connection"] = values["connection"] or connection(of)
    return Project.objects.create(workspace=of, name=name, **values)


def pull_request(of: Project, **fields: Any) -> PullRequest:
    """An open pull request with the next number."""
    number = of.pull_requests.count() + 1
    values: dict[str, Any] = {
        "number": number,
        "title": f"Change number {number}",
        "author": "alice",
        "branch": f"change-{number}",
        "base_branch": "main",
        "head_sha": sha(),
        "changed_at": timezone.now(),
        "opened_at": timezone.now(),
        **fields,
    }
    return PullRequest.objects.create(project=of, **values)


def agent(name: str = "", **fields: Any) -> Agent:
    """An agent that is online."""
    number = next(_numbers)
    heartbeat = {
        "release": "0.1.0", "runtime": "docker", "sandbox": "runsc", "python": "3.13.5", "sandbox_problem": "", "cpus": 4, "memory_mb": 16384,
        "disk_free_mb": 81920, "environments": 1, "builds": 0, "warnings": [],
    }  # fmt: skip
    values = {
        "state": "online",
        "public_key": f"U{number:055d}",
        "seal_key": "k",
        "release": "0.1.0",
        "last_heartbeat_at": timezone.now(),
        "heartbeat": heartbeat,
        **fields,
    }
    return Agent.objects.create(name=name or f"agent-{number}", **values)


def service(
    name: str, kind: str = "web", state: str = "running", labels: list[str] | None = None
) -> dict[str, Any]:
    """One `wire.deployments.ObservedService` as it is stored."""
    return {
        "name": name,
        "kind": kind,
        "state": state,
        "labels": labels or [],
        "endpoint": "http://127.0.0.1:40001" if labels else None,
        "container": f"galley-pr-1-chandlery-4k2m9q-{name}",
    }


def environment(
    of: PullRequest, *, state: str = "pending", agent: Agent | None = None, **fields: Any
) -> Environment:
    """The environment of a pull request, without a deployment; placed on `agent`."""
    name = environment_name(of.number, of.project.name)
    made = Environment.objects.create(project=of.project, pull_request=of, name=name, state=state, **fields)
    if agent is not None:
        placement(made, agent, leaving_since=made.terminated_at, removed_at=made.removed_at)
    return made


def placement(of: Environment, agent: Agent, **fields: Any) -> Placement:
    """Something of the environment is on the agent."""
    return Placement.objects.create(environment=of, agent=agent, revision=of.revision, **fields)


def deployment(of: Environment, *, state: str = "queued", **fields: Any) -> Deployment:
    """One deployment of the pull request's head where the environment is placed, and nothing else changed."""
    placed = of.placements.filter(removed_at=None).order_by("id").last()
    values = {
        "agent": placed.agent if placed else None,
        "commit": of.pull_request.head_sha,
        "branch": of.pull_request.branch,
        "confirmed_at": timezone.now(),
        **fields,
    }
    return Deployment.objects.create(environment=of, state=state, **values)


def phases(
    of: Deployment, *timed: tuple[str, float, float | None], start: datetime | None = None, failed: str = ""
) -> None:
    """Phases as `(name, seconds after the start, how long)`; None: still running. `failed` names one."""
    start = start or of.created_at
    for name, after, seconds in timed:
        DeploymentPhase.objects.create(
            deployment=of,
            name=name,
            started_at=start + timedelta(seconds=after),
            seconds=seconds,
            failed=name == failed,
        )


def running(of: PullRequest, **fields: Any) -> Environment:
    """An environment with a live deployment: web, api and a database."""
    made = environment(of, state="running", **fields)
    services = [
        service("web", "web", labels=[made.name]),
        service("api", "api", labels=[f"api-{made.name}"]),
        service("db", "database"),
    ]
    live = deployment(made, state="live", services=services, isolation="runc", finished_at=timezone.now())
    made.live, made.services = live, services
    made.save()
    return made


def policy(of: Workspace, name: str = "", description: str = "") -> PolicyVersion:
    """A policy with one version."""
    name = name or f"Policy {next(_numbers)}"
    slug = name.lower().replace(" ", "-")
    parent, _ = Policy.objects.get_or_create(workspace=of, slug=slug, defaults={"name": name})
    version, _ = PolicyVersion.objects.get_or_create(
        policy=parent, number=1, defaults={"description": description, "code": "", "digest": sha(slug)}
    )
    return version


def evaluation(of: PullRequest, *, state: str = "passed", **fields: Any) -> Evaluation:
    """An evaluation of the pull request's head, without results."""
    values = {
        "commit": of.head_sha,
        "ref": of.branch,
        "event": "pull_request",
        "isolation": "runsc",
        **fields,
    }
    return Evaluation.objects.create(project=of.project, pull_request=of, state=state, **values)


def result(of: Evaluation, version: PolicyVersion, *, state: str = "passed", **fields: Any) -> Result:
    """What one policy said."""
    of.versions.add(version)
    return Result.objects.create(evaluation=of, version=version, state=state, **fields)


def waiver(of: Project, version: PolicyVersion, **fields: Any) -> Waiver:
    """Somebody asked for a waiver of the whole policy."""
    values = {
        "reason": "generated code",
        "requested_by": "dana",
        "expires_at": timezone.now() + timedelta(days=30),
        **fields,
    }
    return Waiver.objects.create(project=of, version=version, **values)


def delivery(of: Connection, *, result: str = "accepted", **fields: Any) -> Delivery:
    """One stored webhook."""
    values = {"delivery_id": f"delivery-{next(_numbers)}", "event": "pull_request", "body": b"{}", **fields}
    return Delivery.objects.create(connection=of, result=result, **values)
