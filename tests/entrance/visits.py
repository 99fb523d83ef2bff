"""Previews with gates, and visitors at them."""

import base64
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from seatrial.control.accounts.models import Membership, Role
from seatrial.control.audit.actors import Actor
from seatrial.control.entrance import rules
from seatrial.control.previews.models import Environment
from seatrial.control.previews.sleeping import services as sleeping
from seatrial.wire.deployments import ObservedService
from seatrial.wire.states import ServiceKind, Tier
from tests import factories
from tests.previews.scenario import Scenario, web

ALICE = Actor.person("alice")
DOMAIN = "preview.localhost"
PASSWORD = "open sesame"


def preview(name: str = "shop", port: int = 80, **decision: Any) -> Scenario:
    """A preview that is live, with two hosts, and with what was decided before."""
    scenario = Scenario.make(name)
    if decision:
        rules.decide(scenario.project, by=ALICE, **decision)
    scenario.push("a" * 40)
    endpoint = f"http://127.0.0.1:{port}"
    api = ObservedService(name="api", kind=ServiceKind.API, state="running", endpoint=endpoint)
    scenario.ready(scenario.candidate(), web(endpoint), api)
    scenario.switch()
    return scenario


def basic(name: str = "shop", port: int = 80) -> Scenario:
    return preview(name, port, mode="basic", username="crew", password=PASSWORD)


def members(name: str = "shop", port: int = 80) -> Scenario:
    return preview(name, port, mode="members")


def asleep(scenario: Scenario) -> Scenario:
    """Put it to sleep, until its agent has paused it."""
    sleeping.sleep(scenario.environment, ALICE)
    Environment.objects.update(settles_at=timezone.now() - timedelta(seconds=1))
    assert sleeping.settle(scenario.environment.pk) and scenario.environment.tier == Tier.PAUSED
    return scenario


def comes_up(scenario: Scenario, port: int = 80, *, api: str = "running") -> None:
    """Its agent reports that it runs again."""
    live, placement = scenario.environment.live, scenario.placement()
    assert live is not None and placement is not None
    endpoint = f"http://127.0.0.1:{port}"
    second = ObservedService(name="api", kind=ServiceKind.API, state=api, endpoint=endpoint)
    scenario.observe(live, web(endpoint), second, at=4000, revision=placement.revision)


def colleague(scenario: Scenario, role: str = "viewer", username: str = "carol") -> Any:
    user = factories.user(username)
    Membership.objects.create(workspace=scenario.project.workspace, user=user, role=Role(role))
    return user


def login(password: str = PASSWORD, username: str = "crew") -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def knock(
    environment: Environment, uri: str = "/", *, label: str = "", ip: str = "203.0.113.7", **headers: str
) -> Any:
    """What the gatekeeper answers the ingress about a visitor."""
    return Client().get("/preview-gate", headers=told(environment, uri, label=label, ip=ip, **headers))


def told(
    environment: Environment, uri: str = "/", *, label: str = "", ip: str = "203.0.113.7", **headers: str
) -> dict[str, str]:
    """How the ingress describes a visitor."""
    return {
        "X-Forwarded-Host": f"{label or environment.name}.{DOMAIN}",
        "X-Forwarded-Uri": uri,
        "X-Forwarded-For": ip,
        "X-Forwarded-Method": "GET",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
