"""What a deployment is trusted with, and whether it reaches private networks: decided when it begins, by those who may."""

from dataclasses import replace

import pytest
from django.test import Client

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.previews.desired import desired
from seatrial.control.projects.changing import change_project
from seatrial.control.projects.models import Project
from seatrial.wire.deployments import DesiredDeployment
from tests import factories
from tests.factories import Cast, project
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
ROOT = Actor.person("root")


def pushed(scenario: Scenario, commit: str, *, from_fork: bool) -> DesiredDeployment:
    """What its agent is told of the new deployment."""
    scenario.project.refresh_from_db()
    scenario.tell(replace(scenario.news("synchronize", commit * 40, 0), from_fork=from_fork))
    told = desired(scenario.environment.placements.get())
    assert told is not None and told.candidate is not None
    return told.candidate


def test_a_forks_deployment_is_untrusted_and_reaches_no_private_network() -> None:
    scenario = Scenario.make("shop")
    change_project(scenario.project, by=ROOT, previews_of_forks=True, private_networks=True)
    told = pushed(scenario, "a", from_fork=True)
    assert (told.untrusted, told.private_networks) == (True, False)
    assert scenario.candidate().tier == "forks"


def test_a_deployment_keeps_what_it_was_permitted_when_it_began() -> None:
    scenario = Scenario.make("shop")
    change_project(scenario.project, by=ROOT, private_networks=True)
    told = pushed(scenario, "a", from_fork=False)
    assert (told.untrusted, told.private_networks) == (False, True)
    change_project(scenario.project, by=ROOT, private_networks=False)
    kept = desired(scenario.environment.placements.get())
    assert kept is not None and kept.candidate is not None and kept.candidate.private_networks
    assert not pushed(scenario, "b", from_fork=False).private_networks


def test_only_the_instance_admin_permits_private_networks() -> None:
    cast = Cast()
    row = project(cast.workspace, "shop")
    cast_and_root = {"alice": cast.alice, "bob": cast.bob, "charlie": cast.charlie}
    cast_and_root["root"] = factories.user("root", is_superuser=True)
    answers, pages = {}, {}
    for name, somebody in cast_and_root.items():
        client = Client()
        client.force_login(somebody)
        path = f"/projects/{row.pk}/settings"
        entered = {"name": "shop", "ttl_hours": 72, "rescan": "never", "private_networks": "on"}
        pages[name] = client.post(path, entered).status_code
        assert Project.objects.get().private_networks == (name == "root"), name
        api = f"/api/v1/projects/{row.pk}"
        answer = client.patch(api, {"private_networks": name != "root"}, content_type="application/json")
        answers[name] = answer.status_code
    assert pages == {"alice": 302, "bob": 403, "charlie": 404, "root": 302}
    assert answers == {"alice": 403, "bob": 403, "charlie": 404, "root": 200}
    told = AuditEntry.objects.filter(action="project.change", details__has_key="private_networks")
    assert [one.details["private_networks"] for one in told.order_by("id")] == [True, False]
