"""However webhooks come, and whatever is killed meanwhile: every pull request ends as the code host's truth says."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import InterfaceError, OperationalError

from seatrial.control.accounts.models import Workspace
from seatrial.control.projects.models import Connection
from tests import factories
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.site import Hosted, Webhook
from tests.waiting import LIMIT_SECONDS
from tests.worker.after_the_storm import compared, lost, nothing, twice, unfloated, unhandled, unknown, unsaid
from tests.worker.conftest import Join
from tests.worker.scripted_agent import ScriptedAgent
from tests.worker.stack import Backend, Stack, eventually
from tests.worker.storm import BOT, Storm, can_kill_database, kill, start

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.traefik, pytest.mark.timeout(3_600)]

AWAY = (OperationalError, InterfaceError)
NOT_YET = (*AWAY, AssertionError)
SECRET = "the webhook secret"
HOUR = 3_600  # how long everything may take to settle after ten thousand


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> bool:
    """Whether this is a round of a campaign, and not of continuous integration."""
    return bool(request.config.getoption("--campaign-seed"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[GitHubSite]:
    site = GitHubSite(tmp_path / "github")
    site.person(BOT)
    site.left = 10**6
    with site.serving():
        yield site


@pytest.fixture
def repositories(site: GitHubSite, workspace: Workspace, campaign: bool) -> list[Hosted]:
    """Several, each of them a project. Nobody fetches what is in them."""
    made = []
    connection = factories.connection(
        workspace,
        forge="github",
        base_url=site.url,
        credential=site.people[BOT].token,
        webhook_secret=SECRET,
    )
    for number in range(12 if campaign else 3):
        hosted = Hosted(next(site.ids), "acme", f"shop{number}", site.root, {BOT: "admin"})
        site.repositories[hosted.full_name] = hosted
        made.append(hosted)
        factories.project(
            workspace,
            hosted.name,
            connection=connection,
            external_id=str(hosted.id),
            full_name=hosted.full_name,
            clone_url=f"{site.url}/{hosted.full_name}.git",
        )
    return made


@pytest.fixture
def everything_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' database forgets the last moment when it is killed, and a real one does not."""
    monkeypatch.setenv("PGOPTIONS", "-c synchronous_commit=on")


@pytest.fixture
def backend() -> Iterator[Backend]:
    backend = Backend("a preview")
    yield backend
    backend.stop()


@pytest.fixture
def one_agent(join: Join, backend: Backend) -> ScriptedAgent:
    agent = join("one")
    agent.endpoint = lambda _: backend.url
    return agent


@pytest.fixture
def storm(
    stack: Stack, site: GitHubSite, repositories: list[Hosted], chance: random.Random, campaign: bool
) -> Iterator[Storm]:
    connection = Connection.objects.get(forge="github")
    webhook = Webhook(1, f"{stack.url}/api/v1/webhooks/github/{connection.pk}", SECRET, ["pull_request"])
    storm = Storm(
        site, webhook, chance, repositories, most_open=60 if campaign else 6,
        loses_closes=campaign and chance.random() < 0.5,
    )  # fmt: skip
    yield storm
    storm.close()


def test_every_pull_request_ends_as_the_code_host_says_and_nothing_is_told_twice(
    everything_lasts: None,
    stack: Stack,
    one_agent: ScriptedAgent,
    storm: Storm,
    workspace: Workspace,
    chance: random.Random,
    campaign: bool,
) -> None:
    factories.policy(workspace, "Has readme")
    rounds, each, seconds = (40, 250, HOUR) if campaign else (3, 30, LIMIT_SECONDS)
    for fates in fates_of(rounds, chance, campaign):
        sent = storm.deliver(each)
        for fate in fates:
            time.sleep(chance.random() / 2)  # at any moment of what it does
            kill(stack, fate)
        time.sleep(chance.random() / 2)
        for fate in fates:
            start(stack, fate)
        for one in sent:
            one.result(LIMIT_SECONDS)
    eventually(
        lambda: nothing(unhandled()), seconds=seconds, what="all deliveries are handled", not_yet=NOT_YET
    )
    # Some were lost. The worker compares once a minute; what happened in this very second is for the next comparison
    eventually(
        lambda: compared() or nothing(unknown(storm)),
        seconds=seconds,
        what="the truth is known",
        not_yet=NOT_YET,
    )
    eventually(
        lambda: nothing(unfloated(storm)), seconds=seconds, what="the previews are right", not_yet=NOT_YET
    )
    eventually(
        lambda: nothing(unsaid(storm)), seconds=seconds, what="everything is reported", not_yet=NOT_YET
    )
    assert not unknown(storm) + unfloated(storm)
    assert not lost(storm)
    assert not twice(storm)
    assert storm.site.complaints == []


def fates_of(rounds: int, chance: random.Random, campaign: bool) -> list[list[str]]:
    """Who dies in each round. In the short storm each dies once; in a long one any of them do, at any time."""
    database = ["database"] if can_kill_database() else []
    if not campaign:
        return [[], ["bus", *database], ["worker", "web"]]
    victims = ["web", "worker", "bus", *database]
    return [chance.sample(victims, chance.choice([0, 1, 1, 2])) for _ in range(rounds)]
