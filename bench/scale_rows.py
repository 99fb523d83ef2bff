"""What `bench.scale` does with the database: it opens pull requests, pushes, and looks."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.timing import wait_until

OF_A_PROJECT = 50  # pull requests
LONGEST_SECONDS = 1_800.0
WORKSPACE = "scale"


def token(name: str) -> str:
    """A bootstrap token for a new agent."""
    from seatrial.control.audit.actors import Actor
    from seatrial.control.fleet import services as fleet

    return fleet.issue_bootstrap(name, by=Actor.person("bench"))


def online() -> int:
    """How many agents are."""
    from seatrial.control.fleet.models import Agent

    return Agent.objects.filter(state="online").count()


def open_pulls(size: int) -> float:
    """Open pull requests until there are `size`, and wait until the previews of all are live; returns the seconds it took."""
    from seatrial.control.accounts.models import Workspace
    from seatrial.control.previews import services as previews
    from seatrial.control.projects.models import Project, PullRequest
    from tests import factories as make

    workspace = Workspace.objects.filter(slug=WORKSPACE).first() or make.workspace(WORKSPACE)
    began = time.monotonic()
    for number in range(PullRequest.objects.count(), size):
        if number % OF_A_PROJECT == 0:
            project = make.project(workspace, connection=workspace.connections.first())
        else:
            project = Project.objects.latest("id")
        previews.pull_request_changed(make.pull_request(project))
    wait_until(lambda: live() >= size, seconds=LONGEST_SECONDS, every=0.25)
    return time.monotonic() - began


def live(*, apart_from: str = "") -> int:
    """How many environments have a live deployment, which is not on the agent `apart_from`."""
    from seatrial.control.previews.models import Environment

    return Environment.objects.filter(live__isnull=False).exclude(live__agent=apart_from or None).count()


def push(number: int) -> float:
    """Push to a pull request, and wait until that is live; returns the seconds."""
    from seatrial.control.previews import services as previews
    from seatrial.control.previews.models import Environment
    from seatrial.control.projects.models import PullRequest
    from tests import factories as make

    pulls = PullRequest.objects.order_by("id")
    pull = pulls[number * 7 % pulls.count()]
    pull.head_sha = make.sha()
    pull.save(update_fields=["head_sha"])
    there = Environment.objects.filter(pull_request=pull, live__commit=pull.head_sha)
    began = time.monotonic()
    previews.pull_request_changed(pull)
    wait_until(there.exists, every=0.01)
    return time.monotonic() - began


def placed() -> list[int]:
    """How many previews are on each agent that is online, the fewest first."""
    from django.db.models import Count, Q

    from seatrial.control.fleet.models import Agent

    counted = Count("placements", filter=Q(placements__removed_at=None, placements__leaving_since=None))
    return sorted(Agent.objects.filter(state="online").annotate(n=counted).values_list("n", flat=True))


def lose(agent: str) -> float:
    """Revoke an agent, and wait until all previews are live elsewhere; returns the seconds."""
    from seatrial.control.audit.actors import Actor
    from seatrial.control.fleet import services as fleet
    from seatrial.control.fleet.models import Agent

    size = live()
    began = time.monotonic()
    fleet.revoke(Agent.objects.get(pk=agent), by=Actor.person("bench"))
    wait_until(lambda: live(apart_from=agent) >= size, seconds=LONGEST_SECONDS, every=0.1)
    return time.monotonic() - began


def visitor() -> tuple[Any, dict[str, str]]:
    """A client of Django's, and the cookies with which the web process knows the same person, who may see everything."""
    from django.conf import settings
    from django.test import Client

    from seatrial.control.accounts.models import User, Workspace
    from tests import factories as make

    person = User.objects.filter(username="bench").first()
    person = person or make.user("bench", is_superuser=True, is_staff=True)
    from seatrial.control.accounts.models import Membership, Role

    workspace = Workspace.objects.get(slug=WORKSPACE)
    Membership.objects.get_or_create(workspace=workspace, user=person, defaults={"role": Role.OWNER})
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(person)
    name = settings.SESSION_COOKIE_NAME
    return client, {name: client.cookies[name].value}


def pages() -> dict[str, str]:
    """The addresses that are asked for."""
    from seatrial.control.previews.models import Environment
    from seatrial.control.projects.models import Project

    return {
        "home": "/",
        "projects": "/projects",
        "a project": f"/projects/{Project.objects.earliest('id').pk}",
        "an environment": f"/environments/{Environment.objects.earliest('id').pk}",
        "agents": "/agents",
        "health": "/health",
        "previews by REST": "/api/v1/environments",
        "metrics": "/api/v1/metrics",
    }


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """A function that returns how many queries this thread has made since the block began."""
    from django.db import connection

    made: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        made.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield lambda: len(made)
