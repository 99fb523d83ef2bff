"""What is shown of an agent's host: the lines of its last heartbeat, and its clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seatrial.control.fleet.hosts import host_lines, other_warnings
from seatrial.control.fleet.models import Agent
from seatrial.wire.agents import Heartbeat, HostLine
from seatrial.wire.states import AgentState
from seatrial.wire.words import HostMatter

NOW = datetime(2026, 11, 29, 15, 0, tzinfo=UTC)
FULL = HostLine(
    about=HostMatter.DISK, well=False, text="nothing is built: 3 MB free", fix="docker system prune"
)


def agent(state: AgentState = AgentState.ONLINE, *, ahead: float = 0, **beat: Any) -> Agent:
    heartbeat = Heartbeat(release="1", at=NOW + timedelta(seconds=ahead), **beat).model_dump(mode="json")
    return Agent(name="dock", state=state, heartbeat=heartbeat, last_heartbeat_at=NOW)


def test_lines_come_as_they_were_sent_and_the_clock_is_compared_here() -> None:
    assert host_lines(agent(host=[FULL]))[0] == FULL
    assert host_lines(agent(host=[FULL]))[-1].text == "its clock agrees with this server's"


@pytest.mark.parametrize(("ahead", "said"), [(90, "90 seconds ahead of"), (-3600, "3600 seconds behind")])
def test_a_clock_that_is_off_is_named_with_what_it_breaks(ahead: float, said: str) -> None:
    [line] = host_lines(agent(ahead=ahead))
    assert line.about == HostMatter.CLOCK and not line.well and line.grave
    assert said in line.text and "not yet valid, or expired" in line.text
    assert "NTP" in line.fix


@pytest.mark.parametrize("state", [AgentState.OFFLINE, AgentState.REVOKED])
def test_nothing_is_known_of_an_agent_that_is_away(state: AgentState) -> None:
    assert host_lines(agent(state, host=[FULL])) == []


def test_a_warning_that_a_line_says_is_not_said_again() -> None:
    assert other_warnings(agent(host=[FULL], warnings=[FULL.text, "something else"])) == ["something else"]


@pytest.mark.parametrize("host", [None, "x", 7, [7], [{"about": "disk"}], [{"well": "perhaps"}]])
def test_what_cannot_be_read_is_left_out(host: Any) -> None:
    row = agent()
    row.heartbeat["host"] = host
    assert [line.about for line in host_lines(row)] == [HostMatter.CLOCK]


def test_a_word_of_a_newer_agent_is_shown_as_it_is() -> None:
    line = HostLine(about="weather", well=True, text="it is fine")
    assert host_lines(agent(host=[line]))[0].about == "weather"
