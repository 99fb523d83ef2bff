from types import SimpleNamespace

import pytest

from seatrial.control.worker.observed import Observed, handle, storable
from seatrial.wire import subjects
from seatrial.wire.deployments import DeploymentFailed
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import MalformedMessage, UnknownKind, UnsupportedVersion
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def test_reports_with_nul_characters_are_stored() -> None:
    scene = Scenario.make()
    scene.push("a" * 40)
    failed = DeploymentFailed(
        environment=scene.environment.pk,
        deployment=scene.candidate().pk,
        reason="service_exited",
        message="said \x00 and died",
        log_tail=["\x00\x01"],
    )
    handle(subjects.observed(scene.agent.pk, failed.kind), Envelope.wrap(failed).encode())
    assert scene.deployment("a" * 40).message == "said \ufffd and died"


def test_the_bus_identifies_the_sender_not_the_payload() -> None:
    scene = Scenario.make()
    scene.push("a" * 40)
    candidate = scene.candidate()
    failed = DeploymentFailed(
        environment=scene.environment.pk, deployment=candidate.pk, reason="internal", message="x"
    )
    handle(subjects.observed("01SOMEBODYELSE", failed.kind), Envelope.wrap(failed).encode())
    assert scene.candidate() == candidate


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"nonsense", MalformedMessage),
        (b'{"kind": "FromTheFuture", "version": 1, "payload": {}}', UnknownKind),
        (b'{"kind": "DeploymentReady", "version": 99, "payload": {}}', UnsupportedVersion),
        (b'{"kind": "DeploymentReady", "version": 1, "payload": {}}', MalformedMessage),
    ],
)
def test_what_cannot_be_understood_is_named(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        handle("seatrial.agents.A.observed.X", data)


async def test_a_report_that_fails_is_tried_again_for_a_time_however_often_it_was_delivered() -> None:
    said: list[str] = []

    class Failing:
        subject, data = "seatrial.agents.A.observed.X", b""
        metadata = SimpleNamespace(num_delivered=40, sequence=SimpleNamespace(stream=7))

        async def nak(self, delay: float) -> None:
            said.append(f"again in {delay:g}")

        async def term(self) -> None:
            said.append("dropped")

    class Broken:
        async def run(self, *_: object) -> None:
            raise ZeroDivisionError

    clock = iter((0, 1, 599, 601)).__next__
    observed = Observed(Broken(), None, clock=clock)  # type: ignore[arg-type]
    for _ in range(4):
        await observed._one(Failing())  # type: ignore[arg-type]
    assert said == ["again in 1", "again in 2", "again in 3", "dropped"]


def test_storable_goes_deep() -> None:
    assert storable({"a\x00": [{"b": "\x00"}], "n": 1, "x": None}) == {
        "a\ufffd": [{"b": "\ufffd"}],
        "n": 1,
        "x": None,
    }
