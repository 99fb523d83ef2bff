"""A project whose previews have a gate, with guests and a bypass token."""

from seatrial.control.audit.actors import Actor
from seatrial.control.entrance import bypass, guests, rules
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.gates import gate_of
from tests.dashboard.harbour import Harbour

ALICE = Actor.person("alice")


def gated(harbour: Harbour) -> Environment:
    """The live preview, which alone is not behind: its members and two guests get in."""
    rules.decide(harbour.project, mode="members", by=ALICE)
    bypass.rotate(harbour.project, by=ALICE)
    Deployment.objects.filter(pk=harbour.live.live_id).update(gate=gate_of(harbour.project))
    environment = Environment.objects.get(pk=harbour.live.pk)
    for note, hours in (("The designer", 72), ("", 24)):
        guests.invite(environment, hours=hours, note=note, by=ALICE)
    return environment
