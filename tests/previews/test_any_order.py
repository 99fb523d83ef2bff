"""In whatever order and however often events come, the result is right."""

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.extra.django import TestCase

from seatrial.control.audit.actors import Actor
from seatrial.control.previews import services
from seatrial.control.previews.errors import PreviewError
from seatrial.control.previews.models import Deployment, Environment
from tests.examples import examples
from tests.previews.scenario import Scenario, check_invariants

pytestmark = pytest.mark.postgres
COMMITS = [letter * 40 for letter in "abcd"]
HISTORY = [
    ("opened", 0),
    ("synchronize", 1),
    ("synchronize", 2),
    ("closed", 2),
    ("reopened", 2),
    ("synchronize", 3),
]
EVENTS = ("ready", "failed", "phase", "observe", "removed", "switch", "stop", "undo", "too late", "rebuild")

deliveries = st.lists(st.integers(0, len(HISTORY) - 1), max_size=12)
reports = st.tuples(st.sampled_from(EVENTS), st.integers(0, 20))
steps = st.lists(st.one_of(st.integers(0, len(HISTORY) - 1), reports), max_size=25)


def report(scene: Scenario, what: str, which: int) -> None:
    """An agent's event about any deployment there ever was, or a person's click."""
    known = list(Deployment.objects.filter(environment__project=scene.project).order_by("id"))
    if what == "switch":
        scene.switch()
    if not known:
        return
    deployment = known[which % len(known)]
    environment = deployment.environment
    try:
        match what:
            case "ready":
                scene.ready(deployment)
            case "failed":
                scene.fail(deployment)
            case "phase":
                scene.phase(deployment, "start" if which % 2 else "checkout", at=which)
            case "observe":
                scene.observe(deployment, at=which)
            case "removed":
                scene.removed(environment)
            case "stop":
                services.stop(environment, by=Actor.person("alice"))
            case "undo":
                services.undo(environment, by=Actor.person("alice"))
            case "too late":
                scene.undo_time_passes()
                services.expire()
            case "rebuild":
                services.rebuild(environment, by=Actor.person("alice"))
    except PreviewError:
        pass


class AnyOrder(TestCase):
    @settings(max_examples=examples(6), deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps, st.permutations(range(len(HISTORY))))
    def test_ends_with_what_the_forge_said_last(self, steps: list, rest: list[int]) -> None:
        scene = Scenario.make()
        news = [scene.news(action, COMMITS[c], at) for at, (action, c) in enumerate(HISTORY)]
        terminal: dict[str, str] = {}
        for step in [*steps, *rest]:
            if isinstance(step, int):
                scene.tell(news[step])
            else:
                report(scene, *step)
            check_invariants(scene.project)
            self._terminal_stays(scene, terminal)
        # All was told at least once: the pull request is open at the last commit.
        environment = scene.environment
        if environment.state in {"stopped", "terminated"}:
            assert environment.stop_cause  # only a person's stop may outlive an open pull request
        else:
            newest = environment.deployments.order_by("-id")[0]
            assert newest.commit == COMMITS[3]

    @settings(max_examples=examples(5), deadline=None, suppress_health_check=list(HealthCheck))
    @given(deliveries, st.permutations(range(4)))
    def test_closed_stays_closed(self, extra: list[int], order: list[int]) -> None:
        scene = Scenario.make()
        history = [("opened", 0), ("synchronize", 1), ("synchronize", 2), ("closed", 2)]
        news = [scene.news(action, COMMITS[c], at) for at, (action, c) in enumerate(history)]
        for index in [*order, *(i % 4 for i in extra)]:
            scene.tell(news[index])
            report(scene, "ready", index)
            report(scene, "switch", index)
        check_invariants(scene.project)
        assert not Environment.objects.filter(project=scene.project).exclude(state="terminated").exists()

    def _terminal_stays(self, scene: Scenario, terminal: dict[str, str]) -> None:
        for pk, state in Deployment.objects.filter(environment__project=scene.project).values_list(
            "pk", "state"
        ):
            before = terminal.get(pk)
            assert before in {None, state} or (before, state) == ("live", "superseded")
            if state in {"live", "failed", "superseded", "cancelled"}:
                terminal[pk] = state
