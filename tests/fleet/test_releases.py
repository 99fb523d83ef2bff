"""One minor release of skew works, in either direction; more is said, with what to do."""

import pytest

from seatrial import __version__
from seatrial.control.fleet import services
from seatrial.control.fleet.hosts import host_lines
from seatrial.control.fleet.releases import release_line
from seatrial.wire.agents import AgentRegistered, Heartbeat, RegisterAgent
from seatrial.wire.envelope import Envelope
from seatrial.wire.words import HostMatter
from tests import factories

# What an agent of an earlier release says, word for word, and what one of a later release might
EARLIER = {"release": "1.3.0", "at": "2026-12-01T00:00:00Z", "runtime": "docker", "sandbox": "runsc"}
LATER = {**EARLIER, "release": "1.5.0", "moon": {"phase": "full"}, "runtime": "quantum"}
JOINS = {"token": "t", "public_key": "U", "seal_key": "k"}


@pytest.mark.parametrize("release", ["1.4.0", "1.3.9", "1.5.0", "1.4.1.dev3", "", "test"])
def test_one_minor_release_apart_is_no_trouble_and_neither_is_what_is_no_version(release: str) -> None:
    assert release_line(release, "1.4.0") == []


@pytest.mark.parametrize(
    ("release", "said", "fix"),
    [
        ("1.2.9", "behind this server's, 1.4.0", "set TAG=1.4.0 in its .env"),
        ("0.9.0", "behind", "systemctl restart galley-agent"),
        ("1.6.0", "ahead of this server's, 1.4.0", "Upgrade this server to 1.6.0"),
        ("2.0.0", "ahead of", "Upgrade this server"),
    ],
)
def test_more_than_that_is_said_with_what_to_do(release: str, said: str, fix: str) -> None:
    (line,) = release_line(release, "1.4.0")
    assert (line.about, line.well, line.grave) == (HostMatter.RELEASE, False, False)
    assert said in line.text and fix in line.fix


@pytest.mark.django_db
@pytest.mark.postgres
def test_it_is_a_line_of_its_host_wherever_those_are_shown() -> None:
    far = factories.agent("far", release="99.0.0")
    assert [line.about for line in host_lines(far) if not line.well] == [HostMatter.RELEASE]
    assert HostMatter.RELEASE not in [line.about for line in host_lines(factories.agent(release=__version__))]


@pytest.mark.parametrize("payload", [EARLIER, LATER])
@pytest.mark.django_db
@pytest.mark.postgres
def test_heartbeats_of_neighbouring_releases_are_taken(payload: dict[str, object]) -> None:
    agent = factories.agent(state="offline")
    envelope = Envelope.wrap(Heartbeat(release="x")).model_copy(update={"payload": payload})
    beat = Envelope.decode(envelope.encode()).open()
    assert isinstance(beat, Heartbeat) and services.heartbeat(agent.pk, beat)
    agent.refresh_from_db()
    assert (agent.state, agent.release) == ("online", payload["release"])


@pytest.mark.parametrize("more", [{}, {"release": "9", "moon": "full"}])
def test_registrations_and_their_answers_leave_out_and_add_what_they_like(more: dict[str, object]) -> None:
    assert RegisterAgent.model_validate(JOINS | more).token == "t"
    answered = {"agent": "a", "name": "n", "nats_url": "nats://x", "user_jwt": "j", **more}
    assert AgentRegistered.model_validate(answered).agent == "a"
