"""Whatever happens in whichever order: a project never has more than its total, and nobody waits who fits."""

import hypothesis.strategies as st
import pytest
from django.conf import settings as django_settings
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis.extra.django import TestCase

from seatrial.control.audit.actors import Actor
from seatrial.control.previews import services, totals
from seatrial.control.previews.admission import admit_waiting
from seatrial.control.previews.models import Deployment, Environment
from tests.examples import examples
from tests.previews.crowd import Crowd

pytestmark = pytest.mark.postgres
TOTAL = 8
CONFIGURATION = django_settings.CONFIGURATION.model_copy(
    update={"galley_max_project_memory": TOTAL * 1024, "galley_max_project_cpus": 0}
)
numbers = st.integers(1, 5)
pushes = st.tuples(st.just("push"), numbers, st.integers(1, TOTAL + 1))
others = st.tuples(
    st.sampled_from(["ready", "fail", "halt", "undo", "stop", "switch", "admit"]), numbers, st.just(0)
)
steps = st.lists(st.one_of(pushes, others), max_size=20)


def step(crowd: Crowd, what: str, number: int, gigabytes: int) -> None:
    """Agents do as they are told: what is held does not become ready."""
    if what == "push":
        crowd.push(number, gigabytes)
    elif what == "switch":
        crowd.scene.switch()
    elif what == "admit":
        admit_waiting()
    elif Deployment.objects.filter(environment__pull_request__number=number).exists():
        newest = crowd.newest(number)
        if what == "ready" and newest.admitted_at is not None:
            crowd.scene.ready(newest)
        elif what == "fail":
            crowd.scene.fail(newest)
        elif what == "halt" and newest.environment.state not in {"stopped", "terminated"}:
            crowd.halt(number)
        elif what == "undo" and newest.environment.state == "stopped":
            services.undo(newest.environment, by=Actor.person("alice"))
        elif what == "stop" and newest.environment.state != "terminated":
            crowd.stop(number)


def used_by(crowd: Crowd) -> dict[str, totals.Amount]:
    project = crowd.scene.project.pk
    return totals.used([project]).get(project, {})


def used(crowd: Crowd) -> int:
    return totals.summed(used_by(crowd).values()).memory_mb // 1024


def held_now() -> set[str]:
    held = Environment.objects.filter(candidate__isnull=False, candidate__admitted_at=None)
    return set(held.values_list("pk", flat=True))


class AnyOrder(TestCase):
    @override_settings(CONFIGURATION=CONFIGURATION)
    @settings(max_examples=examples(4), deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps)
    def test_never_above_the_total_and_all_go_on_in_the_end(self, taken: list[tuple[str, int, int]]) -> None:
        crowd = Crowd()
        for what, number, gigabytes in taken:
            step(crowd, what, number, gigabytes)
            assert used(crowd) <= TOTAL
        admit_waiting()
        while held := held_now():
            running = [key for key in used_by(crowd) if key not in held]
            assert running, "one waits though nobody else uses anything"
            crowd.stop(Environment.objects.get(pk=running[0]).pull_request.number)
            admit_waiting()
            assert used(crowd) <= TOTAL
