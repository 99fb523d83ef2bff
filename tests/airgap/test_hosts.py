"""What agents say about their hosts, as lines."""

from datetime import timedelta
from typing import Any

import pytest

from seatrial import __version__
from seatrial.control.airgap import hosts
from seatrial.control.airgap.agents import Known, Surveyed
from seatrial.wire.envelope import now
from seatrial.wire.hosts import Attempt, HostReport, Sight

NOW = now()
SEEN: dict[str, Any] = {"runtime": "runsc", "own_kernel": True}
WELL: dict[str, Any] = {
    "release": __version__,
    "at": NOW,
    "engine": "28.1",
    "runsc": True,
    "sandbox_image": "gitgrit-sandbox:1",
    "sight": Sight(**SEEN),
}
NAMED = {"network": "gitgrit_internal", "servers": ["10.0.0.53"]}
RESOLVED = Attempt(target="gitlab.acme.test 10.0.0.53", addresses=["10.0.0.9"])
UNKNOWN = Attempt(target="gitlab.acme.test 10.0.0.53", problem="knows no such name")
AGENT = Known("01A", "local", "0.9")


def lines(**changes: Any) -> list[str]:
    surveyed = Surveyed(AGENT, HostReport(**{**WELL, **changes}), ours=NOW)
    found = [finding.line for finding in hosts.about(surveyed)]
    assert all(line[6:].startswith("agent local: ") for line in found)
    return [line[:6] + line[len("OK    agent local: ") :] for line in found]


def test_all_well() -> None:
    assert lines() == [
        "OK    clock: agrees with that of the agent's host",
        "OK    engine 28.1 answers",
        "OK    gVisor (runsc) is registered with the engine",
        "OK    image of sandboxes: gitgrit-sandbox:1",
        "OK    a sandbox runs under runsc (HostConfig.Runtime), on a kernel of gVisor's own",
        "OK    DNS from inside a sandbox: not needed, because sandboxes have no network (SANDBOX_NETWORK is not set)",
    ]


def sight(**changes: Any) -> Sight:
    return Sight(**{**SEEN, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"release": "0.0.1"}, f"WARN  it is of release 0.0.1, and this is {__version__}"),
        ({"at": NOW - timedelta(hours=2)}, "FAIL  clock: ours is 7200 s ahead of"),
        ({"engine_problem": "it does not answer. Start it"}, "FAIL  engine: it does not answer. Start it"),
        (
            {"runsc": False, "sight": sight(runtime="runc", own_kernel=False)},
            "WARN  gVisor (runsc) is not registered with the engine: policies run in ordinary containers, whose isolation is weaker. "
            "Install it, then: sudo runsc install && sudo systemctl restart docker",
        ),
        (
            {"sight": sight(runtime="runc")},
            "FAIL  a sandbox's HostConfig.Runtime is runc, although runsc is registered",
        ),
        (
            {"sight": sight(own_kernel=False)},
            "FAIL  a sandbox's HostConfig.Runtime is runsc, but its kernel is the host's",
        ),
        ({"sight": None, "sight_problem": "the image is not here"}, "FAIL  sandboxes: the image is not here"),
        ({"sandboxes": {"runc": 2, "runsc": 1}}, "WARN  2 of its sandboxes run under runc"),
        ({"builder": "BuildKit v0.20.2"}, "OK    images are built with BuildKit v0.20.2"),
        (
            {"builder_problems": ["galley-buildkit-v2 does not start"]},
            "WARN  galley-buildkit-v2 does not start",
        ),
        ({"servers": ["10.0.0.53"]}, "WARN  SANDBOX_DNS is set and SANDBOX_NETWORK is not"),
        (
            {**NAMED, "sight": sight(networked=True, servers=[RESOLVED])},
            "OK    DNS from inside a sandbox on gitgrit_internal by 10.0.0.53: gitlab.acme.test is 10.0.0.9",
        ),
        (
            {**NAMED, "sight": sight(networked=True, servers=[UNKNOWN])},
            "FAIL  DNS from inside a sandbox on gitgrit_internal by 10.0.0.53: gitlab.acme.test: knows no such name. Check that SANDBOX_DNS",
        ),
        (
            {
                **NAMED,
                "servers": [],
                "sight": sight(networked=True, names=[Attempt(target="g", addresses=["10.0.0.9"])]),
            },
            "WARN  SANDBOX_DNS is not set: gVisor cannot use the engine's own resolver",
        ),
        (
            {**NAMED, "beside": sight(runtime="runc", servers=[RESOLVED])},
            "WARN  gVisor gives sandboxes no network on this host, although",
        ),
        (
            {**NAMED, "beside": sight(runtime="runc", servers=[RESOLVED])},
            "OK    DNS from inside a sandbox on gitgrit_internal by 10.0.0.53: gitlab.acme.test is 10.0.0.9",
        ),
        (
            {**NAMED, "sight": sight(networked=True)},
            "WARN  DNS from inside a sandbox on gitgrit_internal: nothing to look up",
        ),
    ],
)
def test_each_thing_has_its_line(changes: dict[str, Any], said: str) -> None:
    assert [line for line in lines(**changes) if line.startswith(said)]


def test_an_agent_that_does_not_say_is_a_warning_with_its_release() -> None:
    [finding] = hosts.about(Surveyed(AGENT, problem="it does not know the question: its release is older"))
    assert finding.line.startswith(
        "WARN  agent local: its host is not known, because it does not know the question"
    )
    assert f"(release 0.9; this is {__version__})" in finding.text


def test_what_is_reached_from_a_host_or_a_sandbox_is_no_air_gap() -> None:
    closed, open_ = Attempt(target="8.8.8.8:443", problem="timed out"), Attempt(target="8.8.8.8:443")
    report = HostReport(
        **WELL
        | NAMED
        | {"outside": [closed], "sight": sight(outside=[closed]), "beside": sight(outside=[open_])}
    )
    found = [finding.line for finding in hosts.isolation(Surveyed(AGENT, report))]
    assert found == [
        "OK    public internet appears blocked from the host of agent local (8.8.8.8:443 are unreachable)",
        "OK    public internet appears blocked from a sandbox of agent local (8.8.8.8:443 are unreachable)",
        "FAIL  public internet is reachable from an ordinary container on gitgrit_internal of agent local: TCP 8.8.8.8:443 accepted a "
        "connection. This is NOT an air-gapped install.",
    ]
    assert list(hosts.isolation(Surveyed(AGENT, problem="silent"))) == []


def test_what_others_wrote_moves_no_cursor() -> None:
    [finding] = hosts.about(Surveyed(Known("01A", "a\x1b[2J", "\r1"), problem="x\ny"))
    assert "\x1b" not in finding.line and "\n" not in finding.line and "\r" not in finding.line
