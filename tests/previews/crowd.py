"""A project with several pull requests, whose commits ask for memory and CPUs."""

from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.previews import services
from seatrial.control.previews.admission import admit_waiting
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.waits import waits
from seatrial.wire.deployments import DesiredDeployment
from tests import factories
from tests.previews.scenario import Scenario


class Crowd:
    def __init__(self) -> None:
        self.scene = Scenario.make()
        self.clock = 0

    def push(self, number: int, gigabytes: float, cpus: float = 1) -> Deployment:
        self.clock += 1
        self.scene.tell(self.scene.news("synchronize", factories.sha(), at=self.clock, number=number))
        made = self.newest(number)
        self.scene.reads(made, int(gigabytes * 1024), cpus)
        return made

    def live(self, number: int, gigabytes: float, cpus: float = 1) -> Deployment:
        made = self.push(number, gigabytes, cpus)
        assert admit_waiting() == 1
        self.scene.ready(made)
        self.scene.switch()
        return self.newest(number)

    def newest(self, number: int) -> Deployment:
        rows = Deployment.objects.filter(environment__pull_request__number=number)
        return rows.select_related("environment").order_by("-id")[0]

    def halt(self, number: int) -> None:
        """A person stops it; if it was live, that can be undone."""
        services.stop(self.newest(number).environment, by=Actor.person("alice"))

    def undo_time_passes(self, number: int) -> None:
        stopped = Environment.objects.filter(pk=self.newest(number).environment_id, state="stopped")
        stopped.update(undo_until=timezone.now())
        services.expire()

    def stop(self, number: int) -> None:
        """It is stopped and has ended: nothing of it is kept any more."""
        if self.newest(number).environment.state != "stopped":
            self.halt(number)
        self.undo_time_passes(number)

    def held(self, number: int) -> bool:
        """Whether the agent is told to start nothing of it."""
        return self.told(number).held

    def told(self, number: int) -> DesiredDeployment:
        """What the agent is told of the candidate."""
        newest = self.newest(number)
        environment = Environment.objects.select_related("candidate", "live").get(pk=newest.environment_id)
        placement = environment.placements.select_related("agent", "environment__candidate").get(
            removed_at=None
        )
        desired = services.desired(placement)
        assert desired is not None and desired.candidate is not None
        assert desired.candidate.id == newest.pk
        return desired.candidate

    def waits_for(self, number: int) -> str:
        environment = self.newest(number).environment_id
        found = waits([environment]).get(environment)
        return found.what if found else ""
