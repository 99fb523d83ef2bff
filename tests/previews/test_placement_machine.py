"""Two deployments, three agents that come, go and lie: whatever happens in whichever order, placements end right."""

from contextlib import suppress
from datetime import timedelta

import hypothesis.strategies as st
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from seatrial.control.audit.actors import Actor
from seatrial.control.fleet import services as fleet
from seatrial.control.fleet.models import Agent
from seatrial.control.previews import services
from seatrial.control.previews.errors import PreviewError
from seatrial.control.previews.models import Deployment, Placement
from seatrial.control.previews.placements import leaving_time
from tests import factories
from tests.examples import examples
from tests.previews.scenario import Scenario, check_invariants, web
from tests.previews.test_two_agents import DB

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
which = st.integers(0, 2)
deployments = st.integers(0, 30)


class Fleet(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.scene = Scenario.make()
        self.agents = [self.scene.agent, factories.agent(), factories.agent()]
        self.clock = 0
        self.revisions: dict[tuple[str, str], int] = {}

    def teardown(self) -> None:
        try:
            self._converges()
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    def _tick(self) -> int:
        self.clock += 1
        return self.clock

    def _deployment(self, number: int) -> Deployment | None:
        known = list(Deployment.objects.order_by("id"))
        return known[number % len(known)] if known else None

    @rule(commit=st.sampled_from("abcd"))
    def push(self, commit: str) -> None:
        self.scene.push(commit * 40, at=self._tick())

    @rule()
    def close(self) -> None:
        if Deployment.objects.exists():
            self.scene.close(at=self._tick())

    @rule(number=deployments, speaker=which, lies=st.booleans(), data=st.booleans())
    def ready(self, number: int, speaker: int, lies: bool, data: bool) -> None:
        if deployment := self._deployment(number):
            agent = self.agents[speaker].pk if lies else ""
            self.scene.ready(deployment, web(), *([DB] if data else []), agent=agent)

    @rule(number=deployments, speaker=which, lies=st.booleans())
    def fails(self, number: int, speaker: int, lies: bool) -> None:
        if deployment := self._deployment(number):
            self.scene.fail(deployment, agent=self.agents[speaker].pk if lies else "")

    @rule()
    def switch(self) -> None:
        self.scene.switch()

    @rule(speaker=which)
    def removed(self, speaker: int) -> None:
        if Deployment.objects.exists():
            self.scene.removed(self.scene.environment, self.agents[speaker])

    @rule(agent=which, state=st.sampled_from(["online", "offline", "draining"]))
    def agent_becomes(self, agent: int, state: str) -> None:
        Agent.objects.filter(pk=self.agents[agent].pk).exclude(state="revoked").update(state=state)

    @rule(agent=which)
    def revoke(self, agent: int) -> None:
        fleet.revoke(Agent.objects.get(pk=self.agents[agent].pk), by=Actor.person("root"))

    @rule(agent=which)
    def move(self, agent: int) -> None:
        if Deployment.objects.exists():
            with suppress(PreviewError):
                services.move(self.scene.environment, off=self.agents[agent], by=Actor.person("root"))

    @rule()
    def reconcile(self) -> None:
        services.place_waiting()

    @rule()
    def a_minute_passes(self) -> None:
        long_ago = timezone.now() - timedelta(minutes=2)
        Deployment.objects.update(created_at=long_ago)
        Placement.objects.exclude(leaving_since=None).update(leaving_since=long_ago - leaving_time())
        for agent in Agent.objects.filter(state="offline"):
            services.lost_contact(agent)

    @rule()
    def rebuild(self) -> None:
        if Deployment.objects.exists():
            with suppress(PreviewError):
                services.rebuild(self.scene.environment, by=Actor.person("alice"))

    @rule()
    def stop(self) -> None:
        if Deployment.objects.exists():
            with suppress(PreviewError):
                self.scene.stop()

    @rule()
    def undo(self) -> None:
        if Deployment.objects.exists():
            with suppress(PreviewError):
                self.scene.undo()

    @rule()
    def it_is_too_late_for_an_undo(self) -> None:
        self.scene.undo_time_passes()
        services.expire()

    @invariant()
    def rows_agree(self) -> None:
        check_invariants(self.scene.project)

    @invariant()
    def every_agent_is_told_of_its_own_and_live_of_one(self) -> None:
        desired_ids: list[str] = []
        rows = Placement.objects.select_related("agent", "environment__live", "environment__candidate")
        for placement in rows:
            pair = (placement.environment_id, placement.agent_id)
            if placement.removed_at is None:
                assert placement.revision >= self.revisions.get(pair, 0), "a revision only grows"
                self.revisions[pair] = placement.revision
            desired = services.desired(placement)
            if desired is None:
                continue
            assert placement.agent.state != "revoked"
            for one in (desired.live, desired.candidate):
                if one is not None:
                    assert Deployment.objects.get(pk=one.id).agent_id == placement.agent_id
                    desired_ids.append(one.id)
        assert len(desired_ids) == len(set(desired_ids))

    def _converges(self) -> None:
        """Agents that are told of nothing remove it and say so; then nothing that was left is there any more."""
        self.it_is_too_late_for_an_undo()
        self.a_minute_passes()
        self.reconcile()
        for placement in Placement.objects.filter(removed_at=None).exclude(leaving_since=None):
            self.scene.removed(placement.environment, placement.agent)
        check_invariants(self.scene.project)
        assert not Placement.objects.filter(removed_at=None).exclude(leaving_since=None).exists()


def test_placements_end_right_whatever_happens() -> None:
    run_state_machine_as_test(
        Fleet,
        settings=settings(
            max_examples=examples(5),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
