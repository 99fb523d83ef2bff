"""Where a deployment goes, decided from plain values."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from seatrial.control.previews.placing import Member, Whereabouts, decide, with_engine
from seatrial.wire.states import AgentState

ONLINE, DRAINING, OFFLINE, REVOKED = AgentState


def member(name: str, state: AgentState = ONLINE, **fields: object) -> Member:
    values = {"runtime": "docker", "cpus": 4, "memory_mb": 8_192, "disk_free_mb": 90_000, **fields}
    return Member(id=name, name=name, state=state, **values)  # type: ignore[arg-type]


ON_A = Whereabouts(last="a", runtime="docker")
PINNED = Whereabouts(last="a", data=("db",), data_on="a", runtime="docker")


def test_it_stays_where_it_was_however_much_room_others_have() -> None:
    decision = decide([member("a", placed=9), member("b")], ON_A)
    assert (decision.agent, decision.waits_for, decision.bound) == ("a", "", False)


@pytest.mark.parametrize("state", [OFFLINE, DRAINING, REVOKED])
def test_without_data_it_leaves_an_agent_that_takes_nothing(state: AgentState) -> None:
    decision = decide([member("a", state), member("b")], ON_A)
    assert (decision.agent, decision.reason) == ("b", f"agent a is {state}: agent b has room")
    assert not decision.waits_for


def test_data_is_waited_for_and_the_reason_says_so() -> None:
    decision = decide([member("a", OFFLINE), member("b")], PINNED)
    assert (decision.agent, decision.bound) == ("a", True)
    assert decision.waits_for == "agent a, which is offline: it has the data of db"
    assert decision.reason == "waits for agent a, which is offline: it has the data of db"


def test_data_stays_on_an_agent_that_is_draining() -> None:
    decision = decide([member("a", DRAINING), member("b")], PINNED)
    assert (decision.agent, decision.waits_for) == ("a", "")
    assert decision.reason == "stays on agent a, which is draining: it has the data of db"


@pytest.mark.parametrize("fleet", [[member("a", REVOKED), member("b")], [member("b")]])
def test_data_on_a_revoked_agent_is_lost_and_named(fleet: list[Member]) -> None:
    decision = decide(fleet, Whereabouts(last="a", data=("db", "cache"), data_on="a"))
    assert decision.agent == "b" and not decision.bound
    assert decision.lost.startswith("The data of db and cache was on")
    assert decision.lost.endswith("this deployment begins without it.")


def test_nobody_is_waited_for_with_a_reason() -> None:
    assert decide([], Whereabouts()).reason == "waits for an agent: none is online"
    gone = decide([member("a", OFFLINE), member("b", DRAINING)], ON_A)
    assert (gone.agent, gone.waits_for) == (None, "an agent: a is offline, and no other is online")
    assert gone.reason == "waits for an agent: a is offline, and no other is online"


def test_it_does_not_go_on_in_another_runtime_unasked() -> None:
    decision = decide([member("a", OFFLINE), member("b", runtime="process")], ON_A)
    assert (decision.agent, bool(decision.waits_for)) == (None, True)
    assert decision.reason == "waits for an agent that runs docker: none of those online does"
    assert decide([member("b", runtime="process")], Whereabouts()).agent == "b"


def test_what_is_from_a_fork_goes_where_its_walls_are_if_they_are_anywhere() -> None:
    bare, walled = member("a", contains_forks=False), member("b", placed=9)
    fork = Whereabouts(last="a", runtime="docker", from_fork=True)
    assert decide([bare, walled], fork).agent == "b"
    assert decide([bare, walled], ON_A).agent == "a"
    assert decide([bare, member("b", OFFLINE)], fork).agent == "a", "it is refused there, and told why"


def test_the_least_loaded_for_its_size_is_taken() -> None:
    assert decide([member("a", placed=2), member("b", placed=1)], Whereabouts()).agent == "b"
    assert decide([member("a", placed=3, cpus=2), member("b", placed=4, cpus=8)], Whereabouts()).agent == "b"
    assert decide([member("b"), member("a")], Whereabouts()).agent == "a"


def test_a_full_disk_is_the_last_choice_and_still_one() -> None:
    full = member("a", disk_free_mb=600)
    assert decide([full, member("b", placed=9)], Whereabouts()).agent == "b"
    assert decide([full], Whereabouts()).agent == "a"


members = st.builds(
    Member,
    id=st.sampled_from("abcd"),
    name=st.just("some"),
    state=st.sampled_from(list(AgentState)),
    placed=st.integers(0, 9),
    runtime=st.sampled_from(["docker", "process", ""]),
    cpus=st.floats(0, 64),
    memory_mb=st.integers(0, 99_999),
    disk_free_mb=st.integers(0, 9_999),
)
fleets = st.lists(members, unique_by=lambda one: one.id, max_size=4)
facts = st.builds(
    Whereabouts,
    last=st.sampled_from([None, *"abcd"]),
    data=st.sampled_from([(), ("db",), ("db", "queue")]),
    data_on=st.sampled_from([None, *"abcd"]),
    runtime=st.sampled_from(["docker", ""]),
)


@given(fleets, facts, st.randoms())
def test_whatever_the_fleet_the_rules_hold(fleet: list[Member], known: Whereabouts, random: object) -> None:
    decision = decide(fleet, known)
    shuffled = list(fleet)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(shuffled, known) == decision
    states = {one.id: one.state for one in fleet}
    assert decision.reason
    holder = states.get(known.data_on or "") if known.data else None
    assert decision.bound == (holder in {ONLINE, DRAINING, OFFLINE})
    if decision.bound:
        assert decision.agent == known.data_on
        assert bool(decision.waits_for) == (holder == OFFLINE)
    elif decision.agent is not None:
        assert states[decision.agent] == ONLINE and not decision.waits_for
    else:
        assert decision.waits_for
        assert not any(s == ONLINE for s in states.values()) or known.runtime
    assert bool(decision.lost) == (bool(known.data) and not decision.bound)


def test_one_with_a_container_engine_goes_first() -> None:
    fleet = [member("a", runtime="process"), member("b", placed=9, disk_free_mb=0)]
    assert decide(fleet, Whereabouts()).agent == "b"
    assert decide(fleet, Whereabouts(last="a")).agent == "a", "where it was, it stays"
    assert [one.id for one in with_engine([*fleet, member("c", runtime="")])] == ["b"]
