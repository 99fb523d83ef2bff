"""Former values are gone as soon as no preview runs with them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from seatrial.control.projects.models import Variable
from seatrial.control.variables import setting
from seatrial.control.variables.retention import prune
from tests import factories
from tests.previews.scenario import Scenario
from tests.variables.scene import ALICE, put

pytestmark = pytest.mark.django_db


def gone() -> int:
    return prune(timezone.now() + timedelta(seconds=1))


def test_they_are_kept_for_what_began_with_them() -> None:
    scenario = Scenario.make()
    factories.running(factories.pull_request(factories.project(factories.workspace(), "strangers")))
    put(scenario.project, KEY="first")
    put(scenario.project.workspace, LEVEL="first")
    scenario.push("a" * 40)
    put(scenario.project, KEY="second")
    setting.unset(scenario.project.workspace, "LEVEL", "trusted", by=ALICE)
    assert gone() == 0
    other = factories.project(scenario.project.workspace, "other")
    put(other, KEY="first")
    put(other, KEY="second")
    assert gone() == 1, "that project has no preview"
    scenario.push("b" * 40)
    assert gone() == 2
    assert not Variable.objects.exclude(ended_at=None).exists() and Variable.objects.count() == 2
