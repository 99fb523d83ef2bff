"""Whose lines are followed: those of services and of their commands, and of nothing that only helps the agent."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from seatrial.agent.environments.observing import Observer
from seatrial.agent.environments.planner import Host
from seatrial.agent.logs.shipping import Channel
from seatrial.agent.vocabulary.containers import Container, ContainerState
from seatrial.agent.vocabulary.labels import COMMAND, DEPLOYMENT, SERVICE
from seatrial.wire import subjects
from tests.agent.harness import deployment, environment


class Followed(dict[str, Channel]):
    def follow(self, container: str, channel: Channel) -> None:
        self[container] = channel


def container(name: str, **labels: str) -> Container:
    return Container(name, {DEPLOYMENT: "01D", **labels}, ContainerState.RUNNING, None, {}, "image")


def test_a_command_speaks_for_itself_and_a_copier_for_nobody(tmp_path: Any) -> None:
    followed = Followed()
    observer = Observer(cast(Any, SimpleNamespace(logs=None)), cast(Any, followed), "01E")
    live = deployment("a" * 40).model_copy(update={"id": "01D"})
    wanted = environment(cast(Any, SimpleNamespace(path=tmp_path)), "pr-1-shop", live=live)
    host = Host(
        (
            container("web", **{SERVICE: "web"}),
            container("seeding", **{SERVICE: "web", COMMAND: "seed"}),
            container("copier"),
        )
    )
    observer._follow(wanted, host)
    assert {name: channel.service for name, channel in followed.items()} == {
        "web": "web",
        "seeding": "web.seed",
    }


def test_a_line_of_nobody_has_no_subject() -> None:
    with pytest.raises(ValueError, match="belongs to a service"):
        subjects.logs("01A", "01E", "01D", "")
